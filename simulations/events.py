"""The hi-res event log of simulated signals: what a real controller would have logged, row by row."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple, TextIO

from citybrain.messages import IntersectionConfig
from simulations.enumeration import FREE_PATTERN, Event
from simulations.epoch import EPOCH
from simulations.layout import Layout, SignalGroup

WALKING_MPS = 1.07
"""Pedestrian clearance speed (MUTCD 2009, section 4E.06: 3.5 ft/s)."""
COLUMNS = ("TimeStamp", "DeviceId", "EventId", "Parameter")
DETECTOR_COLUMNS = (
    "DeviceId", "Phase", "Parameter", "Function", "Lane", "NearM", "FarM", "TravelS",
)  # fmt: skip


class Row(NamedTuple):
    """One event; `time_s` on the simulation's clock."""

    time_s: float
    device: str
    event: int
    parameter: int


def time_stamp(time_s: float) -> str:
    """A time of a log, to the tenth of a second that controllers give."""
    at = EPOCH + timedelta(milliseconds=round(time_s * 10) * 100)
    return at.strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 100_000}"


@dataclass(slots=True)
class _Group:
    """A signal group's state: what it shows, since when, and what is still to come after its red began."""

    group: SignalGroup
    max_green_s: float
    min_green_s: float
    clearance_s: float
    shown: str = ""
    since_s: float = 0.0
    is_permissive: bool = False
    min_is_due: bool = False
    ends_s: float | None = None


@dataclass(slots=True)
class SignalEvents:
    """The phase and pedestrian events of one signal; `step` once a second with what was shown in it."""

    layout: Layout
    config: IntersectionConfig
    is_actuated: bool
    _groups: list[_Group] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._groups = [_state(group, self.config) for group in self.layout.groups]

    def step(self, time_s: float, indications: str) -> list[Row]:
        """Events of the second that begins at `time_s`, in the order in which they happened.

        What ends comes before what begins.
        """
        ended: list[tuple[float, int, int]] = []
        begun: list[tuple[float, int, int]] = []
        for group in self._groups:
            if group.group.is_pedestrian:
                _walk(group, time_s, indications, ended, begun)
            else:
                self._drive(group, time_s, indications, ended, begun)
        device = self.config.intersection
        rows = [Row(at, device, event, phase) for at, event, phase in (*ended, *begun)]
        return sorted(rows, key=lambda row: row.time_s)

    def _drive(
        self,
        group: _Group,
        time_s: float,
        indications: str,
        ended: list[tuple[float, int, int]],
        begun: list[tuple[float, int, int]],
    ) -> None:
        phase = group.group.phase
        shown = _light(group.group, indications)
        _due(group, time_s, shown, ended)
        before = group.shown
        if shown != before:
            if before == "G":
                ended.append((time_s, self._reason(group, time_s), phase))
                ended += [
                    (time_s, Event.PHASE_GREEN_TERMINATION, phase),
                    (time_s, Event.PHASE_BEGIN_YELLOW, phase),
                ]
            if before in {"G", "y"} and shown != "y":
                ended += [
                    (time_s, Event.PHASE_END_YELLOW, phase),
                    (time_s, Event.PHASE_BEGIN_RED_CLEARANCE, phase),
                ]
                group.ends_s = time_s + self.config.all_red_s
                _due(group, time_s, shown, ended)
            if shown == "G":
                begun += [(time_s, Event.PHASE_ON, phase), (time_s, Event.PHASE_BEGIN_GREEN, phase)]
                group.min_is_due = True
            group.shown, group.since_s = shown, time_s
        permissive = shown == "G" and group.group.is_left and _is_permissive(group.group, indications)
        if permissive != group.is_permissive:
            event = Event.FYA_BEGIN_PERMISSIVE if permissive else Event.FYA_END_PERMISSIVE
            (begun if permissive else ended).append((time_s, event, phase))
            group.is_permissive = permissive

    def _reason(self, group: _Group, time_s: float) -> Event:
        """Why a green ended: its maximum, no more vehicles, or an order from plan or optimiser."""
        if time_s - group.since_s >= group.max_green_s:
            return Event.PHASE_MAX_OUT
        return Event.PHASE_GAP_OUT if self.is_actuated else Event.PHASE_FORCE_OFF


