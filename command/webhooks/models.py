"""What the API answers and takes about webhooks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from command.models import View
from command.people import DistrictName

Topic = Literal["alarm.raised", "alarm.worse", "alarm.reopened", "alarm.escalated", "case.escalated"]


class WebhookBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: Annotated[str, Meta(min_length=1, max_length=2000, description="https://")]
    topics: Annotated[list[Topic], Meta(min_length=1, max_length=20)]
    districts: Annotated[tuple[DistrictName, ...], Meta(max_length=200)] = ()


class WebhookView(View, frozen=True, kw_only=True):
    id: UUID
    url: str
    topics: Sequence[str]
    districts: Sequence[str]
    created_at: datetime
    secret: Annotated[str | None, Meta(description="signs each call; told once, when it is made")] = None


class WebhookList(View, frozen=True, kw_only=True):
    items: Sequence[WebhookView]


class DeliveryView(View, frozen=True, kw_only=True):
    id: UUID
    topic: str
    queued_at: datetime
    due_at: Annotated[datetime | None, Meta(description="of the next try; none: done or given up")]
    attempts: int
    status: Annotated[int | None, Meta(description="what the receiver answered last")]
    error: str
    delivered_at: datetime | None


class DeliveryList(View, frozen=True, kw_only=True):
    items: Sequence[DeliveryView]
