"""What moves, as boxes, whatever it looks like: background subtraction (Zivkovic, Improved adaptive Gaussian
mixture model for background subtraction, 2004).

For views that defeat a detector, straight down above all. It cannot tell classes: everything is a car, but
what is far smaller than the usual is a motorcycle.
"""

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

from citybrain.messages import RoadUser
from vision.detections import ROAD_USERS, Detections

Frame = NDArray[np.uint8]

WIDTH = 320
HISTORY = 200
VARIANCE = 25.0
MIN_SHARE = 0.0008
"""Of the picture: smaller ones are leaves and noise."""
MAX_SHARE = 0.3
CONFIDENCE = 0.6
SMALL = 0.25
"""Share of the usual area below which it is a motorcycle or bicycle."""
REMEMBERED = 200
MIN_KNOWN = 20
CAR, MOTORCYCLE = ROAD_USERS.index(RoadUser.CAR), ROAD_USERS.index(RoadUser.MOTORCYCLE)


class BlobFinder:
    """Of one camera; feed it every picture, in their order."""

    def __init__(self) -> None:
        self._model = cv2.createBackgroundSubtractorMOG2(HISTORY, VARIANCE, detectShadows=True)
        self._areas: deque[float] = deque(maxlen=REMEMBERED)
        self._frames = 0

    def find(self, frame: Frame) -> Detections:
        """What moves in `frame`: (h, w, 3) uint8 BGR; nothing until the background is known."""
        height, width = frame.shape[:2]
        scale = max(1.0, width / WIDTH)
        size = round(width / scale), round(height / scale)
        mask = self._model.apply(cv2.resize(frame, size, interpolation=cv2.INTER_AREA))
        self._frames += 1
        if self._frames < MIN_KNOWN:
            return Detections.empty()
        # Shadows are marked 127.
        _, mask = cv2.threshold(mask, 200, 255, cv2.THRESH_BINARY)
        mask = cv2.morphologyEx(cv2.medianBlur(mask, 3), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
        count, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        table = np.asarray(stats[1:count], np.float32)
        share = table[:, 4] / (size[0] * size[1])
        table = table[(share >= MIN_SHARE) & (share <= MAX_SHARE)]
        boxes = table[:, :4] * scale
        boxes[:, 2:] += boxes[:, :2]
        self._areas.extend(table[:, 4].tolist())
        usual = float(np.median(self._areas)) if len(self._areas) >= MIN_KNOWN else 0.0
        user = np.where(table[:, 4] < SMALL * usual, MOTORCYCLE, CAR).astype(np.uint8)
        return Detections.untracked(boxes, np.full(len(boxes), CONFIDENCE, np.float32), user)
