"""What the API answers from history: one type per record and bucket, and pages of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from command.models import View

Next = Annotated[str | None, Meta(description="`cursor` of the next page; none at the end")]


class LaneRecord(View, frozen=True, kw_only=True):
    at: datetime
    lane: str
    device: str
    intersection: str
    period_s: float
    vehicles: int
    queued: int
    queue_m: float
    mean_speed_mps: float | None
    occupancy: float
    crossed: int
    stops: int
    delay_s: float
    quality: float
    stored_at: datetime
    boot: int
    seq: int


class LaneBucket(View, frozen=True, kw_only=True):
    """Means are weighted by period, speed also by vehicles; crossed, stops and delay are sums."""

    bucket: Annotated[datetime, Meta(description="start of the interval, UTC")]
    lane: str
    device: str
    intersection: str
    samples: int
    observed_s: float
    vehicles: float
    queued: float
    queued_max: int
    queue_m: float
    queue_m_max: float
    mean_speed_mps: float | None
    occupancy: float
    crossed: int
    stops: int
    delay_s: float
    quality: float


class LaneRecords(View, frozen=True, kw_only=True):
    items: Sequence[LaneRecord]
    next: Next
    bucket: Literal["raw"] = "raw"


class LaneBuckets(View, frozen=True, kw_only=True):
    bucket: Literal["1min", "15min", "1h", "1day"]
    items: Sequence[LaneBucket]
    next: Next


class CountRecord(View, frozen=True, kw_only=True):
    at: datetime
    camera: str
    movement: str
    road_user: str
    count: int
    start_at: datetime
    end_at: datetime
    quality: float
    device: str
    stored_at: datetime
    boot: int
    seq: int


class CountBucket(View, frozen=True, kw_only=True):
    bucket: Annotated[datetime, Meta(description="start of the interval, UTC")]
    camera: str
    movement: str
    road_user: str
    count: int
    samples: int
    quality: float


class CountRecords(View, frozen=True, kw_only=True):
    items: Sequence[CountRecord]
    next: Next
    bucket: Literal["raw"] = "raw"


class CountBuckets(View, frozen=True, kw_only=True):
    bucket: Literal["1min", "15min", "1h", "1day"]
    items: Sequence[CountBucket]
    next: Next


class SignalRecord(View, frozen=True, kw_only=True):
    at: datetime
    intersection: str
    indications: str
    phase: int
    next_phase: int
    interval: str
    elapsed_s: float
    min_remaining_s: float
    max_remaining_s: float | None
    mode: str
    command_seq: int
    clock_s: float
    device: str
    stored_at: datetime
    boot: int
    seq: int


class SignalPage(View, frozen=True, kw_only=True):
    items: Sequence[SignalRecord]
    next: Next


class CommandRecord(View, frozen=True, kw_only=True):
    at: datetime
    intersection: str
    phase: int
    expires_at: datetime
    reason: str
    answered_at: datetime | None
    answered_by: str | None
    accepted: Annotated[bool | None, Meta(description="none while unanswered")]
    answer: str | None
    device: str
    stored_at: datetime
    boot: int
    seq: int


class CommandPage(View, frozen=True, kw_only=True):
    items: Sequence[CommandRecord]
    next: Next
