"""Where vehicles were along a corridor, second by second, for the time-space diagram."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulations.corridor import Corridor, Leg
from simulations.network import SignalNetwork
from simulations.watching import Vehicle

WINDOW_S = 900.0
"""At most so much of a run is kept; a time-space diagram of more cannot be read."""
MAX_POINTS = 400_000


@dataclass(frozen=True, slots=True)
class Axis:
    """Stop lines on the corridor's axis in metres, by signal in outbound order; the first is at 0."""

    begin_m: float
    signals_m: tuple[float, ...]
    end_m: float


@dataclass(frozen=True, slots=True)
class Point:
    """One vehicle at one second; `vehicle` is a running number, no identity; `direction` +1 is outbound."""

    direction: int
    vehicle: int
    time_s: float
    x_m: float


def axis_of(corridor: Corridor) -> Axis:
    """The outbound direction's stop lines, with the ways to the first signal of either direction."""
    places, at = [], 0.0
    for index, leg in enumerate(corridor.outbound):
        at += leg.length_m if index else 0.0
        places.append(at)
    begin = -corridor.outbound[0].length_m
    end = at + (corridor.inbound[0].length_m if corridor.inbound else 50.0)
    return Axis(begin, tuple(places), end)


@dataclass(slots=True)
class TrajectoryMeter:
    """Keeps the points of vehicles on the corridor's edges within a window; `step` once a second."""

    network: SignalNetwork
    corridor: Corridor
    begin_s: float
    points: list[Point] = field(default_factory=list)
    _places: dict[str, tuple[int, float, float]] = field(default_factory=dict)
    _numbers: dict[tuple[str, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        axis = axis_of(self.corridor)
        outbound = [axis.begin_m, *axis.signals_m]
        self._place(self.corridor.outbound, 1, outbound)
        self._place(self.corridor.inbound, -1, [axis.end_m, *axis.signals_m[::-1]])

    def step(self, time_s: float, vehicles: Mapping[str, Vehicle]) -> None:
        """`time_s` is the instant of these positions."""
        if not self.begin_s <= time_s <= self.begin_s + WINDOW_S or len(self.points) >= MAX_POINTS:
            return
        for id_, vehicle in vehicles.items():
            place = self._places.get(vehicle.lane)
            if place is not None:
                direction, at_m, scale = place
                number = self._numbers.setdefault((id_, direction), len(self._numbers) + 1)
                self.points.append(Point(direction, number, time_s, at_m + scale * vehicle.position_m))

    def _place(self, legs: tuple[Leg, ...], direction: int, marks: list[float]) -> None:
        """Each lane of a leg on the axis: its begin, and axis metres per metre of lane.

        The inbound way between two signals is as long on the axis as the outbound one.
        """
        net = self.network.net
        for leg, one, other in zip(legs, marks, marks[1:], strict=False):
            scale = (other - one) / max(leg.length_m, 1.0)
            left_m = sum(net.lanes[net.edges[edge].lanes[0]].length_m for edge in leg.edges)
            for edge in leg.edges:
                length_m = net.lanes[net.edges[edge].lanes[0]].length_m
                for lane in net.edges[edge].lanes:
                    self._places[lane] = (direction, other - scale * left_m, scale)
                left_m -= length_m
