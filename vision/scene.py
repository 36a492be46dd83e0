"""Everything that one camera's calibration asks for: further lines, lanes, zones, events."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
import numpy as np

from citybrain.calibration import Calibration
from citybrain.ground import pixels_of
from citybrain.messages import EventKind, RoadUser
from vision.counting import Crossing, LineCounter
from vision.detections import ROAD_USERS
from vision.happenings import Happening, Happenings, on_lane
from vision.lanes import LaneFigures, LaneMeter
from vision.line import Line, Point
from vision.motion import Motion
from vision.tracker import Tracks
from vision.zones import Turn, ZoneFigures, ZoneMeter, contains

PERSON = ROAD_USERS.index(RoadUser.PERSON)


@dataclass(frozen=True, slots=True)
class Noted:
    """What one frame completed."""

    crossings: list[Crossing]
    turns: list[Turn]
    happenings: list[Happening]


class SceneFigures(msgspec.Struct, frozen=True):
    """Of a period."""

    lanes: list[LaneFigures]
    zones: list[ZoneFigures]
    error_px: float | None
    """Of the calibration: how far its points are from where the ground says they are."""


class Scene:
    """One camera with pictures of `width` by `height`; feed it every frame that was looked at."""

    def __init__(self, known: Calibration, width: int, height: int) -> None:
        self._ground = known.ground(width, height)
        self._motion = Motion(self._ground) if self._ground else None
        self._lanes = [LaneMeter(lane, self._ground, width, height) for lane in known.lanes if self._ground]
        self._zones = ZoneMeter(known.zones, width, height)
        self._carriageways = [
            (zone.zone, pixels_of(zone.corners, width, height))
            for zone in known.zones
            if zone.kind == "carriageway"
        ]
        self._happenings = Happenings()
        self._counters = [
            LineCounter(
                Line.between(
                    Point(line.a[0] * width, line.a[1] * height),
                    Point(line.b[0] * width, line.b[1] * height),
                    line.line,
                ),
                width,
            )
            for line in known.lines
        ]

    @property
    def lines(self) -> list[Line]:
        """The further counting lines."""
        return [counter.line for counter in self._counters]

    def update(self, tracks: Tracks, at_s: float) -> Noted:
        """What this frame's tracks complete."""
        crossings = [c for counter in self._counters for c in counter.update(tracks, at_s)]
        holding = list(self._on_foot(tracks))
        if self._motion is not None:
            movers = self._motion.update(tracks, at_s)
            for lane in self._lanes:
                lane.update(movers, at_s)
                holding += on_lane(lane, movers)
        return Noted(crossings, self._zones.update(tracks, at_s), self._happenings.update(holding, at_s))

    def collect(self) -> SceneFigures:
        """The figures since the last call."""
        lanes = [lane.collect() for lane in self._lanes]
        error_px = round(self._ground.error_px, 2) if self._ground else None
        return SceneFigures(lanes, self._zones.collect(), error_px)

    def _on_foot(self, tracks: Tracks) -> Iterable[tuple[EventKind, str]]:
        for row in np.flatnonzero(tracks.seen & (tracks.found.road_user == PERSON)).tolist():
            x1, _, x2, y2 = tracks.found.boxes[row].tolist()
            for name, corners in self._carriageways:
                if contains(corners, (x1 + x2) / 2, y2):
                    yield EventKind.PERSON_ON_CARRIAGEWAY, name
