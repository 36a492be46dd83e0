"""Detections made by hand."""

import numpy as np

from citybrain.messages import RoadUser
from vision.detections import ROAD_USERS, Detections

Box = tuple[float, float, float, float]


def detections(*boxes: Box, user: RoadUser = RoadUser.CAR, confidence: float = 0.9) -> Detections:
    n = len(boxes)
    return Detections.untracked(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(n, confidence, np.float32),
        np.full(n, ROAD_USERS.index(user), np.uint8),
    )


def joined(*parts: Detections) -> Detections:
    return Detections(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.confidence for part in parts]),
        np.concatenate([part.road_user for part in parts]),
        np.concatenate([part.track for part in parts]),
    )
