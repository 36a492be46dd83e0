"""Measurements that come late: the region decides for now, not for then."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from citybrain.rules import rules_of
from tests.fixtures.crossing import AT, crossing, measurement, queue, state
from traffic.horizon import Shown
from traffic.lateness import catch_up
from traffic.network import build_network
from traffic.region import Region
from traffic.timing import SignalTimer


@given(st.lists(st.integers(0, 1), max_size=30))
def test_catching_up_shows_what_a_signal_shows_that_took_the_same_wishes(wishes: list[int]) -> None:
    config = crossing()
    net, _ = build_network([config])
    timer = SignalTimer(rules_of(config))
    for wish in wishes:
        timer.step(wish)
    shown, passed = catch_up(net, 0, Shown(0, 0, 0, 0), wishes)
    assert len(passed) == len(wishes)
    assert shown.target == timer.target
    if not timer.is_changing:
        assert (shown.phase, shown.left_s) == (timer.phase, 0)


def decide(late_s: int, vehicles: dict[str, list[tuple[float, float]]]) -> int:
    region = Region([crossing()])
    region.on_state(state(clock_s=8.0))
    for clock_s in range(8):
        region.on_measurement(measurement({}, clock_s=float(clock_s)))
    region.on_measurement(measurement(vehicles, clock_s=8.0))
    decision = region.decide("x", AT + timedelta(seconds=late_s))
    assert decision is not None
    return decision.phase


def test_a_queue_seen_late_still_gets_its_phase() -> None:
    assert decide(2, {"north": queue(4)}) == decide(0, {"north": queue(4)}) == 1


def test_who_has_crossed_meanwhile_keeps_no_green() -> None:
    """One vehicle rolls over the line within a second; a cross street waits for just that."""
    vehicles = {"west": [(3.0, 10.0)], "north": queue(2)}
    assert decide(2, vehicles) == 1


def test_a_change_that_was_ordered_since_is_under_way() -> None:
    region = Region([crossing()])
    region.on_state(state())
    for clock_s in range(3):
        at = AT + timedelta(seconds=clock_s)
        seen_s = max(clock_s - 1, 0)
        seen = measurement({"north": queue(4)}, clock_s=float(seen_s))
        region.on_measurement(replace(seen, at=AT + timedelta(seconds=seen_s)))
        decision = region.decide("x", at)
    assert decision is not None
    assert (decision.phase, decision.reason) == (1, "clearing")
