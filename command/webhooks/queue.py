"""Queues what webhooks are told, in the transaction of what it tells of: never of something undone."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from command.database import act
from command.trust.accounts import Connection


async def queue(
    connection: Connection, topic: str, districts: Sequence[str], told: Mapping[str, object]
) -> None:
    """One delivery for each webhook that wants this topic and sees one of these districts."""
    body = {"topic": topic, "at": datetime.now(UTC), **told}
    for row in await act(connection, "webhook_listening", {"topic": topic, "districts": list(districts)}):
        id_ = uuid4()
        text = msgspec.json.encode({"id": str(id_), **body}).decode()
        values = {"id": id_, "webhook": row["id"], "topic": topic, "body": text}
        await act(connection, "webhook_queue", values)
