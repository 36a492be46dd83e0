"""Questions to history: the range of time, the bucket, and pages after a cursor."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

import msgspec
from fastapi import Query
from pydantic import AwareDatetime

from command.database import Database
from command.faults import ApiError
from command.models import View

MAX_ROWS = 10_000
LONGEST = {
    "raw": timedelta(hours=6),
    "1min": timedelta(days=7),
    "15min": timedelta(days=92),
    "1h": timedelta(days=366),
    "1day": timedelta(days=3_660),
}
"""The longest range that may be asked for in each bucket."""

From = Annotated[
    AwareDatetime | None,
    Query(alias="from", description="ISO 8601 with zone; an hour before `to` if left out"),
]
To = Annotated[AwareDatetime | None, Query(description="ISO 8601 with zone, excluded; now if left out")]
After = Annotated[str | None, Query(max_length=1_000, description="`next` of the page before")]
Limit = Annotated[int, Query(ge=1, le=MAX_ROWS, description="rows of a page")]
Name = Annotated[str, Query(min_length=1, max_length=128)]
Names = Annotated[list[Name] | None, Query(max_length=500, description="may be given many times")]

Item = TypeVar("Item", bound=View)


@dataclass(frozen=True, slots=True)
class Range:
    """From `start` on until before `end`, both UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """A named query, what it is asked with, and the columns that order and resume it."""

    query: str
    key: Sequence[str]
    values: Mapping[str, object]
    limit: int
    cursor: str | None
    view: str = ""


def instant(at: datetime, field: str) -> datetime:
    """`at` in UTC; ApiError names the field where that is out of bounds."""
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise ApiError(422, f"{field}: this time is out of bounds", field) from error


def range_of(
    start: datetime | None, end: datetime | None, longest: timedelta, usual: timedelta = timedelta(hours=1)
) -> Range:
    """The range asked for; ApiError where it is empty or longer than `longest`."""
    until = end.astimezone(UTC) if end else datetime.now(UTC)
    try:
        since = start.astimezone(UTC) if start else until - usual
    except OverflowError as error:
        raise ApiError(422, "to: this time is out of bounds", "to") from error
    if since >= until:
        raise ApiError(422, f"from: {_text(since)} is not before to = {_text(until)}", "from")
    if until - since > longest:
        hours = longest.total_seconds() / 3600
        raise ApiError(422, f"from: at most {hours:g} h can be asked for at once in this bucket", "from")
    return Range(since, until)


async def page(database: Database, question: Question, item: type[Item]) -> tuple[list[Item], str | None]:
    """One page of answers and the cursor of the next; Unavailable where the database is away."""
    after = _after(question)
    values = {**question.values, **after, "rows": question.limit + 1}
    rows = await database.fetch(question.query, values, question.view)
    following = None
    if len(rows) > question.limit:
        rows = rows[: question.limit]
        following = _cursor([rows[-1][column] for column in question.key])
    return msgspec.convert(rows, list[item], strict=False), following  # type: ignore[valid-type]


def _after(question: Question) -> dict[str, object]:
    names = [f"after_{column}" for column in question.key]
    if question.cursor is None:
        return dict.fromkeys(names)
    try:
        padded = question.cursor + "=" * (-len(question.cursor) % 4)
        parts = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=list[str | int])
        if len(parts) != len(names):
            raise ApiError(422, "cursor: it belongs to another question", "cursor")
        first = datetime.fromisoformat(str(parts[0]))
    except (binascii.Error, msgspec.MsgspecError, UnicodeError, ValueError) as error:
        raise ApiError(422, "cursor: not one that this server gave; start without it", "cursor") from error
    numbers = ("after_boot", "after_seq")
    for name, part in zip(names[1:], parts[1:], strict=True):
        if isinstance(part, int) != (name in numbers):
            raise ApiError(422, "cursor: it belongs to another question", "cursor")
    return dict(zip(names, [first, *parts[1:]], strict=True))


def _cursor(values: Sequence[object]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
