"""How the vehicles of a turn spread over the lanes that allow it: so that lanes are equally loaded."""

from collections.abc import Sequence
from typing import Protocol

_ROUNDS = 30


class TurnFlow(Protocol):
    """What is needed of a turn."""

    @property
    def movements(self) -> tuple[int, ...]: ...
    @property
    def flow_vph(self) -> float: ...
    @property
    def headway_s(self) -> float: ...


def lane_shares(lanes: Sequence[str], turns: Sequence[TurnFlow]) -> list[dict[int, float]]:
    """Share of each turn's flow by movement, adding up to 1 for each turn.

    lanes: of each movement. Drivers choose the shorter queue, so that in the end the loads (flow times
    headway) of a turn's lanes are as even as the other turns in them allow. Movements of one lane share
    evenly.
    """
    load: dict[str, float] = dict.fromkeys(lanes, 0.0)
    options = [_by_lane(lanes, turn.movements) for turn in turns]
    chosen: list[dict[str, float]] = [dict.fromkeys(option, 0.0) for option in options]
    order = sorted(range(len(turns)), key=lambda t: len(options[t]))
    for _ in range(_ROUNDS):
        for t in order:
            for lane, amount in chosen[t].items():
                load[lane] -= amount
            chosen[t] = _filled(
                {lane: load[lane] for lane in options[t]}, turns[t].flow_vph * turns[t].headway_s
            )
            for lane, amount in chosen[t].items():
                load[lane] += amount
    return [
        {
            movement: amount / total / len(option[lane]) if total > 0 else 1.0 / len(turn.movements)
            for lane, amount in split.items()
            for movement in option[lane]
        }
        for turn, option, split in zip(turns, options, chosen, strict=True)
        for total in [sum(split.values())]
    ]


def _by_lane(lanes: Sequence[str], movements: Sequence[int]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for movement in movements:
        found.setdefault(lanes[movement], []).append(movement)
    return found


def _filled(levels: dict[str, float], amount: float) -> dict[str, float]:
    """Pour `amount` onto the lowest levels until all that got some are equal."""
    ordered = sorted(levels, key=levels.__getitem__)
    poured = dict.fromkeys(levels, 0.0)
    for count in range(len(ordered), 0, -1):
        level = (amount + sum(levels[lane] for lane in ordered[:count])) / count
        if level >= levels[ordered[count - 1]] - 1e-12:
            for lane in ordered[:count]:
                poured[lane] = level - levels[lane]
            break
    return poured
