"""Messages into rows: as many fields as columns, the newest of each thing, nothing left of a failure."""

import struct
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.messages import Stored
from ingest import wire
from ingest.rows import COLUMNS, Rows, minute_of
from tests.fixtures import street_messages as make

# Hypothesis wants its bounds without a zone.
INSTANTS = st.datetimes(
    datetime(1990, 1, 1),  # noqa: DTZ001
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
MESSAGES = [
    make.lanes(lanes=[make.reading(), make.reading("lane_1", mean_speed_mps=None)]), make.turning(),
    make.state(), make.command(), make.answer(), make.observation(position=None), make.event(),
]  # fmt: skip


def split(row: bytes) -> list[bytes | None]:
    """The fields of one binary COPY row; fails if a length is wrong."""
    (number,) = struct.unpack_from(">h", row)
    place, found = 2, []
    for _ in range(number):
        (length,) = struct.unpack_from(">i", row, place)
        place += 4
        found.append(None if length < 0 else row[place : place + length])
        place += max(0, length)
    assert place == len(row)
    return found


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_row_has_a_field_for_each_column(message: Stored) -> None:
    rows = Rows()
    rows.add(message)
    for table, made in rows.records.items():
        for row in made:
            fields = split(row)
            assert len(fields) == len(COLUMNS[table])
            assert fields[1] == message.device.encode()
            assert fields[3] == struct.pack(">q", message.seq)


def test_a_message_has_a_row_a_lane_and_a_row_a_class() -> None:
    rows = Rows()
    rows.add(MESSAGES[0])
    rows.add(MESSAGES[1])
    assert {table: len(made) for table, made in rows.records.items()} == {
        "lane_measurement": 2,
        "turning_count": 2,
    }
    assert rows.number == 4


def test_the_newest_row_of_a_lane_wins_within_a_batch() -> None:
    now, rows = make.now(), Rows()
    for seq, age in ((1, 5), (2, 0), (3, 9)):
        rows.add(make.lanes(seq, at=now - timedelta(seconds=age)))
    [(at, row)] = rows.latest["lane_measurement"].values()
    assert at == now
    assert split(row)[3] == struct.pack(">q", 2)


def test_a_message_that_cannot_be_encoded_leaves_nothing_behind() -> None:
    rows = Rows()
    with pytest.raises(struct.error):
        rows.add(make.lanes(lanes=[make.reading(), make.reading("lane_1", vehicles=2**40)]))
    assert (rows.number, dict(rows.records), rows.minutes) == (0, {}, set())


@given(INSTANTS)
def test_an_instant_is_microseconds_since_2000(at: datetime) -> None:
    (_, micros) = struct.unpack(">iq", wire.instant(at))
    assert datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros) == at
    assert minute_of(at) <= at < minute_of(at) + timedelta(minutes=1)


@given(st.text(st.characters(codec="utf-8")))
def test_text_comes_with_its_length_in_bytes(text: str) -> None:
    (length,) = struct.unpack_from(">i", wire.text(text))
    assert wire.text(text)[4:].decode() == text
    assert length == len(text.encode())
