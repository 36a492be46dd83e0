"""Vehicles between two loops, from counts and occupancy alone."""

from hypothesis import given
from hypothesis import strategies as st

from citybrain.messages import LaneReading
from traffic.driving import VEHICLE_M
from traffic.loops import COVERED_S, GHOST_S, LoopLane, LoopSecond

NOTHING = LoopSecond(0, 0.0, 0, 0.0)
ARRIVES = LoopSecond(1, 0.4, 0, 0.0)
STANDS = LoopSecond(0, 0.0, 0, 1.0)
LEAVES = LoopSecond(0, 0.0, 1, 0.6)
SETBACK_M = 70.0


def lane() -> LoopLane:
    return LoopLane("a_0", SETBACK_M, 14.0)


def after(estimate: LoopLane, *seconds: LoopSecond) -> LaneReading:
    reading = estimate.step(seconds[0])
    for second in seconds[1:]:
        reading = estimate.step(second)
    return reading


def test_who_passes_the_advance_loop_drives_to_the_line_and_waits_there() -> None:
    estimate = lane()
    assert after(estimate, ARRIVES).observed[0].distance_m > SETBACK_M - 14.0
    halfway = after(estimate, NOTHING, NOTHING)
    assert 20.0 < halfway.observed[0].distance_m < 50.0
    assert halfway.queued == 0
    waiting = after(estimate, NOTHING, NOTHING, NOTHING, *[STANDS] * 20)
    assert (waiting.vehicles, waiting.queued) == (1, 1)
    assert waiting.observed[0].distance_m == 0.0


def test_who_is_counted_out_at_the_line_is_gone() -> None:
    reading = after(lane(), ARRIVES, *[NOTHING] * 5, STANDS, STANDS, LEAVES)
    assert (reading.vehicles, reading.crossed) == (0, 1)


def test_followers_wait_behind_each_other() -> None:
    reading = after(lane(), ARRIVES, NOTHING, ARRIVES, NOTHING, ARRIVES, *[STANDS] * 20)
    assert [one.distance_m for one in reading.observed] == [0.0, VEHICLE_M, 2 * VEHICLE_M]
    assert reading.queue_m == 2 * VEHICLE_M


def test_nobody_is_believed_to_stand_on_a_free_loop_for_long() -> None:
    reading = after(lane(), ARRIVES, *[NOTHING] * (6 + int(GHOST_S)))
    assert reading.vehicles == 0


def test_somebody_whom_nobody_counted_is_known_by_standing_on_the_line() -> None:
    reading = after(lane(), *[STANDS] * int(COVERED_S))
    assert (reading.vehicles, reading.queued) == (1, 1)
    assert after(lane(), *[STANDS] * 60).vehicles == 1


def test_a_queue_over_the_advance_loop_fills_the_lane_between_them() -> None:
    covered = LoopSecond(0, 1.0, 0, 1.0)
    reading = after(lane(), *[covered] * 5)
    assert reading.queued >= int(SETBACK_M / VEHICLE_M)
    assert reading.queue_m > SETBACK_M - 2 * VEHICLE_M


def test_a_vehicle_beyond_a_covered_loop_is_believed_in_at_the_usual_rate() -> None:
    estimate = lane()
    for _ in range(600):  # one vehicle in three seconds, all go through
        after(estimate, ARRIVES, NOTHING, LEAVES)
    covered = LoopSecond(0, 1.0, 0, 1.0)
    short, long = after(estimate, *[covered] * 6), after(estimate, *[covered] * 30)
    assert 5 <= long.vehicles - short.vehicles <= 15


counts = st.integers(0, 2)
shares = st.sampled_from([0.0, 0.3, 0.7, 1.0])


@given(st.lists(st.builds(LoopSecond, counts, shares, counts, shares), max_size=80))
def test_whatever_the_loops_say_the_reading_is_a_possible_one(seconds: list[LoopSecond]) -> None:
    estimate = lane()
    for second in seconds:
        reading = estimate.step(second)
        distances = [one.distance_m for one in reading.observed]
        assert distances == sorted(distances)
        assert all(distance >= 0 for distance in distances)
        assert all(one.speed_mps >= 0 for one in reading.observed)
        assert reading.vehicles == len(reading.observed) >= reading.queued
        assert reading.crossed == second.stop_count
        assert 0 <= reading.occupancy <= 1
        assert reading.stops >= 0
