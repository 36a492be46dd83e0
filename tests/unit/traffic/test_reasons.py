"""Why a signal shows what it shows, as a region tells it."""

import itertools

import pytest

from citybrain.messages import Binding, SignalReasons
from tests.fixtures.crossing import AT, crossing, measurement, queue, state
from traffic.claims import Claim
from traffic.region import Region


def told(
    elapsed_s: float = 10.0, *, is_overruled: bool = False, claims: bool = False, is_ordered: bool = False
) -> SignalReasons:
    """Four vehicles wait at the north, on red; the west is green."""
    region = Region([crossing()])
    region.on_state(state(elapsed_s=elapsed_s))
    assert region.on_measurement(measurement({"north": queue(4)}, clock_s=0.0))
    if claims:
        region.claim("x", [Claim("r", (2,), 100.0, 13.0, 8.0, 0.0, 200.0, "north", 4.0, 100.0)])
    decision = region.decide("x", AT)
    assert decision is not None
    found = region.reasons(
        decision, is_overruled=is_overruled, device="traffic/region-0", is_ordered=is_ordered
    )
    assert found is not None
    return found


def test_the_plan_names_the_wanted_phase_first_and_each_queue_is_seen_to_clear() -> None:
    reasons = told()
    assert (reasons.phase, reasons.binding, reasons.detail) == (1, Binding.PLAN, "change")
    assert (reasons.plan[0].phase, reasons.plan[0].in_s) == (1, 0.0)
    lanes = {lane.lane: lane for lane in reasons.lanes}
    assert lanes["north"].queued == 4.0
    assert lanes["west"].queued == 0.0
    assert lanes["west"].clears_s == 0.0
    # Yellow and all-red last 4 s, and four vehicles need some seconds each.
    clears_s = lanes["north"].clears_s
    assert clears_s is not None
    assert 4 + 3 * 1.9 <= clears_s <= 20


def test_a_minimum_green_binds_and_nothing_is_planned_to_clear() -> None:
    reasons = told(elapsed_s=1.0)
    assert reasons.binding is Binding.MINIMUM_GREEN
    assert [one.phase for one in reasons.plan] == [0]
    assert {lane.lane: lane.clears_s for lane in reasons.lanes}["north"] is None


@pytest.mark.parametrize(
    ("is_overruled", "claims", "binding"), [(True, True, Binding.RULES), (False, True, Binding.PRIORITY)]
)
def test_rules_come_before_priority_and_that_before_the_plan(
    *, is_overruled: bool, claims: bool, binding: Binding
) -> None:
    assert told(is_overruled=is_overruled, claims=claims).binding is binding


def test_an_order_of_a_person_is_said_and_no_plan_after_it_but_the_rules_come_first() -> None:
    reasons = told(is_ordered=True)
    assert reasons.binding is Binding.ORDER
    assert len(reasons.plan) == 1
    assert {lane.lane: lane.queued for lane in reasons.lanes}["north"] == 4.0
    assert {lane.clears_s for lane in reasons.lanes} == {None}
    assert told(is_ordered=True, is_overruled=True).binding is Binding.RULES


def test_what_follows_is_told_in_order_and_no_phase_twice_in_a_row() -> None:
    plan = told().plan
    assert [one.in_s for one in plan] == sorted(one.in_s for one in plan)
    assert all(one.phase != other.phase for one, other in itertools.pairwise(plan))
