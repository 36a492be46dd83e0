"""Makes faces and number plates unreadable in every picture that is shown or leaves the camera group.

Persons lose the upper quarter of their box, riders of two-wheelers likewise, vehicles the lower part, where
plates are. Each region is replaced by the means of cells that are larger than the characters of a plate and
the features of a face, so nothing sharpens it again.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from citybrain.messages import RoadUser
from vision.detections import ROAD_USERS, Detections

Frame = NDArray[np.uint8]
Regions = NDArray[np.int32]
Cells = NDArray[np.float32]

HEAD_SHARE = 0.25
PLATE_SHARE = 0.45
MARGIN_SHARE = 0.08
"""Boxes tremble; the region is larger by this on each side."""
CELLS_ACROSS = 10
"""Cells across a vehicle; a plate is at most a third of its width and has 7 characters or so."""
CELLS_ACROSS_HEAD = 5
MIN_CELL_PX = 5
WORTH_HIDING = 0.2
"""Confidence at which something that may be a person or vehicle is blurred, far below what is counted."""
_ON_FOOT = np.array([user is RoadUser.PERSON for user in ROAD_USERS])
_TWO_WHEELS = np.array([user in {RoadUser.BICYCLE, RoadUser.MOTORCYCLE} for user in ROAD_USERS])


def private_regions(found: Detections, width: int, height: int) -> tuple[Regions, Cells]:
    """Regions (n, 4) x1, y1, x2, y2 in whole pixels that may show a face or a plate, and the size (n,) of
    the cells, in pixels, that hide it.
    """
    heads = found.select(_ON_FOOT[found.road_user] | _TWO_WHEELS[found.road_user]).boxes
    plates = found.select(~_ON_FOOT[found.road_user]).boxes
    upper, lower = heads.copy(), plates.copy()
    upper[:, 3] = heads[:, 1] + HEAD_SHARE * (heads[:, 3] - heads[:, 1])
    lower[:, 1] = plates[:, 3] - PLATE_SHARE * (plates[:, 3] - plates[:, 1])
    boxes, regions = np.concatenate([heads, plates]), np.concatenate([upper, lower])
    margin = MARGIN_SHARE * (boxes[:, 2:] - boxes[:, :2])
    regions[:, :2] = np.floor(regions[:, :2] - margin)
    regions[:, 2:] = np.ceil(regions[:, 2:] + margin)
    across = np.repeat([CELLS_ACROSS_HEAD, CELLS_ACROSS], [len(heads), len(plates)])
    cells = np.maximum((boxes[:, 2] - boxes[:, 0]) / across, MIN_CELL_PX)
    limit = np.array([width, height, width, height], np.float32)
    return np.clip(regions, 0, limit).astype(np.int32), cells


def blur(picture: Frame, *seen: Detections) -> Frame:
    """A copy of `picture`: (h, w, 3) uint8 with the private regions of all of `seen` made unreadable."""
    result = picture.copy()
    height, width = picture.shape[:2]
    for found in seen:
        worth = found.select(found.confidence >= WORTH_HIDING)
        regions, cells = private_regions(worth, width, height)
        for (x1, y1, x2, y2), cell in zip(regions.tolist(), cells.tolist(), strict=True):
            if x2 > x1 and y2 > y1:
                # Taken from the original, so that boxes on top of each other do not smear all around.
                result[y1:y2, x1:x2] = _coarse(picture[y1:y2, x1:x2], cell)
    return result


def _coarse(region: Frame, cell: float) -> Frame:
    """The mean of each cell, smoothly joined."""
    height, width = region.shape[:2]
    cells = (max(round(width / cell), 1), max(round(height / cell), 1))
    small = cv2.resize(region, cells, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
