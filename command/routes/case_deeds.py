"""What is done with a case, one route a deed; each answers the case as it stands then."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from command import bodies
from command.answers import Json, documented
from command.cases import deeds, sending
from command.cases.desk import Acting
from command.cases.intake import merge as merge_into
from command.cases.models import (
    CaseView,
    CloseBody,
    DecideBody,
    DesignateBody,
    DispatchBody,
    ExtendBody,
    MergeBody,
    NoteBody,
    RateBody,
    ReasonBody,
    RemarkBody,
    SendBody,
    TaskKind,
    UnitList,
)
from command.centre import Centre
from command.faults import ApiError
from command.models import View
from command.principal import Principal, SignedIn
from command.shared import Shared
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["cases"])

Deed = Callable[[Acting], Awaitable[None]]


async def _do(centre: Centre, principal: Principal, case: UUID, deed: Deed) -> Response:
    async with centre.cases.acting(principal) as acting:
        await deed(acting)
    return Json(await centre.cases.view(case))


Route = Callable[..., Awaitable[Response]]


def _route(
    path: str, action: Action, description: str, body: type[View] | None = None
) -> Callable[[Route], Route]:
    """A deed's route: POST, its right, what it answers, the body it takes."""
    return router.post(
        f"/cases/{{case}}/{path}",
        dependencies=[requires(action)],
        responses=documented(CaseView, description, 404, 409, 413),
        openapi_extra=bodies.described(body) if body else None,
    )


