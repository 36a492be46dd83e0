"""Cases between their rows, their standing, and what the API tells of them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from citybrain import config
from citybrain.errors import ConfigError
from command.cases.clocks import Calendar, due, elapsed_s
from command.cases.models import CasePin, CaseView, TaskView
from command.cases.stages import ENDED, Stage, Standing
from command.database import Row
from command.principal import Principal, Role

STANDING = (
    "checked", "acceptor", "department", "handler", "feedback_by", "verified_by", "closed_by", "returns",
    "round",
)  # fmt: skip
SAVED = (
    *STANDING, "merged_into", "filed_at", "dispatched_at", "handling_at", "feedback_at", "verified_at",
    "closed_at", "due_at", "suspended_at", "suspensions", "extensions", "overdue_at", "appeal", "reminded_at",
    "level", "escalated_at", "rating", "rated_at",
)  # fmt: skip
OVERVIEW = frozenset({Role.ACCEPTOR, Role.DISPATCHER, Role.OPERATOR, Role.SUPERVISOR})
"""Roles that see all cases of their districts."""


def calendar_of(settings: config.Cases) -> Calendar:
    """The city's working time; ConfigError names what is wrong with it."""
    try:
        zone = ZoneInfo(settings.zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(f"cases.zone: there is no time zone {settings.zone!r}") from error
    try:
        spans = [text.split("-") for text in settings.hours]
        hours = tuple((time.fromisoformat(begin), time.fromisoformat(end)) for begin, end in spans)
        holidays = frozenset(date.fromisoformat(day) for day in settings.holidays)
        worked = frozenset(date.fromisoformat(day) for day in settings.worked_days)
    except ValueError as error:
        raise ConfigError(f"cases.hours, holidays or worked_days: {error}") from error
    ends = [at for span in hours for at in span]
    if not hours or ends != sorted(set(ends)):
        raise ConfigError("cases.hours: each must begin after the one before has ended")
    return Calendar(zone, hours, holidays=holidays, worked=worked)


def standing_of(row: Row, *, needs_check: bool = False) -> Standing:
    values = {name: row[name] for name in STANDING}
    return Standing(
        stage=Stage(row["stage"]),
        needs_check=needs_check,
        handled_by=frozenset(row["handled_by"]),
        **values,
    )


def saved(row: Row, after: Standing, changes: dict[str, Any]) -> Row:
    """The values of `case_set`."""
    values = {name: row[name] for name in SAVED}
    values |= {name: getattr(after, name) for name in STANDING}
    values |= {"id": row["id"], "stage": after.stage.value, "handled_by": sorted(after.handled_by)}
    return values | changes


def left_s(row: Row, now: datetime, calendar: Calendar) -> float | None:
    """Seconds of its clock until a case is due; while it stands still, those that were left then."""
    if row["due_at"] is None or Stage(row["stage"]) in ENDED:
        return None
    at = row["suspended_at"] or row["feedback_at"] or now
    return elapsed_s(calendar, row["clock"], at, row["due_at"])


def is_late(row: Row, now: datetime) -> bool:
    """Whether its time limit is over, now or when its clock stood still."""
    at = row["suspended_at"] or row["feedback_at"] or row["closed_at"] or now
    return row["due_at"] is not None and at > row["due_at"]


def resumed(row: Row, stopped_at: datetime, now: datetime, calendar: Calendar) -> datetime:
    """When a case whose clock stood still since then is due."""
    rest = elapsed_s(calendar, row["clock"], stopped_at, row["due_at"])
    return due(calendar, row["clock"], now, rest) if rest > 0 else row["due_at"]


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells rows as the API does."""

    calendar: Calendar
    reopen: timedelta

    def pin(self, row: Row, now: datetime) -> CasePin:
        return CasePin(**self._pin(row, now))

    def view(self, row: Row, now: datetime) -> CaseView:
        names = (
            "text", "address", "component", "merged_into", "checked", "filed_at", "dispatched_at",
            "handling_at", "feedback_at", "verified_at", "closed_at", "limit_s", "suspensions", "extensions",
            "returns", "round", "appeal", "level", "rating",
        )  # fmt: skip
        is_closed = row["stage"] == Stage.EVALUATE
        return CaseView(
            **self._pin(row, now),
            **{name: row[name] for name in names},
            acceptor=row["acceptor_name"],
            handler=row["handler_name"],
            verified_by=row["verified_by_name"],
            reopen_until=row["closed_at"] + self.reopen if is_closed else None,
        )

    def _pin(self, row: Row, now: datetime) -> dict[str, Any]:
        names = (
            "id", "number", "is_demonstration", "source", "severity", "cell", "districts", "department",
            "created_at", "changed_at", "due_at", "clock", "reports", "alarm",
        )  # fmt: skip
        return {name: row[name] for name in names} | {
            "class_": row["class"],
            "stage": Stage(row["stage"]),
            "position": (row["lon"], row["lat"]),
            "left_s": left_s(row, now, self.calendar),
            "suspended": row["suspended_at"] is not None,
            "overdue": row["overdue_at"] is not None or is_late(row, now),
        }

    def task(self, row: Row, now: datetime) -> TaskView:
        names = (
            "id", "case", "number", "kind", "state", "severity", "address", "text", "worker", "must_accept",
            "offered_at", "due_at", "answered_at", "on_scene_at", "done_at", "check_in_at", "answer",
            "reason", "why", "condition",
        )  # fmt: skip
        ends = row["due_at"] if row["state"] in {"offered", "accepted"} else None
        left = None
        if ends is not None and row["is_on_case_clock"]:
            left = elapsed_s(self.calendar, row["clock"], row["suspended_at"] or now, ends)
        elif ends is not None:
            left = (ends - now).total_seconds()
        return TaskView(
            **{name: row[name] for name in names},
            class_=row["class"],
            position=(row["position"][0], row["position"][1]),
            left_s=left,
        )


def scope(principal: Principal) -> dict[str, object]:
    """The values of `case_list` that say what this principal may see."""
    sees_all = bool(principal.roles & OVERVIEW)
    is_department = Role.DEPARTMENT in principal.roles
    return {
        "sees_all": sees_all or (is_department and principal.department is None),
        "department": principal.department if is_department else None,
        "account": principal.id,
        "districts": sorted(principal.districts) or None,
    }


FILTERS: dict[str, object] = {
    "ids": None, "stages": None, "classes": None, "number": None, "cell": None, "overdue": None, "mine": None,
    "in_district": None, "of_department": None, "text": None, "after_at": None, "after_id": None, "rows": 200,
}  # fmt: skip


def districts_cover(principal: Principal, districts: Collection[str]) -> bool:
    return not principal.districts or not principal.districts.isdisjoint(districts)


def is_person(id_: UUID) -> bool:
    """Whether an actor is an account; the system, kiosks and the public have none."""
    return id_.int > 2
