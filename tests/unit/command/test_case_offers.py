"""What a page offers to do with a case: what its stage, clock and people allow, and nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from command.cases.models import CaseView
from command.cases.offers import OFFERS, Look, offered
from command.cases.stages import Stage
from command.principal import Role
from command.trust.rights import TABLE, Action

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def view(**given: Any) -> CaseView:
    times: dict[str, Any] = dict.fromkeys(
        ("filed_at", "dispatched_at", "handling_at", "feedback_at", "verified_at", "closed_at", "due_at")
    )
    usual: dict[str, Any] = {
        "id": UUID(int=7), "number": "20260000001", "is_demonstration": False, "class_": "c02001",
        "source": "citizen", "stage": Stage.COLLECT, "severity": "normal", "position": (6.95, 50.94),
        "cell": None, "districts": ["south"], "department": "roads", "created_at": NOW, "changed_at": NOW,
        "left_s": None, "clock": "continuous", "suspended": False, "overdue": False, "reports": 1,
        "alarm": None, "text": "", "address": "", "component": None, "merged_into": None, "checked": None,
        "acceptor": None, "handler": None, "verified_by": None, "limit_s": 3600, "suspensions": 0,
        "extensions": 0, "returns": 0, "round": 1, "appeal": "none", "level": 0, "rating": None,
        "reopen_until": None,
    }  # fmt: skip
    return CaseView(**times | usual | given)


def offers(role: Role, stage: Stage, name: str = "me", **given: Any) -> set[str]:
    about = {key: given.pop(key) for key in ("asked", "needs_check", "is_reporter") if key in given}
    usual: dict[str, Any] = {"asked": set(), "needs_check": False, "is_reporter": False}
    look = Look(
        case=view(stage=stage, **given), name=name, actions=TABLE[role], now=NOW, **(usual | about)
    )  # fmt: skip
    return set(offered(look)) - {"comments"}


def test_every_stage_offers_its_own_deeds_to_its_own_role() -> None:
    assert offers(Role.ACCEPTOR, Stage.COLLECT) == {"check", "filing", "dismissal", "merge"}
    assert offers(Role.DISPATCHER, Stage.FILE) == {"dispatch"}
    runs = {"return", "suspension", "extension"}
    assert offers(Role.DEPARTMENT, Stage.DISPATCH) == runs | {"acceptance"}
    assert offers(Role.DEPARTMENT, Stage.HANDLE) == runs | {"handler"}
    assert offers(Role.ACCEPTOR, Stage.REPORT_BACK) == {"verification"}
    assert offers(Role.ACCEPTOR, Stage.VERIFY, acceptor="me") == {"closure", "return"}
    assert offers(Role.CITIZEN, Stage.EVALUATE, is_reporter=True) == {"rating", "reopening"}
    assert offers(Role.OPERATOR, Stage.HANDLE) == set()


def test_only_its_acceptor_is_offered_to_close() -> None:
    assert offers(Role.ACCEPTOR, Stage.VERIFY, acceptor="somebody else") == set()


def test_who_was_asked_already_is_not_asked_again() -> None:
    assert "check" not in offers(Role.ACCEPTOR, Stage.COLLECT, asked={"check"})
    assert "handler" not in offers(Role.DEPARTMENT, Stage.HANDLE, asked={"handle"})
    assert offers(Role.ACCEPTOR, Stage.REPORT_BACK, asked={"verify"}) == set()


@pytest.mark.parametrize(("checked", "may_file"), [(None, False), (False, False), (True, True)])
def test_a_class_that_is_checked_is_filed_after_the_check(checked: bool | None, *, may_file: bool) -> None:
    found = offers(Role.ACCEPTOR, Stage.COLLECT, needs_check=True, checked=checked)
    assert ("filing" in found) is may_file


def test_the_clock_is_stopped_once_extended_twice_and_never_when_overdue() -> None:
    department, stage = Role.DEPARTMENT, Stage.HANDLE
    assert "resumption" in offers(department, stage, suspended=True, suspensions=1)
    assert "suspension" not in offers(department, stage, suspensions=1)
    assert "extension" not in offers(department, stage, extensions=2)
    late = offers(department, stage, overdue=True)
    assert late & {"suspension", "extension", "appeal"} == {"appeal"}
    assert "appeal" not in offers(department, stage, overdue=True, appeal="asked")
    assert "appeal/decision" in offers(Role.SUPERVISOR, stage, overdue=True, appeal="asked")
    assert "appeal/decision" not in offers(Role.SUPERVISOR, stage, overdue=True)


def test_reopening_ends_with_its_time_and_a_rating_is_given_once() -> None:
    over = offers(
        Role.CITIZEN, Stage.EVALUATE, is_reporter=True, reopen_until=NOW - timedelta(days=1), rating=4
    )
    assert over == set()
    assert offers(Role.CITIZEN, Stage.EVALUATE) == set()


@pytest.mark.parametrize("stage", Stage)
def test_without_rights_nothing_is_offered(stage: Stage) -> None:
    look = Look(
        case=view(stage=stage), name="me", actions=frozenset({Action.SEE_LIVE}), asked=(), needs_check=False,
        is_reporter=True, now=NOW,
    )  # fmt: skip
    assert offered(look) == []
    assert set(OFFERS) >= {"filing", "closure", "return"}
