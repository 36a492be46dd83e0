"""Acknowledgements are told at most twice a second a device, and none is forgotten."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ingest.acks import EVERY_S, MOST_AT_ONCE, Acks

ONE, TWO = ("lanes/a", 1), ("lanes/b", 1)


def test_the_first_is_due_at_once_and_the_next_after_half_a_second() -> None:
    acks = Acks()
    acks.want([ONE])
    assert acks.due(10.0) == [ONE]
    acks.told([ONE], 10.0)
    acks.want([ONE, TWO])
    assert acks.due(10.1) == [TWO]
    assert acks.due(10.0 + EVERY_S) == [ONE, TWO]


def test_what_was_not_told_stays_due() -> None:
    acks = Acks()
    acks.want([ONE])
    assert acks.due(1.0) == acks.due(2.0) == [ONE]


def test_thousands_are_told_in_turns() -> None:
    acks = Acks()
    owners = [(f"lanes/{n}", 1) for n in range(MOST_AT_ONCE + 5)]
    acks.want(owners)
    acks.told(acks.due(1.0), 1.0)
    assert acks.due(1.0) == owners[MOST_AT_ONCE:]


@given(st.lists(st.floats(0, 1), max_size=50))
def test_no_device_is_told_more_often(pauses: list[float]) -> None:
    acks, now, told = Acks(), 0.0, []
    for pause in pauses:
        now += pause
        acks.want([ONE])
        if acks.due(now):
            acks.told([ONE], now)
            told.append(now)
    assert all(b - a >= EVERY_S for a, b in pairwise(told))
