"""Where a detector looks: square windows around what moves, and the whole picture now and then.

A detector squeezes what it is given into a small square, so that in a wide picture it misses what is far or
cut. Windows as high as the picture show the same road users larger; only those in which something moves
are worth the time. What stands, and what is larger than a window's overlap, the whole picture shows.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from citybrain.gate import MotionGate, Region
from vision.detections import Detections, area, joined, shared_area, suppress

Frame = NDArray[np.uint8]
Boxes = NDArray[np.float32]
Detect = Callable[[Frame], Detections]

WHOLE_EVERY_S = 1.0
SQUARE = 1.2
"""A picture no longer than this many times its shorter side needs no windows."""
OVERLAP = 0.15
"""Least share of a window that lies in its neighbour too."""
SEAM_SHARE = 0.017
"""A box that ends this close to a border of its window inside the picture shows a part of somebody."""
MIN_MOTION = 0.0005
MAX_DOUBLE_IOU = 0.5
SURE = 0.3
EXPLAINED = 0.5
"""Share of a cut box that a whole one must cover to be the same road user."""


class Window(NamedTuple):
    """A part of a picture in whole pixels, `x2` and `y2` excluded."""

    x1: int
    y1: int
    x2: int
    y2: int


def windows_in(width: int, height: int) -> tuple[Window, ...]:
    """Squares of the picture's shorter side that cover it and overlap; none for a picture nearly square."""
    side, length = min(width, height), max(width, height)
    if length <= SQUARE * side:
        return ()
    count = max(2, int(np.ceil((length / side - OVERLAP) / (1 - OVERLAP) - 0.01)))
    starts = [round(k * (length - side) / (count - 1)) for k in range(count)]
    if width >= height:
        return tuple(Window(start, 0, start + side, side) for start in starts)
    return tuple(Window(0, start, side, start + side) for start in starts)


class Focus:
    """Chooses the looks for one camera's pictures of `width` by `height`, in their order."""

    def __init__(self, width: int, height: int) -> None:
        self._size = width, height
        self._windows = windows_in(width, height)
        self._gate = MotionGate()
        self._whole_s: float | None = None
        self.moving: Boxes = np.empty((0, 4), np.float32)
        """Where it moved in the last picture: (n, 4) px."""

    def look(
        self, frame: Frame, at_s: float, expected: Boxes, detect: Detect, *, windows: bool = True
    ) -> Detections | None:
        """What `detect` finds in `frame`: (h, w, 3) uint8 where it is worth looking; None where nothing
        moves and the whole picture was seen a moment ago.

        `expected`: (n, 4) px where road users are thought to be; without `windows` only whole pictures are
        looked at.
        """
        motion = self._gate.look(frame, regions=True)
        self.moving = _boxes_of(motion.regions, *self._size)
        due = self._whole_s is None or not 0 <= at_s - self._whole_s < WHOLE_EVERY_S
        if motion.share < MIN_MOTION and not motion.is_light_change and not due:
            return None
        if not windows or not self._windows or motion.share >= 1.0:
            self._whole_s = at_s
            return detect(frame)
        parts, halves = [], [Detections.empty()]
        for window in self._windows:
            if motion.is_light_change or _touch(self.moving, window).any():
                found = detect(frame[window.y1 : window.y2, window.x1 : window.x2])
                found = found.moved(window.x1, window.y1)
                cut = self._is_cut(found.boxes, window)
                parts.append(found.select(~cut))
                halves.append(found.select(cut & (found.confidence >= SURE)))
        if due or not parts or self._straddles(expected) or _unexplained(joined(halves), joined(parts)):
            self._whole_s = at_s if due else self._whole_s
            parts.append(detect(frame))
        return suppress(joined(parts), MAX_DOUBLE_IOU)

    def _is_cut(self, boxes: Boxes, window: Window) -> NDArray[np.bool_]:
        """Whether a border of `window` inside the picture cuts each of `boxes`: (n, 4) px."""
        width, height = self._size
        seam = SEAM_SHARE * (window.x2 - window.x1)
        (x1, y1), (x2, y2) = boxes[:, :2].T, boxes[:, 2:].T
        return np.asarray(
            ((x1 < window.x1 + seam) & (window.x1 > 0))
            | ((y1 < window.y1 + seam) & (window.y1 > 0))
            | ((x2 > window.x2 - seam) & (window.x2 < width))
            | ((y2 > window.y2 - seam) & (window.y2 < height)),
            np.bool_,
        )

    def _straddles(self, boxes: Boxes) -> bool:
        """Whether one of `boxes` lies wholly in none of the windows."""
        held = np.zeros(len(boxes), np.bool_)
        for x1, y1, x2, y2 in self._windows:
            held |= (
                (boxes[:, 0] >= x1 - 1)
                & (boxes[:, 1] >= y1 - 1)
                & (boxes[:, 2] <= x2 + 1)
                & (boxes[:, 3] <= y2 + 1)
            )
        return bool((~held).any())


def _unexplained(halves: Detections, wholes: Detections) -> bool:
    """Whether somebody was seen only in part, cut by a window's border."""
    covered = shared_area(halves.boxes, wholes.boxes).max(axis=1, initial=0.0)
    return bool((covered < EXPLAINED * area(halves.boxes)).any())


def _boxes_of(regions: tuple[Region, ...], width: int, height: int) -> Boxes:
    shares = np.array(regions, np.float32).reshape(-1, 4)
    shares[:, 2:] += shares[:, :2]
    return shares * np.array([width, height, width, height], np.float32)


def _touch(boxes: Boxes, window: Window) -> NDArray[np.bool_]:
    return np.asarray(
        (boxes[:, 0] < window.x2)
        & (boxes[:, 2] > window.x1)
        & (boxes[:, 1] < window.y2)
        & (boxes[:, 3] > window.y1),
        np.bool_,
    )
