"""The message contract: every type that travels over MQTT, each field constrained, each type versioned.

A message is one JSON object whose `type` is `<name>/<version>`; only frames are binary (`citybrain.codec`).
Stored messages carry `(device, boot, seq)`: `boot` grows with each start of the device, `seq` counts from 1
within a boot, so that a message sent twice is stored once. SI units are in the names; `at` is an aware
UTC instant on the wall clock.
"""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from citybrain.calibration import Calibration
from citybrain.fields import (
    Boot,
    Count,
    DeviceId,
    Id,
    Indications,
    Instant,
    LaneId,
    LonLat,
    Metres,
    Path,
    PlanSecond,
    PlanVehicles,
    Seconds,
    Seq,
    Share,
    Speed,
    Text,
)


class RoadUser(StrEnum):
    """The classes of road user; nothing else is ever said of a person."""

    PERSON = "person"
    BICYCLE = "bicycle"
    MOTORCYCLE = "motorcycle"
    CAR = "car"
    BUS = "bus"
    TRUCK = "truck"


class Health(StrEnum):
    STARTING = "starting"
    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"
    OFFLINE = "offline"


class Interval(StrEnum):
    """What a signal controller is doing in this second (NTCIP 1202: green, yellow change, red clearance)."""

    GREEN = "green"
    YELLOW = "yellow"
    ALL_RED = "all_red"
    FLASH = "flash"


class ControlMode(StrEnum):
    """Who times the signal: commands from traffic, the controller's own plan, or nobody (flash)."""

    COMMANDED = "commanded"
    LOCAL = "local"
    FLASH = "flash"


class EventKind(StrEnum):
    STOPPED_VEHICLE = "stopped_vehicle"
    WRONG_WAY = "wrong_way"
    PERSON_ON_CARRIAGEWAY = "person_on_carriageway"
    QUEUE_SPILLBACK = "queue_spillback"
    LONG_WAIT = "long_wait"
    CAMERA_BLIND = "camera_blind"
    CAMERA_MOVED = "camera_moved"
    CAMERA_FROZEN = "camera_frozen"
    AGENT_SILENT = "agent_silent"
    CONTROL_LOST = "control_lost"
    CONTROL_RESTORED = "control_restored"
    PRIORITY = "priority"
    """An emergency vehicle asked for green, from the request to its end."""


class EmergencyClass(StrEnum):
    """Who may ask for priority, the first before the others (SAE J2735 BasicVehicleRole in content)."""

    AMBULANCE = "ambulance"
    FIRE = "fire"
    POLICE = "police"


class PriorityState(StrEnum):
    """How a request stands at one intersection, or as a whole (SAE J2735 PrioritizationResponseStatus)."""

    AHEAD = "ahead"
    """Accepted; still further away than the intersection plans."""
    GRANTED = "granted"
    QUEUED = "queued"
    """Served after another vehicle that comes first."""
    LOCKED_OUT = "locked_out"
    """The intersection recovers from the one before."""
    PASSED = "passed"
    SILENT = "silent"
    """No position for too long: it shapes no signal until it speaks again."""
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class OrderKind(StrEnum):
    """What a person wants of a signal for some minutes."""

    HOLD = "hold"
    """One phase, instead of the one that the plan wants."""
    LOCAL = "local"
    """No commands: the controller's own plan."""
    RELEASE = "release"
    """The end of an order before its time."""


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a message."""


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="type"):
    """Any message."""

    at: Instant


class Stored(Message, frozen=True, kw_only=True):
    """A message that `ingest` stores exactly once, known by `(device, boot, seq)`."""

    device: DeviceId
    boot: Boot
    seq: Seq
    is_historical: bool = False


class VehicleObservation(Value, frozen=True):
    """One road user on a lane, as a camera sees it: no identity, only where, how fast, what."""

    distance_m: Metres
    """Along the lane to the stop line."""
    speed_mps: Speed
    road_user: RoadUser = RoadUser.CAR


class LaneReading(Value, frozen=True):
    """One lane over the reporting period."""

    lane: LaneId
    vehicles: Count
    """On the observed stretch at the end of the period."""
    queued: Count
    """Of those, slower than 2 m/s and joined to the queue from the stop line."""
    queue_m: Metres
    mean_speed_mps: Speed | None
    """Space-mean speed; none without vehicles."""
    occupancy: Share
    """Share of the observed stretch covered by vehicles (length over length)."""
    crossed: Count
    """Vehicles that crossed the stop line in the period."""
    stops: Count
    """Vehicles that came to a stand in the period."""
    delay_s: Seconds
    """Vehicle-seconds lost against free flow in the period (HCM 6th ed., control delay by time in queue)."""
    observed: tuple[VehicleObservation, ...] = ()


class LaneMeasurement(Stored, frozen=True, kw_only=True, tag="lane_measurement/1"):
    """All observed lanes of one intersection or one camera, once a period."""

    intersection: Id
    period_s: Seconds
    clock_s: Annotated[float, Meta(ge=0)]
    """The field device's monotonic clock at the end of the period."""
    lanes: Annotated[list[LaneReading], Meta(max_length=500)]
    quality: Share = 1.0


