"""One struct of arrays for what a detector found in a frame; everything in vision passes it on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from citybrain.messages import RoadUser

ROAD_USERS = tuple(RoadUser)
VEHICLES = (RoadUser.MOTORCYCLE, RoadUser.CAR, RoadUser.BUS, RoadUser.TRUCK)
MAX_CANDIDATES = 400
"""Of one frame, the most confident ones; suppression compares each with each."""

# Boxes suppress each other within a group only: a rider is not a car, but a van may be both car and truck.
_VEHICLE_GROUP = len(ROAD_USERS)
_GROUPS = np.array(
    [_VEHICLE_GROUP if user in VEHICLES else index for index, user in enumerate(ROAD_USERS)], np.uint8
)


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """What was found in one frame, row by row.

    boxes: (n, 4) float32, x1, y1, x2, y2 in pixels; confidence: (n,) float32, 0 to 1;
    road_user: (n,) uint8, index into `ROAD_USERS`; track: (n,) int32, 0 while untracked.
    """

    boxes: NDArray[np.float32]
    confidence: NDArray[np.float32]
    road_user: NDArray[np.uint8]
    track: NDArray[np.int32]

    def __post_init__(self) -> None:
        n = len(self.boxes)
        if self.boxes.shape != (n, 4) or any(
            column.shape != (n,) for column in (self.confidence, self.road_user, self.track)
        ):
            raise ValueError("detections: boxes must be (n, 4) and the other columns (n,)")

    def __len__(self) -> int:
        return len(self.boxes)

    @classmethod
    def empty(cls) -> "Detections":
        return cls.untracked(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.uint8))

    @classmethod
    def untracked(
        cls, boxes: NDArray[np.float32], confidence: NDArray[np.float32], road_user: NDArray[np.uint8]
    ) -> "Detections":
        """Detections that no tracker has seen yet."""
        return cls(boxes, confidence, road_user, np.zeros(len(boxes), np.int32))

    def select(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "Detections":
        """The rows of a mask (n,) or of indices, in their order."""
        return Detections(self.boxes[rows], self.confidence[rows], self.road_user[rows], self.track[rows])

    def with_tracks(self, track: NDArray[np.int32]) -> "Detections":
        return replace(self, track=track)

    def moved(self, x: float, y: float) -> "Detections":
        """The same, `x` and `y` pixels further right and down."""
        return replace(self, boxes=self.boxes + np.array([x, y, x, y], np.float32))

    @property
    def road_users(self) -> list[RoadUser]:
        """The class of each row by name."""
        return [ROAD_USERS[index] for index in self.road_user]


def joined(parts: Sequence[Detections]) -> Detections:
    """All rows of all parts, in their order."""
    if not parts:
        return Detections.empty()
    return Detections(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.confidence for part in parts]),
        np.concatenate([part.road_user for part in parts]),
        np.concatenate([part.track for part in parts]),
    )


def tidy(
    found: Detections, width: int, height: int, *, max_iou: float = 0.5, max_share: float = 0.5
) -> Detections:
    """Raw detections cut to the frame, without boxes over `max_share` of it and without doubles.

    The result is sorted by falling confidence.
    """
    limit = np.array([width, height, width, height], np.float32)
    cut = replace(found, boxes=np.clip(found.boxes, 0, limit))
    size = cut.boxes[:, 2:] - cut.boxes[:, :2]
    plausible = (size >= 1).all(axis=1) & (size.prod(axis=1) <= max_share * width * height)
    cut = cut.select(plausible)
    return suppress(cut.select(np.argsort(-cut.confidence, kind="stable")[:MAX_CANDIDATES]), max_iou)


def suppress(found: Detections, max_iou: float) -> Detections:
    """Greedy non-maximum suppression by falling confidence.

    Motorcycles, cars, buses and trucks suppress each other; bicycles and persons only their own kind.
    Of two boxes of one group in the result, intersection over union is at most `max_iou`.
    """
    order = np.argsort(-found.confidence, kind="stable")
    found = found.select(order)
    group = _GROUPS[found.road_user]
    rivals = (iou(found.boxes, found.boxes) > max_iou) & (group[:, None] == group[None, :])
    kept = np.ones(len(found), np.bool_)
    for row in range(len(found)):
        if kept[row]:
            kept[row + 1 :] &= ~rivals[row, row + 1 :]
    return found.select(kept)


def iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of boxes `a`: (n, 4) and `b`: (m, 4), as (n, m); 0 for empty boxes."""
    shared = shared_area(a, b)
    total = area(a)[:, None] + area(b)[None, :] - shared
    ratio: NDArray[np.float32] = np.divide(shared, total, out=np.zeros_like(shared), where=total > 0)
    return ratio


def shared_area(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Area (n, m) that boxes `a`: (n, 4) and `b`: (m, 4) have in common."""
    width = np.minimum(a[:, None, 2], b[None, :, 2]) - np.maximum(a[:, None, 0], b[None, :, 0])
    height = np.minimum(a[:, None, 3], b[None, :, 3]) - np.maximum(a[:, None, 1], b[None, :, 1])
    shared: NDArray[np.float32] = np.maximum(width, 0) * np.maximum(height, 0)
    return shared


def area(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Area (n,) of boxes (n, 4)."""
    size = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    product: NDArray[np.float32] = size[:, 0] * size[:, 1]
    return product
