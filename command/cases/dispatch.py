"""Who is sent: the nearest suitable unit, and why it and not another. Pure.

A position that is old is not trusted: such a unit is named with its age, and not sent.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from citybrain.fields import LonLat

PER_TASK_S = 600.0
"""What each open task counts: so much later would this unit be there."""
REST_AFTER = timedelta(hours=4)
"""On duty so long without rest counts as tired."""
TIRED_S = 600.0
MOST_TASKS = 8


@dataclass(frozen=True, slots=True)
class Unit:
    """A worker as far as sending goes."""

    worker: UUID
    name: str
    on_duty: bool
    duty_since: datetime | None
    rested_at: datetime | None
    skills: frozenset[str]
    position: LonLat | None
    position_at: datetime | None
    tasks: int
    is_own_grid: bool = False
    """Whether the place lies in the grid that it is responsible for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done and who may not do it."""

    skill: str
    excluded: frozenset[UUID]
    freshness: timedelta


@dataclass(frozen=True, slots=True)
class Ranked:
    """A unit and how it stands; `score_s` is its travel time with what counts against it."""

    unit: Unit
    suitable: bool
    reason: str
    age_s: float | None
    travel_s: float | None
    score_s: float


def rank(
    units: Iterable[Unit], wanted: Wanted, now: datetime, travel_s: Callable[[LonLat], float | None]
) -> list[Ranked]:
    """All units, those who can be sent first, the soonest of them first; each with its reason."""
    ranked = [_judge(unit, wanted, now, travel_s) for unit in units]
    return sorted(ranked, key=lambda one: (not one.suitable, one.score_s, one.unit.name))


def _judge(unit: Unit, wanted: Wanted, now: datetime, travel_s: Callable[[LonLat], float | None]) -> Ranked:
    age = now - unit.position_at if unit.position_at else None
    age_s = max(0.0, age.total_seconds()) if age is not None else None
    fault = _fault(unit, wanted, age)
    if fault or unit.position is None:
        return Ranked(unit, False, fault, age_s, None, float("inf"))
    travel = travel_s(unit.position)
    if travel is None:
        return Ranked(unit, False, "no way leads there on the road network", age_s, None, float("inf"))
    tired = _is_tired(unit, now)
    score = travel + PER_TASK_S * unit.tasks + TIRED_S * tired
    parts = [f"{_minutes(travel)} away", f"{unit.tasks} open tasks", f"position {_seconds(age_s or 0.0)} old"]
    if wanted.skill:
        parts.append(f"skill {wanted.skill}")
    if unit.is_own_grid:
        parts.append("responsible for this grid")
        score -= 1.0  # of two that are alike, the one who knows the place
    if tired:
        parts.append("without rest for 4 h")
    return Ranked(unit, True, ", ".join(parts), age_s, travel, max(0.0, score))


def _fault(unit: Unit, wanted: Wanted, age: timedelta | None) -> str:
    if unit.worker in wanted.excluded:
        return "handled, refused or reported this case"
    if not unit.on_duty:
        return "off duty"
    if wanted.skill and wanted.skill not in unit.skills:
        return f"has not the skill {wanted.skill}"
    if age is None:
        return "position unknown"
    if age > wanted.freshness:
        return f"position {_seconds(age.total_seconds())} old: not trusted"
    if unit.tasks >= MOST_TASKS:
        return f"has {unit.tasks} open tasks already"
    return ""


def _is_tired(unit: Unit, now: datetime) -> bool:
    begun = max((at for at in (unit.duty_since, unit.rested_at) if at), default=None)
    return begun is not None and now - begun > REST_AFTER


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def _seconds(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
