"""Looks at live video: somebody says once why, it is recorded for every camera, then the pictures flow."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID, uuid4

from msgspec import Meta

from command import access
from command.access import Purpose
from command.database import Database
from command.models import View
from command.pictures import Picture, PictureBoard
from command.principal import Principal

LASTS = timedelta(minutes=15)
"""After this whoever looks says again why."""
MOST_CAMERAS = 36
MOST_HELD = 1_000

CameraName = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
Reference = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._/:-]+$")]
Reason = Annotated[str, Meta(min_length=3, max_length=200, pattern=r"^[^\x00]*$")]


class LookBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why, and at what; an event or a case is named, anything else is put in words."""

    cameras: Annotated[list[CameraName], Meta(min_length=1, max_length=MOST_CAMERAS)]
    purpose: Purpose
    reason: Reason | None = None
    event: Annotated[Reference | None, Meta(description="the event's or alarm's id")] = None
    case: Reference | None = None

    def fault(self) -> str | None:
        """The field that the purpose needs and that is not there."""
        needed = {Purpose.EVENT: "event", Purpose.CASE: "case"}.get(self.purpose, "reason")
        return needed if getattr(self, needed) is None else None


class LookView(View, frozen=True, kw_only=True):
    look: UUID
    cameras: Sequence[str]
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """A look that was recorded; `key`: the session or token that it belongs to."""

    id: UUID
    key: bytes
    cameras: Sequence[str]
    ends_at: datetime


class Looks:
    """The looks that last. For one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: dict[UUID, Look] = {}

    async def begin(self, principal: Principal, key: bytes, body: LookBody) -> Look:
        """Write a record for each camera; Unavailable where that fails: then nothing is shown."""
        cameras = list(dict.fromkeys(body.cameras))
        async with self._database.transaction() as connection:
            for camera in cameras:
                view = access.View(
                    principal, key, camera, body.purpose, body.case, body.event, body.reason or ""
                )
                await access.write(connection, view)
        now = datetime.now(UTC)
        self._held = {id_: look for id_, look in self._held.items() if look.ends_at > now}
        if len(self._held) >= MOST_HELD:
            self._held.pop(next(iter(self._held)))
        look = Look(uuid4(), key, cameras, now + LASTS)
        self._held[look.id] = look
        return look

    def find(self, id_: UUID, key: bytes) -> Look | None:
        """A look that lasts and was begun by the same session or token."""
        look = self._held.get(id_)
        return look if look and look.key == key and look.ends_at > datetime.now(UTC) else None


async def pictures(board: PictureBoard, look: Look, rate_hz: float) -> AsyncIterator[Sequence[Picture]]:
    """New pictures of all cameras of a look until it ends; a slow reader skips pictures."""
    numbers = dict.fromkeys(look.cameras, 0)
    while (left_s := (look.ends_at - datetime.now(UTC)).total_seconds()) > 0:
        try:
            found = await asyncio.wait_for(board.newer(numbers), left_s)
        except TimeoutError:
            return
        if not found:
            return
        numbers |= {picture.meta.camera: picture.number for picture in found}
        yield found
        await asyncio.sleep(1 / rate_hz)
