"""The controllers that the optimiser is measured against; they see the same messages.

`greedy` serves the longest queues; `maxpressure` the largest differences of queues (Varaiya, "Max pressure
control of a network of signalized intersections", Transportation Research Part C 36, 2013).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from citybrain.messages import IntersectionConfig, LaneReading, Movement
from simulations.delivery import Delivered
from simulations.network import SignalNetwork

PRESSURE_EVERY_S = 5
"""Seconds between two decisions of max-pressure: the minimum green of the published comparisons (RESCO)."""
_GREEN = frozenset("Gg")


class Controller(Protocol):
    """Wishes phases from what has arrived this second; the signal's own plan runs where it wishes none."""

    def wishes(self, now: datetime, delivered: Delivered) -> dict[str, int]: ...


class Greedy:
    """Longest queue first, every second: the phase that serves most standing vehicles, kept on a tie."""

    def __init__(self, network: SignalNetwork) -> None:
        self._served = {
            id_: [{move.from_lane for move in moves} for moves in _green_moves(config)]
            for id_, config in network.configs.items()
        }

    def wishes(self, now: datetime, delivered: Delivered) -> dict[str, int]:
        """The phase with the longest queue at each intersection."""
        del now
        return {
            id_: _best(self._queues(id_, measurement.lanes), delivered.states[id_].next_phase)
            for id_, measurement in delivered.measurements.items()
        }

    def _queues(self, id_: str, lanes: Iterable[LaneReading]) -> list[int]:
        queued = {lane.lane: lane.queued for lane in lanes}
        return [sum(queued.get(lane, 0) for lane in served) for served in self._served[id_]]


class MaxPressure:
    """Every five seconds, the phase whose movements have most queue before them and least behind.

    Turns are not known, so a lane's queue counts once for all its green movements, as does that of each lane
    they lead to. Beyond the last signal nothing queues.
    """

    def __init__(self, network: SignalNetwork) -> None:
        # An exit is seen by the camera of the next signal, also where it is not its approach lane itself.
        seen_by = {stretch.lane: lane for lane, view in network.views.items() for stretch in view}
        self._served = {
            id_: [
                (
                    {move.from_lane for move in moves},
                    {seen_by[move.to_lane] for move in moves if move.to_lane in seen_by},
                )
                for moves in _green_moves(config)
            ]
            for id_, config in network.configs.items()
        }
        self._wished: dict[str, int] = {}
        self._second = 0

    def wishes(self, now: datetime, delivered: Delivered) -> dict[str, int]:
        """The phase of the highest pressure at each intersection, as of the last decision."""
        del now
        if self._second % PRESSURE_EVERY_S == 0:
            queued = {
                lane.lane: lane.queued for one in delivered.measurements.values() for lane in one.lanes
            }
            self._wished = {
                id_: _best(self._pressures(id_, queued), state.next_phase)
                for id_, state in delivered.states.items()
            }
        self._second += 1
        return dict(self._wished)

    def _pressures(self, id_: str, queued: dict[str, int]) -> list[int]:
        return [
            sum(queued.get(lane, 0) for lane in before) - sum(queued.get(lane, 0) for lane in behind)
            for before, behind in self._served[id_]
        ]


def _green_moves(config: IntersectionConfig) -> list[list[Movement]]:
    """The movements that are green, by phase."""
    return [
        [move for move, shown in zip(config.movements, phase.indications, strict=True) if shown in _GREEN]
        for phase in config.phases
    ]


def _best(values: list[int], current: int) -> int:
    """The index of the largest value; `current` where none is larger than its own."""
    best = max(range(len(values)), key=values.__getitem__)
    return best if values[best] > values[current] else current
