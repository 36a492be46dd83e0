"""Watches one source from start to end, without broker and database: counts, and on request a video."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citybrain.messages import RoadUser
from citybrain.sources import Frame as SourceFrame
from vision.counting import Crossing, totals
from vision.drawing import draw
from vision.happenings import Happening
from vision.line import Line
from vision.pipeline import Pipeline, Seen
from vision.privacy import blur
from vision.tracker import without_crowds

Show = Callable[[NDArray[np.uint8]], None]

STAGES = ("read", "detect", "track", "draw")


@dataclass(slots=True)
class Watched:
    """What has been seen so far; grows with each frame."""

    frames: int = 0
    looked: int = 0
    line: Line | None = None
    movements: tuple[str, ...] = ()
    happenings: list[Happening] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)
    spent_s: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))

    @property
    def counts(self) -> dict[str, dict[RoadUser, int]]:
        """By movement and class; a movement that nobody made has no classes."""
        counted = totals(self.crossings)
        names = dict.fromkeys((*self.movements, *counted))
        return {movement: dict(counted.get(movement, {})) for movement in names}

    @property
    def sums(self) -> dict[str, int]:
        """By movement."""
        return {movement: sum(by_class.values()) for movement, by_class in self.counts.items()}

    def stage_ms(self) -> dict[str, float]:
        """Mean milliseconds per frame and stage; of detection and tracking per frame looked at."""
        shares = {"read": self.frames, "detect": self.looked, "track": self.frames, "draw": self.frames}
        return {name: 1000 * spent / max(shares[name], 1) for name, spent in self.spent_s.items()}

    def report(self) -> dict[str, Any]:
        """For a JSON file: the line, the counts, each crossing, and the cost of each stage."""
        line = self.line
        counts = self.counts if line else {}
        return {
            "frames": self.frames,
            "line": [*line.a, *line.b] if line else None,
            "counts": {name: {user.value: n for user, n in by.items()} for name, by in counts.items()},
            "totals": self.sums if line else {},
            "crossings": [
                {
                    "at_s": round(crossing.at_s, 3),
                    "movement": crossing.movement,
                    "road_user": crossing.road_user.value,
                    "track": crossing.track,
                    "confidence": round(crossing.confidence, 3),
                }
                for crossing in self.crossings
            ],
            "events": [
                {
                    "kind": happening.kind.value,
                    "place": happening.place,
                    "since_s": round(happening.since_s, 2),
                    "until_s": None if happening.until_s is None else round(happening.until_s, 2),
                    "quality": happening.quality,
                }
                for happening in self.happenings
            ],
            "ms_per_frame": {name: round(ms, 3) for name, ms in self.stage_ms().items()},
        }


def watch(source: Iterable[SourceFrame], pipeline: Pipeline, show: Show | None = None) -> Iterator[Watched]:
    """Run `pipeline` over all frames of `source`; yields the same growing result after each frame.

    `show` gets each picture, blurred, with boxes, line and counts.
    """
    watched = Watched()
    began = time.perf_counter()
    for frame in source:
        watched.spent_s["read"] += time.perf_counter() - began
        seen = pipeline.process(frame.image_bgr, frame.media_s)
        watched.frames += 1
        watched.looked += seen.looked
        watched.line, watched.movements = seen.line, seen.movements
        watched.happenings += seen.happenings
        watched.crossings += seen.crossings
        watched.spent_s["detect"] += seen.detect_s
        watched.spent_s["track"] += seen.track_s
        if show is not None:
            began = time.perf_counter()
            show(annotate(frame.image_bgr, seen, watched.sums))
            watched.spent_s["draw"] += time.perf_counter() - began
        yield watched
        began = time.perf_counter()


def annotate(picture: NDArray[np.uint8], seen: Seen, sums: dict[str, int]) -> NDArray[np.uint8]:
    """A copy of the picture that may be shown: blurred, with boxes, line and counts."""
    shown = blur(picture, without_crowds(seen.found), seen.tracks.found)
    draw(shown, seen.tracks.found, seen.line, sums)
    return shown
