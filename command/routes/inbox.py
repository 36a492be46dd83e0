"""One's messages: by list and as a stream; roll-calls."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID, uuid4

import msgspec
from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from command import bodies
from command.answers import Json, documented
from command.cases.inbox import (
    MessageList,
    MessageView,
    PresenceView,
    ReadBody,
    RollCallBody,
    RollCallView,
)
from command.centre import Centre
from command.faults import ApiError
from command.principal import SignedIn
from command.shared import Shared
from command.stream import EventStream, within
from command.trust import rights
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["inbox"])

OWN = [requires(Action.SEE_CASES)]
INBOX = "inbox"
MOST_ROWS = 200


@router.get("/inbox", dependencies=OWN, responses=documented(MessageList, "The newest first."))
async def inbox(
    centre: Shared,
    principal: SignedIn,
    *,
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    unread: bool = False,
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 50,
) -> Response:
    """Messages to this account."""
    asked = {"account": principal.id, "before": before, "unread": unread, "rows": limit}
    rows = await centre.database.fetch("inbox_list", asked)
    items = msgspec.convert(rows, list[MessageView], strict=False)
    return Json(MessageList(items=items, next=items[-1].id if len(items) == limit else None))


@router.post(
    "/inbox/read",
    status_code=204,
    dependencies=OWN,
    responses=documented(None, "Read.", 413, status=204),
    openapi_extra=bodies.described(ReadBody),
)
async def read(request: Request, centre: Shared, principal: SignedIn) -> Response:
    """All messages up to this one are read."""
    body = await bodies.read(request, ReadBody)
    async with centre.cases.acting(principal) as acting:
        await acting.act("inbox_read", account=principal.id, up_to=body.up_to)
    return Response(status_code=204)


@router.get(
    "/inbox/stream",
    response_class=Response,
    dependencies=OWN,
    responses=documented(
        None,
        "Events named inbox, each with a message as its data; reset means: fetch the list anew.",
        media_type="text/event-stream",
        schema={"type": "string"},
    ),
)
async def stream(
    centre: Shared, principal: SignedIn, last_event_id: Annotated[str | None, Header(max_length=64)] = None
) -> Response:
    """Messages to this account, as they come; resumes after `Last-Event-ID`."""
    client = centre.hub.join([within(INBOX, str(principal.id))], last_event_id)
    return EventStream(centre.hub, client)


@router.post(
    "/roll-calls",
    status_code=201,
    dependencies=[requires(Action.DISPATCH_CASES)],
    responses=documented(RollCallView, "Everybody on duty is asked.", 413, status=201),
    openapi_extra=bodies.described(RollCallBody),
)
async def call(request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Ask everybody on duty in one's districts whether they are there."""
    body = await bodies.read(request, RollCallBody)
    id_ = uuid4()
    async with centre.cases.acting(principal) as acting:
        lasts = timedelta(minutes=body.minutes)
        await acting.act("roll_call_add", id=id_, by=principal.id, lasts=lasts, text=body.text)
        asked = await acting.act("roll_call_ask", id=id_, districts=sorted(principal.districts) or None)
        accounts = [row["account"] for row in asked]
        await acting.tell(accounts, "roll_call", roll_call=id_, text=body.text)
        acting.audit("roll_call.begun", f"roll_call/{id_}", workers=len(accounts))
    return Json(await _roll_call(centre, id_), 201)


@router.get(
    "/roll-calls/{roll_call}",
    dependencies=[requires(Action.SEE_WORKERS)],
    responses=documented(RollCallView, "Who answered.", 404),
)
async def roll_call(roll_call: UUID, centre: Shared, principal: SignedIn) -> Response:
    """A roll-call of one's own, or for a supervisor of the whole city any."""
    rows = await centre.database.fetch("roll_call_find", {"id": roll_call})
    is_whole = rights.may(principal, Action.SUPERVISE_CASES) and not principal.districts
    if not rows or (rows[0]["by"] != principal.id and not is_whole):
        raise ApiError(404, "there is no such roll-call", "roll_call")
    async with centre.cases.acting(principal) as acting:
        acting.audit("workers.viewed", f"roll_call/{roll_call}", workers=len(rows))
    return Json(await _roll_call(centre, roll_call))


@router.post(
    "/roll-calls/{roll_call}/presence",
    status_code=204,
    dependencies=[requires(Action.WORK_FIELD)],
    responses=documented(None, "Present.", 404, status=204),
)
async def presence(roll_call: UUID, centre: Shared, principal: SignedIn) -> Response:
    """Here, with the position last told."""
    async with centre.cases.acting(principal) as acting:
        if not await acting.act("roll_call_answer", id=roll_call, account=principal.id):
            raise ApiError(404, "there is no such roll-call, or it is over", "roll_call")
    return Response(status_code=204)


async def _roll_call(centre: Centre, id_: UUID) -> RollCallView:
    rows = await centre.database.fetch("roll_call_find", {"id": id_})
    workers = [
        PresenceView(worker=row["worker"], answered_at=row["answered_at"], position=row["position"])
        for row in rows
        if row["worker"] is not None
    ]
    names = ("id", "at", "ends_at", "text")
    return RollCallView(**{name: rows[0][name] for name in names}, workers=workers)
