"""Messages on disk until ingest has committed them: one SQLite file for all agents of a process.

SQLite in WAL mode with synchronous=FULL: a transaction that has returned survives kill -9 and power loss,
and one fsync serves everything that was waiting (see postman.py), so that sixteen agents cost a few fsyncs
a second. Each letter has a checksum of its own. Bounded by bytes and age, for each class of stream and for
all together; what is dropped for it, the oldest of the least important class first, is counted and
remembered as gaps, so that nobody waits for it. `bench/spool.py` measures this against a plain log.
"""

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import structlog

from citybrain.errors import Unavailable
from edge.spoolfile import Letter, begin_anew, is_broken, is_whole, open_file

__all__ = ["Ack", "Bound", "Gap", "Letter", "Spool", "kind_of"]

log = structlog.get_logger()

Result = TypeVar("Result")

_OVERHEAD_BYTES = 180
"""Of a row beside its payload: keys, index, page filling."""
_FUTURE_S = 60.0
_STEP = 50
MOST_GAPS = 2_000
"""Of one device; then its oldest letters are given up as a whole."""
KINDS = ("measurement", "state", "record")
"""Classes of stream, the least important first: what is dropped first."""
_KIND_OF = {"measurement": "measurement", "observation": "measurement", "state": "state"}
_COLUMNS = "device, boot, seq, topic, at_s, sent_s, payload"


class Ack(NamedTuple):
    """Everything of this device and boot up to `seq` is stored."""

    device: str
    boot: int
    seq: int


class Gap(NamedTuple):
    """Letters of this device and boot that will never come."""

    device: str
    boot: int
    first: int
    last: int
    reason: str


class Bound(NamedTuple):
    """What one class of stream may take."""

    max_bytes: int
    max_age_s: float


def kind_of(topic: str) -> str:
    """The class of a topic's stream: measurements and observations, states, and all else (record)."""
    return _KIND_OF.get(topic.rpartition("/")[2], "record")


