"""Follows detections that were made elsewhere, for scores of the tracker alone."""

import time

import numpy as np
from numpy.typing import NDArray

from vision.detections import Detections
from vision.evaluation.mot import Boxes
from vision.tracker import Tracker

HIGHEST = 99.0
"""Percentile of scores that counts as certain; the last hundredth has no bound."""


def follow(found: Boxes, fps: float) -> tuple[Boxes, float]:
    """The tracks of detections `found` at `fps` frames a second, and the milliseconds of CPU a frame.

    Scores that are no probabilities (of a support vector machine, say) are scaled to 0 to 1.
    """
    width, height = (int(np.ceil(limit)) for limit in found.corners[:, 2:].max(axis=0))
    tracker = Tracker(width, height)
    confidence = _confidence(found)
    last = int(found.frame.max())
    parts: list[Boxes] = []
    spent_s = 0.0
    for number in range(1, last + 1):
        rows = slice(*np.searchsorted(found.frame, [number, number + 1]))
        detections = Detections.untracked(
            found.corners[rows], confidence[rows], np.zeros(rows.stop - rows.start, np.uint8)
        )
        began = time.process_time()
        tracks = tracker.update(detections, number / fps).found
        spent_s += time.process_time() - began
        parts.append(boxes_of(tracks, number))
    return joined(parts), 1000 * spent_s / last


def _confidence(found: Boxes) -> NDArray[np.float32]:
    low, high = float(found.score.min()), float(np.percentile(found.score, HIGHEST))
    score = found.score
    if low < 0 or found.score.max() > 1:
        score = np.clip((score - low) / max(high - low, 1e-9), 0, 1)
    return score.astype(np.float32)


def boxes_of(tracks: Detections, frame: int) -> Boxes:
    """The tracks of frame number `frame`, from 1."""
    return Boxes(
        np.full(len(tracks), frame, np.intp),
        tracks.track.astype(np.intp),
        tracks.boxes,
        tracks.confidence.astype(np.float64),
        np.zeros(len(tracks), np.bool_),
    )


def joined(parts: list[Boxes]) -> Boxes:
    """All rows; the parts are in order of their frames."""
    return Boxes(
        np.concatenate([part.frame for part in parts]),
        np.concatenate([part.track for part in parts]),
        np.concatenate([part.corners for part in parts]),
        np.concatenate([part.score for part in parts]),
        np.concatenate([part.distractor for part in parts]),
    )
