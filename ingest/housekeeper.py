"""The housekeeper: rollups, partitions ahead, retention, gaps in the ledger; on a connection of its own."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import psycopg
import structlog
from psycopg.sql import SQL, Identifier

from citybrain.config import Settings
from citybrain.errors import CityBrainError
from ingest.database import Connection, Level, connect
from ingest.migrate import level_of
from ingest.partitions import RECORDS, Partitions, days_ahead, drop_before
from ingest.queries import load
from ingest.retention import ROLLUPS, before, compress
from ingest.rollup import RECORDS as RECORDS_ROLLED
from ingest.rollup import roll
from ingest.store import LEDGER_LOCK

log = structlog.get_logger()

ROLL_S = 3.0
PARTITIONS_S = 600.0
RETENTION_S = 3600.0
RETRY_S = 5.0
LONGEST_ROLL_SHARE = 0.1
"""Of one connection's time that rolling may take: under load rollups come later, not at the records' cost."""


class Housekeeper:
    """Runs until `stop`; failures are logged and tried again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the step at hand."""
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with connect(self._settings.database.dsn, name="citybrain-housekeeper") as connection:
                    self._keep(connection, level_of(connection))
            except (psycopg.Error, CityBrainError) as error:
                log.warning("housekeeping_failed", error=str(error).strip())
                self._stop.wait(RETRY_S)

    def _keep(self, connection: Connection, level: Level) -> None:
        partitions = Partitions(level)
        compress(connection, level, self._settings)
        steps: list[tuple[float, Callable[[], object]]] = [
            (PARTITIONS_S, lambda: partitions.ensure(connection, days_ahead())),
            (RETENTION_S, lambda: retain(connection, level, self._settings)),
        ]
        if level.maintains_rollups:
            steps.append((ROLL_S, lambda: roll(connection)))
        due = [0.0] * len(steps)
        while not self._stop.is_set():
            for index, (every_s, step) in enumerate(steps):
                started = time.monotonic()
                if started >= due[index]:
                    step()
                    ended = time.monotonic()
                    due[index] = ended + max(every_s, (ended - started) / LONGEST_ROLL_SHARE)
            self._stop.wait(0.2)


def retain(connection: Connection, level: Level, settings: Settings) -> list[str]:
    """Let go of what is older than each stream is kept; returns the partitions or chunks dropped."""
    now = datetime.now(UTC)
    dropped: list[str] = []
    for table in RECORDS:
        if limit := before(settings, table, now):
            parts = drop_before(connection, level, table, limit)
            receipt(connection, f"records: {table}", limit, len(parts), parts)
            dropped += parts
    if limit := before(settings, "dead_letter", now):
        refused = connection.execute("delete from dead_letter where received_at < %s", [limit]).rowcount
        receipt(connection, "dead letters", limit, refused)
    for rollup in ROLLUPS:
        if limit := before(settings, rollup, now):
            for what in RECORDS_ROLLED.values():
                _drop_rollup(connection, level, f"{what}_{rollup}", limit)
    kept = timedelta(days=settings.ingest.retention_days)
    close_gaps(connection, now - timedelta(seconds=settings.edge.spool_max_age_s), now - kept)
    if dropped:
        log.info("retention_dropped", parts=len(dropped))
    return dropped


def receipt(
    connection: Connection, kind: str, before: datetime, removed: int, parts: Sequence[str] = ()
) -> None:
    """Note what was let go of; the command centre writes it into the audit."""
    if removed:
        connection.execute(
            "insert into purge_receipt (kind, before, removed, parts) values (%s, %s, %s, %s)",
            [kind, before, removed, list(parts)],
        )


def _drop_rollup(connection: Connection, level: Level, table: str, limit: datetime) -> None:
    if level.maintains_rollups:
        connection.execute(SQL("delete from {} where bucket < %s").format(Identifier(table)), [limit])
    else:
        connection.execute(
            "select drop_chunks(%s::regclass, older_than => %s::timestamptz)", [table, limit]
        ).fetchall()


def close_gaps(connection: Connection, spooled: datetime, kept: datetime) -> None:
    """Move watermarks over gaps older than any spool (`spooled`), forget boots older than `kept`."""
    queries = load("ledger")
    with connection.transaction():
        connection.execute(queries["alone"], {"lock": LEDGER_LOCK})
        owners = connection.execute(queries["close_gaps"], {"before": spooled}).fetchall()
        if owners:
            given = {"devices": [owner[0] for owner in owners], "boots": [owner[1] for owner in owners]}
            connection.execute(queries["walk"], given)
            connection.execute(queries["prune"], given)
        connection.execute(queries["forget"], {"before": kept})
        connection.execute(queries["forget_gaps"], {"before": kept})
