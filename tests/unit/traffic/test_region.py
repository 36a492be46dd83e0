from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from citybrain.messages import Interval
from tests.fixtures.crossing import AT, crossing, measurement, queue, state
from traffic.driving import arrival_s
from traffic.region import Region
from traffic.warm import warm


def region(clock_s: float = 0.0, speed: float = 1.0, **vehicles: list[tuple[float, float]]) -> Region:
    made = Region([crossing()], speed=speed)
    made.on_state(state())
    assert made.on_measurement(measurement(vehicles, clock_s=clock_s))
    return made


def test_a_queue_on_red_gets_its_phase_and_the_reason_says_so() -> None:
    decision = region(north=queue(4)).decide("x", AT)
    assert decision is not None
    assert (decision.phase, decision.reason) == (1, "change")


def test_an_empty_crossing_rests_in_green() -> None:
    decision = region().decide("x", AT)
    assert decision is not None
    assert (decision.phase, decision.reason) == (0, "extend")


def test_without_a_state_nothing_is_decided() -> None:
    made = Region([crossing()])
    made.on_measurement(measurement({"north": queue(4)}))
    assert made.decide("x", AT) is None


def test_without_a_measurement_nothing_is_decided() -> None:
    made = Region([crossing()])
    made.on_state(state())
    assert made.decide("x", AT) is None


@pytest.mark.parametrize(
    ("late_s", "speed", "decides"), [(1.5, 1, True), (2.5, 1, False), (0.9, 10, True), (1.1, 10, False)]
)
def test_a_late_measurement_gets_no_decision(late_s: float, speed: float, decides: bool) -> None:
    decision = region(speed=speed, north=queue(4)).decide("x", AT + timedelta(seconds=late_s))
    assert (decision is not None) is decides


def test_a_blind_camera_gets_no_decision() -> None:
    made = region()
    made.on_measurement(replace(measurement({}, clock_s=1.0), quality=0.0))
    assert made.decide("x", AT) is None


def test_a_measurement_out_of_order_is_ignored() -> None:
    made = region(clock_s=10.0)
    assert not made.on_measurement(measurement({}, clock_s=9.5))
    assert made.on_measurement(measurement({}, clock_s=0.0)), "a field clock that starts again is believed"
    assert not made.on_measurement(measurement({}, id_="elsewhere"))


def test_a_change_under_way_is_followed_through_its_intervals() -> None:
    made = region(north=queue(4))
    made.on_state(replace(state(clock_s=0.0), next_phase=1, interval=Interval.YELLOW, elapsed_s=0.0))
    for clock_s in range(1, 9):
        made.on_measurement(measurement({"west": queue(9)}, clock_s=float(clock_s)))
        decision = made.decide("x", AT)
        assert decision is not None
        assert decision.phase == 1
        # No other state is heard: after 3 s of yellow and 1 s of all-red the new green must have begun.
        assert decision.reason == ("clearing" if clock_s < 4 else "minimum green")


def test_a_state_of_another_configuration_is_ignored() -> None:
    made = Region([crossing()])
    made.on_state(replace(state(), indications="Gr"))
    made.on_state(replace(state(), next_phase=7))
    made.on_measurement(measurement({}))
    assert made.decide("x", AT) is None


def test_a_lane_that_cannot_leave_is_set_aside() -> None:
    made = Region([crossing(phases=("GGrrGGrr", "rrGgrrGg"))])
    decisions = []
    for clock_s in range(12):
        made.on_state(replace(state(elapsed_s=20.0 + clock_s, clock_s=clock_s), indications="GGrrGGrr"))
        made.on_measurement(measurement({"west": queue(9), "north": queue(2)}, clock_s=clock_s))
        decision = made.decide("x", AT)
        assert decision is not None
        decisions.append(decision.phase)
    assert decisions[0] == 0
    assert decisions[-1] == 1


@given(distance_m=st.floats(0, 300), speed_mps=st.floats(0, 30), limit_mps=st.floats(3, 30))
def test_nobody_arrives_faster_than_the_limit(distance_m: float, speed_mps: float, limit_mps: float) -> None:
    seconds = arrival_s(distance_m, speed_mps, limit_mps)
    assert seconds >= distance_m / limit_mps - 1e-6
    assert seconds <= distance_m / limit_mps + limit_mps / 2.6 + 1e-6


def test_warming_decides_for_the_lane_that_waits() -> None:
    decision = warm()
    assert decision is not None
    assert decision.phase == 1
