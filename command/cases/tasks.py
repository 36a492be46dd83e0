"""What workers do with what they are asked: accept, refuse with a reason, check in, say what they found."""

from datetime import timedelta
from uuid import UUID

from command.cases import deeds, stages
from command.cases.desk import Acting
from command.cases.intake import withdraw
from command.cases.sending import send
from command.database import Row
from command.faults import ApiError
from command.principal import Role


async def hold(acting: Acting, task: UUID) -> Row:
    """One's own task, and the case behind it held; ApiError 404."""
    found = await acting.act("task_hold", id=task)
    if not found or found[0]["worker"] != acting.principal.id:
        raise ApiError(404, "there is no such task", "task")
    return found[0]


async def accept(acting: Acting, task: UUID) -> None:
    """Go there; who accepts to handle a case is its handler."""
    row = await _of_case(acting, task, "offered")
    (case,) = await acting.act("case_hold", id=row["case_id"])
    by = acting.principal.id
    if row["kind"] == "handle":
        await acting.step(case, "taken_on", lambda one: stages.assign(one, by))
    else:
        acting.note(case["id"], f"{row['kind']}_accepted")
        await acting.act("case_touch", id=case["id"])
    await acting.act("task_answer", id=task, state="accepted", reason="", check_in=_check_in(acting))


async def refuse(acting: Acting, task: UUID, reason: str) -> None:
    """With a reason, and never what is of high severity; the next nearest is asked."""
    row = await _of_case(acting, task, "offered")
    if row["must_accept"]:
        raise ApiError(409, "a task of high severity cannot be refused")
    await pass_on(acting, row, reason, f"{row['kind']}_refused")


async def pass_on(acting: Acting, row: Row, reason: str, what: str) -> None:
    """Not this worker; the next nearest."""
    (case,) = await acting.act("case_hold", id=row["case_id"])
    await acting.act("task_answer", id=row["id"], state="refused", reason=reason, check_in=_check_in(acting))
    acting.note(case["id"], what, reason, task=str(row["id"]))
    await acting.act("case_touch", id=case["id"])
    await send(acting, case, row["kind"], must_find=False)


async def check_in(acting: Acting, task: UUID, *, on_scene: bool) -> None:
    """All is well; `on_scene`: arrived."""
    row = await _of_case(acting, task, "accepted")
    await acting.act("task_check_in", id=task, check_in=_check_in(acting), on_scene=on_scene)
    if on_scene and row["on_scene_at"] is None:
        acting.note(row["case_id"], "on_scene", row["kind"])


async def result(acting: Acting, task: UUID, text: str, *, answer: bool) -> None:
    """What came of it: a check or verification answers yes or no, handling is reported back."""
    row = await _of_case(acting, task, "accepted")
    (case,) = await acting.act("case_hold", id=row["case_id"])
    if row["kind"] == "handle" and not (answer and text.strip()):
        raise ApiError(422, "text: say what was done; what cannot be handled is returned", "text")
    if not answer and not text.strip():
        raise ApiError(422, "text: a no needs a reason", "text")
    await acting.act("task_done", id=task, answer=answer)
    if row["kind"] == "check":
        await _checked(acting, case, text, answer=answer)
    elif row["kind"] == "verify":
        await _verified(acting, case, text, answer=answer)
    else:
        await deeds.feed_back(acting, case, text)


async def _checked(acting: Acting, case: Row, text: str, *, answer: bool) -> None:
    what = "checked" if answer else "not_found"
    told = await acting.step(case, what, lambda one: stages.check(one, is_real=answer), text, checked=answer)
    await acting.tell_roles([Role.ACCEPTOR], told, "case.waits", what)


async def _verified(acting: Acting, case: Row, text: str, *, answer: bool) -> None:
    by = acting.principal.id
    changes = {"verified_at": acting.now} if answer else deeds.running(acting, case)
    what = "verified" if answer else "not_done"
    told = await acting.step(case, what, lambda one: stages.verify(one, by, is_done=answer), text, **changes)
    if answer:
        await acting.tell([case["acceptor"]], "case.waits", case=case["id"], text=what)
    else:
        await withdraw(acting, case["id"], what)
        await deeds.renew(acting, told)


async def _of_case(acting: Acting, task: UUID, state: str) -> Row:
    """One's own task in this state, its case held before it as everywhere; ApiError 404, 409."""
    seen = await acting.act("task_see", id=task, worker=acting.principal.id)
    if not seen:
        raise ApiError(404, "there is no such task", "task")
    await acting.act("case_hold", id=seen[0]["case_id"])
    row = await hold(acting, task)
    if row["state"] != state:
        raise ApiError(409, f"the task is {row['state']}; this needs one that is {state}")
    return row


def _check_in(acting: Acting) -> timedelta:
    return timedelta(minutes=acting.desk.settings.cases.check_in_minutes)
