"""What cameras report of vehicles whose places are known."""

from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest

from simulations.fleet import Fleet
from simulations.lanes import EXACT, CameraError, CameraView, LaneObserver
from simulations.network import SignalNetwork, read_network
from simulations.scenarios import find_scenario
from traffic.network import VIEW_M


@pytest.fixture(scope="module")
def network() -> SignalNetwork:
    return read_network(find_scenario("cologne1").net, at=datetime(2026, 1, 1, tzinfo=UTC), boot=1)


class Street:
    """Stands in for libsumo: vehicles by id as (lane, position, speed)."""

    def __init__(self) -> None:
        self.cars: dict[str, tuple[str, float, float]] = {}
        self.vehicle = SimpleNamespace(
            getIDList=lambda: list(self.cars),
            getLaneID=lambda id_: self.cars[id_][0],
            getLanePosition=lambda id_: self.cars[id_][1],
            getSpeed=lambda id_: self.cars[id_][2],
            getLength=lambda _: 5.0,
            getVehicleClass=lambda id_: "bus" if id_.startswith("bus") else "passenger",
        )
        self.simulation = SimpleNamespace(
            getParkingStartingVehiclesIDList=lambda: self.parking, getParkingEndingVehiclesIDList=list
        )
        self.parking: list[str] = []


class Camera:
    def __init__(self, network: SignalNetwork, error: CameraError = EXACT, seed: int = 1) -> None:
        self.street = Street()
        self.fleet = Fleet(self.street)
        self.view = CameraView(network, self.fleet)
        self.observer = LaneObserver(network, self.fleet, error, seed)
        # An approach of two lanes or more, the first of them at least 60 m long.
        lanes = network.net.lanes
        self.lane = next(lane for lane in network.views if lane.endswith("_0") and lanes[lane].length_m > 60)
        self.beside = self.lane[:-1] + "1"
        self.length_m = lanes[self.lane].length_m

    def look(self, cars: dict[str, tuple[str, float, float]]) -> None:
        self.street.cars = cars
        self.fleet.read()
        self.readings = self.observer.observe(self.view.sightings())
        self.reading = self.readings[self.lane]


def test_an_exact_camera_says_where_everybody_is_nearest_first(network: SignalNetwork) -> None:
    camera = Camera(network)
    end = camera.length_m
    camera.look({"far": (camera.lane, end - 50, 12.0), "bus": (camera.lane, end - 1, 0.0)})
    assert [round(one.distance_m) for one in camera.reading.observed] == [1, 50]
    assert [one.road_user.value for one in camera.reading.observed] == ["bus", "car"]
    assert (camera.reading.vehicles, camera.reading.queued) == (2, 1)


def test_a_vehicle_that_leaves_the_edge_has_crossed_once_and_one_that_changes_lanes_has_not(
    network: SignalNetwork,
) -> None:
    camera = Camera(network)
    end = camera.length_m
    camera.look({"a": (camera.lane, end - 2, 9.0), "b": (camera.lane, end - 30, 9.0)})
    camera.look({"a": (":inside_0_0", 3.0, 9.0), "b": (camera.beside, end - 20, 9.0)})
    assert camera.reading.crossed == 1
    assert camera.readings[camera.beside].crossed == 0
    camera.look({"b": (camera.beside, end - 10, 9.0)})
    assert sum(reading.crossed for reading in camera.readings.values()) == 0


def test_who_slows_down_to_a_stand_stops_once(network: SignalNetwork) -> None:
    camera = Camera(network)
    stops = []
    for speed in (10.0, 5.0, 0.0, 0.0):
        camera.look({"a": (camera.lane, camera.length_m - 10, speed)})
        stops.append(camera.reading.stops)
    assert stops == [0, 0, 1, 0]


def test_a_parked_vehicle_is_off_the_road(network: SignalNetwork) -> None:
    camera = Camera(network)
    camera.street.parking = ["a"]
    camera.look({"a": (camera.lane, camera.length_m - 10, 0.0)})
    assert camera.reading.vehicles == 0


def test_the_errors_of_a_camera_are_as_large_as_said(network: SignalNetwork) -> None:
    camera = Camera(network, CameraError(1.0, 0.05, 0.0), seed=4)
    distances, speeds = [], []
    for _ in range(400):
        camera.look({f"{n}": (camera.lane, camera.length_m - 40, 10.0) for n in range(5)})
        distances += [one.distance_m for one in camera.reading.observed]
        speeds += [one.speed_mps for one in camera.reading.observed]
    assert np.mean(distances) == pytest.approx(40.0, abs=0.1)
    assert np.std(distances) == pytest.approx(1.0, rel=0.1)
    assert np.mean(speeds) == pytest.approx(10.0, abs=0.05)
    assert np.std(speeds) == pytest.approx(0.5, rel=0.1)


def test_a_missed_vehicle_is_missed_for_its_whole_trip_and_their_share_is_as_said(
    network: SignalNetwork,
) -> None:
    camera = Camera(network, CameraError(0.0, 0.0, 0.3), seed=2)
    cars = {f"car{n}": (camera.lane, camera.length_m - 20, 10.0) for n in range(1000)}
    camera.look(cars)
    first = camera.reading.vehicles
    assert 0.25 < 1 - first / 1000 < 0.35
    camera.look(cars)
    assert camera.reading.vehicles == first


def test_nobody_is_seen_beyond_the_range(network: SignalNetwork) -> None:
    camera = Camera(network)
    stretch = max(network.views[camera.lane], key=lambda one: one.offset_m + one.length_m)
    if stretch.offset_m + stretch.length_m <= VIEW_M:
        pytest.skip("this approach is shorter than the range")
    camera.look({"a": (stretch.lane, stretch.offset_m + stretch.length_m - VIEW_M - 1, 10.0)})
    assert camera.reading.vehicles == 0