class TurningCount(Stored, frozen=True, kw_only=True, tag="turning_count/1"):
    """Road users counted on one movement (a line and direction, or zone to zone) in a period."""

    camera: Id
    movement: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:>-]{1,128}$")]
    start_at: Instant
    end_at: Instant
    counts: dict[RoadUser, Count]
    quality: Share = 1.0


class CameraCalibration(Message, frozen=True, kw_only=True, tag="camera_calibration/1"):
    """What a camera looks at, as drawn in the command centre; retained, so that who looks there knows it."""

    camera: Id
    calibration: Calibration


class SignalState(Stored, frozen=True, kw_only=True, tag="signal_state/1"):
    """What a signal controller shows now; sent on each change and at least every 10 s."""

    intersection: Id
    clock_s: Annotated[float, Meta(ge=0)]
    indications: Indications
    phase: Annotated[int, Meta(ge=0, le=63)]
    """Index into the intersection's phases: shown, or being cleared towards `next_phase`."""
    next_phase: Annotated[int, Meta(ge=0, le=63)]
    interval: Interval
    elapsed_s: Seconds
    """Since this interval began."""
    min_remaining_s: Seconds
    """Earliest change of the indications."""
    mode: ControlMode
    max_remaining_s: Seconds | None = None
    """Latest change, where the plan bounds it."""
    command_seq: Annotated[int, Meta(ge=0, le=2**53)] = 0
    """The last accepted command; 0 for none."""


class SignalCommand(Stored, frozen=True, kw_only=True, tag="signal_command/1"):
    """An order to show a phase: never retained, worthless after `expires_at`, judged by the edge."""

    intersection: Id
    phase: Annotated[int, Meta(ge=0, le=63)]
    expires_at: Instant
    reason: Text = ""


class CommandAck(Stored, frozen=True, kw_only=True, tag="command_ack/1"):
    """The edge's answer to a command, accepted or refused, with the reason."""

    intersection: Id
    command_device: DeviceId
    command_boot: Boot
    command_seq: Seq
    phase: Annotated[int, Meta(ge=0, le=63)]
    issued_at: Instant
    accepted: bool
    reason: Text = ""


class SensorObservation(Stored, frozen=True, kw_only=True, tag="sensor_observation/1"):
    """One value of one datastream (OGC SensorThings), with its unit in UCUM."""

    datastream: Id
    value: float
    unit: Annotated[str, Meta(min_length=1, max_length=32)]
    position: LonLat | None = None
    quality: Share = 1.0


class TrafficEvent(Stored, frozen=True, kw_only=True, tag="traffic_event/1"):
    """Something that happened on the street or to the system; `event` stays the same from start to end."""

    event: Id
    kind: EventKind
    severity: Severity
    start_at: Instant
    end_at: Instant | None = None
    intersection: Id | None = None
    camera: Id | None = None
    lane: LaneId | None = None
    position: LonLat | None = None
    detail: Text = ""
    evidence: dict[Annotated[str, Meta(max_length=64)], float] = {}
    quality: Share = 1.0


class AgentStatus(Message, frozen=True, kw_only=True, tag="agent_status/1"):
    """Birth, health and last will of an agent or service; retained, latest wins, not numbered."""

    device: DeviceId
    boot: Boot
    health: Health
    version: Annotated[str, Meta(max_length=32)]
    started_at: Instant
    detail: Text = ""
    position: LonLat | None = None
    spooled: Count = 0
    """Messages waiting on the agent's disk."""
    sent: Annotated[int, Meta(ge=0, le=2**53)] = 0
    """The last `seq` given in this boot."""
    figures: dict[Annotated[str, Meta(max_length=64)], float] = {}
    """Further numbers by name, SI units in the names."""


