"""Who is in a zone, for how long, and from which zone to which others they turned."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from citybrain.calibration import Zone
from citybrain.ground import pixels_of
from citybrain.messages import RoadUser
from vision.detections import ROAD_USERS
from vision.tracker import Tracks

Floats = NDArray[np.float64]

SETTLE_SIGHTS = 2
"""Sights in a row before somebody is in a zone, or out of it: boxes tremble at its border."""
FORGET_S = 30.0
MAX_STEP_S = 2.0


class ZoneFigures(msgspec.Struct, frozen=True):
    """One zone over a period."""

    zone: str
    present: int
    occupancy: float
    """Mean number of road users in it."""
    dwell_s: float | None
    """Mean stay of those who left it in the period."""
    entered: int


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody came from one zone into another."""

    track: int
    movement: str
    road_user: RoadUser
    at_s: float


@dataclass(slots=True)
class _Stay:
    seen_s: float
    zone: str = ""
    since_s: float = 0.0
    came_from: str = ""
    candidate: str = ""
    sights: int = 0
    turned: set[str] = field(default_factory=set)


class ZoneMeter:
    """All zones of one camera; zones that overlap: the first one of the file holds."""

    def __init__(self, zones: list[Zone], width: int, height: int) -> None:
        self._zones = [(zone.zone, pixels_of(zone.corners, width, height)) for zone in zones]
        self._stays: dict[int, _Stay] = {}
        self._last_s: float | None = None
        self._observed_s = 0.0
        self._time: defaultdict[str, float] = defaultdict(float)
        self._entered: Counter[str] = Counter()
        self._left: dict[str, list[float]] = {}

    def update(self, tracks: Tracks, at_s: float) -> list[Turn]:
        """The turns that this frame's tracks complete."""
        step_s = 0.0 if self._last_s is None else min(max(at_s - self._last_s, 0.0), MAX_STEP_S)
        self._last_s = at_s
        self._observed_s += step_s
        turns = []
        for row in np.flatnonzero(tracks.seen).tolist():
            x1, _, x2, y2 = tracks.found.boxes[row].tolist()
            number = int(tracks.found.track[row])
            stay = self._stays.setdefault(number, _Stay(at_s))
            stay.seen_s = at_s
            turn = self._note(stay, self._zone_at((x1 + x2) / 2, y2), at_s)
            if turn:
                turns.append(Turn(number, turn, ROAD_USERS[int(tracks.found.road_user[row])], at_s))
        self._forget(at_s)
        for stay in self._stays.values():
            if stay.zone and at_s - stay.seen_s <= MAX_STEP_S:
                self._time[stay.zone] += step_s
        return turns

    def collect(self) -> list[ZoneFigures]:
        """The figures since the last call."""
        present = Counter(stay.zone for stay in self._stays.values())
        figures = []
        for name, _ in self._zones:
            dwells = self._left.get(name, [])
            figures.append(
                ZoneFigures(
                    zone=name,
                    present=present[name],
                    occupancy=round(self._time[name] / max(self._observed_s, 1e-9), 3),
                    dwell_s=round(sum(dwells) / len(dwells), 2) if dwells else None,
                    entered=self._entered[name],
                )
            )
        self._observed_s, self._entered, self._left = 0.0, Counter(), {}
        self._time.clear()
        return figures

    def _zone_at(self, x: float, y: float) -> str:
        return next((name for name, corners in self._zones if contains(corners, x, y)), "")

    def _note(self, stay: _Stay, zone: str, at_s: float) -> str:
        """The movement `from>to` that is complete with this sight, once for each track; else nothing."""
        if zone == stay.zone:
            stay.candidate, stay.sights = zone, 0
            return ""
        stay.sights = stay.sights + 1 if zone == stay.candidate else 1
        stay.candidate = zone
        if stay.sights < SETTLE_SIGHTS:
            return ""
        if stay.zone:
            self._left.setdefault(stay.zone, []).append(at_s - stay.since_s)
            stay.came_from = stay.zone
        stay.zone, stay.since_s = zone, at_s
        if not zone:
            return ""
        self._entered[zone] += 1
        movement = f"{stay.came_from}>{zone}"
        if not stay.came_from or stay.came_from == zone or movement in stay.turned:
            return ""
        stay.turned.add(movement)
        return movement

    def _forget(self, at_s: float) -> None:
        for number in [n for n, stay in self._stays.items() if at_s - stay.seen_s > FORGET_S]:
            stay = self._stays.pop(number)
            if stay.zone:
                self._left.setdefault(stay.zone, []).append(stay.seen_s - stay.since_s)


def contains(corners: Floats, x: float, y: float) -> bool:
    """Whether the polygon (n, 2) holds the point: an odd number of its sides lie to the right of it."""
    a, b = corners, np.roll(corners, -1, axis=0)
    spans = (a[:, 1] > y) != (b[:, 1] > y)
    rise = np.where(b[:, 1] == a[:, 1], 1.0, b[:, 1] - a[:, 1])
    meets = a[:, 0] + (y - a[:, 1]) * (b[:, 0] - a[:, 0]) / rise
    return bool((spans & (x < meets)).sum() % 2)
