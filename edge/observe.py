"""From a camera's looks at an intersection to lane readings and to what is wrong there. Pure, seeded."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from zlib import crc32

from citybrain.messages import EventKind, IntersectionConfig, LaneReading, VehicleObservation
from citybrain.queues import QUEUE_MPS, queue_of
from edge.drivers.driver import Look, Seen

STAND_MPS = 0.3
CROSSING_M = 30.0
"""A vehicle that vanishes nearer than this and its last second's way has crossed the stop line."""
SPILLBACK_SHARE = 0.9
SPILLBACK_S = 20.0
SPILLBACK_LANE_M = 40.0
STOPPED_S = 60.0
STOPPED_SPACE_M = 15.0
LONG_WAIT_S = 120.0


@dataclass(frozen=True, slots=True)
class CameraError:
    """How wrong the camera is: position and relative speed (standard deviation), share of vehicles missed."""

    position_m: float = 1.0
    speed: float = 0.05
    missed: float = 0.03


@dataclass(frozen=True, slots=True)
class Condition:
    """Something is wrong on `lane` now; `distance_m` before the stop line."""

    kind: EventKind
    lane: str
    detail: str
    evidence: Mapping[str, float]


@dataclass(slots=True)
class _Track:
    """What the camera remembers of a vehicle while it is in view."""

    lane: str
    distance_m: float
    speed_mps: float
    standing_since_s: float | None = None
    free_s: float = 0.0
    """Of that stand, with a green signal and space ahead."""


@dataclass(slots=True)
class _LaneMemory:
    limit_mps: float
    view_m: float
    length_m: float
    movements: list[int]
    full_since_s: float | None = None


