"""Retention: what each kind is kept for, what was let go of, and a receipt of it in the audit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from citybrain.config import Settings
from command.database import Database, Row, act
from command.principal import record
from command.trust.accounts import Connection
from command.trust.audit import SYSTEM

PURGED = "retention.purged"


@dataclass(frozen=True, slots=True)
class Policy:
    """One kind of data and how long it is kept."""

    kind: str
    days: int | None
    """None: for good."""
    statements: Sequence[str] = ()
    """Which acts let go of it; none where ingest does, or nobody."""


def policies(settings: Settings) -> list[Policy]:
    """The policy of every kind that this city keeps."""
    kept = settings.retention
    return [
        Policy("records of the street", settings.ingest.retention_days),
        Policy("alarms", kept.alarms_days, ("alarm_purge",)),
        Policy("orders to signals", kept.alarms_days, ("order_purge", "manual_wave_purge")),
        Policy("deliveries", kept.deliveries_days, ("webhook_purge",)),
        Policy("sign-ins", kept.sign_ins_days, ("session_purge", "token_purge", "link_purge")),
        Policy("cases", kept.cases_days, ("case_purge",)),
        Policy("photos and voice notes", kept.attachments_days, ("attachment_purge",)),
        Policy("reporters' contacts", kept.contacts_days, ("contact_purge",)),
        Policy(
            "positions of workers", kept.positions_days, ("position_purge", "roll_call_purge", "wave_purge")
        ),
        Policy("messages to workers", kept.messages_days, ("inbox_purge", "offline_purge", "upload_purge")),
        Policy("audit", None),
    ]


async def purge(database: Database, settings: Settings, now: datetime | None = None) -> int:
    """Let go of what is too old, each kind with its receipt in the same transaction; how many rows went."""
    removed = 0
    for policy in policies(settings):
        if policy.statements and policy.days is not None:
            before = (now or datetime.now(UTC)) - timedelta(days=policy.days)
            removed += await _purge(database, policy, before)
    return removed


async def _purge(database: Database, policy: Policy, before: datetime) -> int:
    async with database.transaction() as connection:
        removed = 0
        for statement in policy.statements:
            removed += len(await act(connection, statement, {"before": before}))
        if removed:
            details = {"before": before.isoformat(), "removed": removed, "days": policy.days}
            await record(connection, SYSTEM, PURGED, f"retention/{policy.kind}", details)
        return removed


async def file_receipts(database: Database) -> int:
    """Write what ingest let go of into the audit; how many receipts were new."""
    async with database.transaction() as connection:
        receipts = await act(connection, "receipts_open")
        for receipt in receipts:
            await _file(connection, receipt)
        return len(receipts)


async def _file(connection: Connection, receipt: Row) -> None:
    details = {
        "before": receipt["before"].isoformat(),
        "removed": receipt["removed"],
        "parts": receipt["parts"],
        "at": receipt["at"].isoformat(),
    }
    seq = await record(connection, SYSTEM, PURGED, f"retention/{receipt['kind']}", details)
    await act(connection, "receipt_filed", {"id": receipt["id"], "seq": seq})
