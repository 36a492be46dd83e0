"""The motion gate: whether a picture moved enough to be worth a detector's time. Under a millisecond.

The luma plane, scaled down, against a running background; a sudden change of light (most of the picture at
once) is no motion, and the background begins anew.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from types import ModuleType

Picture = npt.NDArray[np.uint8]

GATE_WIDTH = 160
THRESHOLD = 22
"""Levels of luma that a pixel must differ by; camera noise stays below."""
LEARNING = 0.06
"""Share of a new picture that enters the background."""
LIGHT_SHARE = 0.6
"""More of the picture than this changing at once is light, not traffic."""
MIN_BOX = 0.0008
"""Share of the picture that a moving region must cover to be told as a box."""


class Region(NamedTuple):
    """A moving region; x, y, width and height as shares of the picture."""

    x: float
    y: float
    width: float
    height: float


class Motion(NamedTuple):
    """`share` of the picture that moved, 0 to 1; `regions` only where asked for."""

    share: float
    regions: tuple[Region, ...] = ()
    is_light_change: bool = False


class MotionGate:
    """Judges one camera's pictures in their order; the first one counts as wholly moved."""

    def __init__(self, threshold: int = THRESHOLD, learning: float = LEARNING) -> None:
        self._threshold = threshold
        self._learning = learning
        self._background: npt.NDArray[np.float32] | None = None
        self._cv2: ModuleType | None = None

    def look(self, image: Picture, *, regions: bool = False) -> Motion:
        """What moved in `image`: (h, w) uint8 luma, or (h, w, 3) uint8 BGR."""
        cv2 = self._library()
        luma = self._luma(image)
        if self._background is None or self._background.shape != luma.shape:
            self._background = luma.astype(np.float32)
            return Motion(1.0)
        difference = cv2.absdiff(luma, cv2.convertScaleAbs(self._background))
        _, mask = cv2.threshold(difference, self._threshold, 255, cv2.THRESH_BINARY)
        # One pixel alone is noise; what is left of it after the median is none.
        mask = cv2.medianBlur(mask, 3)
        share = float(cv2.countNonZero(mask)) / mask.size
        if share > LIGHT_SHARE:
            self._background = luma.astype(np.float32)
            return Motion(0.0, is_light_change=True)
        cv2.accumulateWeighted(luma, self._background, self._learning)
        return Motion(share, _regions(cv2, mask) if regions and share > 0 else ())

    def _luma(self, image: Picture) -> Picture:
        cv2 = self._library()
        height, width = image.shape[:2]
        wide = min(GATE_WIDTH, width)
        size = (wide, max(1, round(height * wide / width)))
        if width > 2 * wide:
            # Nearest first: averaging all of a large picture would cost more than the gate.
            image = cv2.resize(image, (2 * size[0], 2 * size[1]), interpolation=cv2.INTER_NEAREST)
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        luma: Picture = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY) if small.ndim == 3 else small
        return luma

    def _library(self) -> "ModuleType":
        if self._cv2 is None:
            import cv2

            self._cv2 = cv2
        return self._cv2


def _regions(cv2: "ModuleType", mask: Picture) -> tuple[Region, ...]:
    height, width = mask.shape
    joined = cv2.dilate(mask, np.ones((5, 5), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    return tuple(
        Region(x / width, y / height, w / width, h / height)
        for x, y, w, h, area in stats[1:count].tolist()
        if area >= MIN_BOX * mask.size
    )