class LaneObserver:
    """Watches the approaches of one intersection.

    `views_m` is how far before the stop line each lane is seen. A missed vehicle is missed for its whole
    passage (drawn from its tag and the seed), which is harder to live with than flicker.
    """

    def __init__(
        self,
        config: IntersectionConfig,
        views_m: Mapping[str, float],
        seed: int = 1,
        error: CameraError = CameraError(),
    ) -> None:
        self._error = error
        self._seed = seed
        self._random = random.Random(f"{seed}/{config.intersection}")  # noqa: S311 - noise, no secret
        self._name = config.intersection
        self._clock_s: float | None = None
        self._run = 0
        self._tracks: dict[int, _Track] = {}
        self._lanes = {
            lane.lane: _LaneMemory(
                max(lane.speed_limit_mps, 1.0),
                max(views_m.get(lane.lane, lane.length_m), 1.0),
                lane.length_m,
                [index for index, movement in enumerate(config.movements) if movement.from_lane == lane.lane],
            )
            for lane in config.lanes
        }

    def observe(self, look: Look) -> tuple[float, list[LaneReading], list[Condition]]:
        """Seconds since the last look, one reading per lane, and what is wrong now."""
        period_s = 1.0 if self._clock_s is None else look.clock_s - self._clock_s
        if look.run != self._run or not 0 < period_s <= 5.0:
            self._forget()
            period_s = 1.0
        self._clock_s, self._run = look.clock_s, look.run
        seen = {lane: self._unmissed(look.lanes.get(lane, ())) for lane in self._lanes}
        before, self._tracks = self._tracks, {}
        here = {vehicle.tag for vehicles in seen.values() for vehicle in vehicles}
        crossed = dict.fromkeys(self._lanes, 0)
        for tag, track in before.items():
            if tag not in here and track.distance_m < CROSSING_M + track.speed_mps * period_s:
                crossed[track.lane] += 1
        readings, conditions = [], []
        for lane, vehicles in seen.items():
            readings.append(self._reading(lane, vehicles, before, crossed[lane], period_s))
            conditions += self._conditions(lane, vehicles, look, readings[-1], period_s)
        return period_s, readings, conditions

    def _forget(self) -> None:
        self._tracks = {}
        for memory in self._lanes.values():
            memory.full_since_s = None

    def _unmissed(self, vehicles: Iterable[Seen]) -> list[Seen]:
        return [vehicle for vehicle in vehicles if not self._is_missed(vehicle.tag)]

    def _is_missed(self, tag: int) -> bool:
        return crc32(f"{self._seed}/{self._name}/{tag}".encode()) < self._error.missed * 2**32

    def _reading(
        self, lane: str, vehicles: list[Seen], before: Mapping[int, _Track], crossed: int, period_s: float
    ) -> LaneReading:
        memory = self._lanes[lane]
        stops, covered_m, delay_s = 0, 0.0, 0.0
        for vehicle in vehicles:
            old = before.get(vehicle.tag)
            self._tracks[vehicle.tag] = self._track(lane, vehicle, old)
            stops += vehicle.speed_mps < QUEUE_MPS and old is not None and old.speed_mps >= QUEUE_MPS
            covered_m += vehicle.length_m
            delay_s += max(0.0, 1.0 - vehicle.speed_mps / memory.limit_mps) * period_s
        observed = sorted(map(self._observation, vehicles), key=lambda one: one.distance_m)
        queued, queue_m = queue_of(observed)
        return LaneReading(
            lane=lane,
            vehicles=len(observed),
            queued=queued,
            queue_m=queue_m,
            mean_speed_mps=_mean(observed),
            occupancy=min(1.0, covered_m / memory.view_m),
            crossed=crossed,
            stops=stops,
            delay_s=round(delay_s, 2),
            observed=tuple(observed),
        )

    def _track(self, lane: str, vehicle: Seen, old: _Track | None) -> _Track:
        track = _Track(lane, vehicle.distance_m, vehicle.speed_mps)
        if vehicle.speed_mps < STAND_MPS:
            standing = old is not None and old.standing_since_s is not None
            track.standing_since_s = old.standing_since_s if old and standing else self._clock_s
            track.free_s = old.free_s if old and standing else 0.0
        return track

    def _observation(self, vehicle: Seen) -> VehicleObservation:
        distance_m = vehicle.distance_m + self._random.gauss(0.0, self._error.position_m)
        speed_mps = vehicle.speed_mps * (1.0 + self._random.gauss(0.0, self._error.speed))
        return VehicleObservation(
            round(max(distance_m, 0.0), 1), round(max(speed_mps, 0.0), 2), vehicle.road_user
        )

    def _conditions(
        self, lane: str, vehicles: list[Seen], look: Look, reading: LaneReading, period_s: float
    ) -> list[Condition]:
        memory = self._lanes[lane]
        found = [
            self._spillback(lane, memory, reading, look.clock_s),
            self._long_wait(lane, vehicles, look.clock_s),
            self._stopped(lane, memory, vehicles, look, period_s),
        ]
        return [condition for condition in found if condition is not None]

    def _spillback(
        self, lane: str, memory: _LaneMemory, reading: LaneReading, clock_s: float
    ) -> Condition | None:
        within_m = min(memory.length_m, memory.view_m)
        if memory.length_m <= SPILLBACK_LANE_M or reading.queue_m <= SPILLBACK_SHARE * within_m:
            memory.full_since_s = None
            return None
        memory.full_since_s = clock_s if memory.full_since_s is None else memory.full_since_s
        full_s = clock_s - memory.full_since_s
        if full_s <= SPILLBACK_S:
            return None
        detail = f"a queue of {reading.queue_m:.0f} m fills the lane of {memory.length_m:.0f} m"
        evidence = {"queue_m": reading.queue_m, "lane_m": round(memory.length_m, 1), "duration_s": full_s}
        return Condition(EventKind.QUEUE_SPILLBACK, lane, detail, evidence)

    def _long_wait(self, lane: str, vehicles: list[Seen], clock_s: float) -> Condition | None:
        head = min(vehicles, key=lambda vehicle: vehicle.distance_m, default=None)
        since_s = None if head is None else self._tracks[head.tag].standing_since_s
        if head is None or since_s is None or head.distance_m > STOPPED_SPACE_M:
            return None
        wait_s = clock_s - since_s
        if wait_s <= LONG_WAIT_S:
            return None
        detail = f"the first vehicle has waited for {LONG_WAIT_S:.0f} s"
        return Condition(EventKind.LONG_WAIT, lane, detail, {"wait_s": wait_s})

    def _stopped(
        self, lane: str, memory: _LaneMemory, vehicles: list[Seen], look: Look, period_s: float
    ) -> Condition | None:
        is_green = bool(memory.movements) and all(
            look.indications[i : i + 1] == "G" for i in memory.movements
        )
        ahead_m = 0.0
        worst: tuple[float, Seen] | None = None
        for vehicle in sorted(vehicles, key=lambda one: one.distance_m):
            track = self._tracks[vehicle.tag]
            has_space = ahead_m == 0.0 or vehicle.distance_m - ahead_m > STOPPED_SPACE_M
            if track.standing_since_s is not None:
                track.free_s += period_s if is_green and has_space else 0.0
                if track.free_s > STOPPED_S and (worst is None or track.free_s > worst[0]):
                    worst = (track.free_s, vehicle)
            ahead_m = vehicle.distance_m + vehicle.length_m
        if worst is None:
            return None
        detail = (
            f"a vehicle stands {worst[1].distance_m:.0f} m before the stop line with green and space ahead"
        )
        evidence = {"distance_m": round(worst[1].distance_m, 1), "free_s": worst[0]}
        return Condition(EventKind.STOPPED_VEHICLE, lane, detail, evidence)


def _mean(observed: list[VehicleObservation]) -> float | None:
    return round(sum(one.speed_mps for one in observed) / len(observed), 2) if observed else None
