"""Detections as boxes that other rooms know."""

import numpy as np

from citybrain.messages import Box
from vision.detections import Detections


def boxes_of(found: Detections, width: int, height: int) -> tuple[Box, ...]:
    """The rows of `found` as shares of the picture."""
    shares = np.clip(found.boxes / np.array([width, height, width, height], np.float32), 0, 1)
    return tuple(
        Box(
            x=float(x1),
            y=float(y1),
            width=float(x2 - x1),
            height=float(y2 - y1),
            road_user=user,
            confidence=min(float(confidence), 1.0),
            track=int(track),
        )
        for (x1, y1, x2, y2), user, confidence, track in zip(
            shares, found.road_users, found.confidence, found.track, strict=True
        )
    )
