"""Green bands: for how many seconds of a cycle a platoon passes every signal of a corridor without a stop."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from citybrain.conflicts import GREEN
from citybrain.messages import IntersectionConfig
from citybrain.rules import rules_of
from traffic.design import Design
from traffic.streets import Demand, Link


@dataclass(frozen=True, slots=True)
class Band:
    """One direction of a corridor; `efficiency` is band over cycle, `attainability` over least green."""

    intersections: tuple[str, ...]
    band_s: int
    cycle_s: int
    shortest_green_s: int

    @property
    def efficiency(self) -> float:
        return self.band_s / self.cycle_s

    @property
    def attainability(self) -> float:
        return self.band_s / self.shortest_green_s if self.shortest_green_s else 0.0


def band_s(greens: Sequence[np.ndarray], arrivals_s: Sequence[float]) -> int:
    """The widest band in seconds.

    greens: for each signal, (cycle,) bool, green in each second of the common clock. arrivals_s: travel time
    from the first signal to each, the first being 0.
    """
    passes = np.ones(len(greens[0]), bool)
    for green, arrival_s in zip(greens, arrivals_s, strict=True):
        passes &= np.roll(green, -round(arrival_s))
    if passes.all():
        return len(passes)
    longest = run = 0
    for passing in np.concatenate([passes, passes]):
        run = run + 1 if passing else 0
        longest = max(longest, run)
    return longest


def corridor_band(
    configs: dict[str, IntersectionConfig], plan: Design, demand: Demand, corridor: Sequence[str]
) -> Band | None:
    """The band along these intersections, on their busiest turns; None where nobody drives it."""
    path = _path(demand.links, corridor)
    if path is None:
        return None
    places = [*(link.source for link in path), path[-1].target]
    greens = [_green(configs[id_], plan, demand.turns[id_][place].movements) for id_, place in places]
    arrivals_s = np.concatenate([[0.0], np.cumsum([link.travel_s for link in path])])
    shortest = min(int(green.sum()) for green in greens)
    return Band(tuple(corridor), band_s(greens, list(arrivals_s)), plan.cycle_s, shortest)


def _path(links: Sequence[Link], corridor: Sequence[str]) -> list[Link] | None:
    """The busiest link between each two neighbours, each going on from where the one before it arrives."""
    path: list[Link] = []
    for here, there in pairwise(corridor):
        fitting = [
            link
            for link in links
            if link.source[0] == here
            and link.target[0] == there
            and (not path or link.source == path[-1].target)
        ]
        if not fitting:
            return None
        path.append(max(fitting, key=lambda link: link.flow_vph))
    return path or None


def _green(config: IntersectionConfig, plan: Design, movements: Sequence[int]) -> np.ndarray:
    """In which seconds of the cycle one of these movements at least is green."""
    rules, own = rules_of(config), plan.signals[config.intersection]
    green = np.zeros(plan.cycle_s, bool)
    t = own.offset_s
    for phase, target, green_s in zip(own.order, (*own.order[1:], own.order[0]), own.green_s, strict=True):
        clearing = ((seconds, shown) for _, seconds, shown in rules.clearing(phase, target))
        for seconds, shown in ((green_s, rules.phases[phase]), *clearing):
            if any(shown[m] in GREEN for m in movements):
                green[[(t + s) % plan.cycle_s for s in range(seconds)]] = True
            t += seconds
    return green
