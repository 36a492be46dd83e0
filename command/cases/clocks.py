"""Clocks of cases: which seconds count towards a time limit, and when it is over. Pure.

A clock is a set of spans that count. The continuous clock counts always; the one of working hours counts
within them, lunch left out; the one of working days counts all of each working day, so that one day from
Friday 15:00 is Monday 15:00. Days are those of the calendar's time zone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Clock = Literal["continuous", "working_hours", "working_days"]
Span = tuple[datetime, datetime]
MOST_DAYS = 3_660
"""So far ahead a time limit is followed; a calendar without any working day ends there."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working time of a city: weekdays are 0 for Monday to 6; hours are local, without the lunch between."""

    zone: ZoneInfo
    hours: tuple[tuple[time, time], ...] = ((time(8, 30), time(12)), (time(13, 30), time(17, 30)))
    weekdays: frozenset[int] = frozenset(range(5))
    holidays: frozenset[date] = frozenset()
    worked: frozenset[date] = frozenset()
    """Days at a weekend that are worked all the same, in exchange for others."""

    def is_worked(self, day: date) -> bool:
        return day in self.worked or (day.weekday() in self.weekdays and day not in self.holidays)

    def spans(self, clock: Clock, start: datetime) -> Iterator[Span]:
        """The spans that count (UTC), in order, from the local day of `start` on; not for `continuous`."""
        day = start.astimezone(self.zone).date()
        for _ in range(MOST_DAYS):
            if self.is_worked(day):
                if clock == "working_days":
                    yield self._at(day, time()), self._at(day + timedelta(days=1), time())
                else:
                    for begin, end in self.hours:
                        yield self._at(day, begin), self._at(day, end)
            day += timedelta(days=1)

    def _at(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.zone).astimezone(UTC)


def elapsed_s(calendar: Calendar, clock: Clock, start: datetime, end: datetime) -> float:
    """Seconds between two instants that count; negative where `end` comes first."""
    if end < start:
        return -elapsed_s(calendar, clock, end, start)
    if clock == "continuous":
        return (end - start).total_seconds()
    total = 0.0
    for begin, stop in calendar.spans(clock, start):
        if begin >= end:
            break
        total += max(0.0, (min(stop, end) - max(begin, start)).total_seconds())
    return total


def due(calendar: Calendar, clock: Clock, start: datetime, limit_s: float) -> datetime:
    """The earliest instant by which `limit_s` seconds from `start` have counted (UTC)."""
    if clock == "continuous" or limit_s <= 0:
        return (start + timedelta(seconds=max(0.0, limit_s))).astimezone(UTC)
    left = timedelta(seconds=limit_s)
    last = start
    for begin, stop in calendar.spans(clock, start):
        begin = max(begin, start)  # noqa: PLW2901 - the part of the span that is still to come
        if stop <= begin:
            continue
        if left <= stop - begin:
            return begin + left
        left -= stop - begin
        last = stop
    return last + left
