"""What is done with a case between the gates: check, file, dispatch, accept, return, close, and its clock."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from command.cases import stages
from command.cases.classes import department
from command.cases.clocks import due
from command.cases.desk import Acting, nothing
from command.cases.intake import withdraw
from command.cases.rows import districts_cover, is_late, is_person, resumed
from command.cases.sending import send
from command.cases.stages import Stage
from command.database import Row, act
from command.faults import ApiError
from command.principal import Role
from command.trust.accounts import principal_of
from command.trust.rights import Action, may

RUNS = (Stage.DISPATCH, Stage.HANDLE)
"""Stages in which the department can have the clock stopped or given more."""
UNCLOSED: dict[str, Any] = {"closed_at": None, "closed_by": None}


async def file(acting: Acting, case: UUID, text: str) -> None:
    """It is a case from here on, and its clock runs."""
    row = await acting.hold(case)
    ends = due(acting.desk.calendar, row["clock"], acting.now, row["limit_s"])
    by = acting.principal.id
    await acting.step(row, "filed", lambda one: stages.file(one, by), text, filed_at=acting.now, due_at=ends)
    await withdraw(acting, case, "filed", "check")
    await acting.tell_reporters(case, "filed")


async def dismiss(acting: Acting, case: UUID, reason: str) -> None:
    row = await acting.hold(case)
    await acting.step(
        row, "dismissed", lambda one: stages.dismiss(one, reason), reason, closed_at=acting.now, due_at=None
    )
    await withdraw(acting, case, "dismissed")
    await acting.tell_reporters(case, "dismissed")


async def dispatch(acting: Acting, case: UUID, wanted: str | None, text: str) -> None:
    """To the department named, or as its class is routed."""
    row = await acting.hold(case)
    to = wanted or await routed(acting, row) or ""
    text = f"{to}: {text}" if text else to
    told = await acting.step(
        row, "dispatched", lambda one: stages.dispatch(one, to), text, dispatched_at=acting.now
    )
    await acting.tell_roles([Role.DEPARTMENT], told, "case.dispatched", department=to)
    await acting.tell_reporters(case, "dispatched")


async def routed(acting: Acting, row: Row) -> str | None:
    """A component's owner first and then the territory; an event's territory first."""
    (class_,) = await acting.act("class_of_case", id=row["id"])
    territory = await acting.act("territory_at", cell=row["cell"] or "")
    component = await acting.act("component_find", code=row["component"]) if row["component"] else []
    return department(
        class_["routing"],
        class_["owner"],
        territory[0]["department"] if territory else None,
        component[0]["owner"] if component else None,
    )


async def accept(acting: Acting, case: UUID, text: str) -> None:
    """The department takes it on, and the nearest suitable handler is asked."""
    row = await acting.hold(case)
    told = await acting.step(row, "accepted", stages.accept, text, handling_at=acting.now)
    await send(acting, told, "handle", must_find=False)


async def return_(acting: Acting, case: UUID, reason: str, *, may_accept: bool, may_handle: bool) -> None:
    """From the department to the dispatcher; from the acceptor to the handler."""
    row = await acting.hold(case)
    is_acceptors = row["stage"] == Stage.VERIFY
    if (is_acceptors and not may_accept) or (not is_acceptors and not may_handle):
        raise ApiError(403, "only the acceptor returns a verified case, only the department one it was given")
    if is_acceptors and row["acceptor"] != acting.principal.id:
        raise ApiError(409, "only its designated acceptor returns a verified case")
    changes = running(acting, row) if is_acceptors else {}
    if row["suspended_at"] is not None:
        changes = {"suspended_at": None, "due_at": resumed_at(acting, row)}
    told = await acting.step(row, "returned", lambda one: stages.return_(one, reason), reason, **changes)
    if is_acceptors:
        await renew(acting, told)
    else:
        await withdraw(acting, case, "returned", "handle")
        await acting.tell_roles([Role.DISPATCHER], told, "case.returned", reason)


async def feed_back(acting: Acting, row: Row, text: str) -> None:
    """The handler says that it is done; the grid worker nearest the spot is asked to look."""
    by = acting.principal.id
    stopped: dict[str, Any] = {"feedback_at": acting.now}
    if row["suspended_at"] is not None:
        stopped |= {"suspended_at": None, "due_at": resumed_at(acting, row)}
    told = await acting.step(row, "handled", lambda one: stages.report_back(one, by), text, **stopped)
    await acting.tell_reporters(row["id"], "handled")
    await send(acting, told, "verify", must_find=False)


async def close(acting: Acting, case: UUID, standard: str) -> None:
    """Only its acceptor, by its closing standard."""
    row = await acting.hold(case)
    by = acting.principal.id
    await acting.step(
        row, "closed", lambda one: stages.close(one, by, standard), standard, closed_at=acting.now
    )
    await acting.tell_reporters(case, "closed")


async def designate(acting: Acting, case: UUID, name: str) -> None:
    """Another acceptor closes it."""
    row = await acting.hold(case)
    found = await acting.act("account_by_name", name=name)
    to = principal_of(found[0]) if found and found[0]["disabled_at"] is None else None
    if to is None or not may(to, Action.ACCEPT_CASES) or not districts_cover(to, row["districts"]):
        raise ApiError(422, f"acceptor: {name!r} is nobody who may close this case", "acceptor")
    id_ = to.id
    await acting.step(row, "designated", lambda one: stages.designate(one, id_), to.name)
    await acting.tell([id_], "case.waits", case=case)


async def suspend(acting: Acting, case: UUID, reason: str) -> None:
    """The clock stands still, once in the life of a case."""
    row = await _running(acting, case)
    if row["suspensions"] >= 1:
        raise ApiError(409, "a case is suspended once only")
    if row["suspended_at"] is not None or is_late(row, acting.now):
        raise ApiError(409, "it is suspended or overdue already")
    await acting.step(row, "suspended", nothing, reason, suspended_at=acting.now, suspensions=1)


async def resume(acting: Acting, case: UUID) -> None:
    row = await _running(acting, case)
    if row["suspended_at"] is None:
        raise ApiError(409, "the case is not suspended")
    await acting.step(row, "resumed", nothing, due_at=resumed_at(acting, row), suspended_at=None)


async def extend(acting: Acting, case: UUID, extra_s: int, reason: str) -> None:
    """More time, at most twice and never after it was overdue."""
    row = await _running(acting, case)
    if row["extensions"] >= 2:
        raise ApiError(409, "a case is extended twice at most")
    if row["overdue_at"] is not None or is_late(row, acting.now):
        raise ApiError(409, "an overdue case is not extended")
    ends = due(acting.desk.calendar, row["clock"], row["due_at"], extra_s)
    await acting.step(
        row, "extended", nothing, reason, due_at=ends, extensions=row["extensions"] + 1, reminded_at=None
    )


async def appeal(acting: Acting, case: UUID, reason: str) -> None:
    """The department asks that an overdue case does not count against it."""
    row = await acting.hold(case)
    if row["overdue_at"] is None and not is_late(row, acting.now):
        raise ApiError(409, "the case was not overdue: there is nothing to appeal against")
    if row["appeal"] != "none":
        raise ApiError(409, "there was an appeal already")
    told = await acting.step(row, "appealed", nothing, reason, appeal="asked")
    await acting.tell_roles([Role.SUPERVISOR], told, "case.waits", "appeal")


async def decide(acting: Acting, case: UUID, reason: str, *, granted: bool) -> None:
    """Granted: it does not count in the score. That it was overdue stays."""
    row = await acting.hold(case)
    if row["appeal"] != "asked":
        raise ApiError(409, "there is no appeal to decide")
    verdict = "granted" if granted else "refused"
    await acting.step(row, f"appeal_{verdict}", nothing, reason, appeal=verdict)
    await acting.tell_roles([Role.DEPARTMENT], row, "note", f"appeal {verdict}", row["department"])


async def comment(acting: Acting, case: UUID, text: str) -> None:
    if not is_person(acting.principal.id):
        raise ApiError(403, "a kiosk has no account to comment with")
    await acting.hold(case)
    await acting.act("case_touch", id=case)
    acting.note(case, "commented", text)


async def rate(acting: Acting, row: Row, score: int, text: str) -> None:
    """By its reporter, once in each round."""
    by = acting.principal.id if is_person(acting.principal.id) else None
    if row["rating"] is not None:
        raise ApiError(409, "it was rated already")
    told = f"{score}: {text}" if text else str(score)
    await acting.step(row, "rated", lambda one: stages.rate(one, by), told, rating=score, rated_at=acting.now)


async def reopen(acting: Acting, row: Row, reason: str) -> None:
    """By its reporter, within ten days: it is dispatched anew, with a new time limit."""
    until = timedelta(days=acting.desk.settings.cases.reopen_days)
    if row["closed_at"] is not None and acting.now > row["closed_at"] + until:
        raise ApiError(409, f"a case is reopened within {until.days} days after it was closed")
    ends = due(acting.desk.calendar, row["clock"], acting.now, row["limit_s"])
    told = await acting.step(
        row, "reopened", lambda one: stages.reopen(one, reason), reason, due_at=ends, reminded_at=None,
        level=0, escalated_at=None, rating=None, rated_at=None, feedback_at=None, verified_at=None,
        handling_at=None, dispatched_at=None, **UNCLOSED,
    )  # fmt: skip
    await acting.tell_roles([Role.DISPATCHER], told, "case.returned", reason)
    await acting.tell([row["acceptor"]], "case.returned", case=row["id"], text=reason)


async def reported_by(acting: Acting, case: UUID) -> Row:
    """A case that this account reported; ApiError 404."""
    row = await acting.hold(case)
    if not await acting.act("report_of_account", case=case, account=acting.principal.id):
        raise ApiError(403, "only who reported a case rates or reopens it")
    return row


def running(acting: Acting, row: Row) -> dict[str, Any]:
    """What makes the clock of a case that was handled run on."""
    if row["feedback_at"] is None or row["due_at"] is None:
        return {}
    return {"due_at": resumed(row, row["feedback_at"], acting.now, acting.desk.calendar)}


def resumed_at(acting: Acting, row: Row) -> datetime:
    """When a suspended case is due if its clock runs on now."""
    return resumed(row, row["suspended_at"], acting.now, acting.desk.calendar)


async def renew(acting: Acting, row: Row) -> None:
    """Who handled it goes again; where they cannot, the next nearest."""
    name: Sequence[Row] = await act(acting.connection, "account_by_id", {"id": row["handler"]})
    try:
        await send(acting, row, "handle", name[0]["name"] if name else None, must_find=False)
    except ApiError:
        await send(acting, row, "handle", must_find=False)


async def _running(acting: Acting, case: UUID) -> Row:
    row = await acting.hold(case)
    if row["stage"] not in RUNS:
        raise ApiError(409, f"the case is in stage {row['stage']}: its clock is not the department's")
    return row
