"""From messages to what the API answers."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from citybrain.fields import LonLat
from citybrain.messages import (
    AgentStatus,
    Health,
    IntersectionConfig,
    LaneMeasurement,
    LaneReading,
    SignalReasons,
    SignalState,
    TrafficEvent,
)
from command.models import (
    AgentHealth,
    AgentView,
    EventView,
    LaneNow,
    OutlookView,
    PlannedView,
    ReasonsView,
    SignalNow,
)


def signal(state: SignalState, position: LonLat | None) -> SignalNow:
    return SignalNow(
        intersection=state.intersection,
        position=position,
        at=_utc(state.at),
        indications=state.indications,
        phase=state.phase,
        next_phase=state.next_phase,
        interval=state.interval.value,
        elapsed_s=state.elapsed_s,
        min_remaining_s=state.min_remaining_s,
        max_remaining_s=state.max_remaining_s,
        mode=state.mode.value,
        command_seq=state.command_seq,
    )


def reasons(told: SignalReasons) -> ReasonsView:
    return ReasonsView(
        intersection=told.intersection,
        at=_utc(told.at),
        phase=told.phase,
        binding=told.binding.value,
        detail=told.detail,
        plan=[PlannedView(phase=one.phase, in_s=one.in_s) for one in told.plan],
        lanes=[OutlookView(lane=one.lane, queued=one.queued, clears_s=one.clears_s) for one in told.lanes],
    )


def lane(reading: LaneReading, measurement: LaneMeasurement, speed_limit_mps: float | None) -> LaneNow:
    return LaneNow(
        lane=reading.lane,
        intersection=measurement.intersection,
        at=_utc(measurement.at),
        vehicles=reading.vehicles,
        queued=reading.queued,
        queue_m=reading.queue_m,
        mean_speed_mps=reading.mean_speed_mps,
        occupancy=reading.occupancy,
        crossed=reading.crossed,
        speed_limit_mps=speed_limit_mps,
    )


def differs(new: LaneNow, old: LaneNow) -> bool:
    """Whether anything but the time changed."""
    return msgspec.structs.replace(new, at=old.at) != old


def health(status: AgentStatus, now: datetime, silent_after_s: float) -> AgentHealth:
    """As the agent says, or `silent` when it has said nothing for `silent_after_s`."""
    silent = (now - status.at).total_seconds() > silent_after_s
    return "silent" if silent and status.health is not Health.OFFLINE else status.health.value


def buried(will: AgentStatus, known: AgentStatus, now: datetime) -> AgentStatus:
    """The last known status of an agent that is gone, as of now."""
    return msgspec.structs.replace(known, boot=will.boot, health=Health.OFFLINE, at=now)


def agent(status: AgentStatus, derived: AgentHealth, position: LonLat | None) -> AgentView:
    return AgentView(
        device=status.device,
        kind=status.device.partition("/")[0],
        health=derived,
        at=_utc(status.at),
        started_at=_utc(status.started_at),
        version=status.version,
        detail=status.detail,
        spooled=status.spooled,
        sent=status.sent,
        position=position,
        figures=status.figures,
    )


def event(message: TrafficEvent) -> EventView:
    return EventView(
        event=message.event,
        kind=message.kind.value,
        severity=message.severity.value,
        at=_utc(message.at),
        start_at=_utc(message.start_at),
        end_at=_utc(message.end_at) if message.end_at else None,
        device=message.device,
        intersection=message.intersection,
        camera=message.camera,
        lane=message.lane,
        position=message.position,
        detail=message.detail,
        evidence=message.evidence,
        quality=message.quality,
    )


def layout_of(config: IntersectionConfig) -> tuple[Any, ...]:
    """What a map draws of an intersection; equal where a new start of the agent said the same again."""
    return config.position, config.name, config.lanes, config.movements, config.phases


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)
