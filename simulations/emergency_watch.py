"""What emergency vehicles say of themselves on their way, and what their trips come to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from citybrain.messages import EmergencyClass, PriorityPosition, PriorityRequest
from simulations.emergency_trips import Trip
from simulations.network import SignalNetwork
from traffic.network import VIEW_M, Floats

AFTER_M = 50.0
"""So far beyond a stop line what is lost is still on account of the signal: the queue picks up speed."""
STOPPED_MPS = 0.5
VALID_S = 1_800.0
"""A request says that it expires so long after it was made."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A trip second by second: `travelled_m` since it entered the network, `speed_mps`."""

    begin_s: float
    travelled_m: Floats
    speed_mps: Floats
    arrived: bool

    @property
    def seconds(self) -> float:
        return float(len(self.travelled_m))


@dataclass(frozen=True, slots=True)
class TripResult:
    """One trip; `free_s` is the same trip alone with green signals.

    `signal_delay_s`: what it lost against that between `VIEW_M` before and `AFTER_M` beyond the stop lines.
    `passed_s`: seconds of the run at which it crossed each stop line of its path. Travel times begin when it
    enters the network; `entry_wait_s` is what it waited before.
    """

    id: str
    kind: EmergencyClass
    signals: tuple[str, ...]
    arrived: bool
    travel_s: float
    free_s: float
    signal_delay_s: float
    stops: int
    entry_wait_s: float
    passed_s: tuple[float, ...]


class _Log:
    """One trip while it is under way."""

    def __init__(self, trip: Trip) -> None:
        self.trip = trip
        self.begin_s = -1.0
        self.travelled_m: list[float] = []
        self.speed_mps: list[float] = []
        self.lane: str | None = None
        self.along_m = 0.0
        self.passed_s: list[float] = []
        self.arrived = False
        self.asked = False


class Watch:
    """Follows the trips of one simulation; call `step` after each second."""

    def __init__(
        self, sumo: Any, network: SignalNetwork, trips: Sequence[Trip], free: dict[str, Profile]
    ) -> None:
        self._sumo, self._network, self._free = sumo, network, free
        self._logs = {trip.id: _Log(trip) for trip in trips}
        self._under_way: set[str] = set()
        self._approaches = {lane.lane for config in network.configs.values() for lane in config.lanes}

    @property
    def is_over(self) -> bool:
        return all(log.arrived for log in self._logs.values())

    def step(self, second: float) -> None:
        """Look at each vehicle; `second` of the run."""
        for id_ in self._sumo.simulation.getDepartedIDList():
            if id_ in self._logs:
                self._under_way.add(id_)
                self._logs[id_].begin_s = second
        for id_ in self._sumo.simulation.getArrivedIDList():
            if id_ in self._under_way:
                self._under_way.discard(id_)
                self._logs[id_].arrived = True
        for id_ in sorted(self._under_way):
            self._look(self._logs[id_], second)

    def messages(self, at: datetime) -> list[PriorityRequest | PriorityPosition]:
        """A request of each vehicle that has just entered, and where each one is."""
        found: list[PriorityRequest | PriorityPosition] = []
        for id_ in sorted(self._under_way):
            log = self._logs[id_]
            path = list(log.trip.path)
            if not log.asked:
                log.asked = True
                expires_at = at + timedelta(seconds=VALID_S)
                found.append(
                    PriorityRequest(
                        at=at, request=id_, emergency=log.trip.kind, path=path, expires_at=expires_at
                    )
                )
            found.append(
                PriorityPosition(
                    at=at,
                    request=id_,
                    travelled_m=max(0.0, log.along_m),
                    speed_mps=max(0.0, log.speed_mps[-1]),
                    lane=log.lane,
                )
            )
        return found

    def profiles(self) -> dict[str, Profile]:
        return {id_: _profile(log) for id_, log in self._logs.items()}

    def results(self) -> tuple[TripResult, ...]:
        return tuple(self._result(log) for log in self._logs.values())

    def _look(self, log: _Log, second: float) -> None:
        vehicle = self._sumo.vehicle
        id_ = log.trip.id
        log.travelled_m.append(vehicle.getDistance(id_))
        log.speed_mps.append(vehicle.getSpeed(id_))
        lane = vehicle.getLaneID(id_)
        log.lane = lane if lane in self._approaches else None
        self._place(log, id_, second)

    def _place(self, log: _Log, id_: str, second: float) -> None:
        """Where it is along its path: the next stop line, less what it has still to drive."""
        edges, at = log.trip.edges, self._sumo.vehicle.getRouteIndex(id_)
        inside = self._sumo.vehicle.getRoadID(id_).startswith(":")
        for leg, edge_at in zip(log.trip.path, log.trip.leg_edges, strict=True):
            if edge_at > at or (edge_at == at and not inside):
                edge = edges[edge_at]
                length_m = self._network.net.lanes[self._network.net.edges[edge].lanes[0]].length_m
                log.along_m = leg.distance_m - self._sumo.vehicle.getDrivingDistance(id_, edge, length_m)
                return
            if log.trip.leg_edges.index(edge_at) >= len(log.passed_s):
                log.passed_s.append(second)
        log.along_m = max(log.along_m, log.trip.path[-1].distance_m) + log.speed_mps[-1]

    def _result(self, log: _Log) -> TripResult:
        free, profile = self._free[log.trip.id], _profile(log)
        entered = log.begin_s >= 0
        return TripResult(
            log.trip.id,
            log.trip.kind,
            tuple(leg.intersection for leg in log.trip.path),
            log.arrived,
            profile.seconds,
            free.seconds,
            _signal_delay_s(profile, free, [leg.distance_m for leg in log.trip.path]),
            _stops(profile.speed_mps),
            log.begin_s - 1.0 - log.trip.depart_s if entered else 0.0,
            tuple(log.passed_s),
        )


def _profile(log: _Log) -> Profile:
    return Profile(log.begin_s, np.array(log.travelled_m), np.array(log.speed_mps), log.arrived)


def _stops(speed_mps: Floats) -> int:
    stands = speed_mps < STOPPED_MPS
    return int((stands[1:] & ~stands[:-1]).sum())


def _signal_delay_s(busy: Profile, free: Profile, lines_m: Sequence[float]) -> float:
    """Seconds lost near the stop lines: those spent there less those that the free trip needs for the way."""
    if len(busy.travelled_m) < 2:
        return 0.0
    free_s = np.interp(busy.travelled_m, free.travelled_m, np.arange(len(free.travelled_m)))
    lost_s = 1.0 - np.diff(free_s)
    middle_m = (busy.travelled_m[1:] + busy.travelled_m[:-1]) / 2
    near = np.zeros(len(lost_s), bool)
    for line_m in lines_m:
        near |= (middle_m > line_m - VIEW_M) & (middle_m < line_m + AFTER_M)
    return float(lost_s[near].sum())
