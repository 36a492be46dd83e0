"""Lanes that nobody sees: they are taken to have their share, and get it."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from citybrain.messages import LocalPlan, PlanStage
from tests.fixtures.crossing import AT, crossing, measurement, queue, state
from traffic.horizon import HORIZON_S
from traffic.network import PROTECTED, RED, build_network
from traffic.reckoning import Reckoning
from traffic.record import new_record
from traffic.region import Region
from traffic.weights import DEFAULT_WEIGHTS

NORTH, EAST = 1, 2
BLIND = {"north", "south"}


def reckoning() -> Reckoning:
    net, sites = build_network([crossing()])
    return Reckoning(net, sites["x"], new_record(net, HORIZON_S), DEFAULT_WEIGHTS)


def wait(made: Reckoning, lane: int, seconds: int, code: int = RED) -> None:
    for second in range(seconds):
        made.go_on(lane, 0.0, code, float(second), 1.0)


def test_an_unseen_queue_grows_on_red_and_dissolves_on_green() -> None:
    made = reckoning()
    wait(made, NORTH, 40)
    stood = made.queue[NORTH]
    assert stood > 2.0
    wait(made, NORTH, 40, PROTECTED)
    assert made.queue[NORTH] < stood / 4
    assert made.gone[NORTH] > 0.0


def test_a_lane_that_was_seen_keeps_the_flow_it_had() -> None:
    busy, quiet = reckoning(), reckoning()
    for _ in range(600):
        busy.see(NORTH, 0.25, 0.0, 1.0)
        quiet.see(NORTH, 0.01, 0.0, 1.0)
    wait(busy, NORTH, 60)
    wait(quiet, NORTH, 60)
    assert busy.queue[NORTH] > 4 * quiet.queue[NORTH]


def test_a_lane_that_was_never_seen_is_as_loaded_as_the_others() -> None:
    busy, quiet = reckoning(), reckoning()
    for _ in range(600):
        for lane in (0, EAST, 3):
            busy.see(lane, 0.25, 0.0, 1.0)
            quiet.see(lane, 0.02, 0.0, 1.0)
    wait(busy, NORTH, 60)
    wait(quiet, NORTH, 60)
    assert busy.queue[NORTH] > 2 * quiet.queue[NORTH] > 0.0


def test_the_local_plan_says_which_lane_carries_more() -> None:
    long_north = LocalPlan(90.0, 0.0, [PlanStage(0, 0.0, 20.0), PlanStage(1, 25.0, 60.0)])
    net, sites = build_network([replace(crossing(), local_plan=long_north)])
    made = Reckoning(net, sites["x"], new_record(net, HORIZON_S), DEFAULT_WEIGHTS)
    wait(made, NORTH, 30)
    wait(made, EAST, 30)
    assert made.queue[NORTH] > 2 * made.queue[EAST]


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 2), st.sampled_from([RED, PROTECTED])), max_size=60))
def test_what_is_reckoned_never_falls_below_nothing(seconds: list[tuple[bool, float, int]]) -> None:
    made = reckoning()
    for seen, vehicles, code in seconds:
        if seen:
            made.see(NORTH, vehicles, vehicles, 1.0)
        else:
            made.go_on(NORTH, vehicles, code, 5.0, 1.0)
        assert made.queue[NORTH] >= 0.0
        assert np.isfinite(made.flow).all()


def test_blind_approaches_are_served_beside_a_steady_stream() -> None:
    """West always has somebody waiting; without reckoning the blind cross street would never be green."""
    region = Region([crossing()])
    region.on_state(state(elapsed_s=10.0))
    phases = []
    for clock_s in range(90):
        seen = measurement({"west": queue(2)}, clock_s=float(clock_s))
        lanes = [reading for reading in seen.lanes if reading.lane not in BLIND]
        at = AT + timedelta(seconds=clock_s)
        region.on_measurement(replace(seen, lanes=lanes, at=at))
        decision = region.decide("x", at)
        assert decision is not None
        phases.append(decision.phase)
        if decision.phase == 1:
            break
    assert phases[-1] == 1


@pytest.mark.parametrize("blind", [set(), BLIND])
def test_lanes_that_report_again_are_believed_at_once(blind: set[str]) -> None:
    region = Region([crossing()])
    region.on_state(state(elapsed_s=30.0))
    for clock_s in range(30):
        seen = measurement({"west": queue(1)}, clock_s=float(clock_s))
        region.on_measurement(replace(seen, lanes=[r for r in seen.lanes if r.lane not in blind]))
    region.on_measurement(measurement({"west": queue(1)}, clock_s=30.0))
    decision = region.decide("x", AT)
    assert decision is not None
    assert decision.phase == 0, "nobody is there"
