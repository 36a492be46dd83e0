"""Access records: who looks at a camera, why, and for which case, written before the first byte flows."""

import time
from dataclasses import dataclass
from enum import StrEnum

from command.database import Database
from command.principal import Principal, record
from command.trust.accounts import Connection

LASTS_S = 300.0
"""So long one record stands for the pictures that follow each other; then the next is written."""
MOST_HELD = 10_000


class Purpose(StrEnum):
    """Why somebody looks at a camera."""

    MONITORING = "monitoring"
    EVENT = "event"
    CASE = "case"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True)
class View:
    """One look: who, by which session or token, at what, why, for which case."""

    principal: Principal
    key: bytes
    camera: str
    purpose: Purpose
    case: str | None = None
    event: str | None = None
    """The event or alarm that it is about."""
    reason: str = ""

    def details(self) -> dict[str, object]:
        """What the audit holds of it."""
        told = {"case": self.case, "event": self.event, "reason": self.reason or None}
        return {"purpose": self.purpose.value, **told}


class Accesses:
    """The looks that were recorded a moment ago. For one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recorded: dict[tuple[object, ...], float] = {}

    async def look(self, view: View) -> None:
        """Write the record, unless one stands; Unavailable where that fails: then nothing is shown."""
        key = (view.key, view.camera, view.purpose, view.case, view.event)
        now_s = time.monotonic()
        if now_s - self._recorded.get(key, -LASTS_S) < LASTS_S:
            return
        async with self._database.transaction() as connection:
            await write(connection, view)
        if len(self._recorded) >= MOST_HELD:
            self._recorded.clear()
        self._recorded[key] = now_s


async def write(connection: Connection, view: View) -> None:
    """The record of one look, inside the caller's transaction."""
    await record(connection, view.principal, "video.viewed", f"camera/{view.camera}", view.details())
