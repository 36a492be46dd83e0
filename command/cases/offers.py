"""What somebody may do with a case now, for the page that offers it. Pure; the deeds themselves decide."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from command.cases.models import CaseView
from command.cases.stages import ENDED, Stage
from command.trust.rights import Action

RUNS = (Stage.DISPATCH, Stage.HANDLE)


@dataclass(frozen=True, slots=True)
class Look:
    """Who looks at which case, and how it stands."""

    case: CaseView
    name: str
    actions: frozenset[Action]
    asked: Collection[str]
    """Kinds of the tasks that somebody was asked for or is on."""
    needs_check: bool
    is_reporter: bool
    now: datetime

    def has(self, action: Action, *stages: Stage) -> bool:
        return action in self.actions and self.case.stage in stages

    @property
    def is_acceptor(self) -> bool:
        return self.case.acceptor == self.name

    @property
    def runs(self) -> bool:
        return self.has(Action.HANDLE_CASES, *RUNS)


def _filing(look: Look) -> bool:
    return look.has(Action.ACCEPT_CASES, Stage.COLLECT) and (
        look.case.checked is True or (look.case.checked is None and not look.needs_check)
    )


def _dismissal(look: Look) -> bool:
    return look.has(Action.ACCEPT_CASES, Stage.COLLECT, Stage.FILE) and look.case.round == 1


def _return(look: Look) -> bool:
    return look.runs or (look.has(Action.ACCEPT_CASES, Stage.VERIFY) and look.is_acceptor)


def _suspension(look: Look) -> bool:
    return look.runs and not (look.case.suspended or look.case.overdue) and look.case.suspensions == 0


def _appeal(look: Look) -> bool:
    return Action.HANDLE_CASES in look.actions and look.case.overdue and look.case.appeal == "none"


def _acceptor(look: Look) -> bool:
    return Action.SUPERVISE_CASES in look.actions and look.case.stage not in ENDED | {Stage.COLLECT}


def _rating(look: Look) -> bool:
    return look.is_reporter and look.has(Action.REPORT_CASES, Stage.EVALUATE) and look.case.rating is None


def _reopening(look: Look) -> bool:
    until = look.case.reopen_until
    return (
        look.is_reporter
        and look.has(Action.REPORT_CASES, Stage.EVALUATE)
        and (until is None or look.now <= until)
    )


OFFERS: dict[str, Callable[[Look], bool]] = {
    "check": lambda look: look.has(Action.ACCEPT_CASES, Stage.COLLECT) and "check" not in look.asked,
    "filing": _filing,
    "dismissal": _dismissal,
    "merge": lambda look: look.has(Action.ACCEPT_CASES, Stage.COLLECT, Stage.FILE),
    "dispatch": lambda look: look.has(Action.DISPATCH_CASES, Stage.FILE),
    "acceptance": lambda look: look.has(Action.HANDLE_CASES, Stage.DISPATCH),
    "handler": lambda look: look.has(Action.HANDLE_CASES, Stage.HANDLE) and "handle" not in look.asked,
    "verification": lambda look: (
        look.has(Action.ACCEPT_CASES, Stage.REPORT_BACK) and "verify" not in look.asked
    ),
    "closure": lambda look: look.has(Action.ACCEPT_CASES, Stage.VERIFY) and look.is_acceptor,
    "return": _return,
    "suspension": _suspension,
    "resumption": lambda look: look.runs and look.case.suspended,
    "extension": lambda look: look.runs and not look.case.overdue and look.case.extensions < 2,
    "appeal": _appeal,
    "appeal/decision": lambda look: Action.SUPERVISE_CASES in look.actions and look.case.appeal == "asked",
    "acceptor": _acceptor,
    "comments": lambda look: Action.SEE_CASES in look.actions,
    "rating": _rating,
    "reopening": _reopening,
}
"""By route: whether it is offered."""


def offered(look: Look) -> list[str]:
    """The routes that make sense for this person now."""
    return [name for name, holds in OFFERS.items() if holds(look)]
