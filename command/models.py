"""What the API answers: one msgspec type per body, encoded as it stands and described in OpenAPI.

Times are UTC instants, positions longitude then latitude, units in the names.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from citybrain.fields import LonLat

Channel = Literal["signals", "lanes", "events", "agents", "cameras", "kpis", "pictures", "alarms", "cases"]
Bucket = Literal["raw", "1min", "15min", "1h", "1day"]
AgentHealth = Literal["starting", "ok", "degraded", "failed", "offline", "silent"]


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A body, or a part of one."""


class Fault(View, frozen=True, kw_only=True):
    code: Annotated[str, Meta(description="for programs: not_found, invalid, unavailable, ...")]
    field: Annotated[str | None, Meta(description="the parameter or body field that is wrong")] = None
    message: Annotated[str, Meta(description="for people: what is wrong and what to do")]


class ErrorBody(View, frozen=True, kw_only=True):
    """Every answer that is not a success."""

    error: Fault


class SiteView(View, frozen=True, kw_only=True):
    site: str
    center: Annotated[LonLat | None, Meta(description="none until an intersection or the network is known")]
    bounds: Annotated[tuple[LonLat, LonLat] | None, Meta(description="south-west, north-east")]
    version: str
    speed: Annotated[float, Meta(description="street seconds per wall second; 1 on a real street")]


class SignalNow(View, frozen=True, kw_only=True):
    intersection: str
    position: LonLat | None
    at: Annotated[datetime, Meta(description="when the controller showed it")]
    indications: Annotated[str, Meta(description="one character a movement: G g y r o O")]
    phase: int
    next_phase: int
    interval: Literal["green", "yellow", "all_red", "flash"]
    elapsed_s: float
    min_remaining_s: float
    max_remaining_s: float | None
    mode: Literal["commanded", "local", "flash"]
    command_seq: Annotated[int, Meta(description="the last accepted command; 0 for none")]


class SignalList(View, frozen=True, kw_only=True):
    items: Sequence[SignalNow]


class IntersectionView(View, frozen=True, kw_only=True):
    intersection: str
    name: str
    position: LonLat
    lanes: Annotated[Sequence[str], Meta(description="observed approach lanes")]
    phases: Annotated[int, Meta(description="number of phases")]
    state: SignalNow | None


class IntersectionList(View, frozen=True, kw_only=True):
    items: Sequence[IntersectionView]


class MovementView(View, frozen=True, kw_only=True):
    index: Annotated[int, Meta(description="place in `indications`")]
    from_lane: str
    to_lane: str
    turn: str
    path: Annotated[
        Sequence[LonLat],
        Meta(description="from stop line to exit, drawn as a smooth curve; empty until the network is known"),
    ]


class PhaseView(View, frozen=True, kw_only=True):
    index: int
    indications: str
    min_green_s: float
    max_green_s: float
    local_green_s: float


class ApproachView(View, frozen=True, kw_only=True):
    lane: str
    length_m: float
    speed_limit_mps: float
    path: Sequence[LonLat]


class IntersectionDetail(View, frozen=True, kw_only=True):
    intersection: str
    name: str
    position: LonLat
    at: datetime
    all_red_s: float
    lanes: Sequence[ApproachView]
    movements: Sequence[MovementView]
    phases: Sequence[PhaseView]
    state: SignalNow | None


class PlannedView(View, frozen=True, kw_only=True):
    phase: Annotated[int, Meta(description="place in the intersection's `phases`")]
    in_s: Annotated[float, Meta(description="street seconds from `at` until the change to it begins")]


class OutlookView(View, frozen=True, kw_only=True):
    lane: str
    queued: Annotated[float, Meta(description="vehicles; a fraction where nobody looks and it is reckoned")]
    clears_s: Annotated[
        float | None,
        Meta(description="street seconds from `at` until this queue is gone; null beyond what is planned"),
    ]


class ReasonsView(View, frozen=True, kw_only=True):
    """Why the optimiser wants a phase, and what it means to do next."""

    intersection: str
    at: datetime
    phase: int
    binding: Literal["plan", "minimum_green", "clearance", "priority", "rules", "order"]
    detail: Annotated[str, Meta(description="in the words of the command's reason")]
    plan: Sequence[PlannedView]
    lanes: Sequence[OutlookView]


class ReasonsNow(View, frozen=True, kw_only=True):
    reasons: Annotated[
        ReasonsView | None,
        Meta(description="null where nobody commands the signal, or has spoken of it of late"),
    ]


class LaneNow(View, frozen=True, kw_only=True):
    lane: str
    intersection: str
    at: datetime
    vehicles: int
    queued: int
    queue_m: float
    mean_speed_mps: float | None
    occupancy: float
    crossed: Annotated[int, Meta(description="over the stop line in the last period")]
    speed_limit_mps: float | None


class LaneList(View, frozen=True, kw_only=True):
    items: Sequence[LaneNow]


