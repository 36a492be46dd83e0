"""The controllers that the optimiser is measured against; they see the same messages.

`greedy` serves where most vehicles are (as MAXWAVE in Ault and Sharon, "Reinforcement learning benchmarks for
traffic signal control", 2021); `maxpressure` the largest differences of queues (Varaiya, "Max pressure
control of a network of signalized intersections", Transportation Research Part C 36, 2013).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from citybrain.conflicts import GREEN
from citybrain.messages import IntersectionConfig, LaneReading, Movement
from citybrain.queues import QUEUE_MPS
from simulations.delivery import Delivered
from simulations.network import SignalNetwork

PRESSURE_EVERY_S = 5
"""Seconds between two decisions of max-pressure: the minimum green of the published comparisons (RESCO)."""


class Controller(Protocol):
    """Wishes phases from what has arrived this second; the signal's own plan runs where it wishes none."""

    def wishes(self, now: datetime, delivered: Delivered) -> dict[str, int]: ...


class Greedy:
    """Every second the phase that serves most vehicles in view, waiting or coming; kept on a tie."""

    def __init__(self, network: SignalNetwork) -> None:
        self._served = {
            id_: [{move.from_lane for move in moves} for moves in _green_moves(config)]
            for id_, config in network.configs.items()
        }

    def wishes(self, now: datetime, delivered: Delivered) -> dict[str, int]:
        """The phase with the most vehicles at each intersection."""
        del now
        return {
            id_: _best(self._present(id_, measurement.lanes), delivered.states[id_].next_phase)
            for id_, measurement in delivered.measurements.items()
        }

    def _present(self, id_: str, lanes: Iterable[LaneReading]) -> list[int]:
        present = {lane.lane: lane.vehicles for lane in lanes}
        return [sum(present.get(lane, 0) for lane in served) for served in self._served[id_]]


class MaxPressure:
    """Every five seconds, the phase whose movements have most queue before them and least behind.

    A movement's pressure is the queue of its lane less that of the lane it leads to, times its share of the
    lane's flow: equal for all movements of a lane, as turns are not known. Beyond the last signal nothing
    queues.
    """

    def __init__(self, network: SignalNetwork) -> None:
        # An exit is seen by the camera of the next signal, also where it is not its approach lane itself.
        seen_by = {stretch.lane: lane for lane, view in network.views.items() for stretch in view}
        self._phases = {
            id_: [
                [_Flow(move.from_lane, seen_by.get(move.to_lane), share) for move, share in moves]
                for moves in _green_shares(config)
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
                lane.lane: _standing(lane) for one in delivered.measurements.values() for lane in one.lanes
            }
            self._wished = {
                id_: _best([_pressure(flows, queued) for flows in self._phases[id_]], state.next_phase)
                for id_, state in delivered.states.items()
            }
        self._second += 1
        return dict(self._wished)


class _Flow(NamedTuple):
    """A green movement: its lane, the lane whose camera sees its exit, and its share of the lane's flow."""

    before: str
    behind: str | None
    share: float


def _pressure(flows: list[_Flow], queued: dict[str, int]) -> float:
    return sum(
        flow.share * (queued.get(flow.before, 0) - (queued.get(flow.behind, 0) if flow.behind else 0))
        for flow in flows
    )


def _green_shares(config: IntersectionConfig) -> list[list[tuple[Movement, float]]]:
    """The green movements of each phase, with the share of its lane that each has."""
    of_lane = Counter(move.from_lane for move in config.movements)
    return [[(move, 1 / of_lane[move.from_lane]) for move in moves] for moves in _green_moves(config)]


def _green_moves(config: IntersectionConfig) -> list[list[Movement]]:
    """The movements that are green, by phase."""
    return [
        [move for move, shown in zip(config.movements, phase.indications, strict=True) if shown in GREEN]
        for phase in config.phases
    ]


def _standing(lane: LaneReading) -> int:
    """Vehicles in view that stand or crawl, joined to the stop line or not."""
    return sum(one.speed_mps < QUEUE_MPS for one in lane.observed)


def _best(values: Sequence[float], current: int) -> int:
    """The index of the largest value; `current` where none is larger than its own."""
    best = max(range(len(values)), key=values.__getitem__)
    return best if values[best] > values[current] else current
