"""Conditions that come and go become events: one beginning, one end, no chatter. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from citybrain.messages import EventKind, Severity
from edge.observe import Condition

LINGER_S = 5.0
"""A condition that is away for less has not ended."""
COOLDOWN_S = 120.0
"""After an end the same thing on the same lane is not told again for so long."""
SEVERITY = {
    EventKind.QUEUE_SPILLBACK: Severity.WARNING,
    EventKind.STOPPED_VEHICLE: Severity.CRITICAL,
    EventKind.LONG_WAIT: Severity.INFO,
}


@dataclass(frozen=True, slots=True)
class Incident:
    """One event as it is told at its beginning (`end_at` None) and at its end, under the same `event`."""

    event: str
    condition: Condition
    severity: Severity
    start_at: datetime
    end_at: datetime | None = None


@dataclass(slots=True)
class _Open:
    incident: Incident
    seen_s: float
    seen_at: datetime


class Incidents:
    """Bundles conditions by kind and lane; times in the field's clock, instants on the wall clock."""

    def __init__(self) -> None:
        self._open: dict[tuple[EventKind, str], _Open] = {}
        self._quiet_until_s: dict[tuple[EventKind, str], float] = {}

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._open)

    def update(self, conditions: Iterable[Condition], clock_s: float, at: datetime) -> list[Incident]:
        """What must be told now: beginnings and ends."""
        told = []
        for condition in conditions:
            key = (condition.kind, condition.lane)
            if known := self._open.get(key):
                known.seen_s, known.seen_at = clock_s, at
            elif clock_s >= self._quiet_until_s.get(key, clock_s):
                incident = Incident(uuid4().hex, condition, SEVERITY[condition.kind], at)
                self._open[key] = _Open(incident, clock_s, at)
                told.append(incident)
        for key, known in list(self._open.items()):
            if clock_s - known.seen_s >= LINGER_S:
                told.append(self._end(key))
                self._quiet_until_s[key] = clock_s + COOLDOWN_S
        return told

    def end_all(self) -> list[Incident]:
        """End what is open, because nobody looks any more."""
        return [self._end(key) for key in list(self._open)]

    def _end(self, key: tuple[EventKind, str]) -> Incident:
        known = self._open.pop(key)
        begun = known.incident
        return Incident(begun.event, begun.condition, begun.severity, begun.start_at, known.seen_at)
