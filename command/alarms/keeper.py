"""Keeps alarms: raises and bundles them from the events in the database, escalates, closes what is over.

Asking the database, not MQTT, loses nothing while this server is away.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import msgspec

from citybrain.config import Settings
from citybrain.fields import LonLat
from command.alarms.bundle import Event, Standing, joined, key_of
from command.alarms.models import AlarmView
from command.database import Database, Row, act
from command.districts import Districts
from command.trust.accounts import Connection
from command.webhooks.queue import queue

OVERLAP = timedelta(seconds=10)
"""Rows become visible when their transaction ends, a little after their `stored_at`."""


class AlarmKeeper:
    """The alarms of one site; `place` says where an event without a position lies."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        districts: Districts,
        place: Callable[[str | None, str | None], LonLat | None],
    ) -> None:
        self._database = database
        self._districts = districts
        self._place = place
        self._bundle = timedelta(minutes=settings.alarms.bundle_minutes)
        self._escalate = timedelta(minutes=settings.alarms.escalate_minutes)
        self._flood = settings.alarms.flood_per_minute
        self._since: datetime | None = None

    async def gather(self) -> list[AlarmView]:
        """Take in the events since the last call; the alarms that changed."""
        changed: set[UUID] = set()
        async with self._database.transaction() as connection:
            await act(connection, "alarm_lock")
            since = self._since - OVERLAP if self._since else None
            rows = await act(connection, "alarm_events", {"since": since})
            if rows:
                (lately,) = await act(connection, "alarm_raised_lately")
                raised = int(lately["number"])
                for row in rows:
                    raised += await self._take(connection, row, changed, is_flood=raised >= self._flood)
        if rows:
            self._since = max(row["stored_at"] for row in rows)
        return await views(self._database, changed)

    async def _take(self, connection: Connection, row: Row, changed: set[UUID], *, is_flood: bool) -> int:
        """Put one event into its alarm; 1 where that is a new one."""
        raised = 0
        alarm: UUID | None = row["alarm"]
        if alarm is None:
            event = Event(row["kind"], row["severity"], row["device"], row["intersection"], row["camera"])
            key = key_of(event, is_flood=is_flood)
            found = await act(connection, "alarm_of_key", {"key": key, "bundle": self._bundle})
            if found:
                alarm = await self._join(connection, found[0], event, row)
            else:
                alarm = await self._raise(connection, key, row)
                raised = 1
        await act(connection, "alarm_event_keep", {**row, "alarm": alarm})
        await act(connection, "alarm_settle", {"id": alarm})
        changed.add(alarm)
        return raised

    async def _join(self, connection: Connection, alarm: Row, event: Event, row: Row) -> UUID:
        before = Standing(alarm["severity"], alarm["state"])
        after = joined(before, event)
        values = {"id": alarm["id"], "severity": after.severity, "state": after.state}
        told = {"start_at": row["start_at"], "detail": row["detail"]}
        await act(connection, "alarm_join", values | told)
        if after != before and after.state == "open":
            what = "reopened" if before.state != "open" else "worse"
            await note(connection, alarm["id"], what)
            await queue(connection, f"alarm.{what}", alarm["districts"], _told(alarm, after.severity))
        id_: UUID = alarm["id"]
        return id_

    async def _raise(self, connection: Connection, key: str, row: Row) -> UUID:
        is_city = key.endswith("/city")
        position = None
        if not is_city:
            position = row["position"] or self._place(row["intersection"], row["camera"])
        districts = sorted(self._districts.of(tuple(position) if position else None))
        alarm = {
            **row,
            "id": uuid4(),
            "key": key,
            "districts": districts,
            "intersection": None if is_city else row["intersection"],
            "camera": None if is_city else row["camera"],
            "lon": position[0] if position else None,
            "lat": position[1] if position else None,
        }
        await act(connection, "alarm_raise", alarm)
        await note(connection, alarm["id"], "raised")
        await queue(connection, "alarm.raised", districts, _told(alarm, row["severity"]))
        id_: UUID = alarm["id"]
        return id_

    async def watch(self) -> list[AlarmView]:
        """Escalate what nobody acknowledges, close what is over; the alarms that changed."""
        async with self._database.transaction() as connection:
            escalated = await act(connection, "alarm_escalate", {"after": self._escalate})
            closed = await act(connection, "alarm_close_ended", {"bundle": self._bundle})
            for row in escalated:
                await note(connection, row["id"], "escalated")
                (alarm,) = await act(connection, "alarm_hold", {"id": row["id"]})
                told = _told(alarm, alarm["severity"]) | {"level": alarm["level"]}
                await queue(connection, "alarm.escalated", alarm["districts"], told)
            for row in closed:
                await note(connection, row["id"], "closed")
        return await views(self._database, {row["id"] for row in [*escalated, *closed]})


async def note(
    connection: Connection, alarm: UUID, what: str, actor: UUID | None = None, text: str = ""
) -> None:
    """Add to an alarm's history."""
    await act(connection, "alarm_entry_add", {"alarm": alarm, "actor": actor, "what": what, "text": text})


async def views(database: Database, ids: Iterable[UUID]) -> list[AlarmView]:
    """These alarms as the API tells them."""
    wanted = list(ids)
    if not wanted:
        return []
    asked = {"ids": wanted, "states": None, "districts": None, "rows": len(wanted)}
    rows = await database.fetch("alarm_list", asked)
    return msgspec.convert(rows, list[AlarmView], strict=False)


def _told(alarm: Row, severity: str) -> dict[str, object]:
    """What a webhook is told: the thing, no person."""
    names = ("kind", "intersection", "camera", "device", "detail")
    return {"alarm": str(alarm["id"]), "severity": severity} | {name: alarm[name] for name in names}
