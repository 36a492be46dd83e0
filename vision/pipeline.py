"""One frame in, tracked road users and completed crossings out; for a file as for a city's cameras."""

import math
import time
from dataclasses import dataclass
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from citybrain.calibration import Calibration
from vision.carry import Carrier
from vision.counting import Crossing, LineCounter
from vision.detections import Detections
from vision.focus import Focus
from vision.happenings import Happening
from vision.line import Line, Point, line_in
from vision.load import Effort
from vision.overhead import Overhead
from vision.scene import Scene, SceneFigures
from vision.tracker import WEAK_CONFIDENCE, Tracker, Tracks

Frame = NDArray[np.uint8]
Numbers = tuple[float, float, float, float]

MAX_BLIND_S = 0.65
"""At few frames a second each is looked at: boxes are not carried on for longer than this."""


class Finder(Protocol):
    """What finds road users in one frame (h, w, 3) uint8 BGR, as `vision.detector.Detector` does."""

    def detect(self, frame: Frame, *, min_confidence: float = ...) -> Detections: ...


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What one frame gave.

    `found` are all detections of this frame, also the weak ones that no track took; empty where the detector
    did not look (`looked` is false) and the tracks are where they are expected. `crossings` are of all lines,
    and turns from zone to zone.
    """

    tracks: Tracks
    found: Detections
    crossings: list[Crossing]
    line: Line
    looked: bool
    detect_s: float
    track_s: float
    movements: tuple[str, ...] = ()
    """Of all lines."""
    happenings: tuple[Happening, ...] = ()


class Pipeline:
    """Detector, tracker and counter of one camera; a change of the picture's size starts them anew.

    `line` is x1, y1, x2, y2 in pixels or shares (see `vision.line.line_in`); `every` lets the detector
    look at every k-th frame only; a `calibration` adds lines, lanes, zones and events, and its first line
    stands for `line` where that is not given; without `windows` it looks at whole pictures only.
    """

    def __init__(
        self,
        finder: Finder,
        line: Numbers | None = None,
        *,
        min_confidence: float = 0.35,
        every: int = 1,
        windows: bool = True,
        calibration: Calibration | None = None,
    ) -> None:
        self._finder = finder
        self._line = line
        self._min_confidence = min_confidence
        self._every = every
        self._windows = windows
        self._most = Effort(windows, every)
        self._calibration = calibration or Calibration()
        self._scene = Scene(Calibration(), 1, 1)
        self._size = (0, 0)
        self._skipped = 0
        self._looked_s = -math.inf
        self._tracker = Tracker(0, 0)
        self._focus = Focus(1, 1)
        self._overhead = Overhead(1, 1)
        self._carrier = Carrier()
        self._counter = LineCounter(line_in(line, 1, 1), 1)

    def spare(self, effort: Effort) -> None:
        """Spend no more than `effort`, nor more than it was made to."""
        windows, every = self._most.windows and effort.windows, max(self._most.every, effort.every)
        if (windows, every) != (self._windows, self._every):
            self._windows, self._every, self._carrier = windows, every, Carrier()

    @property
    def follows_blobs(self) -> bool:
        """Whether the view defeats the detector, and what moves is followed instead."""
        return self._overhead.is_chosen

    @property
    def last_track(self) -> int:
        """The highest track number given so far."""
        return self._tracker.last_track

    def process(self, frame: Frame, at_s: float) -> Seen:
        """Look at `frame`: (h, w, 3) uint8 BGR taken at `at_s` seconds on a steady clock."""
        height, width = frame.shape[:2]
        if (width, height) != self._size:
            self._begin(width, height)
        began = time.perf_counter()
        self._skipped += 1
        due = self._skipped >= self._every or not 0 <= at_s - self._looked_s < MAX_BLIND_S
        # Windows on every frame see enough by themselves.
        carries = self._every > 1 or not self._windows
        steps = self._carrier.take(frame, at_s) if carries else []
        if not due and not self.follows_blobs:
            tracks = self._tracker.carry(steps, at_s)
            return self._note(tracks, Detections.empty(), at_s, 0.0, began)
        self._skipped, self._looked_s = 0, at_s
        found = self._look(frame, at_s) if self._overhead.wants_detector(at_s) else None
        found = self._overhead.look(frame, at_s, found, self._focus.moving)
        detect_s = time.perf_counter() - began
        if found is None:
            return self._unseen(at_s, detect_s)
        tracks = self._tracker.update(found, at_s, frame, steps)
        return self._note(tracks, found, at_s, detect_s, began, looked=True)

    def _note(
        self,
        tracks: Tracks,
        found: Detections,
        at_s: float,
        detect_s: float,
        began: float,
        *,
        looked: bool = False,
    ) -> Seen:
        """Count and measure what `tracks` complete."""
        crossings = self._counter.update(tracks, at_s, looked=looked)
        noted = self._scene.update(tracks, at_s)
        turns = [Crossing(turn.track, turn.movement, turn.road_user, at_s, 1.0) for turn in noted.turns]
        return Seen(
            tracks=tracks,
            found=found,
            crossings=crossings + noted.crossings + turns,
            line=self._counter.line,
            looked=looked,
            detect_s=detect_s,
            track_s=time.perf_counter() - began - detect_s,
            movements=self._movements,
            happenings=tuple(noted.happenings),
        )

    def collect(self) -> SceneFigures:
        """The figures of lanes and zones since the last call."""
        return self._scene.collect()

    @property
    def _movements(self) -> tuple[str, ...]:
        lines = [self._counter.line, *self._scene.lines]
        return tuple(movement for line in lines for movement in line.movements)

    def _look(self, frame: Frame, at_s: float) -> Detections | None:
        def detect(part: Frame) -> Detections:
            return self._finder.detect(part, min_confidence=WEAK_CONFIDENCE)

        return self._focus.look(frame, at_s, self._tracker.boxes, detect, windows=self._windows)

    def _unseen(self, at_s: float, spent_s: float) -> Seen:
        """What is expected where nobody looked."""
        began = time.perf_counter()
        tracks = self._tracker.predict(at_s)
        tracked_s = time.perf_counter() - began
        line, movements = self._counter.line, self._movements
        return Seen(tracks, Detections.empty(), [], line, False, spent_s, tracked_s, movements)

    def _begin(self, width: int, height: int) -> None:
        first = self._tracker.last_track + 1
        self._size = (width, height)
        self._looked_s = -math.inf
        self._tracker = Tracker(width, height, self._min_confidence, first)
        self._carrier = Carrier()
        self._focus = Focus(width, height)
        self._overhead = Overhead(width, height)
        line, known = line_in(self._line, width, height), self._calibration
        if self._line is None and known.lines:
            main = known.lines[0]
            a, b = (Point(x * width, y * height) for x, y in (main.a, main.b))
            line = Line.between(a, b, main.line)
            known = msgspec.structs.replace(known, lines=known.lines[1:])
        self._counter = LineCounter(line, width)
        self._scene = Scene(known, width, height)
