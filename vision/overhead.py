"""Notices a view that defeats the detector (straight down, most of all), and looks at what moves instead.

Much moves, and the detector explains next to nothing of it: then what moves is followed for a while on trial.
If road users come of it, which travel and do not sway like trees, blobs are believed instead of the detector,
until that sees them again.
"""

import numpy as np
from numpy.typing import NDArray

from vision.blobs import BlobFinder, Frame
from vision.detections import Detections, area, shared_area
from vision.tracker import Tracker

MIN_CONFIDENCE = 0.3
EXPLAINED = 0.3
"""Share of what moves that detections cover."""
MEMORY_LOOKS = 40.0
DEFEATED = 0.1
"""Share of movements explained, over the last looks, at which blobs are tried."""
SEES_AGAIN = 0.5
TRIAL_S = 60.0
RETRY_S = 120.0
MIN_TRAVELLERS = 3
TRAVELLED = 3.0
"""Of their own sizes, as the crow flies, that road users go while they are seen."""
CHECK_S = 5.0
"""The detector is asked again this often while blobs are believed."""


class Overhead:
    """Of one camera with pictures of `width` by `height`; feed it every picture."""

    def __init__(self, width: int, height: int) -> None:
        self._size = width, height
        self._finder = BlobFinder()
        self._explained = 1.0
        self._trial: Tracker | None = None
        self._trial_s = 0.0
        self._pause_until_s = float("-inf")
        self._travellers: set[int] = set()
        self._checked_s = float("-inf")
        self.is_chosen = False

    def wants_detector(self, at_s: float) -> bool:
        """Whether the detector shall look at the picture at `at_s`."""
        if not self.is_chosen or not 0 <= at_s - self._checked_s < CHECK_S:
            self._checked_s = at_s
            return True
        return False

    def look(
        self, frame: Frame, at_s: float, found: Detections | None, moving: NDArray[np.float32]
    ) -> Detections | None:
        """What is to be tracked in `frame`, given what the detector `found`, None where it did not look, and
        where it moves: `moving`, (n, 4) px.
        """
        if found is not None and len(moving):
            self._judge(moving, found)
        if self.is_chosen:
            blobs = self._finder.find(frame)
            if self._explained > SEES_AGAIN:
                self.is_chosen = False
                return found
            return blobs
        self._try(frame, at_s)
        return found

    def _judge(self, moving: NDArray[np.float32], found: Detections) -> None:
        sure = found.select(found.confidence >= MIN_CONFIDENCE)
        covered = shared_area(moving, sure.boxes).sum(axis=1) > EXPLAINED * area(moving)
        weight = 4.0 if self.is_chosen else 1.0
        self._explained += weight * (float(covered.mean()) - self._explained) / MEMORY_LOOKS

    def _try(self, frame: Frame, at_s: float) -> None:
        if self._explained > DEFEATED or at_s < self._pause_until_s:
            self._trial = None
            return
        if self._trial is None:
            self._trial, self._trial_s, self._travellers = Tracker(*self._size), at_s, set()
            self._finder = BlobFinder()
        tracks = self._trial.update(self._finder.find(frame), at_s)
        middle = (tracks.found.boxes[:, :2] + tracks.found.boxes[:, 2:]) / 2
        first = (tracks.first_box[:, :2] + tracks.first_box[:, 2:]) / 2
        size = np.sqrt(np.maximum(area(tracks.first_box), 1.0))
        far = np.hypot(*(middle - first).T) > TRAVELLED * size
        self._travellers |= set(tracks.found.track[far].tolist())
        if len(self._travellers) >= MIN_TRAVELLERS:
            self.is_chosen, self._trial = True, None
        elif at_s - self._trial_s > TRIAL_S:
            self._trial, self._pause_until_s = None, at_s + RETRY_S
