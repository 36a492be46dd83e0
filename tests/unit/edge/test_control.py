"""Commands and the local plan: who is obeyed, who is refused, and why."""

import re
from datetime import timedelta
from typing import Any

import pytest

from citybrain.messages import ControlMode, SignalCommand
from edge.control import Control, SignalControl
from tests.unit.edge.configs import AT, crossroads


def command(seq: int, phase: int = 0, **changes: Any) -> SignalCommand:
    values: dict[str, Any] = {
        "at": AT,
        "device": "traffic/t",
        "boot": 5,
        "seq": seq,
        "intersection": "x",
        "phase": phase,
        "expires_at": AT + timedelta(seconds=3),
    }
    return SignalCommand(**(values | changes))


@pytest.fixture
def control() -> SignalControl:
    return SignalControl(crossroads(), contact_lost_s=6.0, shown="GgGrr")


def steps(control: SignalControl, start: int, seconds: int) -> Control:
    for second in range(start, start + seconds):
        last = control.step(float(second))
    return last


def test_the_local_plan_runs_until_a_command_comes(control: SignalControl) -> None:
    assert steps(control, 0, 22).shown.next_phase == 1
    assert steps(control, 22, 6).mode is ControlMode.LOCAL
    assert control.judge(command(1, 1), AT).accepted
    now = control.step(28.0)
    assert (now.mode, now.command_seq, now.restored) == (ControlMode.COMMANDED, 1, True)


def test_a_command_is_obeyed_through_yellow_and_all_red(control: SignalControl) -> None:
    steps(control, 0, 8)
    assert control.judge(command(1, 2), AT).accepted
    assert control.step(8.0).shown.indications == "yyyrr"
    control.judge(command(2, 2), AT)
    now = steps(control, 9, 6)
    assert (now.shown.phase, now.shown.indications) == (2, "rrrGG")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"intersection": "y"}, "this is signal x"),
        ({"expires_at": AT - timedelta(seconds=2)}, r"expired 2\.0 s ago"),
        ({"seq": 4}, "out of sequence: boot 5 seq 4"),
        ({"boot": 4, "seq": 9}, "out of sequence: boot 5 seq 4"),
        ({"phase": 3}, "phase 3 is unknown"),
        ({"phase": 2}, r"5\.0 s of its minimum green left"),
    ],
)
def test_a_command_that_must_not_be_obeyed_is_refused_with_the_reason(
    control: SignalControl, changes: dict[str, Any], reason: str
) -> None:
    steps(control, 0, 3)
    assert control.judge(command(4), AT).accepted
    verdict = control.judge(command(**({"seq": 5} | changes)), AT)
    assert not verdict.accepted
    assert verdict.is_worth_telling
    assert re.search(reason, verdict.reason)


def test_a_restarted_sender_and_another_sender_are_heard(control: SignalControl) -> None:
    assert control.judge(command(4), AT).accepted
    assert control.judge(command(1, boot=6), AT).accepted
    assert control.judge(command(1, device="traffic/u"), AT).accepted


def test_repeated_holds_are_acknowledged_once_in_ten_seconds(control: SignalControl) -> None:
    told = []
    for second in range(25):
        control.step(float(second))
        told.append(control.judge(command(second + 1), AT).is_worth_telling)
    assert [second for second, is_told in enumerate(told) if is_told] == [0, 10, 20]


def test_contact_that_is_lost_hands_over_to_the_plan_and_is_restored_by_the_next_command(
    control: SignalControl,
) -> None:
    control.step(0.0)
    control.judge(command(1), AT)
    assert steps(control, 1, 6).mode is ControlMode.COMMANDED
    lost = control.step(7.0)
    assert (lost.lost, lost.mode, lost.shown.indications) == (True, ControlMode.LOCAL, "GgGrr")
    assert not control.step(8.0).lost
    control.judge(command(2), AT)
    restored = control.step(9.0)
    assert (restored.restored, restored.mode) == (True, ControlMode.COMMANDED)
    assert not control.step(10.0).restored


def test_commands_that_are_refused_as_unsafe_are_contact_and_expired_ones_are_not(
    control: SignalControl,
) -> None:
    control.step(0.0)
    control.judge(command(1), AT)
    for second in range(1, 5):
        control.step(float(second))
        assert not control.judge(command(second + 1, 2), AT).accepted
    assert steps(control, 5, 4).mode is ControlMode.COMMANDED
    for second in range(9, 13):
        control.judge(command(second, expires_at=AT - timedelta(seconds=1)), AT)
        control.step(float(second))
    assert control.step(13.0).mode is ControlMode.LOCAL


def test_a_cabinet_clock_that_starts_anew_neither_loses_nor_keeps_contact(control: SignalControl) -> None:
    control.step(1000.0)
    control.judge(command(1), AT)
    control.step(1003.0)
    assert control.step(0.0).mode is ControlMode.COMMANDED
    assert control.step(3.5).mode is ControlMode.LOCAL
