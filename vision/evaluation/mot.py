"""Reads and scores tracks in the format of MOTChallenge: CLEAR (MOTA), Identity (IDF1) and HOTA.

Sources: Bernardin and Stiefelhagen, Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics
(2008); Ristani et al., Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking (2016);
Luiten et al., HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking (2021).
"""

from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from citybrain.errors import ConfigError
from vision.detections import iou

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

MIN_IOU = 0.5
ALPHAS = np.arange(0.05, 0.99, 0.05)
TINY = 1e-9
DISTRACTORS = (2, 7, 8, 12)
"""Classes of MOTChallenge: on a vehicle, standing still, distractor, reflection."""


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Rows of a MOT file: frame (n,), number of the track (n,), corners (n, 4) px, score (n,); in a truth
    whether a row is a distractor (n,): somebody whom finding is neither right nor wrong.
    """

    frame: Ints
    track: Ints
    corners: NDArray[np.float32]
    score: Floats
    distractor: NDArray[np.bool_]

    def select(self, rows: NDArray[np.bool_] | slice) -> "Boxes":
        """The rows of a mask (n,) or a slice."""
        return Boxes(
            self.frame[rows], self.track[rows], self.corners[rows], self.score[rows], self.distractor[rows]
        )

    def at(self, frame: int) -> "Boxes":
        """The rows of one frame."""
        return self.select(slice(*np.searchsorted(self.frame, [frame, frame + 1])))


class Scores(msgspec.Struct, frozen=True):
    """Shares, 1 is perfect; counts of boxes and of switches."""

    mota: float
    hota: float
    idf1: float
    switches: int
    false_positives: int
    misses: int


def read_boxes(path: Path) -> Boxes:
    """A MOT file: frame, track, left, top, width, height, score, class, ... a line, sorted by frame.

    Rows of a truth with score 0 are not scored.

    Raises:
        ConfigError: it cannot be read or is no such file.
    """
    try:
        lines = path.read_text(encoding="utf-8").split()
        rows = np.array([[float(cell) for cell in line.split(",")] for line in lines], ndmin=2)
    except (OSError, ValueError) as error:
        raise ConfigError(f"tracks: {path} is not a file of MOTChallenge ({error})") from error
    if rows.shape[1] < 7:
        raise ConfigError(f"tracks: {path} has {rows.shape[1]} columns a line, at least 7 are needed")
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    corners = np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1).astype(np.float32)
    kinds = rows[:, 7] if rows.shape[1] > 7 else np.full(len(rows), -1)
    distractor = np.isin(kinds, DISTRACTORS)
    return Boxes(rows[:, 0].astype(np.intp), rows[:, 1].astype(np.intp), corners, rows[:, 6], distractor)


def without_distractors(truth: Boxes, found: Boxes) -> Boxes:
    """`found` without the boxes that fit a distractor of `truth` best, as the benchmark has it."""
    kept = np.ones(len(found.frame), np.bool_)
    for number in np.unique(truth.frame[truth.distractor]).tolist():
        true, at = truth.at(number), found.at(number)
        overlap = iou(true.corners, at.corners)
        overlap[overlap < MIN_IOU - TINY] = 0
        rows, columns = linear_sum_assignment(-overlap)
        taken = columns[(overlap[rows, columns] > 0) & true.distractor[rows]]
        kept[np.searchsorted(found.frame, number) + taken] = False
    return found.select(kept)


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """Indices of the true and the found tracks in one frame, and how much their boxes overlap."""

    true: Ints
    found: Ints
    overlap: Floats


def score(truth: Boxes, found: Boxes) -> Scores:
    """How well `found` follows `truth`.

    Raises:
        ConfigError: the truth is empty.
    """
    found = without_distractors(truth, found)
    truth = truth.select((truth.score > 0) & ~truth.distractor)
    if not len(truth.frame):
        raise ConfigError("tracks: the truth holds no box")
    true_names, true = np.unique(truth.track, return_inverse=True)
    found_names, tracks = np.unique(found.track, return_inverse=True)
    truth, found = replace(truth, track=true), replace(found, track=tracks)
    shape = len(true_names), max(len(found_names), 1)
    frames = []
    for number in np.union1d(truth.frame, found.frame).tolist():
        a, b = truth.at(number), found.at(number)
        frames.append(_Frame(a.track, b.track, iou(a.corners, b.corners).astype(np.float64)))
    hits, false, switches = _clear(frames, shape[0])
    return Scores(
        mota=(hits - false - switches) / len(truth.frame),
        hota=_hota(frames, shape, len(truth.frame), len(found.frame)),
        idf1=_idf1(frames, shape, len(truth.frame) + len(found.frame)),
        switches=switches,
        false_positives=false,
        misses=len(truth.frame) - hits,
    )


def _clear(frames: list[_Frame], tracks: int) -> tuple[int, int, int]:
    """Hits, false positives and switches; who was matched in the frame before stays so if it may."""
    hits = false = switches = 0
    last = np.full(tracks, -1)
    before = np.full(tracks, -1)
    for frame in frames:
        stays = before[frame.true][:, None] == frame.found[None, :]
        worth = np.where(frame.overlap >= MIN_IOU - TINY, 1000.0 * stays + frame.overlap, 0.0)
        rows, columns = linear_sum_assignment(-worth)
        good = worth[rows, columns] > 0
        true, found = frame.true[rows[good]], frame.found[columns[good]]
        switches += int(((last[true] >= 0) & (last[true] != found)).sum())
        before[:] = -1
        before[true] = last[true] = found
        hits += len(true)
        false += len(frame.found) - len(true)
    return hits, false, switches


def _idf1(frames: list[_Frame], shape: tuple[int, int], boxes: int) -> float:
    together = np.zeros(shape)
    for frame in frames:
        rows, columns = np.nonzero(frame.overlap >= MIN_IOU)
        np.add.at(together, (frame.true[rows], frame.found[columns]), 1)
    rows, columns = linear_sum_assignment(-together)
    return float(2 * together[rows, columns].sum() / boxes)


def _hota(frames: list[_Frame], shape: tuple[int, int], true_boxes: int, found_boxes: int) -> float:
    likely, true_count, found_count = np.zeros(shape), np.zeros((shape[0], 1)), np.zeros((1, shape[1]))
    for frame in frames:
        total = frame.overlap.sum(0)[None, :] + frame.overlap.sum(1)[:, None] - frame.overlap
        share = np.divide(frame.overlap, total, out=np.zeros_like(total), where=total > TINY)
        likely[np.ix_(frame.true, frame.found)] += share
        true_count[frame.true] += 1
        found_count[0, frame.found] += 1
    alignment = likely / np.maximum(true_count + found_count - likely, TINY)
    matches = np.zeros((len(ALPHAS), *shape))
    for frame in frames:
        worth = alignment[np.ix_(frame.true, frame.found)] * frame.overlap
        rows, columns = linear_sum_assignment(-worth)
        good = frame.overlap[rows, columns][None, :] >= ALPHAS[:, None] - TINY
        matches[:, frame.true[rows], frame.found[columns]] += good
    hits = matches.sum(axis=(1, 2))
    association = (matches * matches / np.maximum(true_count + found_count - matches, 1)).sum(axis=(1, 2))
    detection = hits / np.maximum(true_boxes + found_boxes - hits, 1)
    return float(np.sqrt(detection * association / np.maximum(hits, 1)).mean())
