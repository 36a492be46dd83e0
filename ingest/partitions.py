"""Day partitions of plain PostgreSQL, made ahead; and the end of what is too old, on every level."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import psycopg
import structlog
from psycopg.sql import SQL, Identifier, Literal

from ingest.database import Connection, Level

log = structlog.get_logger()

RECORDS = (
    "lane_measurement", "turning_count", "signal_state", "signal_command", "command_ack",
    "sensor_observation", "traffic_event_history", "agent_status_history",
)  # fmt: skip
ASIDE = "_before_timescale"
"""Ends the name of a table whose rows `citybrain db upgrade` still moves."""
DAYS_BACK = 8
"""Older days, of which a spool keeps nothing any more, go to the default partition."""
DAYS_AHEAD = 2
_LOCK = 0x70_61_72_74
_FIRST = date(1970, 1, 1)


class Partitions:
    """The days that have partitions, as far as this worker knows."""

    def __init__(self, level: Level) -> None:
        self._is_plain = level.is_plain
        self._known: set[int] = set()

    def ensure(self, connection: Connection, days: Iterable[int]) -> None:
        """Make the partitions of `days` (since 1970) that are near today, in a transaction of its own."""
        if not self._is_plain:
            return
        today = int(datetime.now(UTC).timestamp() // 86_400)
        near = {day for day in days if today - DAYS_BACK <= day <= today + DAYS_AHEAD} - self._known
        for day in sorted(near):
            try:
                with connection.transaction():
                    connection.execute("set local lock_timeout = '1s'")
                    connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
                    for table in RECORDS:
                        _make(connection, table, _FIRST + timedelta(days=day))
            except psycopg.errors.LockNotAvailable:
                # The default partition takes the rows; they move when the day is made at a quieter moment.
                log.warning("partition_postponed", day=str(_FIRST + timedelta(days=day)))
            else:
                self._known.add(day)


def days_ahead() -> list[int]:
    """Today and the days that should be there before they begin."""
    today = int(datetime.now(UTC).timestamp() // 86_400)
    return list(range(today, today + DAYS_AHEAD + 1))


def drop_before(connection: Connection, level: Level, table: str, before: datetime) -> list[str]:
    """Drop a table's records older than the day of `before`; the names of partitions or chunks dropped."""
    before = before.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if not level.is_plain:
        rows = connection.execute(
            "select drop_chunks(%s::regclass, older_than => %s::timestamptz)::text", [table, before]
        )
        return [str(row[0]) for row in rows.fetchall()]
    dropped = _drop_partitions(connection, table, before.date())
    default = Identifier(f"{table}_default")
    connection.execute(SQL("delete from {} where at < %s").format(default), [before])
    return dropped


def _drop_partitions(connection: Connection, table: str, before: date) -> list[str]:
    rows = connection.execute(
        "select inhrelid::regclass::text from pg_inherits where inhparent = %s::regclass", [table]
    ).fetchall()
    old = [str(name) for (name,) in rows if (day := _day_of(str(name))) is not None and day < before]
    dropped = []
    for name in old:
        try:
            with connection.transaction():
                # Who waits for a lock holds up everybody behind it: ingest's next batch.
                connection.execute("set local lock_timeout = '500ms'")
                connection.execute(SQL("drop table {}").format(Identifier(name)))
        except psycopg.errors.LockNotAvailable:
            log.warning("retention_postponed", partition=name)
        else:
            dropped.append(name)
    return dropped


def _day_of(partition: str) -> date | None:
    digits = partition.rpartition("_")[2]
    return datetime.strptime(digits, "%Y%m%d").replace(tzinfo=UTC).date() if digits.isdigit() else None


def _make(connection: Connection, table: str, day: date) -> None:
    """One partition, made aside and then attached, with the rows of its day that the default one holds."""
    name = f"{table}_{day:%Y%m%d}"
    found = connection.execute("select to_regclass(%s) is not null", [name]).fetchone()
    if found == (True,):
        return
    parent, partition, default = Identifier(table), Identifier(name), Identifier(f"{table}_default")
    start, end = Literal(f"{day} 00:00:00+00"), Literal(f"{day + timedelta(days=1)} 00:00:00+00")
    names = {"parent": parent, "partition": partition, "default": default, "start": start, "end": end}
    connection.execute(SQL("create table {partition} (like {parent} including all)").format(**names))
    connection.execute(
        SQL(
            "with moved as (delete from {default} where at >= {start} and at < {end} returning *) "
            "insert into {partition} select * from moved"
        ).format(**names)
    )
    connection.execute(
        SQL("alter table {parent} attach partition {partition} for values from ({start}) to ({end})").format(
            **names
        )
    )
