"""Emergency trips drawn on a network that SUMO made: long ways past signals, spread over the run."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from simulations.emergency_trips import Ways, draw_trips
from simulations.network import RESCO, SignalNetwork, read_network
from simulations.scenarios import find_scenario

RUN_S = 3_600.0


@pytest.fixture(scope="module")
def grid() -> SignalNetwork:
    scenario = find_scenario("grid4x4")
    return read_network(scenario.net, at=datetime(2025, 1, 1, tzinfo=UTC), boot=1, protocol=RESCO)


def test_ways_lead_from_one_end_of_the_network_to_another_without_a_break(grid: SignalNetwork) -> None:
    ways = Ways(grid).longest()
    links = {
        (grid.net.lanes[c.from_lane].edge, grid.net.lanes[c.to_lane].edge)
        for c in grid.net.connections
        if c.to_lane in grid.net.lanes
    }
    assert len(ways) > 50
    for way in ways:
        assert set(pairwise(way)) <= links
        assert way[0].startswith(("left", "right", "top", "bottom"))
        assert len(set(way)) == len(way)


def test_the_longest_come_first_and_all_cross_three_signals(grid: SignalNetwork) -> None:
    ways = Ways(grid)
    found = [list(ways.legs(way, 1.0).values()) for way in ways.longest()]
    assert all(len(legs) >= 3 for legs in found)
    assert found[0][-1].free_s > found[-1][-1].free_s


def test_each_leg_names_an_intersection_and_movements_that_lead_on(grid: SignalNetwork) -> None:
    for trip in draw_trips(grid, 12, RUN_S, 1):
        for leg, place in zip(trip.path, trip.leg_edges, strict=True):
            config = grid.configs[leg.intersection]
            for m in leg.movements:
                movement = config.movements[m]
                assert grid.net.lanes[movement.from_lane].edge == trip.edges[place]
                assert grid.net.lanes[movement.to_lane].edge == trip.edges[place + 1]


def test_distances_and_times_grow_along_a_path_and_a_faster_vehicle_needs_less(grid: SignalNetwork) -> None:
    (slow,), (fast,) = draw_trips(grid, 1, RUN_S, 1), draw_trips(grid, 1, RUN_S, 1, 1.5)
    metres = [leg.distance_m for leg in slow.path]
    assert metres == sorted(metres)
    assert [leg.free_s for leg in fast.path] == pytest.approx(
        [leg.free_s / 1.5 for leg in slow.path], abs=0.1
    )


def test_a_seed_draws_the_same_trips_and_another_one_others(grid: SignalNetwork) -> None:
    assert draw_trips(grid, 12, RUN_S, 1) == draw_trips(grid, 12, RUN_S, 1)
    assert draw_trips(grid, 12, RUN_S, 1) != draw_trips(grid, 12, RUN_S, 2)


@pytest.mark.parametrize("count", [1, 12, 60])
def test_trips_are_spread_over_the_run_with_time_left_to_arrive(grid: SignalNetwork, count: int) -> None:
    departs_s = [trip.depart_s for trip in draw_trips(grid, count, RUN_S, 3)]
    assert len(departs_s) == count
    assert departs_s == sorted(departs_s)
    assert departs_s[0] >= 0.08 * RUN_S - 1.0
    assert departs_s[-1] <= 0.75 * RUN_S
