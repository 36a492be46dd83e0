"""Vehicles between two loops of a lane, estimated from counts and occupancy: what a loop-fed site can know.

Input and output: who passes the advance loop drives on to the queue and stays until the stop-line loop
counts a vehicle out. Counting alone drifts with every lane change and every miss, so both loops correct it:
nobody stands on a free stop-line loop, somebody stands on a covered one, and a queue over the advance loop
fills the lane between them.
"""

from typing import NamedTuple

from citybrain.messages import LaneReading, VehicleObservation
from citybrain.queues import QUEUE_MPS, queue_of
from traffic.driving import ACCELERATION_MPS2, VEHICLE_M

LENGTH_M = 5.0
"""Of a vehicle and its trace on a loop, for speeds from occupancy."""
LEAST_MPS = 0.5
AT_LINE_M = 2.0
NEAR_LINE_M = 15.0
"""A covered stop-line loop is covered by the first estimated vehicle, where that is as near as this."""
GHOST_S = 3.0
"""Nobody stands at the line if its loop was free for so long."""
COVERED_S = 3.0
"""A queue stands on a loop that was covered for so long."""
COVERED = 0.99
MOST_BEYOND = 20.0
"""Vehicles that are believed to queue behind the advance loop, at most."""
RATE_MEMORY_S = 300.0


class LoopSecond(NamedTuple):
    """What both loops of a lane said in one second: vehicles that left each, its share of time covered."""

    advance_count: int
    advance_occupancy: float
    stop_count: int
    stop_occupancy: float


class LoopLane:
    """The estimate of one lane; give it every second in turn.

    `setback_m` is from the advance loop to the stop line, `limit_mps` the speed of free traffic. The readings
    hold estimated vehicles where a camera's would hold seen ones, and are as good as the loops are.
    """

    def __init__(self, lane: str, setback_m: float, limit_mps: float) -> None:
        self._lane = lane
        self._setback_m = max(setback_m, 1.0)
        self._limit_mps = max(limit_mps, 1.0)
        self._distance_m: list[float] = []
        self._speed_mps: list[float] = []
        self._rate = 0.0
        self._beyond = 0.0
        self._line_free_s = self._line_covered_s = 0.0
        self._loop_free_s = self._loop_covered_s = 0.0

    def step(self, second: LoopSecond) -> LaneReading:
        """The lane after this second."""
        self._time(second)
        was_moving = sum(speed >= QUEUE_MPS for speed in self._speed_mps)
        left = min(second.stop_count, len(self._distance_m))
        del self._distance_m[:left], self._speed_mps[:left]
        self._drive()
        self._arrive(second)
        self._correct_line()
        self._correct_loop()
        moving = sum(speed >= QUEUE_MPS for speed in self._speed_mps)
        return self._reading(second, max(0, was_moving - left + second.advance_count - moving))

    def _time(self, second: LoopSecond) -> None:
        self._line_free_s = self._line_free_s + 1.0 if second.stop_occupancy <= 0 else 0.0
        self._line_covered_s = self._line_covered_s + 1.0 if second.stop_occupancy >= COVERED else 0.0
        self._loop_free_s = self._loop_free_s + 1.0 if second.advance_occupancy <= 0 else 0.0
        self._loop_covered_s = self._loop_covered_s + 1.0 if second.advance_occupancy >= COVERED else 0.0

    def _drive(self) -> None:
        """Everybody moves up: to the limit where there is room, else to the queue or the line."""
        least_m = 0.0
        for i, before_m in enumerate(self._distance_m):
            speed = min(self._speed_mps[i] + ACCELERATION_MPS2, self._limit_mps)
            self._distance_m[i] = max(before_m - speed, min(least_m, before_m))
            self._speed_mps[i] = before_m - self._distance_m[i]
            least_m = self._distance_m[i] + VEHICLE_M

    def _arrive(self, second: LoopSecond) -> None:
        self._rate += (second.advance_count - self._rate) / RATE_MEMORY_S
        if second.advance_count == 0:
            return
        covered_s = max(second.advance_occupancy, 0.05)
        speed = min(max(second.advance_count * LENGTH_M / covered_s, LEAST_MPS), self._limit_mps)
        for _ in range(second.advance_count):
            behind_m = self._distance_m[-1] + VEHICLE_M if self._distance_m else 0.0
            self._distance_m.append(max(self._setback_m - speed / 2, behind_m))
            self._speed_mps.append(speed)

    def _correct_line(self) -> None:
        at_line = bool(self._distance_m) and self._distance_m[0] < AT_LINE_M
        if at_line and self._speed_mps[0] < LEAST_MPS and self._line_free_s >= GHOST_S:
            del self._distance_m[0], self._speed_mps[0]
            self._line_free_s = 0.0
        elif not at_line and self._line_covered_s >= COVERED_S:
            if self._distance_m and self._distance_m[0] < NEAR_LINE_M:
                del self._distance_m[0], self._speed_mps[0]
            self._distance_m.insert(0, 0.0)
            self._speed_mps.insert(0, 0.0)

    def _correct_loop(self) -> None:
        if self._loop_covered_s >= COVERED_S:
            self._beyond = min(self._beyond + self._rate, MOST_BEYOND)
            room = int(self._setback_m / VEHICLE_M)
            while len(self._distance_m) < room:
                last_m = self._distance_m[-1] if self._distance_m else -VEHICLE_M
                self._distance_m.append(max(last_m + VEHICLE_M, 0.0))
                self._speed_mps.append(0.0)
            return
        self._beyond = 0.0
        while (
            self._loop_free_s >= GHOST_S
            and self._distance_m
            and self._distance_m[-1] > self._setback_m
            and self._speed_mps[-1] < LEAST_MPS
        ):
            del self._distance_m[-1], self._speed_mps[-1]

    def _reading(self, second: LoopSecond, stops: int) -> LaneReading:
        seen = [
            VehicleObservation(distance, speed)
            for distance, speed in zip(self._distance_m, self._speed_mps, strict=True)
        ]
        last_m = max(seen[-1].distance_m if seen else 0.0, self._setback_m)
        seen += [VehicleObservation(last_m + VEHICLE_M * k, 0.0) for k in range(1, int(self._beyond) + 1)]
        queued, queue_m = queue_of(seen)
        speeds = [one.speed_mps for one in seen]
        return LaneReading(
            lane=self._lane,
            vehicles=len(seen),
            queued=queued,
            queue_m=queue_m,
            mean_speed_mps=sum(speeds) / len(speeds) if speeds else None,
            occupancy=min(1.0, len(seen) * LENGTH_M / self._setback_m),
            crossed=second.stop_count,
            stops=stops,
            delay_s=sum(max(0.0, 1.0 - speed / self._limit_mps) for speed in speeds),
            observed=tuple(seen),
        )
