"""Cases: the list, one with its history, and the gate through which an account reports."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from command import bodies
from command.answers import Json, documented
from command.cases.intake import Report, source_of, take
from command.cases.models import (
    AttachmentView,
    CaseDetail,
    CaseEntry,
    CaseList,
    CaseView,
    DuplicateView,
    FromAlarmBody,
    ReportBody,
    ReportView,
)
from command.cases.offers import Look, offered
from command.cases.rows import FILTERS, scope
from command.cases.stages import Stage
from command.faults import ApiError
from command.principal import SignedIn
from command.shared import Shared
from command.trust import rights
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["cases"])

SEES = [requires(Action.SEE_CASES)]
REPORTS = [requires(Action.REPORT_CASES)]


@router.get("/cases", dependencies=SEES, responses=documented(CaseList, "The latest change first.", 404))
async def cases(
    centre: Shared,
    principal: SignedIn,
    *,
    stage: Annotated[list[Stage] | None, Query(max_length=9, description="may be given many times")] = None,
    class_: Annotated[
        list[str] | None, Query(alias="class", max_length=50, description="codes; may be given many times")
    ] = None,
    number: Annotated[str | None, Query(max_length=20, pattern=r"^[0-9]+$")] = None,
    cell: Annotated[str | None, Query(pattern=r"^[0-9]{1,15}$", description="a code or its begin")] = None,
    district: Annotated[str | None, Query(max_length=100)] = None,
    department: Annotated[str | None, Query(max_length=100)] = None,
    overdue: bool | None = None,
    mine: Annotated[
        bool, Query(description="which the caller reported, accepts, or did something with")
    ] = False,
    text: Annotated[
        str | None, Query(max_length=200, description="in its number, text, address, cell or class")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """Cases that the principal may see: of its districts, of its department, or its own."""
    after = _after(cursor) if cursor else (None, None)
    asked: dict[str, object] = FILTERS | scope(principal) | {
        "stages": stage, "classes": [_plain(one) for one in class_] if class_ else None, "number": number,
        "cell": cell, "overdue": overdue, "mine": principal.id if mine else None,
        "in_district": _plain(district) if district else None,
        "of_department": _plain(department) if department else None,
        "text": _plain(text).strip() if text else None,
        "after_at": after[0], "after_id": after[1], "rows": limit,
    }  # fmt: skip
    rows = await centre.database.fetch("case_list", asked)
    now = datetime.now(UTC)
    pins = [centre.cases.teller.pin(row, now) for row in rows]
    following = f"{rows[-1]['changed_at'].isoformat()}_{rows[-1]['id']}" if len(rows) == limit else None
    return Json(CaseList(items=pins, next=following))


@router.get("/cases/{case}", dependencies=SEES, responses=documented(CaseDetail, "With all of it.", 404))
async def case(case: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """One case: history, reports, tasks, pictures, what may be the same, and what the caller may do now."""
    desk = centre.cases
    if not await desk.sees(principal, case):
        raise ApiError(404, "there is no such case", "case")
    view = await desk.view(case)
    is_staff = bool(request.state.actions & STAFF)
    reports = await _all(centre, "case_reports", case, ReportView) if request.state.actions & INNER else []
    if any(one.source in {"citizen", "open311"} for one in reports):
        await desk.looked(principal, case)
    inner = bool(request.state.actions & INNER)
    tasks = await desk.tasks(case=case)
    (standing,) = await centre.database.fetch("case_standing", {"id": case, "account": principal.id})
    look = Look(
        case=view, name=principal.name, actions=request.state.actions, now=datetime.now(UTC),
        asked={task.kind for task in tasks if task.state in {"offered", "accepted"}},
        needs_check=standing["is_checked"], is_reporter=standing["is_reporter"],
    )  # fmt: skip
    if not inner:
        tasks = [task for task in tasks if task.worker == principal.name]
    return Json(
        CaseDetail(
            case=view,
            entries=await _all(centre, "case_entries", case, CaseEntry) if is_staff else [],
            reports=reports,
            tasks=tasks,
            attachments=await _all(centre, "case_attachments", case, AttachmentView),
            duplicates=await _all(centre, "case_duplicates", case, DuplicateView) if inner else [],
            deeds=offered(look),
        )
    )


STAFF = frozenset(Action) - rights.CASES
"""Whoever may do more than report sees the history."""
INNER = STAFF - {Action.WORK_FIELD}
"""And whoever does not only work on the street what reporters wrote, and everybody's tasks."""


