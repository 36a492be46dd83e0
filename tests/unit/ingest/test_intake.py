"""The intake: bounded, in order, and its balance always closed."""

import threading
import time

from hypothesis import given
from hypothesis import strategies as st

from ingest.arrival import Arrival
from ingest.intake import Intake


def arrival(number: int, size: int = 1) -> Arrival:
    return Arrival(str(number), b"x" * size)


def test_what_came_first_is_taken_first_and_never_more_than_asked() -> None:
    intake = Intake(100)
    for number in range(7):
        intake.put([arrival(number)])
    assert [taken.topic for taken in intake.take(5, 0, 0)] == ["0", "1", "2", "3", "4"]
    assert [taken.topic for taken in intake.take(5, 0, 0)] == ["5", "6"]
    assert intake.take(5, 0, 0) == []


def test_a_batch_is_gathered_for_its_time() -> None:
    intake = Intake(100)
    later = threading.Timer(0.05, lambda: intake.put([arrival(2)]))
    intake.put([arrival(1)])
    later.start()
    assert len(intake.take(2, 60, 0)) == 2
    later.join()


def test_a_full_intake_holds_its_producer_until_there_is_room() -> None:
    intake = Intake(1, hold_s=20)
    intake.put([arrival(1)])
    took = threading.Timer(0.05, lambda: intake.take(1, 0, 0))
    took.start()
    assert not intake.put([arrival(2)])
    took.join()


def test_a_full_intake_sheds_and_counts_without_holding_up_each_message() -> None:
    intake = Intake(2, hold_s=0.05)
    begin = time.monotonic()
    kept = [not intake.put([arrival(number)]) for number in range(200)]
    assert kept == [True, True] + [False] * 198
    assert time.monotonic() - begin < 198 * 0.05
    balance = intake.balance()
    assert (balance.received, balance.shed, balance.queue, balance.open) == (200, 198, 2, 0)
    intake.take(2, 0, 0)
    assert not intake.put([arrival(3)])


def test_bytes_bound_it_too() -> None:
    intake = Intake(100, max_bytes=10, hold_s=0.01)
    assert [not intake.put([arrival(number, 6)]) for number in range(3)] == [True, True, False]


@given(st.lists(st.one_of(st.just("put"), st.integers(1, 5)), max_size=60))
def test_the_balance_is_closed_after_every_step(steps: list[str | int]) -> None:
    intake = Intake(8, hold_s=0)
    for step in steps:
        if isinstance(step, int):
            taken = len(intake.take(step, 0, 0))
            assert intake.balance().open == 0
            halves = (taken // 2, taken - taken // 2)
            intake.settle(committed=halves[0], duplicate=0, dead_lettered=halves[1], statuses=0)
        else:
            intake.put([arrival(0)])
        balance = intake.balance()
        assert balance.open == 0
        assert balance.queue <= 8
        assert balance.in_hand == 0
