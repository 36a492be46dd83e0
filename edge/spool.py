"""Messages on disk until ingest has committed them: one SQLite file for all agents of a process.

SQLite in WAL mode with synchronous=FULL: a transaction that has returned survives kill -9 and power loss,
and one fsync serves everything that was waiting (see postman.py), so that sixteen agents cost a few fsyncs
a second. Bounded by bytes and age; what is dropped for it, oldest first, is counted.
"""

import sqlite3
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import structlog

from citybrain.errors import ConfigError, Unavailable

log = structlog.get_logger()

_OVERHEAD_BYTES = 150
"""Of a row beside its payload: keys, index, page filling."""
_FUTURE_S = 60.0
_SCHEMA = """
create table if not exists letter (
    id integer primary key autoincrement,
    device text not null, boot integer not null, seq integer not null,
    topic text not null, at_s real not null, sent_s real not null, payload blob not null,
    unique (device, boot, seq)
) strict
"""


class Letter(NamedTuple):
    """One message on its way: `at_s` and `sent_s` are seconds since 1970; `sent_s` is 0 until it was sent."""

    device: str
    boot: int
    seq: int
    topic: str
    at_s: float
    sent_s: float
    payload: bytes


class Ack(NamedTuple):
    """Everything of this device and boot up to `seq` is stored."""

    device: str
    boot: int
    seq: int


class Spool:
    """The file. Not for several threads at once.

    Raises:
        ConfigError: the folder cannot be written, or another process uses this spool.
    """

    def __init__(self, path: Path, max_bytes: int, max_age_s: float) -> None:
        self.path = path
        self.dropped = 0
        """Letters given up for the bounds, since the start."""
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._connection = _open(path)
        size = f"coalesce(sum(length(payload) + length(topic) + {_OVERHEAD_BYTES}), 0)"
        rows = self._connection.execute(f"select device, count(*), {size} from letter group by device")  # noqa: S608 - constants
        self._waiting: Counter[str] = Counter()
        self._bytes = 0
        for device, count, bytes_ in rows:
            self._waiting[device] = count
            self._bytes += bytes_

    @property
    def bytes(self) -> int:
        """What the letters take, about."""
        return self._bytes

    def waiting(self, device: str) -> int:
        """Letters of `device` that are not acknowledged."""
        return self._waiting[device]

    def write(self, letters: Iterable[Letter] = (), acks: Iterable[Ack] = ()) -> None:
        """Keep `letters`, forget what `acks` settle, hold the bounds: one transaction, durable on return.

        Raises:
            Unavailable: the disk is full or gone; nothing of this call is kept.
        """
        before = (self._waiting.copy(), self._bytes, self.dropped)
        try:
            with self._connection:
                self._forget(acks)
                self._keep(letters)
                self._hold_bounds(time.time())
        except sqlite3.Error as error:
            self._waiting, self._bytes, self.dropped = before
            raise Unavailable(f"the spool {self.path} cannot be written: {error}") from error

    def due(self, device: str, sent_before_s: float, limit: int) -> list[Letter]:
        """Oldest first, the letters of `device` never sent, or sent before that time and not acknowledged."""
        rows = self._connection.execute(
            "select device, boot, seq, topic, at_s, sent_s, payload from letter"
            " where device = ? and (sent_s < ? or sent_s > ?) order by boot, seq limit ?",
            # A time in the future is from before the clock was set back.
            (device, sent_before_s, time.time() + _FUTURE_S, limit),
        )
        return [Letter(*row) for row in rows]

    def mark_sent(self, letters: Iterable[Letter], now_s: float) -> None:
        """Note that `letters` were published at `now_s`."""
        with self._connection:
            self._connection.executemany(
                "update letter set sent_s = ? where device = ? and boot = ? and seq = ?",
                [(now_s, letter.device, letter.boot, letter.seq) for letter in letters],
            )

    def close(self) -> None:
        self._connection.close()

    def _keep(self, letters: Iterable[Letter]) -> None:
        for letter in letters:
            made = self._connection.execute(
                "insert into letter (device, boot, seq, topic, at_s, sent_s, payload)"
                " values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing",
                letter,
            )
            if not made.rowcount:
                continue  # it lies here already
            self._waiting[letter.device] += 1
            self._bytes += len(letter.payload) + len(letter.topic) + _OVERHEAD_BYTES

    def _forget(self, acks: Iterable[Ack]) -> None:
        for ack in acks:
            self._deleted(
                self._connection.execute(
                    "delete from letter where device = ? and boot = ? and seq <= ?"
                    " returning device, length(payload) + length(topic)",
                    ack,
                ).fetchall()
            )

    def _hold_bounds(self, now_s: float) -> None:
        old = (
            self._connection.execute(
                "delete from letter where id in (select id from letter where at_s < ? order by id limit 1000)"
                " returning device, length(payload) + length(topic)",
                (now_s - self._max_age_s,),
            ).fetchall()
            if self._is_age_due(now_s)
            else []
        )
        self.dropped += self._deleted(old)
        while self._bytes > self._max_bytes and self._waiting.total():
            oldest = self._connection.execute(
                "delete from letter where id in (select id from letter order by id limit 50)"
                " returning device, length(payload) + length(topic)"
            ).fetchall()
            self.dropped += self._deleted(oldest)

    def _is_age_due(self, now_s: float) -> bool:
        oldest = self._connection.execute("select at_s from letter order by id limit 1").fetchone()
        return oldest is not None and oldest[0] < now_s - self._max_age_s

    def _deleted(self, rows: list[tuple[str, int]]) -> int:
        for device, bytes_ in rows:
            self._waiting[device] -= 1
            self._bytes -= bytes_ + _OVERHEAD_BYTES
        return len(rows)


def _open(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the spool folder {path.parent} cannot be made: {error}") from error
    try:
        return _connect(path)
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise ConfigError(f"the spool {path} is in use: this agent already runs here") from error
        raise ConfigError(f"the spool {path} cannot be opened: {error}") from error
    except sqlite3.DatabaseError as error:
        aside = path.with_name(f"{path.name}.broken-{int(time.time())}")
        log.exception("spool_broken", path=str(path), moved_to=str(aside), reason=str(error))
        path.rename(aside)
        path.with_name(path.name + "-wal").unlink(missing_ok=True)
        return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=1.0, check_same_thread=False)
    try:
        # Exclusive before WAL: one process owns the file, and no shared memory file is needed.
        connection.execute("pragma locking_mode = exclusive")
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("pragma journal_size_limit = 8000000")
        with connection:
            connection.execute("begin immediate")
            connection.execute(_SCHEMA)
        connection.execute("select count(*) from letter where seq < 0").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection
