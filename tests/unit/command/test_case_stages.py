"""The stages of a case as a machine driven by everybody at once: no way around feedback and verification."""

from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from command.cases import stages
from command.cases.stages import ENDED, Refused, Stage, Standing

PEOPLE = [UUID(int=number) for number in range(100, 105)]
ANYBODY = st.sampled_from(PEOPLE)
TEXTS = st.sampled_from(["", "  ", "a reason"])

WAYS = {
    Stage.COLLECT: {Stage.FILE, Stage.DISMISSED, Stage.MERGED},
    Stage.FILE: {Stage.DISPATCH, Stage.DISMISSED, Stage.MERGED},
    Stage.DISPATCH: {Stage.HANDLE, Stage.FILE},
    Stage.HANDLE: {Stage.REPORT_BACK, Stage.FILE},
    Stage.REPORT_BACK: {Stage.VERIFY, Stage.HANDLE},
    Stage.VERIFY: {Stage.EVALUATE, Stage.HANDLE},
    Stage.EVALUATE: {Stage.FILE},
    Stage.DISMISSED: set(),
    Stage.MERGED: set(),
}


class Case(RuleBasedStateMachine):
    """Anybody tries anything at any time, and everything that happened is remembered beside the case."""

    def __init__(self) -> None:
        super().__init__()
        self.case = Standing(needs_check=False)
        self.handlers: set[UUID] = set()
        self.feedback: UUID | None = None
        self.verified: UUID | None = None
        self.returned_without_reason = False

    def attempt(self, step: Callable[[Standing], Standing]) -> bool:
        before = self.case
        try:
            self.case = step(before)
        except Refused:
            return False
        assert self.case.stage is before.stage or self.case.stage in WAYS[before.stage]
        assert before.handled_by <= self.case.handled_by, "who handled it is never forgotten"
        return True

    @rule(needs_check=st.booleans())
    def begin_anew(self, needs_check: bool) -> None:
        if self.case.stage in {Stage.DISMISSED, Stage.MERGED, Stage.EVALUATE}:
            self.case = Standing(needs_check=needs_check)
            self.handlers, self.feedback, self.verified = set(), None, None

    @rule(is_real=st.booleans())
    def check(self, is_real: bool) -> None:
        self.attempt(lambda case: stages.check(case, is_real=is_real))

    @rule(who=ANYBODY)
    def file(self, who: UUID) -> None:
        needed, checked = self.case.needs_check, self.case.checked
        if self.attempt(lambda case: stages.file(case, who)):
            assert checked is not False
            assert checked or not needed

    @rule(reason=st.just(""))
    def dismiss_without_reason(self, reason: str) -> None:
        assert not self.attempt(lambda case: stages.dismiss(case, reason))

    @rule(department=st.sampled_from(["", "roads"]))
    def dispatch(self, department: str) -> None:
        if self.attempt(lambda case: stages.dispatch(case, department)):
            assert department

    @rule()
    def accept(self) -> None:
        self.attempt(stages.accept)

    @rule(who=ANYBODY)
    def assign(self, who: UUID) -> None:
        if self.attempt(lambda case: stages.assign(case, who)):
            self.handlers.add(who)

    @rule(reason=TEXTS)
    def return_(self, reason: str) -> None:
        if self.attempt(lambda case: stages.return_(case, reason)):
            assert reason.strip()
            self.feedback = self.verified = None

    @rule(who=ANYBODY)
    def report_back(self, who: UUID) -> None:
        if self.attempt(lambda case: stages.report_back(case, who)):
            self.feedback = who
            self.handlers.add(who)

    @rule(who=ANYBODY, is_done=st.booleans())
    def verify(self, who: UUID, is_done: bool) -> None:
        if self.attempt(lambda case: stages.verify(case, who, is_done=is_done)):
            assert who not in self.handlers
            self.verified = who if is_done else None
            self.feedback = self.feedback if is_done else None

    @rule(who=ANYBODY)
    def designate(self, who: UUID) -> None:
        if self.attempt(lambda case: stages.designate(case, who)):
            assert who not in self.handlers

    @rule(who=ANYBODY, standard=TEXTS)
    def close(self, who: UUID, standard: str) -> None:
        acceptor = self.case.acceptor
        if self.attempt(lambda case: stages.close(case, who, standard)):
            assert self.feedback is not None
            assert self.verified is not None
            assert self.verified not in self.handlers
            assert who == acceptor
            assert who not in self.handlers
            assert standard.strip()

    @rule(who=ANYBODY)
    def rate(self, who: UUID) -> None:
        if self.attempt(lambda case: stages.rate(case, who)):
            assert who not in self.handlers
            assert self.case.stage is Stage.EVALUATE

    @rule(reason=TEXTS)
    def reopen(self, reason: str) -> None:
        if self.attempt(lambda case: stages.reopen(case, reason)):
            self.feedback = self.verified = None

    @invariant()
    def who_handles_is_nobody_else(self) -> None:
        if self.case.stage is Stage.EVALUATE:
            assert self.case.closed_by not in self.case.handled_by
            assert self.case.verified_by not in self.case.handled_by
        assert self.case.handled_by == self.handlers
        assert self.case.acceptor not in self.handlers


TestCase = Case.TestCase
TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)


def test_the_whole_way_can_be_gone() -> None:
    acceptor, handler, worker = PEOPLE[:3]
    case = stages.file(Standing(), acceptor)
    case = stages.accept(stages.dispatch(case, "roads"))
    case = stages.report_back(stages.assign(case, handler), handler)
    case = stages.close(stages.verify(case, worker, is_done=True), acceptor, "firm")
    assert case.stage is Stage.EVALUATE
    assert stages.reopen(case, "it is back").round == 2


def test_a_case_is_merged_only_into_one_that_goes_on() -> None:
    for stage in Stage:
        into = Standing(stage=stage)
        if stage in {Stage.DISMISSED, Stage.MERGED}:
            with pytest.raises(Refused):
                stages.merge(Standing(), into)
        else:
            assert stages.merge(Standing(), into).stage is Stage.MERGED


def test_what_has_ended_is_not_dismissed_or_given_to_another_acceptor() -> None:
    for stage in ENDED:
        with pytest.raises(Refused):
            stages.dismiss(Standing(stage=stage), "a reason")
        with pytest.raises(Refused):
            stages.designate(Standing(stage=stage), PEOPLE[0])