class Spool:
    """The file. Not for several threads at once.

    `bounds` by class are within `max_bytes` and `max_age_s`, which are for all together.

    Raises:
        ConfigError: the folder cannot be written, or another process uses this spool.
    """

    def __init__(
        self, path: Path, max_bytes: int, max_age_s: float, bounds: Mapping[str, Bound] | None = None
    ) -> None:
        self.path = path
        self.dropped = 0
        """Letters given up, since the start."""
        self._max_bytes = max_bytes
        self._bounds = {kind: Bound(max_bytes, max_age_s) for kind in KINDS} | dict(bounds or {})
        self._waiting: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._last: dict[tuple[str, int], int] = {}
        self._given_up: set[str] = set()
        self._connection, saved = open_file(path)
        try:
            self._restore(saved)
        except sqlite3.DatabaseError as error:
            if not is_broken(error):
                raise self._unavailable(error) from error
            self._mend(error)

    @property
    def bytes(self) -> int:
        """What the letters take, about."""
        return self._bytes.total()

    def waiting(self, device: str) -> int:
        """Letters of `device` that are not acknowledged."""
        return self._waiting[device]

    def write(self, letters: Iterable[Letter] = (), acks: Iterable[Ack] = ()) -> None:
        """Keep `letters`, forget what `acks` settle, hold the bounds: one transaction, durable on return.

        Numbers that are passed over never reached the disk, and become a gap.

        Raises:
            Unavailable: the disk is full or gone; nothing of this call is kept.
        """
        kept, settled = list(letters), list(acks)
        self._mending(lambda: self._write(kept, settled))

    def due(self, device: str, sent_before_s: float, limit: int) -> list[Letter]:
        """Oldest first, the letters of `device` never sent, or sent before that time and not acknowledged.

        A letter whose checksum is wrong is given up.
        """
        return self._mending(lambda: self._due(device, sent_before_s, limit))

    def mark_sent(self, letters: Iterable[Letter], now_s: float) -> None:
        """Note that `letters` were published at `now_s`."""
        sent = [(now_s, letter.device, letter.boot, letter.seq) for letter in letters]
        self._mending(lambda: self._mark_sent(sent))

    def gaps(self, device: str, limit: int) -> list[Gap]:
        """What was given up of `device` and is not acknowledged, oldest first."""
        rows = self._mending(
            lambda: self._connection.execute(
                "select device, boot, first, last, reason from gap where device = ?"
                " order by boot, first limit ?",
                (device, limit),
            ).fetchall()
        )
        return [Gap(*row) for row in rows]

    def close(self) -> None:
        self._connection.close()

    def _mending(self, work: Callable[[], Result]) -> Result:
        """What `work` returns; should the file prove broken, of a file made anew with what could be read."""
        try:
            try:
                return work()
            except sqlite3.Error as error:
                if not is_broken(error):
                    raise
                self._mend(error)
                return work()
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    def _write(self, letters: list[Letter], acks: list[Ack]) -> None:
        with self._transaction():
            self._forget(acks)
            self._keep(letters)
            self._hold_bounds(time.time())

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it is kept and counted, or nothing."""
        before = (self._waiting.copy(), self._bytes.copy(), self.dropped, dict(self._last))
        try:
            with self._connection:
                yield
        except BaseException:
            self._waiting, self._bytes, self.dropped, self._last = before
            raise

    def _restore(self, saved: list[Letter]) -> None:
        """Count what is there; after a broken file, write what was saved of it."""
        if saved:
            self._last = {}
            self._write(saved, [])
        size = f"coalesce(sum(length(payload) + length(topic) + {_OVERHEAD_BYTES}), 0)"
        rows = self._connection.execute(
            f"select device, kind, count(*), {size} from letter group by device, kind"  # noqa: S608
        ).fetchall()
        self._waiting, self._bytes = Counter(), Counter()
        for device, kind, count, bytes_ in rows:
            self._waiting[device] += count
            self._bytes[kind] += bytes_
        self._last = {
            (device, boot): last
            for device, boot, last in self._connection.execute(
                "select device, boot, max(seq) from letter group by device, boot"
            )
        }

    def _mend(self, error: sqlite3.Error) -> None:
        """The file broke under us: begin anew with what can be read of it."""
        self._connection.close()
        self._connection, saved = begin_anew(self.path, error)
        last = self._last
        self._restore(saved)
        # What follows the last one that was saved is a gap as soon as the next one is written.
        self._last = {owner: self._last.get(owner, 0) for owner in last}

    def _keep(self, letters: Iterable[Letter]) -> None:
        for letter in sorted(letters, key=lambda letter: letter[:3]):
            kind = kind_of(letter.topic)
            self._connection.execute(
                f"insert into letter ({_COLUMNS}, kind, crc) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                (*letter, kind, letter.checksum()),
            )
            owner = (letter.device, letter.boot)
            last = self._last.get(owner, 0)
            if letter.seq > last + 1:
                self._give_up(*owner, last + 1, letter.seq - 1, "never reached the disk")
            self._last[owner] = max(letter.seq, last)
            self._waiting[letter.device] += 1
            self._bytes[kind] += len(letter.payload) + len(letter.topic) + _OVERHEAD_BYTES

    def _forget(self, acks: Iterable[Ack]) -> None:
        for ack in acks:
            self._remove("device = ? and boot = ? and seq <= ?", ack)
            self._connection.execute("delete from gap where device = ? and boot = ? and last <= ?", ack)

    def _hold_bounds(self, now_s: float) -> None:
        for kind in KINDS:
            bound = self._bounds[kind]
            if self._bytes[kind]:
                self._drop_old(kind, now_s - bound.max_age_s)
            while self._bytes[kind] > bound.max_bytes:
                self._drop_oldest(kind)
        while self.bytes > self._max_bytes:
            self._drop_oldest(next(kind for kind in KINDS if self._bytes[kind]))
        while self._given_up:
            self._hold_gaps(self._given_up.pop())

    def _drop_old(self, kind: str, before_s: float) -> None:
        oldest = self._connection.execute(
            "select at_s from letter where kind = ? order by id limit 1", (kind,)
        ).fetchone()
        if oldest is not None and oldest[0] < before_s:
            some = "id in (select id from letter where kind = ? and at_s < ? order by id limit 1000)"
            self._drop(some, (kind, before_s), "too old")

    def _drop_oldest(self, kind: str) -> None:
        some = f"id in (select id from letter where kind = ? order by id limit {_STEP})"  # noqa: S608
        if not self._drop(some, (kind,), "the spool is full"):
            raise sqlite3.DatabaseError("malformed: letters that were counted are not there")

    def _drop(self, where: str, values: tuple[Any, ...], reason: str) -> int:
        removed = self._remove(where, values)
        for device, boot, seq in removed:
            self._give_up(device, boot, seq, seq, reason)
        self.dropped += len(removed)
        return len(removed)

    def _remove(self, where: str, values: tuple[Any, ...]) -> list[tuple[str, int, int]]:
        rows = self._connection.execute(
            f"delete from letter where {where}"  # noqa: S608 - conditions of this module
            " returning device, boot, seq, kind, length(payload) + length(topic)",
            values,
        ).fetchall()
        for device, _, _, kind, bytes_ in rows:
            self._waiting[device] -= 1
            self._bytes[kind] -= bytes_ + _OVERHEAD_BYTES
        return sorted((device, boot, seq) for device, boot, seq, _, _ in rows)

    def _give_up(self, device: str, boot: int, first: int, last: int, reason: str) -> None:
        """Remember a gap, joined to those that it touches."""
        self._given_up.add(device)
        touched = self._connection.execute(
            "delete from gap where device = ? and boot = ? and first <= ? and last >= ?"
            " returning first, last",
            (device, boot, last + 1, first - 1),
        ).fetchall()
        first, last = min([first, *(f for f, _ in touched)]), max([last, *(x for _, x in touched)])
        self._connection.execute(
            "insert into gap values (?, ?, ?, ?, ?)", (device, boot, first, last, reason)
        )

    def _hold_gaps(self, device: str) -> None:
        """Gaps between letters that are kept must not fill the disk either."""
        (count,) = self._connection.execute("select count(*) from gap where device = ?", (device,)).fetchone()
        if count <= MOST_GAPS:
            return
        rows = self._connection.execute(
            "select boot, min(first), max(last) from (select boot, first, last from gap where device = ?"
            " order by boot, first limit ?) group by boot",
            (device, MOST_GAPS // 2),
        ).fetchall()
        for boot, first, last in rows:
            self._drop("device = ? and boot = ? and seq between ? and ?", (device, boot, first, last), "full")
            self._give_up(device, boot, first, last, "the spool is full")

    def _due(self, device: str, sent_before_s: float, limit: int) -> list[Letter]:
        # A time in the future is from before the clock was set back.
        rows = self._connection.execute(
            f"select {_COLUMNS}, crc from letter"  # noqa: S608 - constants
            " where device = ? and (sent_s < ? or sent_s > ?) order by boot, seq limit ?",
            (device, sent_before_s, time.time() + _FUTURE_S, limit),
        ).fetchall()
        read = [(Letter(*fields), crc) for *fields, crc in rows]
        damaged = [letter for letter, crc in read if not is_whole(letter, crc)]
        if damaged:
            with self._transaction():
                for letter in damaged:
                    log.error("letter_damaged", device=device, boot=letter.boot, seq=letter.seq)
                    where = "device = ? and boot = ? and seq = ?"
                    self._drop(where, (device, letter.boot, letter.seq), "damaged")
        return [letter for letter, _ in read if letter not in damaged]

    def _mark_sent(self, sent: list[tuple[float, str, int, int]]) -> None:
        with self._connection:
            self._connection.executemany(
                "update letter set sent_s = ? where device = ? and boot = ? and seq = ?", sent
            )

    def _unavailable(self, error: sqlite3.Error) -> Unavailable:
        return Unavailable(f"the spool {self.path} cannot be written: {error}")
