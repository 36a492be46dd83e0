"""Migrations: numbered plain SQL, applied in order under an advisory lock, recorded with a checksum.

A file is `NNNN_name.sql`, or `NNNN_name.<where>.sql` for the levels of storage that `WHERE` names: parts of
one number stand in for each other, so that all levels count alike.
"""

import hashlib
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.resources import files

import psycopg
import structlog

from citybrain.errors import ConfigError, Unavailable
from ingest.database import Connection, Level, connect, detect

log = structlog.get_logger()

LOCK = 0x63_69_74_79
WHERE = {
    "": set(Level),
    "plain": {Level.PLAIN},
    "timescale": {Level.APACHE, Level.COMMUNITY},
    "maintained": {Level.PLAIN, Level.APACHE},
    "community": {Level.COMMUNITY},
}
LOCK_WAIT = "500ms"
LOCK_TRIES = 120
LOCK_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0
_NAME = re.compile(r"(?P<number>\d{4})_(?P<name>[a-z0-9_]+)(\.(?P<where>[a-z]+))?\.sql")

_BOOKKEEPING = """
create table if not exists schema_migration (
    number integer not null,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now(),
    primary key (number, name)
);
create table if not exists storage (
    only_one boolean primary key default true check (only_one),
    level text not null check (level in ('plain', 'apache', 'community'))
);
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    number: int
    name: str
    """The file's name."""
    where: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def available() -> list[Migration]:
    """All migrations of this distribution, in order."""
    found = []
    for entry in files("ingest").joinpath("sql/migrations").iterdir():
        match = _NAME.fullmatch(entry.name)
        if match is None:
            continue
        where = match["where"] or ""
        found.append(Migration(int(match["number"]), entry.name, where, entry.read_text(encoding="utf-8")))
    return sorted(found, key=lambda migration: (migration.number, migration.name))


def migrate(dsn: str) -> list[str]:
    """Bring the database up to date; returns the names of the files that were applied, none if it was.

    Raises:
        ConfigError: the DSN is wrong, an applied file was changed, or the database is of a newer release.
        Unavailable: no server answers.
    """
    with connect(dsn, name="citybrain-migrate") as connection:
        connection.execute("select pg_advisory_lock(%s)", [LOCK])
        try:
            return _apply(connection, available())
        except psycopg.errors.InsufficientPrivilege as error:
            raise ConfigError(f"database.dsn: the account may not change the schema: {error}") from error
        finally:
            connection.execute("select pg_advisory_unlock(%s)", [LOCK])


def level_of(connection: Connection) -> Level:
    """The level that the database was migrated for; ConfigError where it was not migrated."""
    try:
        row = connection.execute("select level from storage").fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
    if row is None:
        raise ConfigError("the database has no schema yet: run `citybrain db migrate`")
    return Level(str(row[0]))


def check(applied: dict[str, str], known: Iterable[Migration]) -> None:
    """Compare what was applied (name: checksum) with what we know; raises ConfigError on any difference."""
    sums = {migration.name: migration.checksum for migration in known}
    for name, checksum in applied.items():
        if name not in sums:
            raise ConfigError(
                f"the database has migration {name}, unknown to this release: install a newer release"
            )
        if sums[name] != checksum:
            raise ConfigError(
                f"migration {name} was changed after it was applied: restore the file, and put the change "
                "into a new migration"
            )


def _apply(connection: Connection, known: list[Migration]) -> list[str]:
    connection.execute(_BOOKKEEPING)
    rows = connection.execute("select name, checksum from schema_migration").fetchall()
    applied = {str(name): str(checksum) for name, checksum in rows}
    check(applied, known)
    level = level_of(connection) if applied else detect(connection)
    todo = [m for m in known if level in WHERE[m.where] and m.name not in applied]
    for migration in todo:
        patiently(lambda one=migration: _apply_one(connection, one, level), migration.name)  # type: ignore[misc]
        log.info("migration_applied", name=migration.name, level=level.value)
    return [migration.name for migration in todo]


def patiently(change: Callable[[], None], name: str) -> None:
    """Make a change that asks for locks, again and again until it gets them; raises Unavailable if never.

    A change that waits for a lock holds up all that come after it, so it waits for `LOCK_WAIT` only, gives
    everything back, and lets the others go first.
    """
    for attempt in range(LOCK_TRIES):
        try:
            return change()
        except psycopg.errors.LockNotAvailable:
            log.warning("migration_waits", name=name, attempt=attempt + 1)
            time.sleep(min(LOCK_PAUSE_S * (attempt + 1), LONGEST_PAUSE_S))
    raise Unavailable(
        f"{name}: no lock in {LOCK_TRIES} tries; a long transaction holds it (see pg_stat_activity), end it "
        "and run `citybrain db migrate` again"
    )


def _apply_one(connection: Connection, migration: Migration, level: Level) -> None:
    with connection.transaction():
        connection.execute(f"set local lock_timeout = '{LOCK_WAIT}'".encode())
        connection.execute(migration.sql.encode())
        connection.execute(
            "insert into schema_migration (number, name, checksum) values (%s, %s, %s)",
            [migration.number, migration.name, migration.checksum],
        )
        connection.execute("insert into storage (level) values (%s) on conflict do nothing", [level.value])