class IngestAck(Message, frozen=True, kw_only=True, tag="ingest_ack/1"):
    """Everything up to `seq` of this device and boot is committed; the edge may delete it."""

    device: DeviceId
    boot: Boot
    seq: Annotated[int, Meta(ge=0, le=2**53)]


class GivenUp(Message, frozen=True, kw_only=True, tag="given_up/1"):
    """The sender's disk gave up its messages `first` to `last` of `boot`: they will never come.

    Not numbered itself; sent again with each resend, until an `ingest_ack` covers `last`. Whatever of the
    span was stored before stays stored.
    """

    device: DeviceId
    boot: Boot
    first: Seq
    last: Seq
    reason: Text = ""


SignalGroup = Annotated[int, Meta(ge=1, le=255)]
"""A controller's number for movements that are always shown the same (a NEMA phase)."""


class Movement(Value, frozen=True):
    """From lane to lane through an intersection; its index is its place in `Indications`."""

    from_lane: LaneId
    to_lane: LaneId
    foes: list[Annotated[int, Meta(ge=0, le=255)]] = []
    """Indices of movements whose paths conflict with this one."""
    yields_to: list[Annotated[int, Meta(ge=0, le=255)]] = []
    """Of those, the ones with right of way over a permissive green of this one."""
    turn: Annotated[str, Meta(pattern=r"^(through|left|right|u_turn|pedestrian)$")] = "through"
    length_m: Metres = 0.0
    """Of the path inside the intersection."""
    yellow_s: Seconds = 3.0
    """Yellow change interval by the approach speed (ITE kinematic equation)."""


class Phase(Value, frozen=True):
    """A set of movements that are green together."""

    indications: Indications
    min_green_s: Seconds
    max_green_s: Seconds
    local_green_s: Seconds
    """Its split in the controller's own fixed-time plan."""
    groups: list[SignalGroup] = []
    """The signal groups it shows; needed where the controller has rings."""


class Ring(Value, frozen=True):
    """One ring of a controller (NEMA TS 2): signal groups that are served one after the other."""

    sides: Annotated[list[list[SignalGroup]], Meta(min_length=1, max_length=8)]
    """The groups between each two barriers, in their order; every ring has as many sides."""


class Feeder(Value, frozen=True):
    """An exit lane of a signal upstream whose vehicles come to an approach lane without meeting another."""

    lane: LaneId
    """`to_lane` of the movements that feed it."""
    distance_m: Metres
    """From the beginning of that lane to the stop line."""
    """Its split in the controller's own fixed-time plan, where that is not coordinated."""


class PlanStage(Value, frozen=True):
    """One green of a coordinated plan."""

    phase: Annotated[int, Meta(ge=0, le=63)]
    start_s: Seconds
    """In the cycle."""
    green_s: Seconds


class LocalPlan(Value, frozen=True):
    """A controller's own fixed-time plan in step with its neighbours: it begins at `offset_s` in each cycle.

    Cycles are counted from 0 on the field's clock, which all controllers of a corridor must share.
    """

    cycle_s: Annotated[float, Meta(gt=0, le=600)]
    offset_s: Seconds
    stages: Annotated[list[PlanStage], Meta(min_length=1, max_length=64)]
    """In order of `start_s`; between two lies the change."""


class ApproachLane(Value, frozen=True):
    lane: LaneId
    length_m: Metres
    speed_limit_mps: Speed
    path: Path
    feeders: list[Feeder] = []


class IntersectionConfig(Stored, frozen=True, kw_only=True, tag="intersection_config/1"):
    """What a signal controller knows of itself (SAE J2735 MAP in content); retained."""

    intersection: Id
    name: Text = ""
    position: LonLat
    lanes: Annotated[list[ApproachLane], Meta(max_length=500)]
    movements: Annotated[list[Movement], Meta(min_length=1, max_length=256)]
    phases: Annotated[list[Phase], Meta(min_length=1, max_length=64)]
    all_red_s: Seconds
    downstream: dict[LaneId, Metres] = {}
    """Storage length of each exit lane."""
    has_yellow_traps: bool = False
    """Whether a permissive green may end while what it yields to keeps its green; for comparisons only."""
    rings: Annotated[list[Ring], Meta(max_length=8)] = []
    """Ring-and-barrier order; empty where any phase may follow any other."""
    crossing_recall_s: Annotated[float, Meta(ge=10, le=600)] = 90.0
    """A crossing is served again at the latest so long after its walk (pedestrian recall)."""
    local_plan: LocalPlan | None = None
    """Where there is none, phases follow each other for `local_green_s` each, out of step with neighbours."""


