"""Batches fall into halves until one message stands alone."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.arrival import Arrival
from ingest.gate import Admitted, Refused
from ingest.queries import load
from ingest.store import Batch
from tests.fixtures import street_messages as make

ARRIVAL = Arrival("t", b"")


def all_of(batch: Batch) -> list[object]:
    return [*batch.admitted, *batch.refused, *batch.statuses]


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_halving_ends_with_every_message_alone_and_loses_none(
    admitted: int, refused: int, statuses: int
) -> None:
    whole = Batch(
        [Admitted(ARRIVAL, make.lanes(seq + 1)) for seq in range(admitted)],
        [Refused(ARRIVAL, str(n), "") for n in range(refused)],
        [make.status(f"signal/x{n}") for n in range(statuses)],
    )
    alone, waiting = [], [whole]
    while waiting:
        batch = waiting.pop(0)
        if len(batch) > 1:
            halves = batch.halves()
            assert all(len(half) for half in halves)
            waiting = [*halves, *waiting]
        else:
            alone += all_of(batch)
    assert alone == all_of(whole)


def test_every_query_has_a_name_and_one_statement() -> None:
    for group in ("ledger", "records", "rollup"):
        queries = load(group)
        assert queries
        for name, statement in queries.items():
            assert statement, name
            assert ";" not in statement, name
