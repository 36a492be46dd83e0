"""What cameras at the stop lines would report of a running simulation, with their errors."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from citybrain.messages import LaneReading, RoadUser, VehicleObservation
from citybrain.queues import QUEUE_MPS, queue_of
from simulations.fleet import Fleet
from simulations.network import SignalNetwork
from simulations.views import Stretch
from traffic.network import VIEW_M

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
_DRAWS = 4096

Sightings = dict[str, list[tuple[str, float]]]
"""By approach lane: vehicle ids and their metres to the stop line."""


@dataclass(frozen=True, slots=True)
class CameraError:
    """How wrong a camera is: position (standard deviation), speed (relative), share of vehicles missed."""

    position_m: float = 1.0
    speed: float = 0.05
    missed: float = 0.03


CAMERA = CameraError()
EXACT = CameraError(0.0, 0.0, 0.0)


class Misses:
    """Which vehicles a device misses, each for its whole trip: drawn from its id and the seed."""

    def __init__(self, share: float, seed: int) -> None:
        self._share = share
        self._seed = seed
        self._drawn: dict[str, bool] = {}

    def __contains__(self, id_: str) -> bool:
        if self._share <= 0:
            return False
        if id_ not in self._drawn:
            digest = hashlib.blake2b(f"{self._seed}/{id_}".encode(), digest_size=4).digest()
            self._drawn[id_] = int.from_bytes(digest, "big") < self._share * 2**32
        return self._drawn[id_]


class _Totals(NamedTuple):
    """Of one lane in one second, as in LaneReading."""

    occupancy: float
    crossed: int
    stops: int
    delay_s: float


class CameraView:
    """Which vehicles cameras see: those within `VIEW_M` of the stop line on each approach lane's view."""

    def __init__(self, network: SignalNetwork, fleet: Fleet) -> None:
        self._views = network.views
        self._fleet = fleet

    def sightings(self) -> Sightings:
        """Everybody in view, missed or not."""
        return {lane: self._on_view(view) for lane, view in self._views.items()}

    def _on_view(self, view: Sequence[Stretch]) -> list[tuple[str, float]]:
        fleet, found = self._fleet, []
        for stretch in view:
            end_m = stretch.offset_m + stretch.length_m
            for id_ in fleet.on_lane.get(stretch.lane, ()):
                distance_m = end_m - fleet.vehicles[id_].position_m
                if distance_m <= VIEW_M:
                    found.append((id_, distance_m))
        return found


class LaneObserver:
    """Makes one reading by approach lane of what is sighted, once a simulated second.

    A missed vehicle is missed for its whole trip, which is harder to live with than flicker.
    """

    def __init__(
        self, network: SignalNetwork, fleet: Fleet, error: CameraError = CAMERA, seed: int = 1
    ) -> None:
        self._lanes = network.net.lanes
        self._view_m = {
            lane: min(VIEW_M, sum(stretch.length_m for stretch in view))
            for lane, view in network.views.items()
        }
        self._fleet = fleet
        self._error = error
        self._missed = Misses(error.missed, seed)
        self._noise = _Noise(seed)
        self._before: dict[str, list[str]] = {}
        self._moving: set[str] = set()

    def observe(self, sightings: Sightings) -> dict[str, LaneReading]:
        """The readings over the second since the last call."""
        moving: set[str] = set()
        readings = {lane: self._reading(lane, sighted, moving) for lane, sighted in sightings.items()}
        self._moving = moving
        return readings

    def _reading(self, lane: str, sighted: list[tuple[str, float]], moving: set[str]) -> LaneReading:
        fleet, missed = self._fleet, self._missed
        crossed = sum(self._has_left(id_, lane) for id_ in self._before.get(lane, ()))
        self._before[lane] = [id_ for id_ in fleet.on_lane.get(lane, ()) if id_ not in missed]
        seen: list[VehicleObservation] = []
        stops, covered_m, delay_s, limit = 0, 0.0, 0.0, self._lanes[lane].speed_mps
        for id_, distance_m in sighted:
            if id_ in missed:
                continue
            speed_mps = fleet.vehicles[id_].speed_mps
            if speed_mps >= QUEUE_MPS:
                moving.add(id_)
            elif id_ in self._moving:
                stops += 1
            length_m, class_ = fleet.kind(id_)
            covered_m += length_m
            delay_s += max(0.0, 1.0 - speed_mps / limit)
            seen.append(self._observation(distance_m, speed_mps, class_))
        return _lane_reading(lane, seen, _Totals(covered_m / self._view_m[lane], crossed, stops, delay_s))

    def _has_left(self, id_: str, lane: str) -> bool:
        """Whether it is on no lane of this edge any more."""
        vehicle = self._fleet.vehicles.get(id_)
        now = None if vehicle is None else self._lanes.get(vehicle.lane)
        return now is None or now.edge != self._lanes[lane].edge

    def _observation(self, distance_m: float, speed_mps: float, class_: str) -> VehicleObservation:
        if self._error.position_m > 0:
            distance_m += self._error.position_m * self._noise.draw()
        if self._error.speed > 0:
            speed_mps *= 1.0 + self._error.speed * self._noise.draw()
        user = ROAD_USERS.get(class_, RoadUser.CAR)
        return VehicleObservation(max(distance_m, 0.0), max(speed_mps, 0.0), user)


def _lane_reading(lane: str, seen: list[VehicleObservation], totals: _Totals) -> LaneReading:
    seen.sort(key=lambda observation: observation.distance_m)
    queued, queue_m = queue_of(seen)
    return LaneReading(
        lane=lane,
        vehicles=len(seen),
        queued=queued,
        queue_m=queue_m,
        mean_speed_mps=sum(v.speed_mps for v in seen) / len(seen) if seen else None,
        occupancy=min(1.0, totals.occupancy),
        crossed=totals.crossed,
        stops=totals.stops,
        delay_s=totals.delay_s,
        observed=tuple(seen),
    )


class _Noise:
    """Standard normal numbers, drawn many at once."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._drawn: list[float] = []

    def draw(self) -> float:
        if not self._drawn:
            self._drawn = self._random.standard_normal(_DRAWS).tolist()
        return self._drawn.pop()
