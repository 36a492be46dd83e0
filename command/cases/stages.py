"""The seven stages of a case and the only ways between them. Pure.

Who handles may not verify, close or rate; that holds for everybody who ever handled the case, in any round.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID


class Stage(StrEnum):
    """Which of the seven stages a case is in; or how it ended before it was one."""

    COLLECT = "collect"
    FILE = "file"
    DISPATCH = "dispatch"
    HANDLE = "handle"
    REPORT_BACK = "report_back"
    VERIFY = "verify"
    """Verified by a grid worker; it waits for its acceptor to close it."""
    EVALUATE = "evaluate"
    """Closed; its reporters rate it, or reopen it."""
    DISMISSED = "dismissed"
    MERGED = "merged"


ENDED = frozenset({Stage.EVALUATE, Stage.DISMISSED, Stage.MERGED})
UNFILED = frozenset({Stage.DISMISSED, Stage.MERGED})


class Refused(Exception):
    """What cannot be done with a case as it stands; the text says why."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What of a case decides what may be done with it."""

    stage: Stage = Stage.COLLECT
    needs_check: bool = False
    checked: bool | None = None
    """What the check before filing found; None before it."""
    acceptor: UUID | None = None
    """The only one who may close it."""
    department: str | None = None
    handler: UUID | None = None
    handled_by: frozenset[UUID] = frozenset()
    """Everybody who ever handled it."""
    feedback_by: UUID | None = None
    verified_by: UUID | None = None
    closed_by: UUID | None = None
    returns: int = 0
    round: int = 1


def check(case: Standing, *, is_real: bool) -> Standing:
    """A grid worker looked before filing."""
    _in(case, Stage.COLLECT)
    return replace(case, checked=is_real)


def file(case: Standing, acceptor: UUID) -> Standing:
    """It becomes a case; who files it is the acceptor who closes it."""
    _in(case, Stage.COLLECT)
    if case.needs_check and case.checked is None:
        raise Refused("this class is checked on the spot before it is filed; ask for the check first")
    if case.checked is False:
        raise Refused("the check did not find it; dismiss it, or have it checked again")
    return replace(case, stage=Stage.FILE, acceptor=acceptor)


def dismiss(case: Standing, reason: str) -> Standing:
    _in(case, Stage.COLLECT, Stage.FILE)
    _reasoned(reason, "a dismissal")
    if case.round > 1:
        raise Refused("a case that its reporter reopened is not dismissed")
    return replace(case, stage=Stage.DISMISSED)


def merge(case: Standing, into: Standing) -> Standing:
    """It is the same as another one, which goes on for both."""
    _in(case, Stage.COLLECT, Stage.FILE)
    if into.stage in UNFILED:
        raise Refused("the other one was dismissed or merged itself")
    return replace(case, stage=Stage.MERGED)


def dispatch(case: Standing, department: str) -> Standing:
    _in(case, Stage.FILE)
    if not department:
        raise Refused("no department looks after this class here; name one")
    return replace(case, stage=Stage.DISPATCH, department=department)


def accept(case: Standing) -> Standing:
    """The department takes it on."""
    _in(case, Stage.DISPATCH)
    return replace(case, stage=Stage.HANDLE)


def assign(case: Standing, handler: UUID) -> Standing:
    """Somebody handles it from here on; who filed or verified it may not."""
    _in(case, Stage.HANDLE)
    if handler == case.acceptor:
        raise Refused("who closes a case does not handle it")
    return replace(case, handler=handler, handled_by=case.handled_by | {handler})


def return_(case: Standing, reason: str) -> Standing:
    """Back: to the dispatcher from the department, to the handler from the acceptor. A reason is needed."""
    _in(case, Stage.DISPATCH, Stage.HANDLE, Stage.VERIFY)
    _reasoned(reason, "a return")
    if case.stage is Stage.VERIFY:
        back = replace(case, stage=Stage.HANDLE)
    else:
        back = replace(case, stage=Stage.FILE, department=None, handler=None)
    return replace(_undone(back), returns=case.returns + 1)


def report_back(case: Standing, handler: UUID) -> Standing:
    """The handler says that it is done; whoever says so has handled it."""
    _in(case, Stage.HANDLE)
    if case.handler is None:
        raise Refused("nobody handles it yet")
    if handler == case.acceptor:
        raise Refused("who closes a case does not handle it")
    handled = case.handled_by | {handler, case.handler}
    return replace(case, stage=Stage.REPORT_BACK, feedback_by=handler, handled_by=handled)


def verify(case: Standing, worker: UUID, *, is_done: bool) -> Standing:
    """A grid worker looked before closing; what is not done goes back to the handler."""
    _in(case, Stage.REPORT_BACK)
    if worker in case.handled_by:
        raise Refused("who handled a case does not verify it")
    if not is_done:
        return replace(_undone(case), stage=Stage.HANDLE, returns=case.returns + 1)
    return replace(case, stage=Stage.VERIFY, verified_by=worker)


def close(case: Standing, by: UUID, standard: str) -> Standing:
    """Only the designated acceptor, saying how it meets its closing standard."""
    _in(case, Stage.VERIFY)
    if by in case.handled_by:
        raise Refused("who handled a case does not close it")
    if by != case.acceptor:
        raise Refused("only its designated acceptor closes a case")
    if case.feedback_by is None or case.verified_by is None:
        raise Refused("a case is closed after feedback and a verification only")
    _reasoned(standard, "closing", "the closing standard that it meets")
    return replace(case, stage=Stage.EVALUATE, closed_by=by)


def designate(case: Standing, acceptor: UUID) -> Standing:
    """Another acceptor closes it."""
    if case.stage in ENDED or case.stage is Stage.COLLECT:
        raise Refused(f"a case in stage {case.stage} has no acceptor to be changed")
    if acceptor in case.handled_by:
        raise Refused("who handled a case does not close it")
    return replace(case, acceptor=acceptor)


def rate(case: Standing, by: UUID | None) -> Standing:
    """Its reporter rates it; `by` is None without an account."""
    _in(case, Stage.EVALUATE)
    if by is not None and by in case.handled_by:
        raise Refused("who handled a case does not rate it")
    return case


def reopen(case: Standing, reason: str) -> Standing:
    """Its reporter does not find it done: it is dispatched anew."""
    _in(case, Stage.EVALUATE)
    _reasoned(reason, "reopening")
    back = replace(case, stage=Stage.FILE, department=None, handler=None, closed_by=None)
    return replace(_undone(back), round=case.round + 1)


def _undone(case: Standing) -> Standing:
    return replace(case, feedback_by=None, verified_by=None)


def _in(case: Standing, *stages: Stage) -> None:
    if case.stage not in stages:
        raise Refused(f"the case is in stage {case.stage}; this needs {' or '.join(stages)}")


def _reasoned(reason: str, what: str, wanted: str = "a reason") -> None:
    if not reason.strip():
        raise Refused(f"{what} needs {wanted}")


Step = Callable[[Standing], Standing]
