"""The quarantine as it lies in the database: shared by all workers, kept over restarts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from citybrain.errors import ConfigError, ContractError
from citybrain.topics import for_device
from ingest.database import Connection
from ingest.guard import Guard
from ingest.queries import load


@dataclass(frozen=True, slots=True)
class Entry:
    """One stay in quarantine."""

    id: int
    device: str
    since: datetime
    reason: str
    turned_away: int
    released_at: datetime | None
    note: str


def sync(connection: Connection, guard: Guard) -> Mapping[str, str]:
    """Write down what a worker's guard noticed, tell it who is in quarantine; returns who is new there."""
    new, turned_away = guard.news()
    queries = load("quarantine")
    try:
        with connection.transaction():
            for device, reason in sorted(new.items()):
                connection.execute(queries["enter"], {"device": device, "reason": reason, "note": ""})
            for device, number in sorted(turned_away.items()):
                connection.execute(queries["count"], {"device": device, "number": number})
            found = active(connection)
    except BaseException:
        guard.unsettled(new, turned_away)
        raise
    guard.settle(found)
    return new


def active(connection: Connection) -> Mapping[str, str]:
    """Devices in quarantine, with the reason of each."""
    rows = connection.execute(load("quarantine")["active"]).fetchall()
    return {str(device): str(reason) for device, reason in rows}


def entries(connection: Connection, *, every: bool = False) -> list[Entry]:
    """Who is in quarantine; with `every` also who was."""
    rows = connection.execute(load("quarantine")["entries"], {"every": every}).fetchall()
    return [Entry(*row) for row in rows]  # type: ignore[arg-type]


def enter(connection: Connection, device: str, reason: str) -> None:
    """Put a device into quarantine by hand; ConfigError for a name that no device can have."""
    try:
        for_device("site", device, "status")
    except ContractError as error:
        raise ConfigError(f"device name: {error.reason}") from error
    connection.execute(load("quarantine")["enter"], {"device": device, "reason": reason, "note": "by hand"})


def release(connection: Connection, device: str, note: str = "") -> None:
    """Let a device in again; ConfigError where it is not in quarantine."""
    rows = connection.execute(load("quarantine")["release"], {"device": device, "note": note}).fetchall()
    if not rows:
        raise ConfigError(f"{device} is not in quarantine: see `citybrain quarantine list`")
