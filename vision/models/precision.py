"""Average precision of a detector, as COCO defines it: by class, over recall at 101 points.

Source: Lin et al., Microsoft COCO: Common objects in context (2014), and its evaluation of detections.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from vision.detections import ROAD_USERS, Detections, iou

Floats = NDArray[np.float64]

IOUS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)


class Precision(msgspec.Struct, frozen=True):
    """Shares, 1 is perfect; only classes that are labelled count."""

    ap: float
    """Mean over intersections over union of 0.5 to 0.95."""
    ap50: float
    by_road_user: dict[str, float]
    """AP at 0.5."""
    labelled: int


def precision_of(pairs: Sequence[tuple[Detections, Detections]]) -> Precision | None:
    """Of pictures, each with its labels and what was found; None where nothing is labelled."""
    table = {}
    for index, user in enumerate(ROAD_USERS):
        own = [
            (true.select(true.road_user == index), found.select(found.road_user == index))
            for true, found in pairs
        ]
        if any(len(true) for true, _ in own):
            table[user.value] = [_average(own, float(threshold)) for threshold in IOUS]
    if not table:
        return None
    values = np.array(list(table.values()))
    return Precision(
        ap=round(float(values.mean()), 4),
        ap50=round(float(values[:, 0].mean()), 4),
        by_road_user={name: round(row[0], 4) for name, row in table.items()},
        labelled=sum(len(true) for true, _ in pairs),
    )


def _average(pairs: Sequence[tuple[Detections, Detections]], threshold: float) -> float:
    """Mean of the best precision at each recall or beyond."""
    confidence, hits = [], []
    for true, found in pairs:
        confidence.append(found.confidence)
        hits.append(_hits(true, found, threshold))
    order = np.argsort(-np.concatenate(confidence), kind="stable")
    right = np.cumsum(np.concatenate(hits)[order])
    if not len(right):
        return 0.0
    precision = right / np.arange(1, len(right) + 1)
    recall = right / sum(len(true) for true, _ in pairs)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, RECALLS, side="left")
    return float(np.where(places < len(best), best[np.minimum(places, len(best) - 1)], 0.0).mean())


def _hits(true: Detections, found: Detections, threshold: float) -> Floats:
    """1 for each detection that takes a label, the surest first; each label is taken once."""
    hits = np.zeros(len(found))
    overlap = iou(found.boxes, true.boxes)
    for row in np.argsort(-found.confidence, kind="stable").tolist():
        if len(true) and overlap[row].max() >= threshold:
            hits[row] = 1
            overlap[:, int(overlap[row].argmax())] = 0
    return hits
