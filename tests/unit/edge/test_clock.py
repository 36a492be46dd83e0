"""How far the clock is off is known by the fastest answers, and told where it matters."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import SAMPLES, ClockOffset

AT = datetime(2026, 1, 1, tzinfo=UTC)


def heard(error_s: float, delays_s: list[float]) -> ClockOffset:
    clock = ClockOffset()
    for delay_s in delays_s:
        clock.hear(AT, AT + timedelta(seconds=delay_s + error_s))
    return clock


@given(st.floats(-1e6, 1e6), st.lists(st.floats(0, 60), min_size=1, max_size=SAMPLES))
def test_the_offset_is_off_by_the_shortest_way_only(error_s: float, delays_s: list[float]) -> None:
    offset_s = heard(error_s, delays_s).offset_s
    assert offset_s is not None
    assert -error_s - min(delays_s) == pytest.approx(offset_s, abs=1e-5)


def test_only_a_clock_that_is_wrong_is_told() -> None:
    assert ClockOffset().fault == heard(0.5, [0.1]).fault == heard(-0.5, [0.1]).fault == ""
    assert heard(12.0, [0.1]).fault == "the clock is 12 s ahead: set it by NTP"
    assert heard(-12.0, [0.1]).fault == "the clock is 12 s behind: set it by NTP"


def test_a_clock_that_was_set_right_is_forgiven_after_a_few_answers() -> None:
    clock = heard(-12.0, [0.1] * SAMPLES)
    for _ in range(SAMPLES):
        clock.hear(AT, AT)
    assert clock.fault == ""
