"""Queue and delay on every approach of a running simulation, minute by minute, and on every lane in all."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from citybrain.queues import QUEUE_MPS
from simulations.layout import Approach, Layout
from simulations.network import SignalNetwork
from simulations.watching import Vehicle

MINUTE_S = 60.0
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Minutes:
    """By approach and minute: (approaches, minutes) float64.

    `delay_s` are vehicle-seconds lost against the speed limit within the cameras' view (HCM 6th ed., section
    4: travel time less free-flow travel time); `queue` is the mean number of vehicles slower than 2 m/s,
    `queue_max` the largest, `reach_m` how far back from the stop line such a vehicle stood; `crossed` left
    over the stop line.
    """

    approaches: tuple[Approach, ...]
    delay_s: _Floats
    queue: _Floats
    queue_max: _Floats
    reach_m: _Floats
    crossed: _Floats


@dataclass(frozen=True, slots=True)
class Lanes:
    """By SUMO lane in sight of a signal, over the whole run.

    `vehicle_s` and `delay_s` are vehicle-seconds there and lost there, `queue` the mean of slow vehicles.
    """

    lanes: tuple[str, ...]
    vehicle_s: _Floats
    delay_s: _Floats
    queue: _Floats


class ApproachMeter:
    """Counts; `step` once a second with the true vehicles, then `minutes` and `lanes`."""

    def __init__(self, network: SignalNetwork, layouts: Mapping[str, Layout], seconds: float) -> None:
        self._approaches = [a for layout in layouts.values() for a in layout.approaches]
        of_lane = {lane: row for row, a in enumerate(self._approaches) for lane in a.lanes}
        places = [(lane, s) for lane, view in network.views.items() if lane in of_lane for s in view]
        limits = network.net.lanes
        self._index = {stretch.lane: index for index, (_, stretch) in enumerate(places)}
        self._names = tuple(self._index)
        self._row = [of_lane[lane] for lane, _ in places]
        self._to_line_m = [stretch.offset_m + stretch.length_m for _, stretch in places]
        self._limit_mps = [max(limits[stretch.lane].speed_mps, 1.0) for _, stretch in places]
        size = (len(self._approaches), max(1, int(np.ceil(seconds / MINUTE_S))))
        self._delay, self._queue, self._max, self._reach, self._crossed = (np.zeros(size) for _ in range(5))
        self._lane = np.zeros((3, len(places)))
        self._on: dict[str, int] = {}
        self._seconds = 0

    def step(self, vehicles: Mapping[str, Vehicle]) -> None:
        """The second that has just ended."""
        minute = min(int(self._seconds // MINUTE_S), self._delay.shape[1] - 1)
        self._seconds += 1
        slow: dict[int, int] = {}
        on: dict[str, int] = {}
        for id_, vehicle in vehicles.items():
            index = self._index.get(vehicle.lane)
            if index is None:
                continue
            row = self._row[index]
            lost = max(0.0, 1.0 - vehicle.speed_mps / self._limit_mps[index])
            on[id_] = row
            self._delay[row, minute] += lost
            self._lane[0, index] += 1.0
            self._lane[1, index] += lost
            if vehicle.speed_mps < QUEUE_MPS:
                slow[row] = slow.get(row, 0) + 1
                self._lane[2, index] += 1.0
                reach_m = self._to_line_m[index] - vehicle.position_m
                self._reach[row, minute] = max(self._reach[row, minute], reach_m)
        for row, count in slow.items():
            self._queue[row, minute] += count
            self._max[row, minute] = max(self._max[row, minute], count)
        for id_, row in self._on.items():
            if on.get(id_, -1) != row:
                self._crossed[row, minute] += 1.0
        self._on = on

    def minutes(self) -> Minutes:
        shape = self._delay.shape[1]
        passed = np.clip(self._seconds - MINUTE_S * np.arange(shape), 1.0, MINUTE_S)
        return Minutes(
            tuple(self._approaches),
            self._delay,
            self._queue / passed,
            self._max,
            self._reach,
            self._crossed,
        )

    def lanes(self) -> Lanes:
        return Lanes(self._names, self._lane[0], self._lane[1], self._lane[2] / max(self._seconds, 1))
