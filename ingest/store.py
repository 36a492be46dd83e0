"""The store: a batch of messages into the database in one transaction, each exactly once.

Ledger first: what it does not take was stored before. Then one binary COPY a table, the tables of the
latest, and notes for the rollups; then the commit, and only after it may anything be acknowledged.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString

import msgspec
import psycopg
import structlog
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from citybrain.messages import AgentStatus, GivenUp, IntersectionConfig, RoadNetwork, Stored, TrafficEvent
from ingest.database import Connection, Level
from ingest.gate import Admitted, Key, Refused
from ingest.partitions import Partitions
from ingest.queries import load
from ingest.rows import COLUMNS, Rows
from ingest.wire import HEADER, TRAILER

log = structlog.get_logger()

LEDGER_LOCK = 0x6C_65_64_67
LATEST = {
    "lane_measurement": "lane_latest",
    "signal_state": "signal_latest",
    "sensor_observation": "sensor_latest",
}
POISON = {"22", "23", "54"}
"""Classes of SQLSTATE that blame the data: data exception, constraint violation, limit exceeded."""
MAX_DEAD_LETTER_BYTES = 1_000_000

Owner = tuple[str, int]
"""device, boot"""
Entry = Admitted | Refused | AgentStatus | GivenUp


@dataclass(slots=True)
class Outcome:
    """What became of a batch; counts of messages unless named otherwise."""

    committed: list[Stored] = field(default_factory=list)
    duplicates: list[Key] = field(default_factory=list)
    dead_lettered: int = 0
    statuses: int = 0
    rows: int = 0
    settled: set[Owner] = field(default_factory=set)
    """Whose watermark may have moved."""

    def add(self, other: "Outcome") -> None:
        self.committed += other.committed
        self.duplicates += other.duplicates
        self.dead_lettered += other.dead_lettered
        self.statuses += other.statuses
        self.rows += other.rows
        self.settled |= other.settled


@dataclass(frozen=True, slots=True)
class Batch:
    """What is stored together."""

    admitted: Sequence[Admitted] = ()
    refused: Sequence[Refused] = ()
    statuses: Sequence[AgentStatus] = ()
    gaps: Sequence[GivenUp] = ()

    def __len__(self) -> int:
        return len(self.admitted) + len(self.refused) + len(self.statuses) + len(self.gaps)

    def halves(self) -> tuple["Batch", "Batch"]:
        """Two batches of about the same size, neither empty, where there are two messages."""
        entries: list[Entry] = [*self.admitted, *self.refused, *self.statuses, *self.gaps]
        middle = len(entries) // 2
        return _sorted(entries[:middle]), _sorted(entries[middle:])


def _sorted(entries: Sequence[Entry]) -> Batch:
    return Batch(
        [entry for entry in entries if isinstance(entry, Admitted)],
        [entry for entry in entries if isinstance(entry, Refused)],
        [entry for entry in entries if isinstance(entry, AgentStatus)],
        [entry for entry in entries if isinstance(entry, GivenUp)],
    )


class Store:
    """One worker's connection. Raises psycopg errors only where the database, not the data, is at fault."""

    def __init__(self, connection: Connection, level: Level) -> None:
        self._connection = connection
        self._level = level
        self._ledger = load("ledger")
        self._records = load("records")
        self._introduced: set[Owner] = set()
        self._met: set[Owner] = set()
        self._partitions = Partitions(level)
        for table in LATEST:
            connection.execute(
                SQL(
                    "create temp table if not exists {} (like {} including defaults) on commit delete rows"
                ).format(Identifier(f"newest_{table}"), Identifier(table))
            )

    def close(self) -> None:
        self._connection.close()

    def commit(self, batch: Batch) -> Outcome:
        """Store a batch; a message that the database cannot take becomes a dead letter, alone."""
        if not len(batch):
            return Outcome()
        try:
            return self._commit(batch)
        except psycopg.Error as error:
            if not is_poison(error):
                raise
            return self._isolate(batch, _reason(error), _field(error))
        except Exception as error:  # whatever it is: one message must not stop the rest, again and again
            log.warning("message_not_encodable", error=str(error), messages=len(batch))
            return self._isolate(batch, f"cannot be written: {error}", "")

    def acknowledge(self, owners: Iterable[Owner]) -> dict[Owner, int]:
        """Move the watermarks of some devices, prune the ledger below, and tell where they stand."""
        devices, boots = _columns(owners)
        if not devices:
            return {}
        given = {"devices": devices, "boots": boots, "lock": LEDGER_LOCK}
        with self._connection.transaction():
            self._execute(self._ledger["alone"], given)
            self._execute(self._ledger["walk"], given)
            self._execute(self._ledger["prune"], given)
            rows = self._execute(self._ledger["marks"], given).fetchall()
        return {(str(device), int(str(boot))): int(str(seq)) for device, boot, seq in rows}

    def revive(self, entry: Admitted, *, is_settled: bool) -> bool:
        """Store what was a dead letter, within the caller's transaction; False if it is known already.

        `is_settled`: the ledger has the numbers on the letter's own account, so they refuse nothing.
        """
        new = self._settle([entry.key])
        if not new and not is_settled:
            return False
        rows = Rows()
        rows.add(entry.message)
        self._partitions.ensure(self._connection, _days(Batch([entry])))
        self._write(rows)
        return True

    def _commit(self, batch: Batch) -> Outcome:
        outcome = Outcome(statuses=len(batch.statuses) + len(batch.gaps))
        waiting: dict[Key, Admitted | Refused] = {}
        entries: list[Admitted | Refused] = [*batch.admitted, *batch.refused]
        for entry in entries:
            if entry.key is not None and waiting.setdefault(entry.key, entry) is not entry:
                outcome.duplicates.append(entry.key)
        rows = Rows()
        self._partitions.ensure(self._connection, _days(batch))
        with self._connection.transaction():
            if batch.gaps:  # all owners in one ordered statement, against deadlocks
                owners = {(device, boot) for device, boot, _ in waiting}
                self._introduce(owners | {(gap.device, gap.boot) for gap in batch.gaps})
            new = self._settle(waiting.keys())
            for key, entry in waiting.items():
                if key not in new:
                    outcome.duplicates.append(key)
                elif isinstance(entry, Admitted):
                    rows.add(entry.message)
                    outcome.committed.append(entry.message)
            letters = [
                entry for entry in batch.refused
                if entry.key is None or (entry.key in new and waiting[entry.key] is entry)
            ]  # fmt: skip
            self._write(rows)
            self._bury(letters)
            self._put_statuses(batch.statuses)
            self._give_up(batch.gaps)
            self._count_duplicates(outcome.duplicates)
        self._met |= {(status.device, status.boot) for status in batch.statuses}
        outcome.dead_lettered = len(letters)
        outcome.rows = rows.number
        outcome.settled = {(device, boot) for device, boot, _ in waiting}
        outcome.settled |= {(gap.device, gap.boot) for gap in batch.gaps}
        self._introduced |= outcome.settled
        return outcome

    def _isolate(self, batch: Batch, reason: str, field_: str) -> Outcome:
        """Store a batch that failed by halves, until the message at fault stands alone."""
        if len(batch) == 1:
            return self._bury_one(batch, reason, field_)
        outcome = Outcome()
        for half in batch.halves():
            outcome.add(self.commit(half))
        return outcome

    def _bury_one(self, batch: Batch, reason: str, field_: str) -> Outcome:
        if batch.admitted:
            entry = batch.admitted[0]
            log.warning("message_not_storable", topic=entry.arrival.topic, reason=reason, field=field_)
            return self._commit(Batch(refused=[Refused(entry.arrival, reason, field_, entry.key)]))
        if batch.statuses:
            log.warning("status_not_storable", device=batch.statuses[0].device, reason=reason)
            return Outcome(statuses=1)
        if batch.gaps:
            log.warning("gap_not_storable", device=batch.gaps[0].device, reason=reason)
            return Outcome(statuses=1)
        letter = batch.refused[0]
        log.error("dead_letter_not_storable", topic=letter.arrival.topic, reason=reason)
        return Outcome(dead_lettered=1)

    def _settle(self, keys: Iterable[Key]) -> set[Key]:
        """Enter keys into the ledger; returns the new ones."""
        ordered = list(keys)
        if not ordered:
            return set()
        devices, boots, seqs = (list(column) for column in zip(*ordered, strict=True))
        self._introduce({(device, boot) for device, boot, _ in ordered})
        self._execute(self._ledger["share"], {"lock": LEDGER_LOCK})
        given = {"devices": devices, "boots": boots, "seqs": seqs}
        return set(self._execute(self._ledger["settle"], given).fetchall())  # type: ignore[arg-type]

    def _introduce(self, owners: set[Owner]) -> None:
        if unknown := owners - self._introduced:
            names, starts = _columns(unknown)
            self._execute(self._ledger["introduce"], {"devices": names, "boots": starts})

    def _give_up(self, gaps: Sequence[GivenUp]) -> None:
        for gap in sorted(gaps, key=lambda gap: (gap.device, gap.boot, gap.first, gap.last)):
            self._execute(self._ledger["give_up"], _builtins(gap))

    def _count_duplicates(self, keys: Iterable[Key]) -> None:
        counted = Counter((device, boot) for device, boot, _ in keys)
        if not counted:
            return
        owners = sorted(counted)
        devices, boots = _columns(owners)
        numbers = [counted[owner] for owner in owners]
        self._execute(self._ledger["repeat"], {"devices": devices, "boots": boots, "numbers": numbers})

    def _write(self, rows: Rows) -> None:
        for table, made in rows.records.items():
            self._copy(table, table, made)
        for table, newest in rows.latest.items():
            self._copy(f"newest_{table}", table, [row for _, row in newest.values()])
            self._execute(self._records[LATEST[table]])
        for event in sorted(rows.events, key=lambda event: (event.device, event.event, event.at)):
            self._put_event(event)
        for config in sorted(rows.configs, key=lambda config: (config.intersection, config.at)):
            self._put_config(config)
        for network in rows.networks:
            self._put_network(network)
        if rows.minutes and self._level.maintains_rollups:
            records, buckets = (list(column) for column in zip(*sorted(rows.minutes), strict=True))
            self._execute(self._records["touch"], {"records": records, "buckets": buckets})

    def _copy(self, into: str, table: str, rows: list[bytes]) -> None:
        columns = SQL(", ").join(map(Identifier, COLUMNS[table]))
        statement = SQL("copy {} ({}) from stdin (format binary)").format(Identifier(into), columns)
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(b"".join((HEADER, *rows, TRAILER)))

    def _put_event(self, event: TrafficEvent) -> None:
        given = _builtins(event)
        given["lon"], given["lat"] = event.position or (None, None)
        given["evidence"] = Jsonb(event.evidence)
        self._execute(self._records["event"], given)
        self._execute(self._records["event_end"], given)

    def _put_config(self, config: IntersectionConfig) -> None:
        given = {
            name: getattr(config, name) for name in ("intersection", "at", "device", "boot", "seq", "name")
        }
        given["lon"], given["lat"] = config.position
        given["config"] = Jsonb(config, dumps=msgspec.json.encode)
        self._execute(self._records["intersection"], given)

    def _put_network(self, network: RoadNetwork) -> None:
        shared = {name: getattr(network, name) for name in ("device", "version", "part", "parts", "at")}
        self._execute(self._records["network_part"], shared)
        segments = [
            shared | _builtins(segment) | {"path": Jsonb(segment.path)}
            for segment in sorted(network.segments, key=lambda segment: segment.lane)
        ]
        with self._connection.cursor() as cursor:
            cursor.executemany(self._records["network_segment"], segments)
        for query in ("network", "network_old_segments", "network_old_parts"):
            self._execute(self._records[query], shared)

    def _put_statuses(self, statuses: Sequence[AgentStatus]) -> None:
        if not statuses:
            return
        given: list[dict[str, Any]] = []
        for status in sorted(statuses, key=lambda status: status.device):
            lon, lat = status.position or (None, None)
            values = {"lon": lon, "lat": lat, "figures": Jsonb(status.figures)}
            given.append(_builtins(status) | values)
        with self._connection.cursor() as cursor:
            cursor.executemany(self._records["status"], given)
            started = [values for values in given if (values["device"], values["boot"]) not in self._met]
            cursor.executemany(self._records["event_orphans"], started)

    def _bury(self, letters: Iterable[Refused]) -> None:
        for letter in letters:
            self._execute(
                self._records["dead_letter"],
                {
                    "topic": _clean(letter.arrival.topic),
                    "reason": _clean(letter.reason),
                    "field": _clean(letter.field),
                    "payload": letter.arrival.payload[:MAX_DEAD_LETTER_BYTES],
                    "is_settled": letter.key is not None,
                    **dict(zip(("device", "boot", "seq"), letter.key or (None, None, None), strict=True)),
                },
            )

    def _execute(
        self, query: LiteralString, given: dict[str, Any] | None = None
    ) -> psycopg.Cursor[tuple[object, ...]]:
        return self._connection.execute(query, given)


def is_poison(error: psycopg.Error) -> bool:
    """Whether the data is to blame, so that trying again cannot help."""
    return (error.sqlstate or "")[:2] in POISON or isinstance(error, psycopg.DataError)


def _reason(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error).strip() or type(error).__name__


def _field(error: psycopg.Error) -> str:
    return error.diag.column_name or error.diag.constraint_name or _column_of(error.diag.context or "")


def _column_of(context: str) -> str:
    """COPY tells the column in its context only: `COPY t, line 1, column name`."""
    return (
        context.rpartition(", column ")[2].partition(":")[0].split("\n")[0] if ", column " in context else ""
    )


def _columns(owners: Iterable[Owner]) -> tuple[list[str], list[int]]:
    ordered = sorted(owners)
    return [device for device, _ in ordered], [boot for _, boot in ordered]


def _builtins(value: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(value, name) for name in type(value).__struct_fields__}


def _clean(text: str) -> str:
    return text.replace("\x00", "\ufffd")


def _days(batch: Batch) -> set[int]:
    """Days since 1970 that have rows."""
    messages: list[Stored | AgentStatus] = [*(entry.message for entry in batch.admitted), *batch.statuses]
    return {int(message.at.timestamp() // 86_400) for message in messages}