def _state(group: SignalGroup, config: IntersectionConfig) -> _Group:
    serving = [
        phase
        for phase in config.phases
        if any(phase.indications[movement] in "Gg" for movement in group.movements)
    ]
    walk_m = max((config.movements[movement].length_m for movement in group.movements), default=0.0)
    return _Group(
        group,
        sum(phase.max_green_s for phase in serving),
        min((phase.min_green_s for phase in serving), default=0.0),
        walk_m / WALKING_MPS if group.is_pedestrian else config.all_red_s,
    )


def _light(group: SignalGroup, indications: str) -> str:
    lights = {indications[movement] for movement in group.movements}
    if lights & {"G", "g"}:
        return "G"
    return "y" if lights & {"y", "Y"} else "r"


def _is_permissive(group: SignalGroup, indications: str) -> bool:
    return all(indications[movement] != "G" for movement in group.movements)


def _due(group: _Group, time_s: float, shown: str, rows: list[tuple[float, int, int]]) -> None:
    """What time alone brings: the minimum green is over, the red clearance is over."""
    phase = group.group.phase
    if group.min_is_due and time_s - group.since_s >= group.min_green_s:
        group.min_is_due = False
        rows.append((group.since_s + group.min_green_s, Event.PHASE_MIN_COMPLETE, phase))
    if group.ends_s is not None and (time_s >= group.ends_s or shown == "G"):
        at = min(time_s, group.ends_s)
        rows += [(at, Event.PHASE_END_RED_CLEARANCE, phase), (at, Event.PHASE_INACTIVE, phase)]
        group.ends_s = None


def _walk(
    group: _Group,
    time_s: float,
    indications: str,
    ended: list[tuple[float, int, int]],
    begun: list[tuple[float, int, int]],
) -> None:
    phase = group.group.phase
    shown = "G" if _light(group.group, indications) == "G" else "r"
    if group.ends_s is not None and (time_s >= group.ends_s or shown == "G"):
        ended.append((min(time_s, group.ends_s), Event.PED_BEGIN_DONT_WALK, phase))
        group.ends_s = None
    if shown == group.shown:
        return
    if shown == "G":
        begun.append((time_s, Event.PED_BEGIN_WALK, phase))
    elif group.shown == "G":
        ended.append((time_s, Event.PED_BEGIN_CLEARANCE, phase))
        group.ends_s = time_s + group.clearance_s
    group.shown, group.since_s = shown, time_s


class Plan(NamedTuple):
    """A fixed program that runs on its own: cycle and offset in seconds."""

    cycle_s: float
    offset_s: float


def coordination(device: str, time_s: float, plan: Plan | None) -> list[Row]:
    """What a controller logs when it takes up a pattern; None is free operation."""
    if plan is None:
        return [Row(time_s, device, Event.PATTERN_CHANGE, FREE_PATTERN)]
    return [
        Row(time_s, device, Event.PATTERN_CHANGE, 1),
        Row(time_s, device, Event.CYCLE_LENGTH_CHANGE, round(plan.cycle_s)),
        Row(time_s, device, Event.OFFSET_CHANGE, round(plan.offset_s)),
    ]


class EventLog:
    """Writes rows to a CSV file as they come.

    Time runs forward by device but for sub-second order between seconds; readers sort by `TimeStamp`.
    """

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(COLUMNS)
        self.rows = 0

    def write(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._writer.writerow((time_stamp(row.time_s), row.device, int(row.event), row.parameter))
            self.rows += 1

    def close(self) -> None:
        self._file.close()


def write_detectors(path: Path, layouts: Mapping[str, Layout]) -> None:
    """The detector configuration that belongs to a log, in the columns that `atspm` reads and some more."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(DETECTOR_COLUMNS)
        for device, layout in layouts.items():
            for d in layout.detectors:
                row = (device, d.phase, d.channel, d.function, d.lane, d.near_m, d.far_m, d.travel_s)
                writer.writerow(round(value, 2) if isinstance(value, float) else value for value in row)
