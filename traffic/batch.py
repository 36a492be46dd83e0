"""Many intersections decided in one compiled call, for regions too large to be decided one by one.

Fed with the same messages as `traffic.region.Region` and of the same opinion; `decide_all` plans every
intersection that was measured since it was last asked, on as many threads as wanted. All take in what they
saw before any plans, and each plans on what its neighbours planned the last time, so that the number of
threads changes nothing. Vehicles with priority are not known here.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple

import numba
import numpy as np

from citybrain.messages import IntersectionConfig, Interval, LaneMeasurement, SignalState, VehicleObservation
from traffic.horizon import DEFAULT_WEIGHTS, HORIZON_S, WIDTH, Weights, plan
from traffic.inflow import Exchange, exchange
from traffic.memory import (
    Learned,
    Memory,
    Sighted,
    Signals,
    demand_at,
    new_memory,
    new_signals,
    remember,
    shown_at,
)
from traffic.network import Bytes, Floats, Ints, Network, Site, build_network
from traffic.region import STALE_S, Decision, second_of, wall_s
from traffic.rights import NO_CLAIMS, Claims
from traffic.turns import CODES, Turns

CHUNK = 64
"""Intersections that a thread takes at once."""
MAX_ELAPSED_S = 5.0
UNDECIDED, CLEARING, MINIMUM_GREEN, EXTEND, CHANGE = range(5)
_REASONS = ("", "clearing", "minimum green", "extend", "change")
_CODE_OF = np.zeros(256, np.uint8)
for _shown, _code in CODES.items():
    _CODE_OF[ord(_shown)] = _code


class _State(NamedTuple):
    """All that is read and written while a region is decided."""

    net: Network
    sighted: Sighted
    signals: Signals
    memory: Memory
    learned: Learned
    shared: Exchange


class _Wanted(NamedTuple):
    """What was decided, by intersection; `leaving[m, t]` as `horizon.plan` returns it, by movement."""

    phase: Ints
    cost: Floats
    reason: Bytes
    leaving: Floats


@numba.njit(nogil=True, cache=True)
def remember_all(state: _State, todo: Ints, begin: int, end: int) -> None:
    """Take in the latest measurements of intersections `todo[begin:end]`."""
    net, sighted, signals, memory, learned, shared = state
    for at in range(begin, end):
        remember(net, todo[at], sighted, signals, memory, learned, shared)


@numba.njit(nogil=True, cache=True)
def plan_all(  # noqa: PLR0917 - numba calls by position
    state: _State,
    todo: Ints,
    begin: int,
    end: int,
    weights: Weights,
    horizon: int,
    width: int,
    claims: Claims,
    wanted: _Wanted,
) -> None:
    """Decide intersections `todo[begin:end]`, each on what its neighbours last planned."""
    net, sighted, signals, memory, learned, shared = state
    for at in range(begin, end):
        i = todo[at]
        wanted.reason[i] = UNDECIDED
        if not signals.known[i]:
            continue
        shown = shown_at(i, sighted.clock_s[i], signals)
        wanted.phase[i], wanted.cost[i] = shown.target, 0.0
        if shown.left_s > 0:
            wanted.reason[i] = CLEARING
        elif shown.green_s < net.min_green[net.phase_ptr[i] + shown.phase]:
            wanted.reason[i] = MINIMUM_GREEN
        else:
            demand = demand_at(net, i, sighted, memory, learned, shared, weights, horizon, claims)
            best, value, leaving = plan(net, i, demand, shown, weights, horizon, width)
            wanted.phase[i], wanted.cost[i] = best, value
            wanted.reason[i] = EXTEND if best == shown.phase else CHANGE
            wanted.leaving[net.movement_ptr[i] : net.movement_ptr[i + 1]] = leaving


@numba.njit(nogil=True, cache=True)
def tell_all(state: _State, todo: Ints, begin: int, end: int, wanted: _Wanted) -> None:
    """Tell the neighbours of intersections `todo[begin:end]` what was planned there."""
    net, shared = state.net, state.shared
    for at in range(begin, end):
        i = todo[at]
        if wanted.reason[i] in (EXTEND, CHANGE):
            own = slice(net.movement_ptr[i], net.movement_ptr[i + 1])
            shared.sending[own] = wanted.leaving[own]
            shared.planned_s[i] = state.sighted.second[i]


class Batch:
    """All intersections of a region, decided together; `threads` share the work.

    Feed `on_state` and `on_measurement` as messages come, then ask `decide_all`.
    """

    def __init__(
        self,
        configs: Sequence[IntersectionConfig],
        weights: Weights = DEFAULT_WEIGHTS,
        horizon_s: int = HORIZON_S,
        width: int = WIDTH,
        threads: int = 1,
    ) -> None:
        self.net, self.sites = build_network(configs)
        self._plan = (weights, horizon_s, width)
        self._pool = ThreadPoolExecutor(threads, "replan") if threads > 1 else None
        turns = Turns(self.net, self.sites)
        self._learned = Learned(turns.count, turns.share, turns.head)
        self._memory, self._signals = new_memory(self.net), new_signals(self.net)
        self.shared = exchange(self.net, horizon_s)
        count, lanes = len(self.sites), len(self.net.lane_speed)
        self._vehicles: list[tuple[Floats, Floats]] = [(np.zeros(0), np.zeros(0))] * count
        self._count: Ints = np.zeros(lanes, np.int32)
        self._held: Floats = np.zeros(lanes)
        self._reported: Bytes = np.zeros(lanes, np.uint8)
        self._crossed: Floats = np.zeros(lanes)
        self._clock_s: Floats = np.full(count, -np.inf)
        self._elapsed_s: Floats = np.zeros(count)
        self._second: Ints = np.zeros(count, np.int32)
        self._fresh: dict[int, LaneMeasurement] = {}
        self._wanted = _Wanted(
            np.zeros(count, np.int32), np.zeros(count), np.zeros(count, np.uint8),
            np.zeros((len(self.net.movement_lane), horizon_s)),
        )  # fmt: skip
        self._steps: dict[tuple[int, int, int, Interval], int] = {}
        self._lanes = {site.id: _LaneSlots(self.net, site) for site in self.sites.values()}

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()

    def on_state(self, state: SignalState) -> None:
        """What a signal shows; one of another configuration (wrong length or phase) is ignored."""
        site = self.sites.get(state.intersection)
        if site is None or len(state.indications) != len(site.config.movements):
            return
        if max(state.phase, state.next_phase) >= len(site.config.phases):
            return
        i, signals = site.index, self._signals
        is_steady = state.interval is Interval.FLASH or (
            state.interval is Interval.GREEN and state.phase == state.next_phase
        )
        signals.phase[i] = state.phase
        signals.target[i] = state.phase if is_steady else state.next_phase
        signals.steps[i] = 0 if is_steady else self._steps_from(site, state)
        signals.elapsed_s[i], signals.clock_s[i], signals.known[i] = state.elapsed_s, state.clock_s, 1
        first = self.net.movement_ptr[i]
        shown = np.frombuffer(state.indications.encode("ascii", "replace"), np.uint8)
        signals.codes[first : first + len(shown)] = _CODE_OF[shown]

    def on_measurement(self, measurement: LaneMeasurement) -> bool:
        """What the lanes of an intersection hold; False for an unknown one or one that is out of order."""
        site = self.sites.get(measurement.intersection)
        if site is None:
            return False
        i = site.index
        elapsed = measurement.clock_s - self._clock_s[i]
        if -STALE_S < elapsed <= 0:
            return False
        if i in self._fresh:
            # Nobody asked in between; what it said of crossings is not lost.
            remember_all(self._state(), np.array([i], np.int32), 0, 1)
        self._clock_s[i] = measurement.clock_s
        self._elapsed_s[i] = min(max(elapsed, 0.0), MAX_ELAPSED_S)
        self._second[i] = second_of(measurement)
        self._take(site, measurement)
        self._fresh[i] = measurement
        return True

    def decide_all(self, now: datetime, speed: float = 1.0) -> list[Decision]:
        """A decision for each intersection measured since the last call; none where it is stale or blind.

        `speed` is field seconds per second of `now`.
        """
        fresh, self._fresh = self._fresh, {}
        todo = np.fromiter(fresh, np.int32, len(fresh))
        self._replan(todo)
        limit_s, wanted = wall_s(STALE_S, speed), self._wanted
        ids = list(self.sites)
        return [
            Decision(ids[i], int(wanted.phase[i]), _REASONS[wanted.reason[i]], float(wanted.cost[i]))
            for i, measurement in fresh.items()
            if wanted.reason[i] != UNDECIDED
            and measurement.quality > 0
            and abs((now - measurement.at).total_seconds()) <= limit_s
        ]

    def _replan(self, todo: Ints) -> None:
        state, wanted = self._state(), self._wanted
        self._share(len(todo), lambda begin, end: remember_all(state, todo, begin, end))
        self._share(
            len(todo), lambda begin, end: plan_all(state, todo, begin, end, *self._plan, NO_CLAIMS, wanted)
        )
        self._share(len(todo), lambda begin, end: tell_all(state, todo, begin, end, wanted))

    def _share(self, count: int, work: Callable[[int, int], None]) -> None:
        """Do all parts of some work, on all threads."""
        if self._pool is None:
            work(0, count)
            return
        begins = range(0, count, CHUNK)
        ends = [min(begin + CHUNK, count) for begin in begins]
        list(self._pool.map(work, begins, ends))

    def _state(self) -> _State:
        return _State(self.net, self._sighted(), self._signals, self._memory, self._learned, self.shared)

    def _sighted(self) -> Sighted:
        distance, speed = zip(*self._vehicles, strict=True)
        ends = np.zeros(len(self._count) + 1, np.int32)
        np.cumsum(self._count, out=ends[1:])
        return Sighted(
            ends, np.concatenate(distance), np.concatenate(speed), self._reported, self._crossed,
            self._held, self._clock_s, self._elapsed_s, self._second,
        )  # fmt: skip

    def _take(self, site: Site, measurement: LaneMeasurement) -> None:
        slots = self._lanes[site.id]
        observed: list[tuple[VehicleObservation, ...]] = [()] * slots.count
        crossed, held, reported = [0] * slots.count, [0] * slots.count, [0] * slots.count
        for reading in measurement.lanes:
            k = slots.place.get(reading.lane)
            if k is not None:
                observed[k], reported[k] = reading.observed, 1
                crossed[k], held[k] = reading.crossed, reading.vehicles
        lanes = slice(slots.first, slots.first + slots.count)
        self._count[lanes] = [len(vehicles) for vehicles in observed]
        self._held[lanes] = held
        self._crossed[lanes], self._reported[lanes] = crossed, reported
        seen = [vehicle for vehicles in observed for vehicle in vehicles]
        self._vehicles[site.index] = (
            np.array([vehicle.distance_m for vehicle in seen]),
            np.array([vehicle.speed_mps for vehicle in seen]),
        )

    def _steps_from(self, site: Site, state: SignalState) -> int:
        key = (site.index, state.phase, state.next_phase, state.interval)
        if key not in self._steps:
            change = site.rules.change(site.rules.phases[state.phase], state.next_phase)
            self._steps[key] = change.steps_from(state.interval)
        return self._steps[key]


class _LaneSlots:
    """Where the lanes of one intersection stand in the region's arrays."""

    def __init__(self, net: Network, site: Site) -> None:
        self.first = int(net.lane_ptr[site.index])
        self.count = len(site.config.lanes)
        self.place = {lane: number - self.first for lane, number in site.lane_index.items()}
