"""What the API answers and takes about orders to signals and manual green waves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from citybrain.fields import Id
from citybrain.orders import MOST_AHEAD_S, MOST_S
from command.models import View

MOST_MINUTES = int(MOST_S // 60)
MOST_HOLDS = 30

Why = Annotated[str, Meta(min_length=3, max_length=200, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")]
PhaseIndex = Annotated[int, Meta(ge=0, le=63, description="place in the intersection's `phases`")]


class OrderBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A phase to hold, or the controller's own plan; releasing it is the way back to the adaptive plan."""

    kind: Literal["hold", "local"]
    phase: Annotated[PhaseIndex | None, Meta(description="that a hold wants; null for the local plan")] = None
    minutes: Annotated[int, Meta(ge=1, le=MOST_MINUTES, description="it ends by itself after them")] = 5
    reason: Why


class EndOrderBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Why


class OrderView(View, frozen=True, kw_only=True):
    id: Annotated[UUID, Meta(description="said in the reason of the commands that come of it")]
    intersection: str
    kind: Literal["hold", "local"]
    phase: int | None
    starts_at: datetime
    expires_at: datetime
    reason: str
    ordered_by: str
    ordered_at: datetime
    wave: Annotated[UUID | None, Meta(description="the manual green wave that it is part of")]


class OrderList(View, frozen=True, kw_only=True):
    items: Sequence[OrderView]


class HoldStep(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One signal of a green wave."""

    intersection: Id
    phase: PhaseIndex
    after_s: Annotated[float, Meta(ge=0, le=MOST_AHEAD_S, description="from the confirmation to its start")]
    lasts_s: Annotated[float, Meta(ge=5, le=MOST_S)]


class ManualWaveBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Signals in the order in which they are to turn green."""

    holds: Annotated[list[HoldStep], Meta(min_length=2, max_length=MOST_HOLDS)]
    reason: Why


class ManualWaveView(View, frozen=True, kw_only=True):
    id: UUID
    holds: Sequence[HoldStep]
    reason: str
    asked_by: str
    asked_at: datetime
    lapses_at: Annotated[datetime, Meta(description="confirmed until then, or never")]
    confirmed_by: str | None
    confirmed_at: datetime | None
    ended_at: datetime | None
    end_reason: str
    is_own: Annotated[bool, Meta(description="whether who looks asked for it, and so cannot confirm it")]


class ManualWaveList(View, frozen=True, kw_only=True):
    items: Sequence[ManualWaveView]