@_route("check", Action.ACCEPT_CASES, "The nearest grid worker is asked.", SendBody)
async def check(case: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Before filing: is it so? Asks the grid worker nearest the spot, or the one named."""
    body = await bodies.read(request, SendBody)
    return await _do(centre, principal, case, _sends(case, "check", body.worker))


@_route("filing", Action.ACCEPT_CASES, "Filed; its clock runs.", NoteBody)
async def filing(case: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """It meets the filing condition of its class; who files it is its acceptor."""
    body = await bodies.read(request, NoteBody)
    return await _do(centre, principal, case, lambda acting: deeds.file(acting, case, body.text))


@_route("dismissal", Action.ACCEPT_CASES, "Ended without being filed.", ReasonBody)
async def dismissal(case: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """It is no case; every reporter is told."""
    body = await bodies.read(request, ReasonBody)
    return await _do(centre, principal, case, lambda acting: deeds.dismiss(acting, case, body.reason))


@_route("merge", Action.ACCEPT_CASES, "Ended in the other one.", MergeBody)
async def merge(case: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """It is the same as another: reports, pictures and reporters go on there."""
    body = await bodies.read(request, MergeBody)
    return await _do(centre, principal, case, lambda acting: merge_into(acting, case, body.into))


@_route("dispatch", Action.DISPATCH_CASES, "A department has it.", DispatchBody)
async def dispatch(case: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """To the department named, or as the class is routed."""
    body = await bodies.read(request, DispatchBody)
    return await _do(
        centre, principal, case, lambda acting: deeds.dispatch(acting, case, body.department, body.text)
    )


@_route("acceptance", Action.HANDLE_CASES, "The department handles it.", NoteBody)
async def acceptance(case: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """The department takes it on; the nearest suitable handler is asked at once."""
    body = await bodies.read(request, NoteBody)
    return await _do(centre, principal, case, lambda acting: deeds.accept(acting, case, body.text))


@_route("handler", Action.HANDLE_CASES, "A handler is asked.", SendBody)
async def handler(case: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Ask a handler, where nobody is asked or on it."""
    body = await bodies.read(request, SendBody)
    return await _do(centre, principal, case, _sends(case, "handle", body.worker))


@_route("verification", Action.ACCEPT_CASES, "A grid worker is asked.", SendBody)
async def verification(case: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Before closing: is it done? Feedback asks the nearest by itself; this asks again, or somebody named."""
    body = await bodies.read(request, SendBody)
    return await _do(centre, principal, case, _sends(case, "verify", body.worker))


@router.post(
    "/cases/{case}/return",
    dependencies=[requires(Action.SEE_CASES)],
    responses=documented(CaseView, "Back.", 404, 409, 413),
    openapi_extra=bodies.described(ReasonBody),
)
async def return_(case: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """From the department to the dispatcher, or from the acceptor to the handler; with a reason."""
    body = await bodies.read(request, ReasonBody)
    actions = request.state.actions
    if not actions & {Action.ACCEPT_CASES, Action.HANDLE_CASES}:
        raise ApiError(409, "only the department or the acceptor returns a case")
    accepts, handles = Action.ACCEPT_CASES in actions, Action.HANDLE_CASES in actions
    return await _do(
        centre,
        principal,
        case,
        lambda acting: deeds.return_(acting, case, body.reason, may_accept=accepts, may_handle=handles),
    )


@_route("suspension", Action.HANDLE_CASES, "Its clock stands still.", ReasonBody)
async def suspension(case: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Once in the life of a case, not after it is overdue."""
    body = await bodies.read(request, ReasonBody)
    return await _do(centre, principal, case, lambda acting: deeds.suspend(acting, case, body.reason))


@_route("resumption", Action.HANDLE_CASES, "Its clock runs on.")
async def resumption(case: UUID, centre: Shared, principal: SignedIn) -> Response:
    """With the time that was left."""
    return await _do(centre, principal, case, lambda acting: deeds.resume(acting, case))


@_route("extension", Action.HANDLE_CASES, "It has more time.", ExtendBody)
async def extension(case: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """At most twice, never after it was overdue."""
    body = await bodies.read(request, ExtendBody)
    return await _do(
        centre, principal, case, lambda acting: deeds.extend(acting, case, body.extra_s, body.reason)
    )


@_route("appeal", Action.HANDLE_CASES, "A supervisor decides.", ReasonBody)
async def appeal(case: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """That it was overdue stays; the appeal is that it does not count."""
    body = await bodies.read(request, ReasonBody)
    return await _do(centre, principal, case, lambda acting: deeds.appeal(acting, case, body.reason))


@_route("appeal/decision", Action.SUPERVISE_CASES, "Decided.", DecideBody)
async def decision(case: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Grant or refuse the appeal."""
    body = await bodies.read(request, DecideBody)
    return await _do(
        centre, principal, case, lambda acting: deeds.decide(acting, case, body.reason, granted=body.granted)
    )


@_route("acceptor", Action.SUPERVISE_CASES, "Somebody else closes it.", DesignateBody)
async def acceptor(case: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Name another acceptor, who has not handled it."""
    body = await bodies.read(request, DesignateBody)
    return await _do(centre, principal, case, lambda acting: deeds.designate(acting, case, body.acceptor))


@_route("closure", Action.ACCEPT_CASES, "Closed; its reporters may rate it.", CloseBody)
async def closure(case: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Only its designated acceptor, after feedback and a verification by somebody else."""
    body = await bodies.read(request, CloseBody)
    return await _do(centre, principal, case, lambda acting: deeds.close(acting, case, body.standard))


@_route("comments", Action.SEE_CASES, "Kept.", RemarkBody)
async def comment(case: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """A line for its history."""
    body = await bodies.read(request, RemarkBody)
    return await _do(centre, principal, case, lambda acting: deeds.comment(acting, case, body.text))


@_route("rating", Action.REPORT_CASES, "Rated.", RateBody)
async def rating(case: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """By who reported it, after it was closed."""
    body = await bodies.read(request, RateBody)

    async def deed(acting: Acting) -> None:
        row = await deeds.reported_by(acting, case)
        await deeds.rate(acting, row, body.score, body.text)

    return await _do(centre, principal, case, deed)


@_route("reopening", Action.REPORT_CASES, "It is dispatched anew.", ReasonBody)
async def reopening(case: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """By who reported it, within ten days after it was closed."""
    body = await bodies.read(request, ReasonBody)

    async def deed(acting: Acting) -> None:
        row = await deeds.reported_by(acting, case)
        await deeds.reopen(acting, row, body.reason)

    return await _do(centre, principal, case, deed)


@router.get(
    "/cases/{case}/units",
    dependencies=[requires(Action.SEE_WORKERS)],
    responses=documented(UnitList, "Who suits first, each with the reason.", 404),
)
async def units(
    case: UUID, centre: Shared, principal: SignedIn, *, kind: Annotated[TaskKind, Query()] = "handle"
) -> Response:
    """Who could be sent for this, how soon they are there, and why not the others; the look is audited."""
    async with centre.cases.acting(principal) as acting:
        row = await acting.hold(case)
        found = await sending.ranked(acting, row, kind)
        acting.audit("workers.viewed", f"case/{case}", kind=kind, workers=len(found))
    return Json(UnitList(items=[sending.unit_view(one) for one in found]))


def _sends(case: UUID, kind: TaskKind, worker: str | None) -> Deed:
    async def deed(acting: Acting) -> None:
        row = await acting.hold(case)
        await sending.send(acting, row, kind, worker)

    return deed