class RoadSegment(Value, frozen=True):
    """One lane of the road network, for maps and routing."""

    lane: LaneId
    path: Path
    speed_limit_mps: Speed
    width_m: Annotated[float, Meta(gt=0, le=50)]
    name: Text = ""
    to_intersection: Id | None = None


class RoadNetwork(Stored, frozen=True, kw_only=True, tag="road_network/1"):
    """Part of a site's road network; the parts of one `version` belong together; retained."""

    version: Id
    part: Annotated[int, Meta(ge=1, le=10_000)]
    parts: Annotated[int, Meta(ge=1, le=10_000)]
    segments: Annotated[list[RoadSegment], Meta(max_length=2_000)]


class PriorityLeg(Value, frozen=True):
    """One signalled intersection on the path of a vehicle with priority."""

    intersection: Id
    movements: Annotated[list[Annotated[int, Meta(ge=0, le=255)]], Meta(min_length=1, max_length=64)]
    """Of the intersection's configuration: those that lead on along the path, one for each lane."""
    distance_m: Metres
    """Along the path from its start to the stop line."""
    free_s: Seconds
    """The same on a free road with green signals."""


class PriorityRequest(Message, frozen=True, kw_only=True, tag="priority_request/1"):
    """A vehicle asks for a green wave along a path; sent again it replaces what the same `request` said."""

    request: Id
    """Drawn at random for this trip; says nothing of the vehicle or its crew."""
    emergency: EmergencyClass
    path: Annotated[list[PriorityLeg], Meta(min_length=1, max_length=500)]
    expires_at: Instant


class PriorityPosition(Message, frozen=True, kw_only=True, tag="priority_position/1"):
    """Where a vehicle with priority is on its path, once a second; never stored."""

    request: Id
    travelled_m: Metres
    """Along the path from its start."""
    speed_mps: Speed
    lane: LaneId | None = None
    """Where it is on the approach lane of an intersection and knows which."""


class PriorityCancel(Message, frozen=True, kw_only=True, tag="priority_cancel/1"):
    """The vehicle needs its green wave no more."""

    request: Id
    reason: Text = ""


class PriorityProgress(Value, frozen=True):
    """How a request stands at one intersection."""

    intersection: Id
    state: PriorityState
    eta_s: Seconds | None = None
    """Seconds after the message's `at`, where it is still to come."""


class PriorityStatus(Message, frozen=True, kw_only=True, tag="priority_status/1"):
    """What one region makes of a request, on each change and every few seconds (SAE J2735 SSM in content)."""

    request: Id
    device: DeviceId
    state: PriorityState
    legs: Annotated[list[PriorityProgress], Meta(max_length=500)]
    """The intersections of its path that this region plans."""


class MovementFlow(Value, frozen=True):
    """What one movement has let through in the last second and will let through; expected, so fractions."""

    movement: Annotated[int, Meta(ge=0, lt=500)]
    crossed: Annotated[float, Meta(ge=0, le=100)]
    plan: Annotated[list[tuple[PlanSecond, PlanVehicles]], Meta(max_length=600)]
    """(seconds after the message's `at`, vehicles); empty also where nothing was planned anew."""


class LaneFlow(Value, frozen=True):
    """How full an approach lane is, and how busy of late."""

    lane: LaneId
    vehicles: Count
    rate_vps: Annotated[float, Meta(ge=0, le=10)]
    """Vehicles that cross the stop line per second, over the last minutes."""


class Outflow(Message, frozen=True, kw_only=True, tag="outflow/1"):
    """What a region tells other regions of an intersection on its border, once a second; never stored."""

    device: DeviceId
    intersection: Id
    is_planned: bool
    """Whether `plan` is new; where it is not, the last one still holds."""
    movements: Annotated[list[MovementFlow], Meta(max_length=500)]
    """Those that let through or will; in numbers of the intersection's configuration."""
    lanes: Annotated[list[LaneFlow], Meta(max_length=200)]


