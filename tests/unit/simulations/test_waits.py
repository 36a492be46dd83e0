"""Waiting by approach, with those who could not even enter."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from simulations.fleet import Fleet
from simulations.network import SignalNetwork, read_network
from simulations.scenarios import find_scenario
from simulations.waits import ApproachWaits
from simulations.watching import Vehicle


class Street:
    """Stands in for libsumo and its fleet."""

    def __init__(self, network: SignalNetwork) -> None:
        self.network = network
        self.departed: dict[str, float] = {}
        self.pending: dict[str, tuple[float, list[str]]] = {}
        self.simulation = SimpleNamespace(
            getDepartedIDList=lambda: list(self.departed), getPendingVehicles=lambda: list(self.pending)
        )
        self.vehicle = SimpleNamespace(
            getDepartDelay=lambda id_: self.departed.get(id_, self.pending.get(id_, (0.0, []))[0]),
            getRoute=lambda id_: self.pending[id_][1],
        )
        self.fleet = Fleet(self)
        self.waits = ApproachWaits(network, self.fleet, self)

    def step(self, vehicles: dict[str, tuple[str, float]], departed: dict[str, float] | None = None) -> None:
        self.departed = departed or {}
        self.fleet.vehicles = {id_: Vehicle(lane, 0.0, speed) for id_, (lane, speed) in vehicles.items()}
        self.waits.watch()


@pytest.fixture
def street() -> Street:
    return Street(read_network(find_scenario("cologne1").net, at=datetime(2026, 1, 1, tzinfo=UTC), boot=1))


def lanes_of(street: Street) -> tuple[str, str]:
    """A lane of each of two approaches."""
    lanes = street.network.net.lanes
    first = next(iter(street.network.views))
    return first, next(lane for lane in street.network.views if lanes[lane].edge != lanes[first].edge)


def test_standing_is_added_up_until_the_vehicle_leaves_the_approach(street: Street) -> None:
    one, other = lanes_of(street)
    for speed in (9.0, 0.0, 0.0, 0.0, 5.0):
        street.step({"a": (one, speed), "b": (other, 9.0)})
    street.step({})
    found = {wait.approach: wait for wait in street.waits.figures()}
    edges = street.network.net.lanes
    assert found[edges[one].edge].max_s == 3.0
    assert (found[edges[other].edge].vehicles, found[edges[other].edge].max_s) == (1, 0.0)


def test_who_is_still_there_at_the_end_counts(street: Street) -> None:
    one, _ = lanes_of(street)
    for _ in range(40):
        street.step({"a": (one, 0.0)})
    assert street.waits.figures()[0].p95_s == 40.0


def test_waiting_to_enter_counts_for_the_first_approach(street: Street) -> None:
    one, _ = lanes_of(street)
    street.step({"a": ("somewhere before", 8.0)}, departed={"a": 120.0})
    street.step({"a": (one, 8.0)})
    assert street.waits.figures()[0].max_s == 120.0


def test_who_never_entered_starves_the_approach_that_its_route_leads_to(street: Street) -> None:
    one, _ = lanes_of(street)
    edge = street.network.net.lanes[one].edge
    street.pending = {"a": (900.0, ["far away", edge]), "b": (700.0, ["nowhere near a signal"])}
    (wait,) = street.waits.figures()
    assert (wait.approach, wait.vehicles, wait.p95_s) == (edge, 1, 900.0)
