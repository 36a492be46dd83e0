"""Which events belong together: those of one kind at one place; in a flood, those of one kind. Pure."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["info", "warning", "critical"]
State = Literal["open", "acknowledged", "closed"]
RANK: dict[str, int] = {"info": 0, "warning": 1, "critical": 2}
CITY = "city"


@dataclass(frozen=True, slots=True)
class Event:
    """What counts of an event for bundling."""

    kind: str
    severity: Severity
    device: str
    intersection: str | None
    camera: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """The alarm that an event may join."""

    severity: Severity
    state: State


def key_of(event: Event, *, is_flood: bool) -> str:
    """Events of one key share an alarm; in a flood all of a kind do, but critical ones keep their place."""
    if is_flood and event.severity != "critical":
        return f"{event.kind}/{CITY}"
    if event.intersection:
        return f"{event.kind}/intersection/{event.intersection}"
    if event.camera:
        return f"{event.kind}/camera/{event.camera}"
    return f"{event.kind}/device/{event.device}"


def joined(alarm: Standing, event: Event) -> Standing:
    """The alarm after this event: as bad as the worse of both; open where it got worse or was closed."""
    is_worse = RANK[event.severity] > RANK[alarm.severity]
    severity = event.severity if is_worse else alarm.severity
    return Standing(severity, "open" if is_worse or alarm.state == "closed" else alarm.state)
