"""Small changes of a fixed plan, for a local search that judges by simulation."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from citybrain.messages import IntersectionConfig
from citybrain.rules import Rules, rules_of
from traffic.design import Design, SignalPlan

SHORTEST_S, LONGEST_S = 30, 150


def varied(configs: Sequence[IntersectionConfig], plan: Design, random: np.random.Generator) -> Design | None:
    """One random change: of the cycle, of one signal's offset, splits or order; None where it is not allowed.

    Minimum greens and changes stay exact, and every signal's cycle adds up.
    """
    draw = random.random()
    if draw < 0.1:
        return stretched(configs, plan, plan.cycle_s + int(random.integers(-8, 9)))
    config = configs[int(random.integers(len(configs)))]
    own = plan.signals[config.intersection]
    if draw < 0.5:
        shift = int(random.integers(-12, 13))
        changed: SignalPlan | None = replace(own, offset_s=(own.offset_s + shift) % plan.cycle_s)
    elif draw < 0.85 or len(own.order) < 3:
        changed = _moved(config, own, random)
    else:
        changed = _swapped(config, own, random, plan.cycle_s)
    if changed is None:
        return None
    return replace(plan, signals={**plan.signals, config.intersection: changed})


def stretched(configs: Sequence[IntersectionConfig], plan: Design, cycle_s: int) -> Design | None:
    """The plan at another cycle, greens and offsets in proportion; None where minimum greens do not fit."""
    if not SHORTEST_S <= cycle_s <= LONGEST_S or cycle_s == plan.cycle_s:
        return None
    signals: dict[str, SignalPlan] = dict(plan.signals)
    for config in configs:
        own = plan.signals[config.intersection]
        greens = _fitted(config, own.order, own.green_s, cycle_s)
        if greens is None:
            return None
        offset_s = round(own.offset_s * cycle_s / plan.cycle_s) % cycle_s
        signals[config.intersection] = SignalPlan(own.order, greens, offset_s)
    return replace(plan, cycle_s=cycle_s, signals=signals)


def lost_s(rules: Rules, order: Sequence[int]) -> int:
    """Whole seconds of a cycle that the changes of this order take."""
    following = (*order[1:], order[0])
    return sum(
        rules.change(rules.phases[phase], target).steps
        for phase, target in zip(order, following, strict=True)
    )


def _moved(config: IntersectionConfig, own: SignalPlan, random: np.random.Generator) -> SignalPlan | None:
    if len(own.order) < 2:
        return None
    one, other = random.choice(len(own.order), 2, replace=False)
    seconds = int(random.integers(1, 7))
    greens = list(own.green_s)
    greens[one] -= seconds
    greens[other] += seconds
    if greens[one] < _least(config, own.order[one]):
        return None
    return replace(own, green_s=tuple(greens))


def _swapped(
    config: IntersectionConfig, own: SignalPlan, random: np.random.Generator, cycle_s: int
) -> SignalPlan | None:
    one, other = random.choice(len(own.order), 2, replace=False)
    order, greens = list(own.order), list(own.green_s)
    order[one], order[other] = order[other], order[one]
    greens[one], greens[other] = greens[other], greens[one]
    fitted = _fitted(config, order, greens, cycle_s)
    return None if fitted is None else SignalPlan(tuple(order), fitted, own.offset_s)


def _fitted(
    config: IntersectionConfig, order: Sequence[int], greens: Sequence[int], cycle_s: int
) -> tuple[int, ...] | None:
    """Greens in proportion that fill the cycle exactly, none below its minimum."""
    least = [_least(config, phase) for phase in order]
    rest = cycle_s - lost_s(rules_of(config), order) - sum(least)
    if rest < 0:
        return None
    spare = [max(0, green - minimum) for green, minimum in zip(greens, least, strict=True)]
    total = sum(spare)
    shares = [rest * extra / total if total else rest / len(least) for extra in spare]
    fitted = [minimum + int(share) for minimum, share in zip(least, shares, strict=True)]
    for place in sorted(range(len(shares)), key=lambda p: int(shares[p]) - shares[p]):
        if sum(fitted) == sum(least) + rest:
            break
        fitted[place] += 1
    return tuple(fitted)


def _least(config: IntersectionConfig, phase: int) -> int:
    return max(1, int(-(-config.phases[phase].min_green_s // 1)))
