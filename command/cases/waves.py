"""Green waves for calls of a dispatch system: the way is sought on the network and asked for over MQTT.

`traffic` grants or not, and each signal's agent judges every command as always: a request changes what is
asked for, never what is allowed. Where the vehicle is, is passed on and never stored.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from secrets import token_hex
from typing import Annotated
from uuid import uuid4

import msgspec
from msgspec import Meta

from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import encode
from citybrain.fields import LonLat, Speed
from citybrain.messages import (
    EmergencyClass,
    PriorityCancel,
    PriorityLeg,
    PriorityMessage,
    PriorityPosition,
    PriorityRequest,
)
from command.cases.codes import distance_m
from command.cases.desk import Acting, Desk
from command.cases.models import Place, Said
from command.cases.streets import Way
from command.database import Row
from command.faults import ApiError
from command.models import View

MOST_OFF_M = 150.0
"""Further from its way than this a vehicle has left it: a new way is sought from there."""
WHATS = {PriorityRequest: "request", PriorityPosition: "position", PriorityCancel: "cancel"}


class CallBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    call: Annotated[
        str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="the dispatch's own id")
    ]
    emergency: EmergencyClass
    start: Place
    end: Place
    minutes: Annotated[int, Meta(ge=1, le=120, description="asked for so long at most")] = 30


class VehicleBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    position: Place
    speed_mps: Speed


class EndBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Said = ""


class WaveView(View, frozen=True, kw_only=True):
    call: str
    emergency: EmergencyClass
    opened_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    reason: str
    intersections: Annotated[Sequence[str], Meta(description="signals of the way in order")]
    length_m: float
    free_s: Annotated[float, Meta(description="at the speed limits, with green everywhere")]
    way: Sequence[LonLat]


class Waves:
    """Asks `traffic` for the green waves that are open."""

    def __init__(self, desk: Desk, bus: Bus, site: str) -> None:
        self._desk = desk
        self._bus = bus
        self._site = site

    async def open(self, acting: Acting, body: CallBody) -> Row:
        """A green wave for a call, or the one that it has; ApiError 409 where no way leads there."""
        await acting.act("report_lock", key=f"call/{body.call}")
        if known := await acting.act("wave_find", call=body.call):
            return known[0]
        _covered(acting, body.start)
        way = await self._seek(body.start, body.end)
        (row,) = await acting.act(
            "wave_add", id=uuid4(), call=body.call, emergency=body.emergency.value,
            opened_by=acting.principal.id,
            expires_at=acting.now + timedelta(minutes=body.minutes), request=f"cad-{token_hex(8)}",
            path=_text(way.legs), way=_text(_drawn(way)),
        )  # fmt: skip
        acting.audit(
            "green_wave.opened", f"call/{body.call}", emergency=body.emergency.value,
            intersections=[leg.intersection for leg in way.legs],
        )  # fmt: skip
        return row

    async def move(self, acting: Acting, call: str, body: VehicleBody) -> Row:
        """Where the vehicle is; off its way, another one is sought and asked for."""
        row = await self.held(acting, call)
        if row["ended_at"] is not None:
            raise ApiError(409, "this call's green wave is over")
        points = [(x, y) for x, y in row["way"]["points"]]
        off_m, along_m = along(points, body.position)
        if off_m > MOST_OFF_M:
            way = await self._seek(body.position, points[-1])
            (row,) = await acting.act("wave_turn", id=row["id"], path=_text(way.legs), way=_text(_drawn(way)))
            acting.audit(
                "green_wave.turned", f"call/{call}", intersections=[leg.intersection for leg in way.legs]
            )
            along_m = 0.0
            self.ask(row)
        position = PriorityPosition(
            at=datetime.now(UTC), request=row["request"], travelled_m=along_m, speed_mps=body.speed_mps
        )
        self._say(position, 0)
        return row

    async def end(self, acting: Acting, call: str, reason: str) -> Row:
        """The vehicle is there, or needs it no more."""
        row = await self.held(acting, call)
        if row["ended_at"] is None:
            await acting.act("wave_end", id=row["id"], reason=reason)
            acting.audit("green_wave.ended", f"call/{call}", reason=reason)
            row = await self.held(acting, call)
        return row

    async def held(self, acting: Acting, call: str) -> Row:
        """One's own call; ApiError 404."""
        found = await acting.act("wave_find", call=call)
        if not found or found[0]["opened_by"] != acting.principal.id:
            raise ApiError(404, "there is no such call", "call")
        return found[0]

    async def repeat(self) -> None:
        """Ask again for all that last, so that a region that has just started knows them; end those over."""
        rows = await self._desk.database.fetch("waves_open")
        for row in rows:
            if row["expires_at"] > datetime.now(UTC):
                self.ask(row)
                continue
            async with self._desk.acting() as acting:
                await acting.act("wave_end", id=row["id"], reason="expired")
                acting.audit("green_wave.ended", f"call/{row['call']}", reason="expired")
            self.cancel(row, "expired")

    def ask(self, row: Row) -> None:
        path = msgspec.convert(row["path"], list[PriorityLeg])
        request = PriorityRequest(
            at=datetime.now(UTC), request=row["request"], emergency=EmergencyClass(row["emergency"]),
            path=path, expires_at=row["expires_at"],
        )  # fmt: skip
        self._say(request, 1)

    def cancel(self, row: Row, reason: str) -> None:
        self._say(PriorityCancel(at=datetime.now(UTC), request=row["request"], reason=reason[:500]), 1)

    async def _seek(self, start: LonLat, end: LonLat) -> Way:
        way = (await self._desk.streets()).way(start, end)
        if way is None:
            raise ApiError(409, "no way leads there on the road network that is known")
        if not way.legs:
            raise ApiError(409, "there is no signal on the way: no green wave is needed")
        return way

    def _say(self, message: PriorityMessage, qos: int) -> None:
        topic = topics.build(self._site, "priority", message.request, WHATS[type(message)])
        self._bus.publish_now(topic, encode(message), qos)


def along(points: Sequence[LonLat], place: LonLat) -> tuple[float, float]:
    """How far off a way a place is, and how far along it the nearest point: metres both."""
    best, total = (distance_m(points[0], place), 0.0), 0.0
    for a, b in pairwise(points):
        length = distance_m(a, b)
        share = _share(a, b, place)
        spot = (a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]))
        best = min(best, (distance_m(spot, place), total + share * length))
        total += length
    return best


def _share(a: LonLat, b: LonLat, place: LonLat) -> float:
    """Where between a and b the foot of the place lies, by distances alone."""
    ab, ap, bp = distance_m(a, b), distance_m(a, place), distance_m(b, place)
    return min(1.0, max(0.0, (ab * ab + ap * ap - bp * bp) / (2 * ab * ab))) if ab > 0 else 0.0


def _covered(acting: Acting, place: LonLat) -> None:
    districts = acting.principal.districts
    if districts and districts.isdisjoint(acting.desk.districts_of(place)):
        raise ApiError(404, "start: it lies outside your districts", "start")


def _drawn(way: Way) -> dict[str, object]:
    return {"points": way.points, "length_m": round(way.length_m, 1), "free_s": round(way.free_s, 1)}


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def view(row: Row) -> WaveView:
    names = ("call", "opened_at", "expires_at", "ended_at", "reason")
    return WaveView(
        **{name: row[name] for name in names},
        emergency=EmergencyClass(row["emergency"]),
        intersections=[leg["intersection"] for leg in row["path"]],
        length_m=row["way"]["length_m"],
        free_s=row["way"]["free_s"],
        way=[(x, y) for x, y in row["way"]["points"]],
    )
