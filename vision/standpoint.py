"""Whether a camera still stands and points as it did: what stays in its pictures against what stayed before.

Traffic is averaged away, light is left out (only edges are compared), and a shift of the whole picture is
found by phase correlation (Kuglin and Hines, The phase correlation image alignment method, 1975).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SIZE = (160, 90)
EVERY_S = 1.0
"""Of the pictures, one in this time."""
SETTLE_S = 20.0
"""Until what stays is known: then it is remembered as the camera's view."""
LEARNING = 0.15
"""Share of a new picture in the average that leaves traffic out."""
MIN_SHIFT = 0.015
"""Share of the picture's width: less is wind at the mast."""
LIKE = 0.35
"""Correlation of the edges at which a shift is believed: there the views are of the same place."""
UNLIKE = 0.12
"""Below it the camera shows another place."""
FORGETTING = 0.002
"""How fast the remembered view follows the seasons, while the camera stands."""
MIN_EDGES = 2.0
"""Mean gradient, in levels, below which a view (night, fog, a lens cap) says nothing."""

WINDOW: Floats = np.asarray(cv2.createHanningWindow(SIZE, cv2.CV_32F), np.float32)


@dataclass(slots=True)
class Standpoint:
    """Of one camera; feed it every picture."""

    _average: Floats | None = None
    _view: Floats | None = None
    _began_s: float = 0.0
    _looked_s: float = float("-inf")
    _moved: bool = False

    def look(self, picture: NDArray[np.uint8], at_s: float) -> bool:
        """Whether the camera is thought to have moved, after `picture`: (h, w, 3) uint8 at `at_s` seconds."""
        if 0 <= at_s - self._looked_s < EVERY_S:
            return self._moved
        self._looked_s = at_s
        grey = cv2.cvtColor(cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
        now = grey.astype(np.float32)
        if self._average is None:
            self._average, self._began_s = now, at_s
            return False
        self._average += LEARNING * (now - self._average)
        edges = _edges(self._average)
        if float(edges.mean()) < MIN_EDGES:
            return self._moved
        if self._view is None:
            if at_s - self._began_s >= SETTLE_S:
                self._view = edges
            return False
        self._moved = self._is_elsewhere(edges)
        if not self._moved:
            self._view += FORGETTING * (edges - self._view)
        return self._moved

    def _is_elsewhere(self, edges: Floats) -> bool:
        assert self._view is not None
        return _correlation(self._view, edges) < UNLIKE or self._shift(edges) > MIN_SHIFT

    def _shift(self, edges: Floats) -> float:
        """Of the whole picture, as a share of its width; 0 where no shift makes the views alike."""
        assert self._view is not None
        # It fades the borders of what it is given, in place.
        (x, y), _ = cv2.phaseCorrelate(self._view.copy(), edges.copy(), WINDOW)
        back = np.array([[1, 0, -x], [0, 1, -y]], np.float32)
        shifted = np.asarray(cv2.warpAffine(edges, back, SIZE), np.float32)
        if _correlation(self._view, shifted) < max(LIKE, _correlation(self._view, edges)):
            return 0.0
        return float(np.hypot(x, y)) / SIZE[0]


def _edges(grey: Floats) -> Floats:
    """Size of the gradient, the strongest cut, so that a lamp does not outweigh the street."""
    size = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    return np.asarray(np.minimum(size, 4 * float(size.mean()) + 1e-6), np.float32)


def _correlation(a: Floats, b: Floats) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
