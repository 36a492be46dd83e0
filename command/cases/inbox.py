"""Messages to workers and reporters with an account: kept, and told at once to who listens."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from citybrain.fields import LonLat
from command.cases.models import Said
from command.models import View


class MessageView(View, frozen=True, kw_only=True):
    id: Annotated[int, Meta(description="grows with time; `up_to` of /inbox/read")]
    at: datetime
    kind: Annotated[
        str,
        Meta(
            description="task.offered, task.withdrawn, case.reminder, case.escalated, case.nobody,"
            " worker.silent, case.returned, case.dispatched, case.waits, roll_call, report.<what>, note"
        ),
    ]
    case: UUID | None
    task: UUID | None
    roll_call: UUID | None
    text: str
    read_at: datetime | None


class MessageList(View, frozen=True, kw_only=True):
    items: Sequence[MessageView]
    next: Annotated[int | None, Meta(description="`before` of the next page; none at the end")]


class ReadBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    up_to: Annotated[int, Meta(ge=0, le=2**53)]


class RollCallBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    minutes: Annotated[int, Meta(ge=1, le=240)] = 10
    text: Said = ""


class PresenceView(View, frozen=True, kw_only=True):
    worker: str
    answered_at: datetime | None
    position: LonLat | None


class RollCallView(View, frozen=True, kw_only=True):
    id: UUID
    at: datetime
    ends_at: datetime
    text: str
    workers: Sequence[PresenceView]
