"""Carries boxes from one picture to the next without a detector: a few points of each are found again.

Pyramidal Lucas-Kanade (Bouguet, Pyramidal implementation of the Lucas Kanade feature tracker, 2001) from
where the tracker expects them. A box is carried only where most of its points agree on one shift.
"""

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
Boxes = NDArray[np.float32]
Floats = NDArray[np.float64]

GRID = 3
"""Points along each side of a box, over its inner part: its border shows the road."""
INNER = 0.25
WINDOW = (11, 11)
LEVELS = 3
WIDTH = 320
"""Pixels across that pictures are scaled down to; boxes are carried as exactly at a third of the cost."""
STEPS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 8, 0.05)
MAX_SPREAD = 0.15
"""Box sizes that a point's shift may differ from the middle one and still agree with it."""
MIN_AGREEING = 0.5
MAX_GROWTH = 1.25
MEMORY = 3
"""Pictures before this one that are kept, to find out where a new box came from."""


class Carrier:
    """Of one camera; feed it every picture, in their order."""

    def __init__(self) -> None:
        self._past: deque[tuple[NDArray[np.uint8], float]] = deque(maxlen=1 + MEMORY)
        self._shape: tuple[int, ...] = ()
        self._scale = 1.0

    def take(self, frame: Frame, at_s: float) -> "list[Step]":
        """The steps between the last pictures up to `frame`: (h, w, 3) uint8 BGR at `at_s`; the last one
        first.
        """
        self._scale = max(1.0, frame.shape[1] / WIDTH)
        size = round(frame.shape[1] / self._scale), round(frame.shape[0] / self._scale)
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        now = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
        if frame.shape != self._shape:
            self._shape = frame.shape
            self._past.clear()
        self._past.appendleft((now, at_s))
        pairs = zip(self._past, list(self._past)[1:], strict=False)
        return [
            Step(early, late, late_s - early_s, self._scale) for (late, late_s), (early, early_s) in pairs
        ]


class Step:
    """Two pictures, one after the other."""

    def __init__(self, before: NDArray[np.uint8], now: NDArray[np.uint8], dt_s: float, scale: float) -> None:
        self._before, self._now = before, now
        self.dt_s = dt_s
        self._scale = scale

    def reverse(self) -> "Step":
        """The same step backwards."""
        return Step(self._now, self._before, self.dt_s, self._scale)

    def carry(self, boxes: Boxes, expected: Floats) -> tuple[Boxes, NDArray[np.bool_]]:
        """Where (n, 4) px what `boxes`: (n, 4) px held in the picture before is now, and whether (n,) that is
        sure; `expected`: (n, 2) px is a guess of its way.
        """
        count = len(boxes)
        if not count:
            return boxes, np.zeros(0, np.bool_)
        shares = np.linspace(INNER, 1 - INNER, GRID, dtype=np.float32)
        grid = np.stack(np.meshgrid(shares, shares), axis=-1).reshape(-1, 2)
        size = boxes[:, 2:] - boxes[:, :2]
        points = boxes[:, None, :2] + grid[None] * size[:, None]
        start = (points.reshape(-1, 1, 2) / self._scale).astype(np.float32)
        guess = ((points + expected[:, None, :]).reshape(-1, 1, 2) / self._scale).astype(np.float32)
        moved, found, _ = cv2.calcOpticalFlowPyrLK(
            self._before, self._now, start, guess, winSize=WINDOW, maxLevel=LEVELS, criteria=STEPS,
            flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        )  # fmt: skip
        shift = self._scale * (moved - start).reshape(count, -1, 2).astype(np.float64)
        good = found.reshape(count, -1).astype(np.bool_)
        # The middle one of those found; what was not found stands behind all others.
        ordered = np.sort(np.where(good[..., None], shift, np.inf), axis=1)
        middle = ordered[np.arange(count), np.maximum(good.sum(axis=1) - 1, 0) // 2]
        middle[~good.any(axis=1)] = 0.0
        length = np.sqrt(np.maximum(size.prod(axis=1), 1.0))
        off = np.hypot(*(shift - middle[:, None]).transpose(2, 0, 1))
        agrees = good & (off < MAX_SPREAD * length[:, None])
        # How much it grew: least squares of the points' distances from their middle.
        arms = (points - points.mean(axis=1, keepdims=True)).astype(np.float64)
        spread = np.where(agrees[..., None], shift - middle[:, None], 0.0)
        growth = 1 + (arms * spread).sum(axis=(1, 2)) / np.maximum((arms**2).sum(axis=(1, 2)), 1e-6)
        growth = np.clip(growth, 1 / MAX_GROWTH, MAX_GROWTH)
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2 + middle
        half = size * growth[:, None] / 2
        return (
            np.concatenate([centre - half, centre + half], axis=1).astype(np.float32),
            agrees.mean(axis=1) >= MIN_AGREEING,
        )
