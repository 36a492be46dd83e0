"""Clocks of cases: lunch, weekends, holidays, days worked in exchange."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citybrain import config
from citybrain.errors import ConfigError
from command.cases.clocks import Calendar, Clock, due, elapsed_s
from command.cases.rows import calendar_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
CALENDAR = Calendar(
    SHANGHAI,
    holidays=frozenset({date(2026, 10, day) for day in range(1, 8)}),
    worked=frozenset({date(2026, 10, 10)}),
)
HOUR, DAY = 3600.0, 86_400.0
CLOCKS: list[Clock] = ["continuous", "working_hours", "working_days"]
INSTANTS = st.datetimes(datetime(2026, 9, 1), datetime(2026, 11, 1), timezones=st.just(UTC))  # noqa: DTZ001
LIMITS = st.integers(0, 20 * 86_400)


def at(day: int, clock: str, month: int = 10) -> datetime:
    return datetime.combine(date(2026, month, day), time.fromisoformat(clock), SHANGHAI)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        (at(14, "09:00"), 2, at(14, "11:00")),
        (at(14, "11:00"), 2, at(14, "14:30")),  # lunch from 12:00 to 13:30 does not count
        (at(14, "12:30"), 1, at(14, "14:30")),
        (at(14, "17:00"), 1, at(15, "09:00")),  # the rest of it the next morning
        (at(16, "17:00"), 1, at(19, "09:00")),  # Friday, then Monday
        (at(30, "17:00", 9), 1, at(8, "09:00")),  # seven holidays
        (at(9, "17:00"), 1, at(10, "09:00")),  # a Saturday that is worked
        (at(3, "03:00"), 7.5, at(8, "17:30")),  # a whole working day
    ],
)
def test_working_hours(start: datetime, hours: float, end: datetime) -> None:
    assert due(CALENDAR, "working_hours", start, hours * HOUR) == end
    assert elapsed_s(CALENDAR, "working_hours", start, end) == hours * HOUR


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        (at(16, "15:00"), 1, at(19, "15:00")),  # Friday 15:00 to Monday 15:00
        (at(14, "10:00"), 2, at(16, "10:00")),
        (at(17, "10:00"), 1, at(20, "00:00")),  # a Saturday's report begins on Monday
        (at(30, "12:00", 9), 1, at(8, "12:00")),
        (at(9, "12:00"), 1, at(10, "12:00")),
    ],
)
def test_working_days(start: datetime, days: int, end: datetime) -> None:
    assert due(CALENDAR, "working_days", start, days * DAY) == end


@settings(max_examples=150, deadline=None)
@given(clock=st.sampled_from(CLOCKS), start=INSTANTS, limit=LIMITS)
def test_so_much_has_counted_by_the_time_it_is_due_and_not_before(
    clock: Clock, start: datetime, limit: int
) -> None:
    end = due(CALENDAR, clock, start, limit)
    assert end >= start
    assert elapsed_s(CALENDAR, clock, start, end) == pytest.approx(limit, abs=1e-3)
    if limit > 1:
        earlier = end - timedelta(seconds=1)
        assert elapsed_s(CALENDAR, clock, start, earlier) == pytest.approx(limit - 1, abs=1e-3)


@settings(max_examples=100, deadline=None)
@given(clock=st.sampled_from(CLOCKS), moments=st.lists(INSTANTS, min_size=3, max_size=3))
def test_time_adds_up_and_never_counts_more_than_passed(clock: Clock, moments: list[datetime]) -> None:
    a, b, c = sorted(moments)
    first, second = elapsed_s(CALENDAR, clock, a, b), elapsed_s(CALENDAR, clock, b, c)
    assert elapsed_s(CALENDAR, clock, a, c) == pytest.approx(first + second, abs=1e-3)
    assert 0 <= first <= (b - a).total_seconds()
    assert elapsed_s(CALENDAR, clock, b, a) == -first


@settings(max_examples=100, deadline=None)
@given(clock=st.sampled_from(CLOCKS), start=INSTANTS, limit=st.integers(3600, 10 * 86_400), pause=LIMITS)
def test_a_pause_takes_no_time_from_the_limit(clock: Clock, start: datetime, limit: int, pause: int) -> None:
    stopped = due(CALENDAR, clock, start, limit / 2)
    again = stopped + timedelta(seconds=pause)
    rest = elapsed_s(CALENDAR, clock, stopped, due(CALENDAR, clock, start, limit))
    end = due(CALENDAR, clock, again, rest)
    counted = limit / 2 + elapsed_s(CALENDAR, clock, again, end)
    assert counted == pytest.approx(limit, abs=1e-3)


def test_nothing_counts_at_night_or_on_holidays() -> None:
    night = at(14, "18:00"), at(15, "08:00")
    week = at(1, "00:00"), at(8, "00:00")
    for start, end in (night, week):
        assert elapsed_s(CALENDAR, "working_hours", start, end) == 0
    assert elapsed_s(CALENDAR, "working_days", *week) == 0


def test_when_clocks_change_working_hours_stay_those_of_the_wall() -> None:
    berlin = Calendar(ZoneInfo("Europe/Berlin"))
    friday = datetime(2026, 3, 27, 17, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    end = due(berlin, "working_hours", friday, HOUR)
    assert end.astimezone(ZoneInfo("Europe/Berlin")).time() == time(9, 0)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"zone": "Mars/Olympus"}, "zone"), ({"hours": ("12:00-09:00",)}, "hours"), ({"hours": ()}, "hours"),
        ({"hours": ("08:00-12:00", "11:00-17:00")}, "hours"), ({"holidays": ("2026-13-01",)}, "holidays"),
    ],
)  # fmt: skip
def test_a_calendar_that_cannot_be_is_refused(given: dict[str, tuple[str, ...]], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        calendar_of(config.Cases(**given))  # type: ignore[arg-type]
