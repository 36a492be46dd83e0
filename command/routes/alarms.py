"""Alarms: the list, one with its history, and what operators do about it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from command import bodies
from command.alarms.bundle import State
from command.alarms.keeper import note, views
from command.alarms.models import (
    AlarmDetail,
    AlarmEntry,
    AlarmList,
    AlarmView,
    AssignBody,
    CommentBody,
    SnoozeBody,
)
from command.answers import Json, documented
from command.centre import Centre
from command.database import Row, act
from command.faults import ApiError
from command.principal import Principal, SignedIn, record
from command.shared import Shared
from command.trust import rights
from command.trust.accounts import Connection, principal_of
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["alarms"])

SEES = [requires(Action.SEE_ALARMS)]
HANDLES = [requires(Action.HANDLE_ALARMS)]
Deed = Callable[[Connection, Row], Awaitable[str]]
"""Does something to an alarm that is held; the text is what its history says of it."""


@router.get("/alarms", dependencies=SEES, responses=documented(AlarmList, "What needs somebody first."))
async def alarms(
    centre: Shared,
    principal: SignedIn,
    *,
    state: Annotated[list[State] | None, Query(max_length=3, description="may be given many times")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    """Alarms of the principal's districts; without `state` those that are not closed."""
    districts = sorted(principal.districts) or None
    asked = {"ids": None, "states": state or ["open", "acknowledged"], "districts": districts, "rows": limit}
    rows = await centre.database.fetch("alarm_list", asked)
    return Json(AlarmList(items=msgspec.convert(rows, list[AlarmView], strict=False)))


@router.get("/alarms/{alarm}", dependencies=SEES, responses=documented(AlarmDetail, "With its history.", 404))
async def alarm(alarm: UUID, centre: Shared, principal: SignedIn) -> Response:
    """One alarm and everything that was done about it."""
    found = await views(centre.database, [alarm])
    if not found or not rights.covers(principal, found[0].districts):
        raise ApiError(404, "there is no such alarm", "alarm")
    rows = await centre.database.fetch("alarm_entries", {"id": alarm})
    entries = msgspec.convert(rows, list[AlarmEntry], strict=False)
    return Json(AlarmDetail(alarm=found[0], entries=entries))


@router.post(
    "/alarms/{alarm}/acknowledgement",
    dependencies=HANDLES,
    responses=documented(AlarmView, "Acknowledged.", 404, 409),
)
async def acknowledge(alarm: UUID, centre: Shared, principal: SignedIn) -> Response:
    """Take note of an alarm: who and when is kept, and it is escalated no further."""

    async def deed(connection: Connection, row: Row) -> str:
        if row["state"] != "open":
            raise ApiError(409, f"the alarm is {row['state']} already")
        await act(connection, "alarm_acknowledge", {"id": alarm, "actor": principal.id})
        return ""

    return await _do(centre, principal, alarm, "acknowledged", deed)


@router.put(
    "/alarms/{alarm}/assignee",
    dependencies=HANDLES,
    responses=documented(AlarmView, "Assigned.", 404, 409, 413),
    openapi_extra=bodies.described(AssignBody),
)
async def assign(alarm: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Give an alarm to somebody who may handle it, or with null to nobody."""
    body = await bodies.read(request, AssignBody)

    async def deed(connection: Connection, row: Row) -> str:
        _not_closed(row)
        to = await _assignee(connection, body.to, row) if body.to else None
        await act(connection, "alarm_assign", {"id": alarm, "to": to.id if to else None})
        return to.name if to else ""

    return await _do(centre, principal, alarm, "assigned", deed)


@router.post(
    "/alarms/{alarm}/comments",
    dependencies=HANDLES,
    responses=documented(AlarmView, "Kept.", 404, 413),
    openapi_extra=bodies.described(CommentBody),
)
async def comment(alarm: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Say something of an alarm."""
    body = await bodies.read(request, CommentBody)

    async def deed(connection: Connection, _row: Row) -> str:
        await act(connection, "alarm_touch", {"id": alarm})
        return body.text

    return await _do(centre, principal, alarm, "commented", deed)


@router.post(
    "/alarms/{alarm}/snooze",
    dependencies=HANDLES,
    responses=documented(AlarmView, "Out of the way for a while.", 404, 409, 413),
    openapi_extra=bodies.described(SnoozeBody),
)
async def snooze(alarm: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Put an alarm aside for some minutes: meanwhile it is not escalated."""
    body = await bodies.read(request, SnoozeBody)

    async def deed(connection: Connection, row: Row) -> str:
        _not_closed(row)
        await act(connection, "alarm_snooze", {"id": alarm, "lasts": timedelta(minutes=body.minutes)})
        return f"{body.minutes} min"

    return await _do(centre, principal, alarm, "snoozed", deed)


@router.post(
    "/alarms/{alarm}/closure",
    dependencies=HANDLES,
    responses=documented(AlarmView, "Closed.", 404, 409),
)
async def close(alarm: UUID, centre: Shared, principal: SignedIn) -> Response:
    """Close an alarm that was acknowledged."""

    async def deed(connection: Connection, row: Row) -> str:
        if row["state"] != "acknowledged":
            raise ApiError(409, "only an alarm that was acknowledged can be closed")
        await act(connection, "alarm_close", {"id": alarm})
        return ""

    return await _do(centre, principal, alarm, "closed", deed)


async def _do(centre: Centre, principal: Principal, alarm: UUID, what: str, deed: Deed) -> Response:
    """Hold the alarm, do it, write history and audit, tell everybody."""
    async with centre.database.transaction() as connection:
        rows = await act(connection, "alarm_hold", {"id": alarm})
        if not rows or not rights.covers(principal, rows[0]["districts"]):
            raise ApiError(404, "there is no such alarm", "alarm")
        text = await deed(connection, rows[0])
        await note(connection, alarm, what, principal.id, text)
        details: dict[str, Any] = {"to": text} if what == "assigned" else {}
        await record(connection, principal, f"alarm.{what}", f"alarm/{alarm}", details)
    (view,) = await views(centre.database, [alarm])
    centre.publish("alarms", [view])
    return Json(view)


async def _assignee(connection: Connection, name: str, alarm: Row) -> Principal:
    found = await act(connection, "account_by_name", {"name": name})
    to = principal_of(found[0]) if found and found[0]["disabled_at"] is None else None
    if to is None or not rights.may(to, Action.HANDLE_ALARMS) or not rights.covers(to, alarm["districts"]):
        raise ApiError(422, f"to: {name!r} is nobody who may handle this alarm", "to")
    return to


def _not_closed(row: Row) -> None:
    if row["state"] == "closed":
        raise ApiError(409, "the alarm is closed")