class SignalOrder(Message, frozen=True, kw_only=True, tag="signal_order/1"):
    """What a person of the command centre wants of a signal; sent again while it lasts, never stored here.

    It changes what is asked for, never what is allowed: rules and the edge judge the command that comes of
    it. Who ordered and why stays in the command centre, under the id of the order.
    """

    intersection: Id
    order: Id
    kind: OrderKind
    phase: Annotated[int, Meta(ge=0, le=63)] = 0
    """That a hold wants."""
    starts_at: Instant
    expires_at: Instant
    """At most `citybrain.orders.MOST_S` after its start; it ends by itself then."""


class Binding(StrEnum):
    """What decides at a signal in this second."""

    PLAN = "plan"
    """The cheapest plan that was found."""
    MINIMUM_GREEN = "minimum_green"
    CLEARANCE = "clearance"
    """Yellow, all-red or a crossing's clearance is under way."""
    PRIORITY = "priority"
    """The plan, in which a vehicle with priority weighs most."""
    RULES = "rules"
    """The plan was overruled: maximum red or green, or a crossing's recall."""
    ORDER = "order"
    """A person of the command centre holds a phase, or has given the signal to its own plan."""


class PlannedPhase(Value, frozen=True):
    """A phase of the plan that is being carried out."""

    phase: Annotated[int, Meta(ge=0, le=63)]
    in_s: Seconds
    """Until the change to it begins; 0 for the one that is wanted now."""


class LaneOutlook(Value, frozen=True):
    """What waits on an approach lane, and when the plan has let it go."""

    lane: LaneId
    queued: Annotated[float, Meta(ge=0, le=10_000)]
    """Vehicles; a fraction where nobody looks and it is reckoned."""
    clears_s: Seconds | None
    """Until the queue of now is gone; none where the plan does not reach so far."""


class SignalReasons(Message, frozen=True, kw_only=True, tag="signal_reasons/1"):
    """Why a region wants a phase now and what it means to do next; about every 2 s, never stored."""

    device: DeviceId
    intersection: Id
    phase: Annotated[int, Meta(ge=0, le=63)]
    binding: Binding
    detail: Text = ""
    """In the words of the command's reason."""
    plan: Annotated[list[PlannedPhase], Meta(max_length=16)]
    """The wanted phase and those that follow it, as far as is planned."""
    lanes: Annotated[list[LaneOutlook], Meta(max_length=500)]


class Box(Value, frozen=True):
    """A detection or track in one picture; x, y, width and height as shares of the picture."""

    x: Share
    y: Share
    width: Share
    height: Share
    road_user: RoadUser
    confidence: Share
    track: Annotated[int, Meta(ge=0)] = 0
    """Numbered anew by each run of a tracker; no identity; 0 while untracked."""


class FrameMeta(Message, frozen=True, kw_only=True, tag="frame/1"):
    """What travels in front of a JPEG picture. Frames are QoS 0, never stored."""

    camera: Id
    boot: Boot
    frame: Annotated[int, Meta(ge=1)]
    """Counts captured frames, also those that the motion gate or a full queue dropped."""
    width: Annotated[int, Meta(ge=1, le=16_384)]
    height: Annotated[int, Meta(ge=1, le=16_384)]
    media_s: Annotated[float, Meta(ge=0)] = 0.0
    """Position in the source's own time, where it has one."""
    motion: Share = 1.0
    """Share of the picture that moved."""
    dropped: Annotated[int, Meta(ge=0)] = 0
    """Frames dropped before this one since the boot."""
    boxes: tuple[Box, ...] = ()
    """What was found: by the camera's own detector, if it has one, or by `vision` in what it publishes."""


StoredMessage = (
    LaneMeasurement
    | TurningCount
    | SignalState
    | SignalCommand
    | CommandAck
    | SensorObservation
    | TrafficEvent
    | IntersectionConfig
    | RoadNetwork
)
PriorityMessage = PriorityRequest | PriorityPosition | PriorityCancel | PriorityStatus
AnyMessage = (
    StoredMessage
    | PriorityMessage
    | Outflow
    | SignalReasons
    | SignalOrder
    | AgentStatus
    | IngestAck
    | GivenUp
    | CameraCalibration
)
MESSAGE_TYPES: tuple[type[Message], ...] = (
    LaneMeasurement, TurningCount, SignalState, SignalCommand, CommandAck, SensorObservation,
    TrafficEvent, IntersectionConfig, RoadNetwork, PriorityRequest, PriorityPosition,
    PriorityCancel, PriorityStatus, Outflow, SignalReasons, SignalOrder, AgentStatus, IngestAck, GivenUp,
    CameraCalibration, FrameMeta,
)  # fmt: skip
