"""What the API answers of the past: one field a track, the same items as live."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta

from command.alarms.models import AlarmView
from command.models import EventView, LaneNow, SignalNow, View


class PastFigures(View, frozen=True, kw_only=True):
    """Of the five minutes before the moment."""

    mean_delay_s: Annotated[float | None, Meta(description="per crossed vehicle")]
    stops_per_vehicle: float | None
    throughput_veh_h: Annotated[float | None, Meta(description="over all stop lines")]


class PlaybackState(View, frozen=True, kw_only=True):
    """The city as it stood."""

    at: datetime
    signals: Sequence[SignalNow]
    lanes: Sequence[LaneNow]
    events: Annotated[Sequence[EventView], Meta(description="that lasted, or ended within the hour before")]
    alarms: Annotated[Sequence[AlarmView], Meta(description="not closed then; none without the right")]
    figures: PastFigures


class PlaybackChanges(View, frozen=True, kw_only=True):
    """What changed after `from` until `to`, each item at its own time; of each step the latest only."""

    start: datetime
    to: datetime
    signals: Annotated[Sequence[SignalNow], Meta(description="`at` says when")]
    lanes: Annotated[Sequence[LaneNow], Meta(description="`at` says when")]
    events: Annotated[Sequence[EventView], Meta(description="`at` says when; oldest first")]
    alarms: Annotated[Sequence[AlarmView], Meta(description="`changed_at` says when; oldest first")]
