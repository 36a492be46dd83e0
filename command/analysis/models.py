"""What the API answers of figures, comparisons and shifts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from command.alarms.bundle import Severity, State
from command.alarms.models import AlarmView
from command.analysis.comparison import Block, Caution
from command.analysis.figures import Metric, Span
from command.models import AgentView, View


class FigureView(View, frozen=True, kw_only=True):
    start: datetime
    district: Annotated[str | None, Meta(description="none: all that was asked for, or no district")]
    vehicles: Annotated[int, Meta(description="that crossed a stop line")]
    throughput_veh_h: float | None
    mean_delay_s: Annotated[float | None, Meta(description="per crossed vehicle")]
    stops_per_vehicle: float | None
    mean_speed_mps: Annotated[float | None, Meta(description="weighted by vehicles")]
    queue_m: Annotated[float | None, Meta(description="mean of a lane")]
    observed_lane_h: Annotated[float, Meta(description="hours of lanes that the figures rest on")]


class FigureList(View, frozen=True, kw_only=True):
    bucket: Span
    items: Sequence[FigureView]


class DifferenceView(View, frozen=True, kw_only=True):
    metric: Metric
    before: float | None
    after: float | None
    difference: float | None
    change: Annotated[float | None, Meta(description="difference as a share of before")]
    low: Annotated[float | None, Meta(description="95 % interval of the difference")]
    high: float | None
    is_clear: Annotated[bool, Meta(description="whether the interval leaves out no difference at all")]


class ComparisonView(View, frozen=True, kw_only=True):
    items: Sequence[DifferenceView]
    block: Annotated[Block, Meta(description="what the interval takes as independent")]
    blocks_before: int
    blocks_after: int
    cautions: Annotated[Sequence[Caution], Meta(description="what speaks against the comparison")]


class ShiftAlarm(View, frozen=True, kw_only=True):
    id: UUID
    kind: str
    severity: Severity
    state: State
    raised_at: datetime
    ended_at: datetime | None
    events: int
    intersection: str | None
    camera: str | None
    device: str
    detail: str
    level: int
    acknowledged_by: str | None
    acknowledged_at: Annotated[datetime | None, Meta(description="the first time")]
    closed_at: datetime | None


class ShiftEvents(View, frozen=True, kw_only=True):
    kind: str
    severity: Severity
    number: int
    lasting: Annotated[int, Meta(description="of these: not ended")]


class ShiftEntry(View, frozen=True, kw_only=True):
    at: datetime
    actor: Annotated[str | None, Meta(description="none: the system")]
    what: str
    text: str
    kind: str
    place: str


class ShiftSheet(View, frozen=True, kw_only=True):
    start: datetime
    to: datetime
    standing: Annotated[Sequence[AlarmView], Meta(description="not closed at the end of the shift")]
    raised: Annotated[Sequence[ShiftAlarm], Meta(description="during the shift, oldest first")]
    events: Sequence[ShiftEvents]
    done: Annotated[Sequence[ShiftEntry], Meta(description="what was done about alarms, oldest first")]
    silent: Annotated[Sequence[AgentView], Meta(description="devices that are silent, failed or offline now")]
    uncommanded: Annotated[Sequence[str], Meta(description="intersections that follow no commands now")]
