"""Many intersections decided in one compiled call, for regions too large to be decided one by one.

Fed with the same messages as `traffic.region.Region` and of the same opinion; `decide_all` plans every
intersection that was measured since it was last asked, on as many threads as wanted.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import numba
import numpy as np

from citybrain.messages import IntersectionConfig, Interval, LaneMeasurement, SignalState, VehicleObservation
from traffic.horizon import DEFAULT_WEIGHTS, HORIZON_S, WIDTH, Weights, plan
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
from traffic.region import STALE_S, Decision, wall_s
from traffic.turns import CODES, Turns

CHUNK = 64
"""Intersections that a thread takes at once."""
MAX_ELAPSED_S = 5.0
UNDECIDED, CLEARING, MINIMUM_GREEN, EXTEND, CHANGE = range(5)
_REASONS = ("", "clearing", "minimum green", "extend", "change")
_CODE_OF = np.zeros(256, np.uint8)
for _shown, _code in CODES.items():
    _CODE_OF[ord(_shown)] = _code


@numba.njit(nogil=True, cache=True)
def replan(  # noqa: PLR0917 - numba calls by position
    net: Network,
    todo: Ints,
    begin: int,
    end: int,
    sighted: Sighted,
    signals: Signals,
    memory: Memory,
    learned: Learned,
    weights: Weights,
    horizon: int,
    width: int,
    phase: Ints,
    cost: Floats,
    reason: Bytes,
) -> None:
    """Remember and decide intersections `todo[begin:end]`; writes `phase[i]`, `cost[i]` and `reason[i]`."""
    for at in range(begin, end):
        i = todo[at]
        remember(net, i, sighted, signals, memory, learned)
        reason[i] = UNDECIDED
        if not signals.known[i]:
            continue
        shown = shown_at(i, sighted.clock_s[i], signals)
        phase[i], cost[i] = shown.target, 0.0
        if shown.left_s > 0:
            reason[i] = CLEARING
        elif shown.green_s < net.min_green[net.phase_ptr[i] + shown.phase]:
            reason[i] = MINIMUM_GREEN
        else:
            demand = demand_at(net, i, sighted, memory, learned, weights, horizon)
            best, value = plan(net, i, demand, shown, weights, horizon, width)
            phase[i], cost[i] = best, value
            reason[i] = EXTEND if best == shown.phase else CHANGE


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
        count, lanes = len(self.sites), len(self.net.lane_speed)
        self._vehicles: list[tuple[Floats, Floats]] = [(np.zeros(0), np.zeros(0))] * count
        self._held: Ints = np.zeros(lanes, np.int32)
        self._reported: Bytes = np.zeros(lanes, np.uint8)
        self._crossed: Floats = np.zeros(lanes)
        self._clock_s: Floats = np.full(count, -np.inf)
        self._elapsed_s: Floats = np.zeros(count)
        self._fresh: dict[int, LaneMeasurement] = {}
        self._phase: Ints = np.zeros(count, np.int32)
        self._cost: Floats = np.zeros(count)
        self._reason: Bytes = np.zeros(count, np.uint8)
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
            remember(self.net, i, self._sighted(), self._signals, self._memory, self._learned)
        self._clock_s[i] = measurement.clock_s
        self._elapsed_s[i] = min(max(elapsed, 0.0), MAX_ELAPSED_S)
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
        limit_s = wall_s(STALE_S, speed)
        ids = list(self.sites)
        return [
            Decision(ids[i], int(self._phase[i]), _REASONS[self._reason[i]], float(self._cost[i]))
            for i, measurement in fresh.items()
            if self._reason[i] != UNDECIDED
            and measurement.quality > 0
            and abs((now - measurement.at).total_seconds()) <= limit_s
        ]

    def _replan(self, todo: Ints) -> None:
        if self._pool is None:
            self._replan_part(todo, 0, len(todo), self._sighted())
            return
        sighted = self._sighted()
        parts = [
            self._pool.submit(self._replan_part, todo, begin, min(begin + CHUNK, len(todo)), sighted)
            for begin in range(0, len(todo), CHUNK)
        ]
        for part in parts:
            part.result()

    def _replan_part(self, todo: Ints, begin: int, end: int, sighted: Sighted) -> None:
        replan(
            self.net, todo, begin, end, sighted, self._signals, self._memory, self._learned, *self._plan,
            self._phase, self._cost, self._reason,
        )  # fmt: skip

    def _sighted(self) -> Sighted:
        distance, speed = zip(*self._vehicles, strict=True)
        ends = np.zeros(len(self._held) + 1, np.int32)
        np.cumsum(self._held, out=ends[1:])
        return Sighted(
            ends, np.concatenate(distance), np.concatenate(speed), self._reported, self._crossed,
            self._clock_s, self._elapsed_s,
        )  # fmt: skip

    def _take(self, site: Site, measurement: LaneMeasurement) -> None:
        slots = self._lanes[site.id]
        observed: list[tuple[VehicleObservation, ...]] = [()] * slots.count
        crossed, reported = [0] * slots.count, [0] * slots.count
        for reading in measurement.lanes:
            k = slots.place.get(reading.lane)
            if k is not None:
                observed[k], crossed[k], reported[k] = reading.observed, reading.crossed, 1
        lanes = slice(slots.first, slots.first + slots.count)
        self._held[lanes] = [len(vehicles) for vehicles in observed]
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
