"""The state of the database: server, level, sizes, rows, latency."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from psycopg.sql import SQL, Identifier

from ingest.database import Connection, Level, connect, one
from ingest.migrate import level_of
from ingest.partitions import RECORDS

NOW_TABLES = (
    "lane_latest", "signal_latest", "sensor_latest", "agent_latest", "traffic_event", "intersection",
    "road_network_segment", "device", "ledger", "ledger_mark", "ledger_gap", "dead_letter",
)  # fmt: skip

LATENCY = """
select percentile_cont(array[0.5, 0.99]) within group (order by extract(epoch from stored_at - at)::float8)
from (
    (select at, stored_at from lane_measurement where at > now() - interval '5 minutes' order by at desc limit 50000)
    union all
    (select at, stored_at from signal_state where at > now() - interval '5 minutes' order by at desc limit 50000)
) as recent
"""  # noqa: E501  a statement reads better in its own lines

SIZES = """
select
    coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint,
    coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
from pg_class as c
where c.oid = any(
    select %s::regclass union all select inhrelid from pg_inherits where inhparent = %s::regclass
)
"""


BALANCE = """
select device, numbered, committed, duplicates, dead_lettered, given_up, spooled, open
from delivery_balance order by device
"""


@dataclass(frozen=True, slots=True)
class TableStatus:
    """One table with its partitions or chunks; `rows` is the planner's estimate."""

    name: str
    rows: int
    bytes: int
    newest_at: datetime | None


@dataclass(frozen=True, slots=True)
class Status:
    """The whole database; latency of the last five minutes, none without data."""

    level: str
    server_version: str
    bytes: int
    migrations: int
    last_migration: str
    latency_p50_s: float | None
    latency_p99_s: float | None
    tables: tuple[TableStatus, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def read(connection: Connection) -> Status:
    """The state now; ConfigError where the database was not migrated."""
    level = level_of(connection)
    applied = connection.execute("select name from schema_migration order by number, name").fetchall()
    percentiles = one(connection, LATENCY)
    p50, p99 = percentiles if isinstance(percentiles, list) else (None, None)
    tables = [_table(connection, level, name, has_time=True) for name in RECORDS]
    tables += [_table(connection, Level.PLAIN, name, has_time=False) for name in NOW_TABLES]
    return Status(
        level=level.value,
        server_version=str(one(connection, "select current_setting('server_version')")),
        bytes=int(str(one(connection, "select pg_database_size(current_database())"))),
        migrations=len(applied),
        last_migration=str(applied[-1][0]),
        latency_p50_s=p50,
        latency_p99_s=p99,
        tables=tuple(tables),
    )


def _table(connection: Connection, level: Level, name: str, *, has_time: bool) -> TableStatus:
    if level.is_plain:
        row = connection.execute(SIZES, [name, name]).fetchone()
    else:
        row = connection.execute(
            "select approximate_row_count(%s::regclass), hypertable_size(%s::regclass)", [name, name]
        ).fetchone()
    assert row is not None
    newest = None
    if has_time:
        found = connection.execute(SQL("select max(at) from {}").format(Identifier(name))).fetchone()
        newest = found[0] if found and isinstance(found[0], datetime) else None
    return TableStatus(name, int(str(row[0])), int(str(row[1])), newest)


@dataclass(frozen=True, slots=True)
class Balance:
    """What became of the messages that a device numbered in its present boot; all are counts.

    numbered = committed + dead_lettered + given_up + spooled + open; `open` is on its way, or lost if it
    stays above 0.
    """

    device: str
    numbered: int
    committed: int
    duplicates: int
    dead_lettered: int
    given_up: int
    spooled: int
    open: int


def balances(dsn: str) -> list[Balance]:
    """The balance of every device that numbers its messages.

    Raises:
        ConfigError: the DSN is wrong, or the database was not migrated.
        Unavailable: no server answers.
    """
    with connect(dsn, name="citybrain-status") as connection:
        level_of(connection)
        rows = connection.execute(BALANCE).fetchall()
    return [Balance(str(device), *(int(str(number)) for number in numbers)) for device, *numbers in rows]
