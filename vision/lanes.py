"""What a lane carries: flow, space-mean speed, occupancy, headways, queue, stops, in metres and seconds.

Flow, density and space-mean speed of the observed stretch by Edie's definitions (Edie, Discussion of Traffic
Stream Measurements and Definitions, 1963): distances travelled and times spent, over length and time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from citybrain.calibration import Lane
from citybrain.ground import Ground, pixels_of
from citybrain.messages import LaneReading, RoadUser, VehicleObservation
from vision.motion import Mover

Floats = NDArray[np.float64]

LENGTH_M = {
    RoadUser.BICYCLE: 1.8,
    RoadUser.MOTORCYCLE: 2.2,
    RoadUser.CAR: 4.5,
    RoadUser.TRUCK: 9.0,
    RoadUser.BUS: 12.0,
}
"""A camera sees where a vehicle's foot is, not how long it is."""
QUEUED_MPS = 2.0
STOPPED_MPS = 0.5
MOVING_MPS = 1.5
"""Who stood is moving again above this; between the two nothing changes."""
MAX_FRONT_GAP_M = 12.0
MAX_GAP_M = 8.0
"""Free road between two vehicles of one queue."""
MAX_STEP_S = 2.0
FREE_MPS = 13.9
FORGET_S = 10.0


class LaneFigures(msgspec.Struct, frozen=True):
    """One lane over a period."""

    lane: str
    vehicles: int
    """At the end of the period, as everything with them."""
    flow_per_h: float
    mean_speed_mps: float | None
    occupancy: float
    headway_s: float | None
    """Mean time between the fronts of two vehicles that cross the stop line."""
    queued: int
    queue_m: float
    stopped: int
    crossed: int
    stops: int
    delay_s: float
    quality: float


@dataclass(slots=True)
class _Vehicle:
    user: RoadUser
    front_m: float
    speed_mps: float | None
    """None until it was seen for long enough."""
    seen_s: float
    has_crossed: bool = False
    stands: bool = False


@dataclass(slots=True)
class _Sums:
    distance_m: float = 0.0
    time_s: float = 0.0
    covered: float = 0.0
    observed_s: float = 0.0
    crossed: int = 0
    stops: int = 0
    delay_s: float = 0.0
    headways: list[float] = field(default_factory=list)
    known: int = 0
    seen: int = 0


