"""Closed forms of fixed-time control: Webster's cycle and splits, uniform delay, and HCM's overflow delay."""

import math
from collections.abc import Sequence

from citybrain.errors import ConfigError


def webster_cycle_s(lost_s: float, flow_ratios: Sequence[float]) -> float:
    """The cycle of least delay, `(1.5 L + 5) / (1 - Y)` (Webster 1958, Road Research Technical Paper 39).

    lost_s: lost time of all phases in a cycle. flow_ratios: of each phase's critical lane, flow over
    saturation flow.

    Raises:
        ConfigError: the ratios add up to 1 or more, which no cycle can serve.
    """
    total = sum(flow_ratios)
    if total >= 1.0:
        raise ConfigError(f"critical flow ratios add up to {total:.2f}: no cycle serves 1 or more")
    return (1.5 * lost_s + 5.0) / (1.0 - total)


def least_cycle_s(lost_s: float, flow_ratios: Sequence[float], saturation: float = 1.0) -> float:
    """The shortest cycle that keeps every critical lane at or below this degree of saturation.

    Raises:
        ConfigError: no cycle does.
    """
    total = sum(flow_ratios) / saturation
    if total >= 1.0:
        raise ConfigError(
            f"critical flow ratios of {total * saturation:.2f} cannot stay below {saturation:.2f}"
        )
    return lost_s / (1.0 - total)


def equisaturation_s(
    green_s: float, flow_ratios: Sequence[float], min_green_s: Sequence[float]
) -> tuple[float, ...]:
    """Divide a cycle's green so that critical lanes are equally saturated, none below its minimum.

    Phases whose share falls below their minimum get the minimum; the others share the rest in proportion.

    Raises:
        ConfigError: the minimum greens need more than there is.
    """
    if sum(min_green_s) > green_s + 1e-9:
        raise ConfigError(
            f"minimum greens of {sum(min_green_s):.0f} s do not fit in {green_s:.0f} s of green"
        )
    greens = list(min_green_s)
    free = set(range(len(greens)))
    while free:
        rest = green_s - sum(greens[p] for p in range(len(greens)) if p not in free)
        weight = sum(flow_ratios[p] for p in free)
        shares = {p: rest * (flow_ratios[p] / weight if weight > 0 else 1 / len(free)) for p in free}
        short = {p for p in free if shares[p] < min_green_s[p] - 1e-9}
        if not short:
            for p, share in shares.items():
                greens[p] = share
            break
        free -= short
    return tuple(greens)


def uniform_delay_s(cycle_s: float, green_s: float, flow_ratio: float) -> float:
    """Mean delay of evenly arriving vehicles, `C (1 - g/C)^2 / (2 (1 - y))`, in s (HCM 6th ed., 19-20).

    flow_ratio: flow over saturation flow; above capacity the queue of each cycle is that at capacity.
    """
    share = green_s / cycle_s
    return 0.5 * cycle_s * (1.0 - share) ** 2 / (1.0 - min(share, flow_ratio))


def overflow_delay_s(
    saturation: float, capacity_vph: float, period_s: float, filtering: float = 1.0
) -> float:
    """Mean delay from randomness and oversaturation over a period, in s (HCM 6th ed., eq. 19-26, k = 0.5).

    saturation: degree of saturation, any. filtering: HCM's I, 1 for random arrivals, less behind signals.
    """
    hours, excess = period_s / 3600.0, saturation - 1.0
    root = math.sqrt(excess * excess + 4.0 * filtering * saturation / (capacity_vph * hours))
    return 900.0 * hours * (excess + root)
