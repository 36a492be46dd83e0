"""What the API answers and takes about cases."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from citybrain.fields import Instant, Latitude, Longitude, LonLat
from command.cases.classes import Severity
from command.cases.clocks import Clock
from command.cases.stages import Stage
from command.models import View

# PostgreSQL's text cannot hold NUL.
Said = Annotated[str, Meta(max_length=2000, pattern=r"^[^\x00]*$")]
Reason = Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")]
Short = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*$")]
ClassCode = Annotated[str, Meta(pattern=r"^[ce][0-9]{5}$")]
ComponentCode = Annotated[str, Meta(pattern=r"^[0-9]{16}$")]
Source = Literal["camera", "worker", "citizen", "open311", "sensor", "operator"]
TaskKind = Literal["check", "verify", "handle"]
TaskState = Literal["offered", "accepted", "refused", "done", "withdrawn"]
Appeal = Literal["none", "asked", "granted", "refused"]
AttachmentKind = Literal["report", "before", "after", "voice"]
MediaType = Literal["image/jpeg", "image/png", "audio/webm", "audio/ogg", "audio/mp4", "audio/mpeg"]
Place = tuple[Longitude, Latitude]
PLAIN = {"class_": "class"}


class CasePin(View, frozen=True, kw_only=True, rename=PLAIN):
    """A case on the map and in lists; the channel `cases` of the stream tells these."""

    id: UUID
    number: str
    is_demonstration: bool
    class_: Annotated[str, Meta(description="code of its class")]
    source: Source
    stage: Stage
    severity: Severity
    position: LonLat
    cell: str | None
    districts: Sequence[str]
    department: str | None
    created_at: datetime
    changed_at: datetime
    due_at: Annotated[datetime | None, Meta(description="end of its time limit; none before filing")]
    left_s: Annotated[
        float | None,
        Meta(description="seconds of its clock until then, below 0 when overdue; none: no clock runs"),
    ]
    clock: Clock
    suspended: bool
    overdue: Annotated[bool, Meta(description="it was or is overdue; an appeal does not change that")]
    reports: Annotated[int, Meta(description="how often it was reported")]
    alarm: Annotated[UUID | None, Meta(description="the alarm that it was made from")]


class CaseView(CasePin, frozen=True, kw_only=True):
    text: str
    address: str
    component: str | None
    merged_into: UUID | None
    checked: Annotated[bool | None, Meta(description="what the check before filing found")]
    acceptor: Annotated[str | None, Meta(description="who alone closes it")]
    handler: str | None
    verified_by: str | None
    filed_at: datetime | None
    dispatched_at: datetime | None
    handling_at: datetime | None
    feedback_at: datetime | None
    verified_at: datetime | None
    closed_at: datetime | None
    limit_s: int
    suspensions: int
    extensions: int
    returns: int
    round: Annotated[int, Meta(description="1; one more each time it was reopened")]
    appeal: Appeal
    level: Annotated[int, Meta(description="how often it was escalated")]
    rating: int | None
    reopen_until: Annotated[datetime | None, Meta(description="until then its reporter may reopen it")]


class CaseList(View, frozen=True, kw_only=True):
    items: Sequence[CasePin]
    next: Annotated[str | None, Meta(description="`cursor` of the next page; none at the end")]


class CaseEntry(View, frozen=True, kw_only=True):
    id: int
    at: datetime
    actor: Annotated[str | None, Meta(description="none: the system, or somebody without an account")]
    what: str
    text: str


class ReportView(View, frozen=True, kw_only=True):
    at: datetime
    source: Source
    text: str
    by_account: bool


class TaskView(View, frozen=True, kw_only=True, rename=PLAIN):
    id: UUID
    case: UUID
    number: str
    class_: str
    kind: TaskKind
    state: TaskState
    severity: Severity
    position: LonLat
    address: str
    text: str
    worker: str
    must_accept: Annotated[bool, Meta(description="high severity: it cannot be refused")]
    offered_at: datetime
    due_at: datetime | None
    left_s: float | None
    answered_at: datetime | None
    on_scene_at: datetime | None
    done_at: datetime | None
    check_in_at: Annotated[datetime | None, Meta(description="check in by then")]
    answer: Annotated[bool | None, Meta(description="found, done; or not")]
    reason: str
    why: Annotated[str, Meta(description="why this worker")]
    condition: Annotated[str, Meta(description="what must hold: filing or closing condition of the class")]


class TaskList(View, frozen=True, kw_only=True):
    items: Sequence[TaskView]


class AttachmentView(View, frozen=True, kw_only=True):
    id: UUID
    kind: AttachmentKind
    media_type: str
    size: int
    taken_at: Annotated[datetime | None, Meta(description="from its metadata, which is not kept")]
    position: LonLat | None
    created_at: datetime


class DuplicateView(View, frozen=True, kw_only=True):
    case: UUID
    number: str
    stage: Stage
    distance_m: float
    created_at: datetime


class CaseDetail(View, frozen=True, kw_only=True):
    case: CaseView
    entries: Sequence[CaseEntry]
    reports: Sequence[ReportView]
    tasks: Sequence[TaskView]
    attachments: Sequence[AttachmentView]
    duplicates: Annotated[Sequence[DuplicateView], Meta(description="proposed: 50 m, 24 h, same class")]
    deeds: Annotated[
        Sequence[str], Meta(description="what the caller may do with it as it stands now, by route")
    ]


class ReportBody(View, frozen=True, kw_only=True, rename=PLAIN, forbid_unknown_fields=True):
    id: Annotated[UUID, Meta(description="made by the client: one report sent twice is one report")]
    class_: ClassCode
    position: Place
    text: Said = ""
    address: Short = ""
    component: ComponentCode | None = None
    alarm: UUID | None = None
    source: Annotated[
        Literal["operator", "sensor"] | None,
        Meta(description="sensor: a system reports what it measured; none: as the account's role says"),
    ] = None


class FromAlarmBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=PLAIN):
    class_: Annotated[ClassCode | None, Meta(description="none: as the kind of the alarm says")] = None
    text: Said = ""


class NoteBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: Said = ""


class ReasonBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Reason


class RemarkBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: Reason


class MergeBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    into: UUID


class DispatchBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    department: Annotated[Short | None, Meta(description="none: as the class is routed")] = None
    text: Said = ""


class SendBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    worker: (
        Annotated[str, Meta(max_length=64, pattern=r"^[^\x00]*$", description="none: the nearest suitable")]
        | None
    ) = None


class CloseBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    standard: Annotated[Reason, Meta(description="how it meets the closing condition of its class")]


class ExtendBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Reason
    extra_s: Annotated[int, Meta(ge=60, le=30 * 86_400, description="on the case's own clock")]


class DecideBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    granted: bool
    reason: Reason


class DesignateBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    acceptor: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]


class RateBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    score: Annotated[int, Meta(ge=1, le=5)]
    text: Said = ""


class ResultBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    answer: Annotated[bool, Meta(description="check: it is real; verify: it is done; handle: true")]
    text: Said = ""


class UnitView(View, frozen=True, kw_only=True):
    """Somebody who could be sent, and why or why not."""

    worker: str
    suitable: bool
    reason: str
    position: LonLat | None
    age_s: float | None
    travel_s: float | None
    tasks: int


class UnitList(View, frozen=True, kw_only=True):
    items: Sequence[UnitView]


class ClassView(View, frozen=True, kw_only=True):
    code: str
    kind: Literal["component", "event"]
    major: str
    major_zh: str
    name: str
    name_zh: str
    severity: Severity
    clock: Clock
    limit_s: int
    owner: str
    routing: str
    filing: str
    closing: str
    skill: str
    is_checked: bool
    is_public: bool
    event_kinds: Annotated[
        Sequence[str], Meta(description="events and alarms of these kinds are of this class")
    ]


class ClassList(View, frozen=True, kw_only=True):
    items: Sequence[ClassView]


class CellView(View, frozen=True, kw_only=True):
    code: str
    bounds: Annotated[tuple[LonLat, LonLat], Meta(description="south-west, north-east")]
    responsibility: str | None
    worker: Annotated[str | None, Meta(description="who is responsible; none where that is not to be seen")]


class CellList(View, frozen=True, kw_only=True):
    items: Sequence[CellView]


class ComponentView(View, frozen=True, kw_only=True, rename=PLAIN):
    code: str
    class_: str
    name: str
    owner: str
    position: LonLat
    cell: str | None


class ComponentList(View, frozen=True, kw_only=True):
    items: Sequence[ComponentView]


class DutyBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    on: bool


class PositionBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    at: Instant
    position: Place
    accuracy_m: Annotated[float, Meta(ge=0, le=100_000)] | None = None


class PositionsBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    items: Annotated[list[PositionBody], Meta(min_length=1, max_length=500)]


class KeptView(View, frozen=True, kw_only=True):
    kept: Annotated[int, Meta(description="how many were taken; those off duty or from another day are not")]


class WorkerView(View, frozen=True, kw_only=True):
    worker: str
    department: str | None
    skills: Sequence[str]
    on_duty: bool
    duty_since: datetime | None
    position: Annotated[LonLat | None, Meta(description="none off duty")]
    position_at: datetime | None
    fresh: Annotated[bool, Meta(description="whether the position is new enough to be trusted")]
    tasks: int


class WorkerList(View, frozen=True, kw_only=True):
    items: Sequence[WorkerView]


class CheckInBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    on_scene: Annotated[bool, Meta(description="arrived")] = False


class UploadBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: Annotated[UUID, Meta(description="made by the client; the attachment has the same")]
    kind: AttachmentKind
    media_type: MediaType
    size: Annotated[int, Meta(ge=1, le=12_000_000, description="bytes in all; 2,000,000 for voice")]
    case: Annotated[UUID | None, Meta(description="the case it belongs to")] = None


class UploadView(View, frozen=True, kw_only=True):
    id: UUID
    size: int
    received: Annotated[int, Meta(description="go on with `offset` = this")]
    done: Annotated[bool, Meta(description="whether it is an attachment now")]