class LaneMeter:
    """One lane of one camera; feed it every frame's movers in order of time."""

    def __init__(self, lane: Lane, ground: Ground, width: int, height: int) -> None:
        self.lane = lane
        self._path = ground.to_metres(pixels_of(lane.path, width, height))
        steps = np.hypot(*np.diff(self._path, axis=0).T)
        self._along = np.concatenate([[0.0], np.cumsum(steps)])
        self._vehicles: dict[int, _Vehicle] = {}
        self._last_s: float | None = None
        self._last_front_s: float | None = None
        self._sums = _Sums()

    @property
    def length_m(self) -> float:
        return float(self._along[-1])

    def place(self, mover: Mover) -> tuple[float, float, float] | None:
        """Metres to the stop line, metres to the right of the middle, and speed along the lane in m/s
        (negative against it); None who is not on the lane.
        """
        point, velocity = np.array([mover.x_m, mover.y_m]), np.array([mover.vx_mps, mover.vy_mps])
        a, step = self._path[:-1], np.diff(self._path, axis=0)
        length = np.hypot(*step.T)
        unit = step / length[:, None]
        share = ((point - a) * unit).sum(axis=1)
        inside = np.clip(share, 0, length)
        # The lane goes on in a straight line behind its ends, to see who has just crossed.
        inside[-1] = max(share[-1], 0.0)
        off = point - (a + inside[:, None] * unit)
        best = int(np.argmin(np.hypot(*off.T)))
        side = float(unit[best, 0] * -off[best, 1] + unit[best, 1] * off[best, 0])
        along = float(self._along[best] + inside[best])
        if np.hypot(*off[best]) > self.lane.width_m / 2 or along > self.length_m + MAX_FRONT_GAP_M:
            return None
        return self.length_m - along, side, float(velocity @ unit[best])

    def update(self, movers: Iterable[Mover], at_s: float) -> None:
        """One frame."""
        step_s = 0.0 if self._last_s is None else min(max(at_s - self._last_s, 0.0), MAX_STEP_S)
        self._last_s = at_s
        self._sums.observed_s += step_s
        for mover in movers:
            if mover.road_user is not RoadUser.PERSON:
                self._follow(mover, at_s)
        stale = [n for n, vehicle in self._vehicles.items() if at_s - vehicle.seen_s > FORGET_S]
        for number in stale:
            del self._vehicles[number]
        self._add_up(step_s)

    def _follow(self, mover: Mover, at_s: float) -> None:
        placed = self.place(mover)
        if placed is None:
            self._vehicles.pop(mover.track, None)
            return
        front_m, _, speed_mps = placed
        self._sums.seen += 1
        self._sums.known += mover.is_known
        vehicle = self._vehicles.get(mover.track)
        if vehicle is None:
            vehicle = _Vehicle(mover.road_user, front_m, None, at_s, has_crossed=front_m <= 0)
            self._vehicles[mover.track] = vehicle
        if front_m <= 0 and not vehicle.has_crossed and speed_mps > 0:
            self._cross(vehicle, at_s)
        vehicle.front_m, vehicle.seen_s, vehicle.user = front_m, at_s, mover.road_user
        if mover.is_known:
            vehicle.speed_mps = speed_mps
            self._note_stop(vehicle, mover.speed_mps)

    def _cross(self, vehicle: _Vehicle, at_s: float) -> None:
        vehicle.has_crossed = True
        self._sums.crossed += 1
        if self._last_front_s is not None:
            self._sums.headways.append(at_s - self._last_front_s)
        self._last_front_s = at_s

    def _note_stop(self, vehicle: _Vehicle, speed_mps: float) -> None:
        if not vehicle.stands and speed_mps < STOPPED_MPS:
            vehicle.stands = True
            self._sums.stops += 1
        elif vehicle.stands and speed_mps > MOVING_MPS:
            vehicle.stands = False

    def _add_up(self, step_s: float) -> None:
        present = self._present()
        covered = 0.0
        for vehicle in present:
            if vehicle.speed_mps is not None:
                speed = max(vehicle.speed_mps, 0.0)
                self._sums.distance_m += speed * step_s
                self._sums.time_s += step_s
                self._sums.delay_s += step_s * max(1 - speed / FREE_MPS, 0.0)
            rear_m = min(vehicle.front_m + LENGTH_M[vehicle.user], self.length_m)
            covered += max(rear_m - vehicle.front_m, 0.0)
        self._sums.covered += step_s * min(covered / self.length_m, 1.0)

    def _present(self) -> list[_Vehicle]:
        """Vehicles before the stop line, the first one first."""
        on = [v for v in self._vehicles.values() if 0 < v.front_m <= self.length_m]
        return sorted(on, key=lambda vehicle: vehicle.front_m)

    def queue(self) -> tuple[int, float]:
        """Vehicles slower than 2 m/s joined to the stop line, and metres from it to the last one's end."""
        count, end_m = 0, 0.0
        for vehicle in self._present():
            gap_m = vehicle.front_m - end_m
            drives = vehicle.speed_mps is None or vehicle.speed_mps >= QUEUED_MPS
            if drives or gap_m > (MAX_GAP_M if count else MAX_FRONT_GAP_M):
                break
            count, end_m = count + 1, vehicle.front_m + LENGTH_M[vehicle.user]
        return count, end_m

    def collect(self) -> LaneFigures:
        """The figures since the last call."""
        sums, self._sums = self._sums, _Sums()
        queued, queue_m = self.queue()
        present = self._present()
        spent_s = max(sums.observed_s, 1e-9)
        return LaneFigures(
            lane=self.lane.lane,
            vehicles=len(present),
            flow_per_h=round(3600 * sums.crossed / spent_s, 1) if sums.observed_s else 0.0,
            mean_speed_mps=round(sums.distance_m / sums.time_s, 2) if sums.time_s else None,
            occupancy=round(sums.covered / spent_s, 4) if sums.observed_s else 0.0,
            headway_s=round(sum(sums.headways) / len(sums.headways), 2) if sums.headways else None,
            queued=queued,
            queue_m=round(queue_m, 1),
            stopped=sum(vehicle.stands for vehicle in present),
            crossed=sums.crossed,
            stops=sums.stops,
            delay_s=round(sums.delay_s, 1),
            quality=round(sums.known / sums.seen, 3) if sums.seen else 1.0,
        )

    def observations(self) -> tuple[VehicleObservation, ...]:
        """The vehicles before the stop line, without numbers."""
        return tuple(
            VehicleObservation(round(v.front_m, 1), round(max(v.speed_mps, 0.0), 2), v.user)
            for v in self._present()
            if v.speed_mps is not None
        )


def reading(figures: LaneFigures, observed: Sequence[VehicleObservation] = ()) -> LaneReading:
    """The figures as the message that traffic and storage know."""
    return LaneReading(
        lane=figures.lane,
        vehicles=figures.vehicles,
        queued=figures.queued,
        queue_m=figures.queue_m,
        mean_speed_mps=figures.mean_speed_mps,
        occupancy=figures.occupancy,
        crossed=figures.crossed,
        stops=figures.stops,
        delay_s=figures.delay_s,
        observed=tuple(observed),
    )
