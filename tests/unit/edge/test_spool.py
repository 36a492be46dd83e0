"""The spool: what was written is there after any end of the process, within its bounds."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citybrain.errors import ConfigError
from edge.spool import Ack, Bound, Gap, Letter, Spool

WRITER = """
import sys
from pathlib import Path
from edge.spool import Letter, Spool
spool = Spool(Path(sys.argv[1]), 10_000_000, 1e9)
seq = 0
while True:
    batch = [Letter("signal/a", 7, seq + i, "t", 1.8e9, 0.0, b"x" * 100) for i in range(1, 6)]
    spool.write(batch)
    seq += 5
    print(seq, flush=True)
"""


def letter(
    seq: int, *, device: str = "signal/a", boot: int = 7, at_s: float = 0.0, size: int = 10, topic: str = "t"
) -> Letter:
    return Letter(device, boot, seq, topic, at_s or time.time(), 0.0, bytes([seq % 251]) * size)


def opened(path: Path, max_bytes: int = 10_000_000, max_age_s: float = 1e9) -> Spool:
    return Spool(path / "s.sqlite", max_bytes, max_age_s)


def test_letters_are_due_oldest_boot_and_number_first_until_they_are_acknowledged(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.write([letter(2, boot=9), letter(1, boot=8), letter(1, boot=9), letter(1, device="signal/b")])
    assert [(a.boot, a.seq) for a in spool.due("signal/a", 1.0, 10)] == [(8, 1), (9, 1), (9, 2)]
    spool.write(acks=[Ack("signal/a", 9, 1)])
    assert [(a.boot, a.seq) for a in spool.due("signal/a", 1.0, 10)] == [(8, 1), (9, 2)]
    assert (spool.waiting("signal/a"), spool.waiting("signal/b")) == (2, 1)


def test_what_was_sent_is_not_due_again_until_its_time_has_passed(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.write([letter(1), letter(2)])
    now_s = time.time()
    spool.mark_sent([letter(1)], now_s)
    assert [a.seq for a in spool.due("signal/a", now_s - 5, 10)] == [2]
    assert [a.seq for a in spool.due("signal/a", now_s + 5, 10)] == [1, 2]


def test_what_was_sent_in_the_future_of_a_clock_that_was_set_back_is_due(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.write([letter(1)])
    spool.mark_sent([letter(1)], time.time() + 3600)
    assert len(spool.due("signal/a", time.time() - 5, 10)) == 1


def test_the_bytes_are_bounded_by_dropping_the_oldest_and_counting_them(tmp_path: Path) -> None:
    spool = opened(tmp_path, max_bytes=1_000_000)
    for start in range(0, 3000, 100):
        spool.write([letter(start + i, size=1000) for i in range(100)])
    kept = spool.due("signal/a", 1.0, 10_000)
    assert spool.bytes <= 1_000_000
    assert kept[-1].seq == 2999
    assert spool.dropped == 3000 - len(kept)
    assert spool.waiting("signal/a") == len(kept)


def test_what_is_too_old_is_dropped_and_counted(tmp_path: Path) -> None:
    spool = opened(tmp_path, max_age_s=100.0)
    spool.write([letter(1, at_s=time.time() - 200), letter(2)])
    assert ([a.seq for a in spool.due("signal/a", 1.0, 10)], spool.dropped) == ([2], 1)


def test_a_spool_opened_again_knows_what_it_holds(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.write([letter(1), letter(2)])
    size = first.bytes
    first.close()
    again = opened(tmp_path)
    assert (again.bytes, again.waiting("signal/a")) == (size, 2)


def test_everything_that_was_written_survives_kill_minus_nine(tmp_path: Path) -> None:
    for round_ in range(2):
        path = tmp_path / f"{round_}.sqlite"
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": "."},
        )
        assert process.stdout is not None
        written = 0
        for _ in range(20 + 7 * round_):
            written = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
        process.wait()
        process.stdout.close()
        written = int(rest[-1]) if rest else written
        spool = Spool(path, 10_000_000, 1e9)
        kept = [a.seq for a in spool.due("signal/a", 1.0, 100_000)]
        spool.close()
        assert kept == list(range(1, len(kept) + 1))
        assert written <= len(kept) <= written + 5
        assert len(kept) % 5 == 0  # a batch is there as a whole or not at all


def test_a_second_process_on_the_same_spool_is_told_so(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    with pytest.raises(ConfigError, match="already runs here"):
        opened(tmp_path)
    spool.close()


def test_a_broken_file_is_put_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    (tmp_path / "s.sqlite").write_bytes(b"no database" * 1000)
    spool = opened(tmp_path)
    spool.write([letter(1)])
    assert spool.waiting("signal/a") == 1
    assert len(list(tmp_path.glob("*.broken-*"))) == 1


def test_a_duplicate_is_refused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.write([letter(1)])
    with pytest.raises(Exception, match="cannot be written"):
        spool.write([letter(2), letter(1)])
    assert spool.waiting("signal/a") == 1
    spool.close()
    with sqlite3.connect(tmp_path / "s.sqlite") as connection:
        assert connection.execute("select count(*) from letter").fetchone() == (1,)
    connection.close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="spool folder"):
        Spool(tmp_path / "file" / "s.sqlite", 10_000_000, 1.0)


def test_a_full_class_gives_up_its_own_oldest_and_leaves_the_others(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s.sqlite", 10_000_000, 1e9, {"measurement": Bound(100_000, 1e9)})
    for start in range(1, 401, 2):
        spool.write([letter(start, size=1000, topic="c/v1/lanes/a/measurement"), letter(start + 1)])
    kept = [one.seq for one in spool.due("signal/a", 1.0, 1000)]
    assert [seq for seq in kept if seq % 2 == 0] == list(range(2, 401, 2))
    assert 40 < len([seq for seq in kept if seq % 2]) < 100
    assert kept[-2:] == [399, 400]


def test_when_all_is_full_measurements_go_before_states_and_states_before_events(tmp_path: Path) -> None:
    spool = opened(tmp_path, max_bytes=300_000)
    for start in range(1, 901, 3):
        whats = ("measurement", "state", "event")
        spool.write(
            [letter(start + i, size=1000, topic=f"c/v1/signal/a/{what}") for i, what in enumerate(whats)]
        )
    kept = [one.topic.rpartition("/")[2] for one in spool.due("signal/a", 1.0, 1000)]
    assert set(kept) == {"event"}
    assert spool.dropped == 900 - len(kept)


def test_an_old_measurement_is_given_up_sooner_than_an_old_event(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s.sqlite", 10_000_000, 1e9, {"measurement": Bound(10_000_000, 60.0)})
    old_s = time.time() - 100
    whats = ("event", "measurement", "event")
    spool.write([letter(i, at_s=old_s, topic=f"c/v1/lanes/a/{what}") for i, what in enumerate(whats, 1)])
    assert [one.seq for one in spool.due("signal/a", 1.0, 10)] == [1, 3]
    assert spool.gaps("signal/a", 10) == [Gap("signal/a", 7, 2, 2, "too old")]


def test_what_is_given_up_is_one_gap_until_an_acknowledgement_covers_it(tmp_path: Path) -> None:
    spool = opened(tmp_path, max_bytes=100_000)
    for start in range(1, 1001, 10):
        spool.write([letter(start + i, size=1000) for i in range(10)])
    first = spool.due("signal/a", 1.0, 1)[0].seq
    assert spool.gaps("signal/a", 10) == [Gap("signal/a", 7, 1, first - 1, "the spool is full")]
    spool.close()
    spool = opened(tmp_path, max_bytes=100_000)
    spool.write(acks=[Ack("signal/a", 7, first - 2)])
    assert len(spool.gaps("signal/a", 10)) == 1
    spool.write(acks=[Ack("signal/a", 7, first - 1)])
    assert spool.gaps("signal/a", 10) == []


def test_numbers_that_never_reached_the_disk_are_a_gap(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.write([letter(1), letter(2)])
    spool.write([letter(7)])
    assert spool.gaps("signal/a", 10) == [Gap("signal/a", 7, 3, 6, "never reached the disk")]


def test_gaps_between_what_is_kept_are_bounded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.spool.MOST_GAPS", 20)
    spool = Spool(tmp_path / "s.sqlite", 10_000_000, 1e9, {"measurement": Bound(1, 1e9)})
    for seq in range(1, 301, 2):
        spool.write([letter(seq, topic="c/v1/lanes/a/measurement"), letter(seq + 1)])
    gaps = spool.gaps("signal/a", 1000)
    kept = [one.seq for one in spool.due("signal/a", 1.0, 1000)]
    assert len(gaps) <= 21
    given_up = {seq for gap in gaps for seq in range(gap.first, gap.last + 1)}
    assert given_up | set(kept) == set(range(1, 301))
    assert given_up.isdisjoint(kept)


def test_a_file_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "s.sqlite")
    connection.execute(
        "create table letter (id integer primary key autoincrement, device text not null,"
        " boot integer not null, seq integer not null, topic text not null, at_s real not null,"
        " sent_s real not null,"
        " payload blob not null, unique (device, boot, seq)) strict"
    )
    connection.execute("insert into letter values (1, 'signal/a', 7, 1, 't', 1.7e9, 0.0, x'01')")
    connection.commit()
    connection.close()
    spool = opened(tmp_path)
    spool.write([letter(2)])
    assert [one.seq for one in spool.due("signal/a", 1.0, 10)] == [1, 2]


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files as power loss leaves them: thirty transactions in the database, thirty in its log."""
    folder = tmp_path_factory.mktemp("crashed")
    spool = Spool(folder / "live.sqlite", 10_000_000, 1e9)
    for start in range(1, 301, 5):
        spool.write([letter(start + i, size=100 + start) for i in range(5)])
        if start == 151:
            spool._connection.execute("pragma wal_checkpoint(full)")
    for name in ("live.sqlite", "live.sqlite-wal"):
        shutil.copy(folder / name, folder / name.replace("live", "s"))
    spool.close()
    return folder


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["s.sqlite", "s.sqlite-wal"]), st.floats(0, 1), st.booleans(), st.integers(1, 255))
def test_power_loss_or_a_wrong_byte_anywhere_costs_what_it_hit_and_nothing_is_ever_wrong(
    crashed: Path, name: str, place: float, is_cut: bool, flip: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        for each in ("s.sqlite", "s.sqlite-wal"):
            shutil.copy(crashed / each, path / each)
        data = bytearray((path / name).read_bytes())
        offset = min(int(place * len(data)), len(data) - 1)
        if is_cut:
            del data[offset:]
        else:
            data[offset] ^= flip
        (path / name).write_bytes(data)
        spool = opened(path)
        spool.write([letter(1, boot=8)])
        kept = [one for one in spool.due("signal/a", 1.0, 1000) if one.boot == 7]
        assert all(
            one.payload == letter(one.seq, size=100 + (one.seq - 1) // 5 * 5 + 1).payload for one in kept
        )
        assert [one.seq for one in kept] == sorted({one.seq for one in kept})
        if is_cut and name.endswith("-wal"):
            assert [one.seq for one in kept] == list(range(1, len(kept) + 1))
            assert len(kept) % 5 == 0
            assert len(kept) >= 150
        assert [one.boot for one in spool.due("signal/a", 1.0, 1000)][-1] == 8
        spool.close()
