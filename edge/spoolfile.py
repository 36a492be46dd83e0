"""The file of a spool: opened for one process, and saved from what is broken as far as it can be read."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import structlog

from citybrain.errors import ConfigError

log = structlog.get_logger()

SCHEMA = (
    """create table if not exists letter (
        id integer primary key autoincrement,
        device text not null, boot integer not null, seq integer not null,
        topic text not null, at_s real not null, sent_s real not null, payload blob not null,
        kind text not null default 'record', crc integer,
        unique (device, boot, seq)
    ) strict""",
    """create table if not exists gap (
        device text not null, boot integer not null, first integer not null, last integer not null,
        reason text not null, primary key (device, boot, first)
    ) strict, without rowid""",
)
ADDED = {"kind": "text not null default 'record'", "crc": "integer"}
"""Columns that files of before 0.2 lack; what has no checksum is not checked."""


class Letter(NamedTuple):
    """One message on its way: `at_s` and `sent_s` are seconds since 1970; `sent_s` is 0 until it was sent."""

    device: str
    boot: int
    seq: int
    topic: str
    at_s: float
    sent_s: float
    payload: bytes

    def checksum(self) -> int:
        """Over everything that must not change on the disk."""
        head = f"{self.device}\n{self.boot}\n{self.seq}\n{self.topic}\n".encode()
        return crc32(self.payload, crc32(head))


def is_whole(letter: Letter, crc: int | None) -> bool:
    """Whether the checksum is right, or there is none, in a file of before 0.2."""
    try:
        return crc is None or letter.checksum() == crc
    except (TypeError, AttributeError):
        return False  # a column of another type is as wrong as a wrong number


def open_file(path: Path) -> tuple[sqlite3.Connection, list[Letter]]:
    """The connection, and the letters that were saved from a broken file: the caller writes them anew.

    Raises:
        ConfigError: the folder cannot be written, or another process uses this spool.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the spool folder {path.parent} cannot be made: {error}") from error
    try:
        return _connect(path), []
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise ConfigError(f"the spool {path} is in use: this agent already runs here") from error
        if not is_broken(error):
            raise ConfigError(f"the spool {path} cannot be opened: {error}") from error
        return begin_anew(path, error)
    except sqlite3.DatabaseError as error:
        return begin_anew(path, error)


def is_broken(error: sqlite3.Error) -> bool:
    """Whether what is on the disk is wrong, rather than the disk full or the file in use."""
    if isinstance(error, sqlite3.IntegrityError):
        return False
    told = str(error)
    return not isinstance(error, sqlite3.OperationalError) or "no such" in told or "malformed" in told


def begin_anew(path: Path, error: sqlite3.Error) -> tuple[sqlite3.Connection, list[Letter]]:
    """Put a broken file aside, and read what can still be read of it."""
    aside = path.with_name(f"{path.name}.broken-{time.time_ns() // 1_000_000}")
    path.rename(aside)
    wal = path.with_name(path.name + "-wal")
    if wal.exists():
        wal.rename(aside.with_name(aside.name + "-wal"))
    saved = sorted(set(_readable(aside)), key=lambda letter: letter[:3])
    log.error("spool_broken", path=str(path), moved_to=str(aside), reason=str(error), saved=len(saved))
    return _connect(path), saved


def _connect(path: Path) -> sqlite3.Connection:
    connection = _open(path)
    try:
        # Exclusive before WAL: one process owns the file, and no shared memory file is needed.
        connection.execute("pragma locking_mode = exclusive")
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("pragma journal_size_limit = 8000000")
        connection.execute("pragma cell_size_check = on")
        with connection:
            connection.execute("begin immediate")
            for statement in SCHEMA:
                connection.execute(statement)
            there = {row[1] for row in connection.execute("pragma table_info(letter)")}
            for column, type_ in ADDED.items():
                if column not in there:
                    connection.execute(f"alter table letter add column {column} {type_}")
            connection.execute("create index if not exists letter_kind on letter (kind)")
        connection.execute("select count(*) from letter where seq < 0").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _readable(path: Path) -> Iterator[Letter]:
    """Letters with a right checksum, from both ends of a broken file as far as each can be read."""
    for direction in ("asc", "desc"):
        connection = _open(path)
        try:
            yield from _rows(connection, direction)
        except (sqlite3.Error, OverflowError):
            continue
        finally:
            connection.close()


def _rows(connection: sqlite3.Connection, direction: str) -> Iterator[Letter]:
    query = (
        "select device, boot, seq, topic, at_s, sent_s, payload, crc"  # noqa: S608 - constants
        f" from letter not indexed order by id {direction}"
    )
    for *fields, crc in connection.execute(query):
        letter = Letter(*fields)
        if crc is not None and is_whole(letter, crc):
            yield letter


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=1.0, check_same_thread=False)
    # A broken byte in a text is for the checksum to find; it must not keep other letters from being read.
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    return connection
