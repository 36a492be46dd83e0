"""What cameras at the stop lines would report of a running simulation, with their errors."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from citybrain.messages import LaneReading, RoadUser, VehicleObservation
from simulations.network import VIEW_M, SignalNetwork, Stretch

QUEUE_MPS = 2.0
QUEUE_GAP_M = 15.0
ROAD_USERS = {
    "bus": RoadUser.BUS,
    "coach": RoadUser.BUS,
    "truck": RoadUser.TRUCK,
    "trailer": RoadUser.TRUCK,
    "delivery": RoadUser.TRUCK,
    "motorcycle": RoadUser.MOTORCYCLE,
    "moped": RoadUser.MOTORCYCLE,
    "bicycle": RoadUser.BICYCLE,
    "pedestrian": RoadUser.PERSON,
}
"""By SUMO's vehicle class; any other is a car."""


class Simulation(Protocol):
    """The parts of libsumo (or traci) that are read here."""

    lane: Any
    vehicle: Any


@dataclass(frozen=True, slots=True)
class CameraError:
    """How wrong a camera is: position (standard deviation), speed (relative), share of vehicles missed."""

    position_m: float = 1.0
    speed: float = 0.05
    missed: float = 0.03


CAMERA = CameraError()
EXACT = CameraError(0.0, 0.0, 0.0)


class LaneObserver:
    """Reads all approach lanes of a network once a simulated second.

    A missed vehicle is missed for its whole trip (drawn from its id and the seed): the harder case.
    """

    def __init__(
        self, network: SignalNetwork, simulation: Simulation, error: CameraError = CAMERA, seed: int = 1
    ) -> None:
        self._views = network.views
        self._limits = {lane: network.net.lanes[lane].speed_mps for lane in network.views}
        self._edges = {lane: network.net.lanes[lane].edge for lane in network.views}
        self._simulation = simulation
        self._error = error
        self._seed = seed
        self._random = np.random.default_rng(seed)
        self._missed: dict[str, bool] = {}
        self._before: dict[str, set[str]] = {lane: set() for lane in network.views}
        self._moving: set[str] = set()

    def observe(self) -> Mapping[str, LaneReading]:
        """One reading by approach lane, over the second since the last call."""
        found = {
            lane: {stretch: self._ids(stretch.lane) for stretch in view} for lane, view in self._views.items()
        }
        at_line = {lane: set(ids[self._views[lane][0]]) for lane, ids in found.items()}
        on_edge: dict[str, set[str]] = {}
        for lane, ids in at_line.items():
            on_edge.setdefault(self._edges[lane], set()).update(ids)
        moving: set[str] = set()
        readings = {}
        for lane, stretches in found.items():
            crossed = self._before[lane] - on_edge[self._edges[lane]]
            readings[lane] = self._reading(lane, stretches, len(crossed), moving)
        self._before, self._moving = at_line, moving
        return readings

    def _ids(self, lane: str) -> list[str]:
        return [id_ for id_ in self._simulation.lane.getLastStepVehicleIDs(lane) if not self._is_missed(id_)]

    def _is_missed(self, id_: str) -> bool:
        if self._error.missed <= 0:
            return False
        if id_ not in self._missed:
            digest = hashlib.blake2b(f"{self._seed}/{id_}".encode(), digest_size=4).digest()
            self._missed[id_] = int.from_bytes(digest, "big") < self._error.missed * 2**32
        return self._missed[id_]

    def _reading(
        self, lane: str, stretches: Mapping[Stretch, list[str]], crossed: int, moving: set[str]
    ) -> LaneReading:
        vehicle = self._simulation.vehicle
        seen: list[VehicleObservation] = []
        stops, covered, delay, limit = 0, 0.0, 0.0, self._limits[lane]
        for stretch, ids in stretches.items():
            for id_ in ids:
                distance = stretch.offset_m + stretch.length_m - vehicle.getLanePosition(id_)
                if distance > VIEW_M:
                    continue
                speed = vehicle.getSpeed(id_)
                if speed >= QUEUE_MPS:
                    moving.add(id_)
                elif id_ in self._moving:
                    stops += 1
                covered += vehicle.getLength(id_)
                delay += max(0.0, 1.0 - speed / limit)
                seen.append(self._observation(distance, speed, vehicle.getVehicleClass(id_)))
        seen.sort(key=lambda observation: observation.distance_m)
        queued, queue_m = _queue(seen)
        mean = sum(v.speed_mps for v in seen) / len(seen) if seen else None
        view_m = min(VIEW_M, sum(stretch.length_m for stretch in stretches))
        occupancy = min(1.0, covered / view_m)
        return LaneReading(
            lane, len(seen), queued, queue_m, mean, occupancy, crossed, stops, delay, tuple(seen)
        )

    def _observation(self, distance_m: float, speed_mps: float, kind: str) -> VehicleObservation:
        if self._error.position_m > 0:
            distance_m += self._random.normal(0.0, self._error.position_m)
            speed_mps *= 1.0 + self._random.normal(0.0, self._error.speed)
        user = ROAD_USERS.get(kind, RoadUser.CAR)
        return VehicleObservation(max(distance_m, 0.0), max(speed_mps, 0.0), user)


def _queue(seen: list[VehicleObservation]) -> tuple[int, float]:
    """Slow vehicles joined to the stop line without a gap, nearest first, and how far back they reach."""
    count, reach = 0, 0.0
    for observation in seen:
        if observation.speed_mps >= QUEUE_MPS or observation.distance_m - reach > QUEUE_GAP_M:
            break
        count, reach = count + 1, observation.distance_m
    return count, reach
