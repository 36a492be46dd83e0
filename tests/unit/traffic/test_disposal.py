"""Every decision passes the rules before it leaves."""

from msgspec.structs import replace

from tests.fixtures.crossing import crossing, measurement, queue, state
from traffic.disposal import Disposal
from traffic.horizon import Shown
from traffic.region import Decision


def disposal(clock_s: float = 0.0) -> Disposal:
    made = Disposal()
    made.on_config(crossing(max_green_s=40.0))
    made.on_state(state(clock_s=clock_s))
    return made


def wish(phase: int) -> Decision:
    return Decision("x", phase, "extend", 12.0)


def test_an_allowed_decision_leaves_as_it_is() -> None:
    assert disposal().settle(wish(1), Shown(0, 0, 20, 0)) == (wish(1), False)


def test_a_decision_that_cuts_a_minimum_green_is_held_back_with_the_reason() -> None:
    decision, is_overruled = disposal().settle(wish(1), Shown(0, 0, 3, 0))
    assert is_overruled
    assert (decision.phase, decision.reason) == (0, "phase 0 has 2.0 s of its minimum green left")


def test_a_decision_cannot_turn_a_change_around() -> None:
    decision, _ = disposal().settle(wish(0), Shown(0, 1, 0, 3))
    assert (decision.phase, decision.reason) == (1, "the change to phase 1 is under way")


def test_a_maximum_green_ends_when_a_queue_is_seen_elsewhere() -> None:
    made = disposal()
    made.on_measurement(measurement({"west": queue(3)}, clock_s=1.0))
    assert made.settle(wish(0), Shown(0, 0, 40, 0)) == (wish(0), False)
    made.on_measurement(measurement({"north": queue(1)}, clock_s=2.0))
    decision, _ = made.settle(wish(0), Shown(0, 0, 41, 0))
    assert (decision.phase, decision.reason) == (
        1,
        "phase 0 has reached its maximum green and somebody waits",
    )


def test_red_is_counted_over_messages_until_the_maximum() -> None:
    made = disposal()
    for second in range(1, 179):
        made.on_measurement(measurement({}, clock_s=float(second)))
    assert made.settle(wish(0), Shown(0, 0, 39, 0))[0].phase == 0
    for second in range(179, 182):
        made.on_measurement(measurement({}, clock_s=float(second)))
    decision, _ = made.settle(wish(0), Shown(0, 0, 39, 0))
    assert (decision.phase, decision.reason) == (1, "phase 1 has reached its maximum red and comes first")


def test_a_gap_between_messages_counts_little_and_foreign_states_count_nothing() -> None:
    made = disposal()
    made.on_state(replace(state(clock_s=500.0), indications="rr"))
    made.on_measurement(measurement({}, clock_s=1000.0))
    assert made.settle(wish(0), Shown(0, 0, 39, 0))[0].phase == 0
