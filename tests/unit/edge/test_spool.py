"""The spool: what was written is there after any end of the process, within its bounds."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from citybrain.errors import ConfigError
from edge.spool import Ack, Letter, Spool

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


def letter(seq: int, *, device: str = "signal/a", boot: int = 7, at_s: float = 0.0, size: int = 10) -> Letter:
    return Letter(device, boot, seq, "t", at_s or time.time(), 0.0, b"x" * size)


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
