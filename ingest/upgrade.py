"""From plain PostgreSQL to TimescaleDB in place, while ingest goes on.

Each table of records is put aside in one short transaction, a hypertable takes its name and all new rows, and
then the rows move over, an hour in a transaction. Until they have moved, queries of the past find fewer rows
and no rollup is made; nothing is lost, and a run that was cut off goes on where it stopped. Rollups stay as
they are: tables that ingest maintains, with all their history (level `apache`); the columnstore is used where
the licence has it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg
import structlog
from psycopg.sql import SQL, Identifier

from citybrain.errors import ConfigError
from ingest.database import Connection, Level, connect, detect, one
from ingest.migrate import LOCK, LOCK_WAIT, WHERE, available, level_of, patiently
from ingest.partitions import ASIDE, RECORDS

log = structlog.get_logger()

STEP = timedelta(hours=1)
VIEW = "command_with_answer"
"""The one view that reads records; its text names the tables, so it is made anew from its own definition."""


def upgrade(dsn: str, tell: Callable[[str, int], None] = lambda _table, _rows: None) -> list[str]:
    """Turn plain partitions into hypertables; returns the tables that were moved, none if it was done.

    `tell` hears of each step: table, rows moved. Raises ConfigError where the server has no TimescaleDB.
    """
    with connect(dsn, name="citybrain-upgrade") as connection:
        connection.execute("select pg_advisory_lock(%s)", [LOCK])
        try:
            if level_of(connection).is_plain:
                if detect(connection).is_plain:
                    raise ConfigError(
                        "this server has no TimescaleDB: install it, add it to shared_preload_libraries, "
                        "restart the server, and run `citybrain db upgrade` again"
                    )
                patiently(lambda: _switch(connection), "upgrade")
            moved = [table for table in RECORDS if _exists(connection, table + ASIDE)]
            for table in moved:
                _move(connection, table, tell)
            return moved
        finally:
            connection.execute("select pg_advisory_unlock(%s)", [LOCK])


def _switch(connection: Connection) -> None:
    """All tables at once, so that workers see either the old world or the new."""
    with connection.transaction():
        connection.execute(f"set local lock_timeout = '{LOCK_WAIT}'".encode())
        definition = one(connection, "select pg_get_viewdef('command_with_answer'::regclass)")
        connection.execute(SQL("drop view {}").format(Identifier(VIEW)))
        for table in RECORDS:
            names = {"table": Identifier(table), "aside": Identifier(table + ASIDE)}
            connection.execute(SQL("alter table {table} rename to {aside}").format(**names))
            connection.execute(SQL("create table {table} (like {aside} including all)").format(**names))
        for migration in available():
            if migration.name == "0003_partitions.timescale.sql":
                connection.execute(migration.sql.encode())
        connection.execute(SQL("create view {} as ").format(Identifier(VIEW)) + SQL(str(definition)))
        connection.execute("update storage set level = %s", [Level.APACHE.value])
        _record(connection)
    log.info("storage_switched", level=Level.APACHE.value)


def _record(connection: Connection) -> None:
    """The migrations of plain storage give way to those of TimescaleDB in the schema's record."""
    connection.execute("delete from schema_migration where name = '0003_partitions.plain.sql'")
    applied = {str(row[0]) for row in connection.execute("select name from schema_migration").fetchall()}
    last = max(int(name[:4]) for name in applied)
    for migration in available():
        missing = Level.APACHE in WHERE[migration.where] and migration.name not in applied
        if missing and migration.where == "timescale" and migration.number <= last:
            connection.execute(
                "insert into schema_migration (number, name, checksum) values (%s, %s, %s)",
                [migration.number, migration.name, migration.checksum],
            )


def _move(connection: Connection, table: str, tell: Callable[[str, int], None]) -> None:
    old = table + ASIDE
    while True:
        row = connection.execute(SQL("select min(at) from {}").format(Identifier(old))).fetchone()
        if row is None or not isinstance(row[0], datetime):
            break
        tell(table, _move_some(connection, table, row[0], row[0] + STEP))

    def drop() -> None:
        with connection.transaction():
            connection.execute(f"set local lock_timeout = '{LOCK_WAIT}'".encode())
            connection.execute(SQL("drop table {}").format(Identifier(old)))

    patiently(drop, old)


def _move_some(connection: Connection, table: str, start: datetime, end: datetime) -> int:
    statement = SQL(
        "with moved as (delete from {old} where at >= %s and at < %s returning *) "
        "insert into {new} select * from moved"
    ).format(old=Identifier(table + ASIDE), new=Identifier(table))
    with connection.transaction():
        return connection.execute(statement, [start, end]).rowcount


def _exists(connection: Connection, table: str) -> bool:
    try:
        return connection.execute("select to_regclass(%s) is not null", [table]).fetchone() == (True,)
    except psycopg.errors.UndefinedTable:
        return False
