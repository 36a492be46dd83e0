"""Makes faces and number plates unreadable in every picture that is shown or leaves the camera group.

Persons lose the upper quarter of their box, riders of two-wheelers likewise, vehicles the lower part, where
plates are. What is blurred is first averaged over large cells, so nothing sharpens it again.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from citybrain.messages import RoadUser
from vision.detections import ROAD_USERS, Detections

Frame = NDArray[np.uint8]

HEAD_SHARE = 0.25
PLATE_SHARE = 0.5
MARGIN_SHARE = 0.08
"""Boxes tremble; the region is larger by this on each side."""
CELLS = 3
"""Cells along the shorter side of a region."""
MIN_CELL_PX = 6
_ON_FOOT = np.array([user is RoadUser.PERSON for user in ROAD_USERS])
_TWO_WHEELS = np.array([user in {RoadUser.BICYCLE, RoadUser.MOTORCYCLE} for user in ROAD_USERS])


def private_regions(found: Detections, width: int, height: int) -> NDArray[np.int32]:
    """Regions (n, 4) x1, y1, x2, y2 in whole pixels of the picture that may show a face or a plate."""
    heads = found.select(_ON_FOOT[found.road_user] | _TWO_WHEELS[found.road_user]).boxes
    plates = found.select(~_ON_FOOT[found.road_user]).boxes
    upper, lower = heads.copy(), plates.copy()
    upper[:, 3] = heads[:, 1] + HEAD_SHARE * (heads[:, 3] - heads[:, 1])
    lower[:, 1] = plates[:, 3] - PLATE_SHARE * (plates[:, 3] - plates[:, 1])
    sizes = np.concatenate([heads, plates])
    margin = MARGIN_SHARE * (sizes[:, 2:] - sizes[:, :2])
    regions = np.concatenate([upper, lower])
    regions[:, :2] = np.floor(regions[:, :2] - margin)
    regions[:, 2:] = np.ceil(regions[:, 2:] + margin)
    limit = np.array([width, height, width, height], np.float32)
    return np.clip(regions, 0, limit).astype(np.int32)


def blur(picture: Frame, *seen: Detections) -> Frame:
    """A copy of `picture`: (h, w, 3) uint8 with the private regions of all of `seen` made unreadable."""
    result = picture.copy()
    height, width = picture.shape[:2]
    for found in seen:
        for x1, y1, x2, y2 in private_regions(found, width, height).tolist():
            region = result[y1:y2, x1:x2]
            if region.size:
                region[:] = _coarse(region)
    return result


def _coarse(region: Frame) -> Frame:
    """The mean of each cell, smoothly joined."""
    height, width = region.shape[:2]
    cell = max(min(height, width) / CELLS, MIN_CELL_PX)
    cells = (max(round(width / cell), 1), max(round(height / cell), 1))
    small = cv2.resize(region, cells, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
