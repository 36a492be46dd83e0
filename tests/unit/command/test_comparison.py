"""Two periods compared, against answers that are known."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command.analysis.comparison import Comparison, Difference, compare
from command.analysis.figures import METRICS, Bucket, Metric, Sums, by_day, total

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
ZONE = ZoneInfo("UTC")


def hours(days: int, start: datetime, delay_s: Callable[[int], float]) -> list[Bucket]:
    """100 vehicles an hour, each with the delay of that day and hour."""
    return [
        Bucket(
            start + timedelta(hours=hour),
            None,
            Sums(100, 100 * delay_s(hour), 50, 1000, 100, 3600, 3600, 1),
        )
        for hour in range(24 * days)
    ]


def of(comparison: Comparison, metric: Metric) -> Difference:
    return next(one for one in comparison.differences if one.metric == metric)


def test_a_known_difference_is_found_with_an_interval_around_it() -> None:
    noise = random.Random(2)
    before = hours(14, MONDAY - timedelta(days=14), lambda _: 30 + noise.gauss(0, 3))
    after = hours(14, MONDAY, lambda _: 24 + noise.gauss(0, 3))
    found = compare(before, after, ZONE)
    delay = of(found, "mean_delay_s")
    assert delay.low is not None
    assert delay.high is not None
    assert delay.difference is not None
    assert delay.difference == pytest.approx(-6, abs=0.5)
    assert delay.low < delay.difference < delay.high < 0
    assert delay.change == pytest.approx(-0.2, abs=0.02)
    assert delay.is_clear
    assert (found.block, found.blocks_before, list(found.cautions)) == ("day", 14, [])
    assert not of(found, "throughput_veh_h").is_clear, "as many vehicles as before"


def test_days_that_hang_together_make_the_interval_wider_than_hours_would() -> None:
    """Each day is good or bad as a whole: 14 days are 14 facts, not 336."""
    noise = random.Random(2)
    moods = [noise.gauss(30, 5) for _ in range(28)]
    before = hours(14, MONDAY - timedelta(days=14), lambda hour: moods[hour // 24])
    after = hours(14, MONDAY, lambda hour: moods[14 + hour // 24])
    delay = of(compare(before, after, ZONE), "mean_delay_s")
    assert delay.low is not None
    assert delay.high is not None
    assert delay.high - delay.low > 4, "five seconds of spread over 14 and 14 days"


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """Of 100 pairs of fortnights without any difference, about five are called different."""
    noise = random.Random(3)
    clear = 0
    for _ in range(100):
        before = hours(14, MONDAY - timedelta(days=14), lambda _: 30 + noise.gauss(0, 6))
        after = hours(14, MONDAY, lambda _: 30 + noise.gauss(0, 6))
        clear += of(compare(before, after, ZONE), "mean_delay_s").is_clear
    assert clear <= 15


def test_what_speaks_against_a_comparison_is_said() -> None:
    week, weekend = hours(1, MONDAY, lambda _: 30), hours(1, MONDAY + timedelta(days=5), lambda _: 30)
    found = compare(week, weekend, ZONE)
    assert (found.block, list(found.cautions)) == ("hour", ["hours_as_blocks", "weekdays_differ"])
    few = compare(week[:2], week[2:4], ZONE)
    assert "few_blocks" in few.cautions
    assert of(few, "mean_delay_s").low is None
    half = [Bucket(one.start, None, Sums(50, 1500, 25, 500, 50, 1800, 1800, 1)) for one in week]
    assert "coverage_differs" in compare(week, half, ZONE).cautions


def test_without_data_there_is_no_difference() -> None:
    found = compare([], hours(1, MONDAY, lambda _: 30), ZONE)
    delay = of(found, "mean_delay_s")
    assert (delay.before, delay.after, delay.difference) == (None, 30, None)


SUMS = st.builds(Sums, *(st.one_of(st.just(0.0), st.floats(0.01, 1e6)) for _ in range(7)), st.just(1.0))


@given(st.lists(SUMS, min_size=1, max_size=60), st.sampled_from(["UTC", "Asia/Kolkata", "Europe/Berlin"]))
def test_hours_add_up_to_days_and_to_the_whole(sums: list[Sums], zone: str) -> None:
    own = [Bucket(MONDAY + timedelta(hours=n), None, one) for n, one in enumerate(sums)]
    days = by_day(own, ZoneInfo(zone))
    assert total(days).crossed == pytest.approx(sum(one.crossed for one in sums))
    assert total(days).hours == len(sums)
    for day in days:
        assert (day.start.hour, day.start.minute) == (0, 0)


@given(st.lists(SUMS, min_size=4, max_size=30))
def test_a_period_does_not_differ_from_itself(sums: list[Sums]) -> None:
    own = [Bucket(MONDAY + timedelta(hours=n), None, one) for n, one in enumerate(sums)]
    for one in compare(own, own, ZONE).differences:
        assert one.difference in {None, 0.0}
        assert not one.is_clear
    assert {one.metric for one in compare(own, own, ZONE).differences} == set(METRICS)
