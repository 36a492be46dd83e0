"""A camera above a straight street, and what it would detect of vehicles whose place is known exactly."""

import numpy as np
from numpy.typing import NDArray

from citybrain.calibration import Calibration, Lane, Pair, Rectangle, Zone
from citybrain.messages import RoadUser
from vision.detections import ROAD_USERS, Detections

WIDTH, HEIGHT = 1280, 720
FOCAL, TILT, HIGH_M = 1000.0, np.radians(25), 8.0
LENGTH_M, BROAD_M, TALL_M = 4.5, 1.8, 1.5


def picture_of(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (n, 3) m (right, ahead, up) as pixels (n, 2), for a camera 8 m up that looks 25 degrees down."""
    right, ahead, up = points[:, 0], points[:, 1], points[:, 2] - HIGH_M
    depth = ahead * np.cos(TILT) - up * np.sin(TILT)
    down = -up * np.cos(TILT) - ahead * np.sin(TILT)
    return np.stack([WIDTH / 2 + FOCAL * right / depth, HEIGHT / 2 + FOCAL * down / depth], axis=1)


def spot(right: float, ahead: float) -> tuple[float, float]:
    x, y = picture_of(np.array([[right, ahead, 0.0]]))[0]
    return float(x) / WIDTH, float(y) / HEIGHT


LANES = {"left": -1.75, "right": 1.75}
NEAR_M, FAR_M = 12.0, 70.0
"""The stop line, and where the observed stretch begins; vehicles come towards the camera."""


def calibration(rectangle: bool = False) -> Calibration:
    fields = [(-5.0, NEAR_M), (5.0, NEAR_M), (5.0, FAR_M), (-5.0, FAR_M)]
    lanes = [Lane(name, [spot(x, FAR_M), spot(x, NEAR_M)], 3.5) for name, x in LANES.items()]
    road = [spot(-3.5, NEAR_M), spot(3.5, NEAR_M), spot(3.5, FAR_M), spot(-3.5, FAR_M)]
    zones = [Zone("road", road, "carriageway")]
    if rectangle:
        a, b, c, d = (spot(*corner) for corner in fields)
        return Calibration(rectangle=Rectangle((a, b, c, d), 10.0, FAR_M - NEAR_M), lanes=lanes, zones=zones)
    pairs = [Pair(spot(*corner), corner) for corner in [*fields, (0.0, 30.0)]]
    return Calibration(points=pairs, lanes=lanes, zones=zones)


def seen(
    vehicles: list[tuple[float, float]],
    rng: np.random.Generator,
    tremble: float = 0.02,
    user: RoadUser = RoadUser.CAR,
) -> Detections:
    """Boxes of vehicles whose fronts are at (right, ahead) m, with centre and size trembling by a share."""
    boxes = []
    for right, ahead in vehicles:
        corners = np.array(
            [
                [right + x * BROAD_M / 2, ahead + y * LENGTH_M, z * TALL_M]
                for x in (-1, 1)
                for y in (0, 1)
                for z in (0, 1)
            ]
        )
        pixels = picture_of(corners)
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        off = tremble * (high - low).min() * rng.normal(size=2)
        box = np.concatenate([low + off, high + off])
        if (box[:2] < [WIDTH, HEIGHT]).all() and (box[2:] > 0).all():
            boxes.append(np.clip(box, 0, [WIDTH, HEIGHT, WIDTH, HEIGHT]))
    n = len(boxes)
    return Detections.untracked(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(n, 0.9, np.float32),
        np.full(n, ROAD_USERS.index(user), np.uint8),
    )
