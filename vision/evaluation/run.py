"""Runs clips through the pipeline as it is by default, and compares with what people counted."""

import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from citybrain.sources import open_source
from vision.counting import totals
from vision.evaluation.following import boxes_of, follow, joined
from vision.evaluation.mot import Boxes, Scores, read_boxes, score
from vision.evaluation.truth import Clip, Counted
from vision.pipeline import Finder, Pipeline

Progress = Callable[[int, int | None], None]


class Count(msgspec.Struct, frozen=True):
    """One direction over one line."""

    line: str
    direction: str
    counted: int
    complete: int
    accept: tuple[int, int]

    @property
    def is_accepted(self) -> bool:
        return self.accept[0] <= self.counted <= self.accept[1]


class Result(msgspec.Struct, frozen=True):
    clip: str
    frames: int
    counts: list[Count]
    by_class: dict[str, dict[str, int]]
    """Of each movement."""
    tracks: Scores | None
    cpu_ms_per_frame: float


def evaluate(clip: Clip, folder: Path, finder: Finder | None, progress: Progress) -> Result:
    """One clip; `finder` is needed for all but detections.

    Raises:
        ConfigError: a file that is not what it should be.
    """
    truth = read_boxes(folder / clip.tracks) if clip.tracks else None
    if clip.kind == "detections":
        assert truth is not None
        found = read_boxes(folder / clip.clip)
        tracks, ms = follow(found, clip.fps)
        return Result(clip.clip, int(found.frame.max()), [], {}, score(truth, tracks), round(ms, 3))
    assert finder is not None
    return _watch(clip, folder, finder, truth, progress)


def _watch(clip: Clip, folder: Path, finder: Finder, truth: Boxes | None, progress: Progress) -> Result:
    line = (*clip.line[0], *clip.line[1]) if clip.line else None
    pipeline = Pipeline(finder, line)
    crossings, parts, frames = [], [], 0
    began = time.process_time()
    with open_source(str(folder / clip.clip), clip.fps) as source:
        for frame in source:
            seen = pipeline.process(frame.image_bgr, frame.media_s)
            crossings += seen.crossings
            frames += 1
            if truth is not None:
                parts.append(boxes_of(seen.tracks.found, frames))
            progress(frames, source.frames)
    ms = 1000 * (time.process_time() - began) / max(frames, 1)
    by_movement = totals(crossings)
    counts = [
        Count("line", direction, sum(by_movement.get(f"line:{direction}", {}).values()), *_bounds(hand))
        for direction, hand in clip.counts.items()
    ]
    by_class = {name: {user.value: n for user, n in users.items()} for name, users in by_movement.items()}
    scores = score(truth, joined(parts)) if truth is not None and parts else None
    return Result(clip.clip, frames, counts, by_class, scores, round(ms, 2))


def _bounds(hand: Counted) -> tuple[int, tuple[int, int]]:
    return hand.complete, hand.accept
