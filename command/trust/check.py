"""Reads the whole audit and says whether it is as it was written."""

from dataclasses import dataclass
from datetime import UTC, datetime

from citybrain.config import Settings
from command.database import Row
from command.trust import anchors
from command.trust.accounts import Connection
from command.trust.audit import Anchor, Entry, Fault, Verifier


@dataclass(frozen=True, slots=True)
class Report:
    """What was found."""

    entries: int
    anchors: int
    faults: list[Fault]


async def snapshot(connection: Connection) -> None:
    """Begin a transaction that sees one moment of the database."""
    await connection.execute("set transaction isolation level repeatable read, read only")


async def verify(connection: Connection, settings: Settings) -> Report:
    """Check every entry, in the order of their numbers, against the one before and the anchors.

    All in the caller's transaction: let it be `snapshot`, where others write meanwhile.
    """
    cursor = await connection.execute("select chain::text, seq, hash from audit_head")
    head = await cursor.fetchone()
    assert head is not None
    path = anchors.path_of(settings, head["chain"])
    known = anchors.read(path)
    verifier = Verifier(known)
    async with connection.cursor(name="audit") as entries:
        await entries.execute("select * from audit order by seq")
        async for row in entries:
            verifier.take(_entry(row))
    faults = verifier.end(Anchor(head["seq"], bytes(head["hash"])))
    if not faults and verifier.last not in known:
        anchors.note(path, verifier.last, datetime.now(UTC).isoformat())
    return Report(verifier.entries, len(known), faults)


def _entry(row: Row) -> Entry:
    bytes_ = {"previous": bytes(row["previous"]), "hash": bytes(row["hash"])}
    return Entry(**{name: row[name] for name in Entry.__slots__} | bytes_)
