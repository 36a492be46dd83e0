"""The street: duty, positions and tasks of a worker, batches from offline phones; who is where."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from command import bodies
from command.answers import Json, documented
from command.cases import field, tasks
from command.cases.desk import Acting
from command.cases.models import (
    CheckInBody,
    DutyBody,
    KeptView,
    PositionsBody,
    ReasonBody,
    ResultBody,
    TaskList,
    TaskState,
    TaskView,
    WorkerList,
    WorkerView,
)
from command.cases.offline import BatchAnswer, BatchBody, take_batch
from command.centre import Centre
from command.principal import Principal, SignedIn
from command.shared import Shared
from command.trust import rights
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["field"])

WORKS = [requires(Action.WORK_FIELD)]
Deed = Callable[[Acting], Awaitable[None]]


@router.get("/field/me", dependencies=WORKS, responses=documented(WorkerView, "As dispatch sees one."))
async def me(centre: Shared, principal: SignedIn) -> Response:
    """Whether one is on duty, where one was last, and one's skills."""
    return Json(await _me(centre, principal))


@router.put(
    "/field/duty",
    dependencies=WORKS,
    responses=documented(WorkerView, "On or off duty.", 409, 413),
    openapi_extra=bodies.described(DutyBody),
)
async def duty(request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Begin or end duty; off duty one's position is forgotten."""
    body = await bodies.read(request, DutyBody)
    async with centre.cases.acting(principal) as acting:
        await field.duty(acting, on=body.on)
    return Json(await _me(centre, principal))


@router.post(
    "/field/positions",
    dependencies=WORKS,
    responses=documented(KeptView, "How many were kept.", 413),
    openapi_extra=bodies.described(PositionsBody),
)
async def positions(request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Where one was, oldest first or not; kept on duty only."""
    body = await bodies.read(request, PositionsBody)
    async with centre.cases.acting(principal) as acting:
        kept = await field.positions(acting, body.items)
    return Json(KeptView(kept=kept))


@router.post(
    "/field/batch",
    dependencies=WORKS,
    responses=documented(
        BatchAnswer, "Each item's outcome, in order; the same batch again answers the same.", 413
    ),
    openapi_extra=bodies.described(BatchBody),
)
async def batch(request: Request, centre: Shared, principal: SignedIn) -> Response:
    """What a phone gathered without a network: done in order, each item once, conflicts told per item."""
    body = await bodies.read(request, BatchBody)
    return Json(BatchAnswer(items=await take_batch(centre.cases, principal, body)))


@router.get(
    "/tasks", dependencies=WORKS, responses=documented(TaskList, "Open ones first, the soonest due first.")
)
async def list_(
    centre: Shared,
    principal: SignedIn,
    *,
    state: Annotated[
        list[TaskState] | None, Query(max_length=5, description="may be given many times")
    ] = None,
) -> Response:
    """One's own tasks; without `state` those that are offered or accepted."""
    states = state or ["offered", "accepted"]
    return Json(TaskList(items=await centre.cases.tasks(worker=principal.id, states=states)))


@router.post(
    "/tasks/{task}/acceptance", dependencies=WORKS, responses=documented(TaskView, "Accepted.", 404, 409)
)
async def accept(task: UUID, centre: Shared, principal: SignedIn) -> Response:
    """Go there."""
    return await _do(centre, principal, task, lambda acting: tasks.accept(acting, task))


@router.post(
    "/tasks/{task}/refusal",
    dependencies=WORKS,
    responses=documented(TaskView, "The next is asked.", 404, 409, 413),
    openapi_extra=bodies.described(ReasonBody),
)
async def refuse(task: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """With a reason; not for high severity."""
    body = await bodies.read(request, ReasonBody)
    return await _do(centre, principal, task, lambda acting: tasks.refuse(acting, task, body.reason))


@router.post(
    "/tasks/{task}/check-in",
    dependencies=WORKS,
    responses=documented(TaskView, "The timer starts anew.", 404, 409, 413),
    openapi_extra=bodies.described(CheckInBody),
)
async def check_in(task: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """All is well, or one has arrived."""
    body = await bodies.read(request, CheckInBody)
    return await _do(
        centre, principal, task, lambda acting: tasks.check_in(acting, task, on_scene=body.on_scene)
    )


@router.post(
    "/tasks/{task}/result",
    dependencies=WORKS,
    responses=documented(TaskView, "Done.", 404, 409, 413),
    openapi_extra=bodies.described(ResultBody),
)
async def result(task: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """What a check or verification found, or what was done; a handler's result is the feedback."""
    body = await bodies.read(request, ResultBody)
    return await _do(
        centre, principal, task, lambda acting: tasks.result(acting, task, body.text, answer=body.answer)
    )


@router.get(
    "/workers",
    dependencies=[requires(Action.SEE_WORKERS)],
    responses=documented(WorkerList, "By name; the look is in the audit."),
)
async def workers(centre: Shared, principal: SignedIn) -> Response:
    """Who can be sent and where they are on duty: personal data, so that the look is recorded first."""
    rows = await centre.database.fetch("worker_list")
    seen = [row for row in rows if not row["districts"] or rights.covers(principal, row["districts"])]
    async with centre.cases.acting(principal) as acting:
        acting.audit("workers.viewed", "workers", workers=len(seen))
    fresh = timedelta(seconds=centre.settings.cases.position_fresh_s)
    now = datetime.now(UTC)
    return Json(WorkerList(items=[field.worker_view(row, now, fresh) for row in seen]))


async def _do(centre: Centre, principal: Principal, task: UUID, deed: Deed) -> Response:
    async with centre.cases.acting(principal) as acting:
        await deed(acting)
    (view,) = await centre.cases.tasks(task=task)
    return Json(view)


async def _me(centre: Centre, principal: Principal) -> WorkerView:
    async with centre.cases.acting(principal) as acting:
        await acting.act("worker_ensure", account=principal.id)
        (row,) = await acting.act("worker_row", account=principal.id)
    fresh = timedelta(seconds=centre.settings.cases.position_fresh_s)
    return field.worker_view(row, datetime.now(UTC), fresh)
