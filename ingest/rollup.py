"""The roller: rollups of touched minutes, made anew from their records, each level from the finer one.

A batch appends the minutes it touched in its own transaction, so a crash at any moment loses no note, and
late data is treated like live data. What is made is a function of the records alone.
"""

from datetime import UTC, datetime, timedelta

from psycopg import IsolationLevel
from psycopg.sql import SQL, Identifier

from ingest.database import Connection
from ingest.partitions import ASIDE
from ingest.queries import load

LOCK = 0x72_6F_6C_6C
MOST_MINUTES = 120
"""Minutes made in one transaction."""

STEPS = (
    ("1min", "15min", timedelta(minutes=15)),
    ("15min", "1h", timedelta(hours=1)),
    ("1h", "1day", timedelta(days=1)),
)
RECORDS = {"lane_measurement": "lane", "turning_count": "turning", "sensor_observation": "sensor"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def roll(connection: Connection) -> int:
    """Bring all rollups up to date with what is committed; returns the number of minutes made.

    Only one roller works at a time; another returns 0 at once.
    """
    if connection.execute("select pg_try_advisory_lock(%s)", [LOCK]).fetchone() != (True,):
        return 0
    if any(_is_moving(connection, record) for record in RECORDS):
        connection.execute("select pg_advisory_unlock(%s)", [LOCK])
        return 0  # a minute made now would miss the rows that are still to move
    # Notes and records must be seen at one moment, or a note could be taken without its record.
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    try:
        return sum(_roll_all(connection, record) for record in RECORDS)
    finally:
        connection.isolation_level = None
        connection.execute("select pg_advisory_unlock(%s)", [LOCK])


def floor(at: datetime, width: timedelta) -> datetime:
    """The start of the bucket that holds `at`, counted from 1970 in UTC."""
    return at - (at - _EPOCH) % width


def _is_moving(connection: Connection, record: str) -> bool:
    row = connection.execute("select to_regclass(%s) is not null", [record + ASIDE]).fetchone()
    return row == (True,)


def _roll_all(connection: Connection, record: str) -> int:
    total = 0
    while made := _roll_some(connection, record):
        total += made
        if made < MOST_MINUTES:
            break
    return total


def _roll_some(connection: Connection, record: str) -> int:
    queries = load("rollup")
    name = RECORDS[record]
    with connection.transaction():
        rows = connection.execute(queries["take"], {"record": record, "limit": MOST_MINUTES}).fetchall()
        minutes = [bucket for (bucket,) in rows if isinstance(bucket, datetime)]
        if not minutes:
            return 0
        connection.execute(queries[f"{name}_minutes"], {"buckets": minutes})
        buckets = minutes
        for finer, coarser, width in STEPS:
            buckets = sorted({floor(bucket, width) for bucket in buckets})
            statement = SQL(queries[f"{name}_coarser"]).format(
                coarser=Identifier(f"{name}_rollup_{coarser}"), finer=Identifier(f"{name}_rollup_{finer}")
            )
            connection.execute(statement, {"buckets": buckets, "width": width})
    return len(minutes)