async def _all(centre: Shared, query: str, case: UUID, type_: Any) -> Any:
    return msgspec.convert(await centre.database.fetch(query, {"id": case}), list[type_], strict=False)


@router.post(
    "/cases",
    status_code=201,
    dependencies=REPORTS,
    responses=documented(
        CaseView, "It is in. The same `id` again answers the same case.", 409, 413, status=201
    ),
    openapi_extra=bodies.described(ReportBody),
)
async def report(request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Report: whoever sees it, at a place, of a class."""
    body = await bodies.read(request, ReportBody)
    source = source_of(principal)
    if body.source is not None and source != "operator":
        raise ApiError(422, "source: only those who see all cases say where a report is from", "source")
    if body.alarm is not None:
        await _alarm(centre, principal, body.alarm, request.state.actions)
    async with centre.cases.acting(principal) as acting:
        row = await take(
            acting,
            Report(
                id=body.id, class_=body.class_, position=body.position, source=body.source or source,
                text=body.text, address=body.address, component=body.component, alarm=body.alarm,
            ),
        )  # fmt: skip
    return Json(await centre.cases.view(row["id"]), 201)


@router.post(
    "/alarms/{alarm}/case",
    status_code=201,
    dependencies=[requires(Action.HANDLE_ALARMS)],
    responses=documented(CaseView, "A case of it, or the one that there is.", 404, 409, 413, status=201),
    openapi_extra=bodies.described(FromAlarmBody),
)
async def from_alarm(alarm: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """An alarm becomes a case: its class follows from the kind of its events."""
    body = await bodies.read(request, FromAlarmBody)
    found = await _alarm(centre, principal, alarm, request.state.actions)
    if Action.REPORT_CASES not in request.state.actions:
        raise ApiError(403, "report_cases: the account or token in use may not do this")
    if found["position"] is None:
        raise ApiError(409, "the alarm has no place: report a case by hand")
    async with centre.cases.acting(principal) as acting:
        class_ = body.class_
        if class_ is None:
            known = await acting.act("class_of_event", kind=found["kind"])
            if not known:
                raise ApiError(
                    422, f"class: no class is for events of kind {found['kind']}; give one", "class"
                )
            class_ = str(known[0]["code"])
        await acting.act("report_lock", key=f"alarm/{alarm}")
        known_by = await acting.act("case_of_alarm", alarm=alarm)
        if known_by:
            row = known_by[0]
        else:
            row = await take(
                acting,
                Report(
                    id=uuid4(), class_=class_, position=tuple(found["position"]), source="camera",
                    text=body.text or str(found["detail"]), alarm=alarm,
                ),
            )  # fmt: skip
            await acting.act(
                "alarm_entry_add", alarm=alarm, actor=principal.id, what="case", text=str(row["number"])
            )
    return Json(await centre.cases.view(row["id"]), 201)


async def _alarm(
    centre: Shared, principal: SignedIn, alarm: UUID, actions: frozenset[Action]
) -> dict[str, Any]:
    asked = {"ids": [alarm], "states": None, "districts": None, "rows": 1}
    found = await centre.database.fetch("alarm_list", asked) if Action.SEE_ALARMS in actions else []
    if not found or not rights.covers(principal, found[0]["districts"]):
        raise ApiError(404, "there is no such alarm", "alarm")
    return found[0]


def _after(cursor: str) -> tuple[datetime, UUID]:
    at, _, id_ = cursor.partition("_")
    try:
        after = datetime.fromisoformat(at), UUID(id_)
    except ValueError as error:
        raise ApiError(422, "cursor: not one that this server gave; start without it", "cursor") from error
    if after[0].tzinfo is None:
        raise ApiError(422, "cursor: not one that this server gave; start without it", "cursor")
    return after


def _plain(text: str) -> str:
    return text.replace("\0", "")