class CameraNow(View, frozen=True, kw_only=True):
    camera: str
    position: LonLat | None
    health: AgentHealth
    at: Annotated[datetime | None, Meta(description="of the agent's last status")]
    fps: Annotated[float | None, Meta(description="pictures a second that arrive here")]
    width: int | None
    height: int | None
    counts: Annotated[dict[str, dict[str, int]], Meta(description="today (UTC): movement, road user, number")]
    picture_at: Annotated[datetime | None, Meta(description="when the latest picture was captured")]


class CameraList(View, frozen=True, kw_only=True):
    items: Sequence[CameraNow]


class PictureView(View, frozen=True, kw_only=True):
    camera: str
    at: datetime


class PictureList(View, frozen=True, kw_only=True):
    items: Sequence[PictureView]


class AgentView(View, frozen=True, kw_only=True):
    device: str
    kind: str
    health: Annotated[AgentHealth, Meta(description="silent: no heartbeat for 30 s")]
    at: datetime
    started_at: datetime
    version: str
    detail: str
    spooled: int
    sent: int
    position: LonLat | None
    figures: dict[str, float]


class AgentList(View, frozen=True, kw_only=True):
    items: Sequence[AgentView]


class EventView(View, frozen=True, kw_only=True):
    event: str
    kind: str
    severity: Literal["info", "warning", "critical"]
    at: Annotated[datetime, Meta(description="of the last message about it")]
    start_at: datetime
    end_at: Annotated[datetime | None, Meta(description="none while it lasts")]
    device: str
    intersection: str | None
    camera: str | None
    lane: str | None
    position: LonLat | None
    detail: str
    evidence: dict[str, float]
    quality: float


class EventList(View, frozen=True, kw_only=True):
    items: Sequence[EventView]


class EventPage(View, frozen=True, kw_only=True):
    items: Sequence[EventView]
    next: Annotated[str | None, Meta(description="`cursor` of the next page; none at the end")]


class Kpis(View, frozen=True, kw_only=True):
    at: datetime
    vehicles: Annotated[int, Meta(description="on observed lanes now")]
    mean_delay_s: Annotated[float | None, Meta(description="per crossed vehicle, last 5 min")]
    stops_per_vehicle: Annotated[float | None, Meta(description="per crossed vehicle, last 5 min")]
    throughput_veh_h: Annotated[
        float | None, Meta(description="vehicles over all stop lines per hour of street time, last 5 min")
    ]
    stored_per_s: Annotated[float | None, Meta(description="messages committed a second")]
    latency_stored_p50_s: Annotated[float | None, Meta(description="capture to committed")]
    latency_stored_p99_s: float | None
    latency_map_p50_s: Annotated[float | None, Meta(description="capture to drawn, told by browsers")]
    latency_map_p99_s: float | None
    intersections: int
    commanded: Annotated[int, Meta(description="intersections that follow commands now")]
    silent_agents: Annotated[int, Meta(description="agents that fell silent or went offline")]


class Balance(View, frozen=True, kw_only=True):
    device: str
    numbered: Annotated[int, Meta(description="messages that it numbered in its present boot")]
    committed: Annotated[int, Meta(description="of these: stored")]
    dead_lettered: Annotated[int, Meta(description="of these: refused and kept as dead letters")]
    given_up: Annotated[int, Meta(description="of these: dropped by its own disk, and told so")]
    spooled: Annotated[int, Meta(description="of these: still on its own disk")]
    open: Annotated[int, Meta(description="numbered less all of the above: on its way, or lost if it stays")]
    duplicates: Annotated[int, Meta(description="came again after they were settled")]


class BalanceList(View, frozen=True, kw_only=True):
    items: list[Balance]


class Checks(View, frozen=True, kw_only=True):
    broker: str
    database: str
    web: str


class HealthView(View, frozen=True, kw_only=True):
    status: Literal["ok", "degraded"]
    checks: Annotated[Checks, Meta(description="`ok`, or what is wrong")]


class GeoLine(View, frozen=True, kw_only=True):
    coordinates: Sequence[LonLat]
    type: Literal["LineString"] = "LineString"


class LaneProperties(View, frozen=True, kw_only=True):
    lane: str
    name: str
    speed_limit_mps: float
    width_m: float
    intersection: Annotated[str | None, Meta(description="whose observed approach it is")]


class LaneFeature(View, frozen=True, kw_only=True):
    geometry: GeoLine
    properties: LaneProperties
    type: Literal["Feature"] = "Feature"


class NetworkView(View, frozen=True, kw_only=True):
    """GeoJSON (RFC 7946) of all lanes."""

    features: Sequence[LaneFeature]
    type: Literal["FeatureCollection"] = "FeatureCollection"


class Samples(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Capture-to-map latencies that a browser measured; nothing else is said of it."""

    samples_s: Annotated[list[Annotated[float, Meta(ge=0, le=3600)]], Meta(max_length=500)]
