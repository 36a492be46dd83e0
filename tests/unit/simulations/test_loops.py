"""Virtual loops are covered and freed when a vehicle's front and rear pass them."""

from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest

from simulations.enumeration import Event
from simulations.events import Row
from simulations.layout import ADVANCE, CROSSING, PRESENCE, Detector, Layout, layouts
from simulations.loops import Loops
from simulations.network import RESCO, SignalNetwork, read_network
from simulations.scenarios import find_scenario
from simulations.watching import Vehicle
from tests.fixtures.crossing import AT

LENGTH_M = 5.0
SUMO: Any = SimpleNamespace(vehicle=SimpleNamespace(getLength=lambda _: LENGTH_M))
BEYOND = ":beyond_0"


@cache
def place() -> tuple[SignalNetwork, Layout, str]:
    """A network with one signal, and a lane of it that only one phase serves."""
    network = read_network(find_scenario("cologne1").net, at=AT, boot=1, protocol=RESCO)
    (layout,) = layouts(network).values()
    lane = next(d.lane for d in layout.detectors if d.function == CROSSING)
    return network, layout, lane


def loop(function: str) -> Detector:
    _, layout, lane = place()
    return next(d for d in layout.detectors if d.lane == lane and d.function == function)


class Street:
    """Vehicles on one lane, told as metres before the stop line and speed."""

    def __init__(self) -> None:
        network, layout, self.lane = place()
        self.length_m = network.net.lanes[self.lane].length_m
        self.loops = Loops(network, {layout.intersection: layout})
        self.rows: list[Row] = []
        self.second = 0

    def step(self, **vehicles: tuple[float, float]) -> None:
        seen = {
            id_: Vehicle(self.lane, self.length_m - distance, speed)
            if distance > 0
            else Vehicle(BEYOND, -distance, speed)
            for id_, (distance, speed) in vehicles.items()
        }
        self.rows += self.loops.step(float(self.second), seen, SUMO)
        self.second += 1

    def drive(self, begin_m: float, speed_mps: float, seconds: int) -> None:
        for second in range(seconds):
            self.step(car=(begin_m - second * speed_mps, speed_mps))

    def times(self, function: str, event: Event) -> list[float]:
        channel = loop(function).channel
        return [round(r.time_s, 6) for r in self.rows if (r.event, r.parameter) == (event, channel)]


@pytest.mark.parametrize("function", [ADVANCE, PRESENCE, CROSSING])
def test_a_passing_vehicle_is_on_the_loop_from_its_front_to_its_rear(function: str) -> None:
    street = Street()
    speed, begin = 9.7, 97.0
    street.drive(begin, speed, 14)
    where = loop(function)
    # The first step ends at second 1 with the vehicle at `begin`.
    on = 1.0 + (begin - where.far_m) / speed
    off = 1.0 + (begin - where.near_m + LENGTH_M) / speed
    assert street.times(function, Event.DETECTOR_ON) == [pytest.approx(on)]
    assert street.times(function, Event.DETECTOR_OFF) == [pytest.approx(off)]


def test_a_waiting_vehicle_holds_the_presence_loop_and_does_not_count_as_crossing() -> None:
    street = Street()
    for _ in range(30):
        street.step(car=(1.0, 0.0))
    assert len(street.times(PRESENCE, Event.DETECTOR_ON)) == 1
    assert not street.times(PRESENCE, Event.DETECTOR_OFF)
    assert not street.times(CROSSING, Event.DETECTOR_ON)


def test_a_queue_bumper_to_bumper_is_one_call() -> None:
    street = Street()
    street.step(first=(1.0, 0.0), second=(7.5, 0.0))
    street.step(first=(-6.0, 7.0), second=(4.0, 3.5))
    street.step(first=(-20.0, 14.0), second=(1.0, 3.0))
    assert len(street.times(PRESENCE, Event.DETECTOR_ON)) == 1
    assert not street.times(PRESENCE, Event.DETECTOR_OFF)
    assert len(street.times(CROSSING, Event.DETECTOR_ON)) == 1


def test_a_vehicle_that_turns_off_before_the_line_frees_its_loops_and_never_crosses() -> None:
    street = Street()
    street.step(car=(11.0, 1.0))
    street.rows += street.loops.step(1.0, {"car": Vehicle(BEYOND, 2.0, 1.0)}, SUMO)
    assert len(street.times(PRESENCE, Event.DETECTOR_OFF)) == 1
    assert not street.times(CROSSING, Event.DETECTOR_ON)


def test_a_vehicle_that_vanishes_frees_its_loops() -> None:
    street = Street()
    street.step(car=(1.0, 0.0))
    street.step()
    assert len(street.times(PRESENCE, Event.DETECTOR_OFF)) == 1
