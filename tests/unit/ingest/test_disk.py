"""Which messages wait at the edge while the database's disk fills up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.disk import ORDER, Disk, Fill, waiting_kinds

SHARES = st.floats(0, 1)
KINDS = [kind for _, kinds in ORDER for kind in kinds]


@given(SHARES, SHARES)
def test_the_fuller_the_disk_the_more_waits_and_never_the_other_way_round(one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert waiting_kinds(less, frozenset()) <= waiting_kinds(more, frozenset())


@pytest.mark.parametrize(
    ("share", "waits", "taken"),
    [
        (0.89, set(), {"measurement", "event"}),
        (0.91, {"measurement"}, {"state", "observation", "event"}),
        (0.94, {"measurement", "state", "observation"}, {"command", "event"}),
        (0.97, {"measurement", "state", "observation", "command", "answer"}, {"event"}),
        (0.99, set(KINDS), set()),
    ],
)
def test_what_there_is_most_of_waits_first_and_events_last(
    share: float, waits: set[str], taken: set[str]
) -> None:
    found = waiting_kinds(share, frozenset())
    assert waits <= found
    assert not taken & found


def test_status_and_gaps_never_wait() -> None:
    disk = Disk("postgresql://h/d", 1)
    disk.waiting = waiting_kinds(1.0, frozenset())
    assert not disk.must_wait("city/v1/sensor/s/status")
    assert not disk.must_wait("city/v1/sensor/s/gap")
    assert disk.must_wait("city/v1/network/main/part12")


def test_a_class_that_waits_is_taken_again_only_when_there_is_clearly_room() -> None:
    waiting = waiting_kinds(0.905, frozenset())
    assert waiting_kinds(0.895, waiting) == waiting
    assert waiting_kinds(0.885, waiting) == frozenset()


def test_where_nothing_is_known_nothing_waits() -> None:
    assert waiting_kinds(None, frozenset({"measurement"})) == frozenset()


def test_people_are_told_what_is_full_and_what_to_do() -> None:
    disk = Disk("postgresql://h/d", 100)
    assert disk.trouble == ""
    disk.fill = Fill(0.94, "database.max_bytes = 100")
    disk.waiting = waiting_kinds(0.94, frozenset())
    assert disk.trouble.startswith("94% of database.max_bytes = 100 is used: measurement, observation, state")
    assert "retain_days" in disk.trouble
