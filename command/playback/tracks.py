"""The tracks of the record: each kind of thing is asked for at a moment, and for its changes in a window.

A new kind (units, cases) is a track here, two queries, and a field of both bodies in `models.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from command.alarms.models import AlarmView
from command.database import Database, Row
from command.models import EventView, LaneNow, SignalNow, View
from command.trust.rights import Action


@dataclass(frozen=True, slots=True)
class Scope:
    """What of the city the asking principal may see; None stands for all."""

    intersections: Sequence[str] | None
    cameras: Sequence[str] | None
    districts: Sequence[str] | None
    actions: frozenset[Action]

    def values(self) -> dict[str, object]:
        return {
            "intersections": self.intersections,
            "cameras": self.cameras,
            "districts": self.districts,
        }


@dataclass(frozen=True, slots=True)
class Window:
    """After `start` until `end`, in steps of which the latest of each thing counts."""

    start: datetime
    end: datetime
    step: timedelta

    def values(self) -> dict[str, object]:
        return {"from": self.start, "to": self.end, "step": self.step}


@dataclass(frozen=True, slots=True)
class Track:
    """A kind of thing that has a record.

    Its queries are `playback_{name}_at` and `playback_{name}_between`.
    """

    name: str
    item: type[View]
    action: Action = Action.SEE_HISTORY

    async def at(self, database: Database, scope: Scope, moment: datetime) -> Sequence[View]:
        """How these things stood at a moment; nothing where the principal lacks the track's right."""
        if self.action not in scope.actions:
            return ()
        rows = await database.fetch(f"playback_{self.name}_at", {**scope.values(), "at": moment})
        return await self.views(database, rows)

    async def between(self, database: Database, scope: Scope, window: Window) -> Sequence[View]:
        """What became of them in a window, by time."""
        if self.action not in scope.actions:
            return ()
        asked = {**scope.values(), **window.values()}
        return await self.views(database, await database.fetch(f"playback_{self.name}_between", asked))

    async def views(self, _database: Database, rows: Sequence[Row]) -> Sequence[View]:
        return msgspec.convert(rows, list[self.item], strict=False)  # type: ignore[name-defined]


class AlarmTrack(Track):
    """Alarms are kept as they are now; how they stood is read from what was done about them."""

    async def views(self, database: Database, rows: Sequence[Row]) -> Sequence[View]:
        """`rows`: alarm (`id`) and moment (`at`)."""
        if not rows:
            return ()
        asked = {"ids": [row["id"] for row in rows], "ats": [row["at"] for row in rows]}
        found = await database.fetch("playback_alarms_as_of", asked)
        return msgspec.convert(found, list[AlarmView], strict=False)


TRACKS: Sequence[Track] = (
    Track("signals", SignalNow),
    Track("lanes", LaneNow),
    Track("events", EventView),
    AlarmTrack("alarms", AlarmView, Action.SEE_ALARMS),
)


async def all_at(database: Database, scope: Scope, moment: datetime) -> Mapping[str, Any]:
    """Every track at a moment, by name."""
    return {track.name: await track.at(database, scope, moment) for track in TRACKS}


async def all_between(database: Database, scope: Scope, window: Window) -> Mapping[str, Any]:
    """Every track's changes in a window, by name."""
    return {track.name: await track.between(database, scope, window) for track in TRACKS}
