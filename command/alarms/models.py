"""What the API answers and takes about alarms."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from citybrain.fields import LonLat
from command.alarms.bundle import Severity, State
from command.models import View

Said = Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]


class AlarmView(View, frozen=True, kw_only=True):
    id: UUID
    kind: str
    severity: Severity
    state: State
    raised_at: datetime
    last_at: Annotated[datetime, Meta(description="start of the latest of its events")]
    ended_at: Annotated[datetime | None, Meta(description="none while one of its events lasts")]
    changed_at: datetime
    events: Annotated[int, Meta(description="how many events are bundled in it")]
    districts: Sequence[str]
    intersection: str | None
    camera: str | None
    device: str
    position: LonLat | None
    detail: Annotated[str, Meta(description="of its latest event")]
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    assigned_to: str | None
    snoozed_until: datetime | None
    level: Annotated[int, Meta(description="how often it was escalated")]


class AlarmList(View, frozen=True, kw_only=True):
    items: Sequence[AlarmView]


class AlarmEntry(View, frozen=True, kw_only=True):
    at: datetime
    actor: Annotated[str | None, Meta(description="none: the system")]
    what: str
    text: str


class AlarmDetail(View, frozen=True, kw_only=True):
    alarm: AlarmView
    entries: Sequence[AlarmEntry]


class CommentBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: Said


class AssignBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    to: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")] | None


class SnoozeBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    minutes: Annotated[int, Meta(ge=1, le=1440)]
