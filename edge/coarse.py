"""Coarse cells instead of a picture, or of a part of it: what cannot be made sharp again."""

import numpy as np

from citybrain.gate import Region
from citybrain.sources import Image

CELLS = 8
"""Cells across the smaller side of what is hidden: fewer than a face needs even where nothing else moves."""
MIN_CELL_PX = 8
MARGIN = 0.1


def coarse(image: Image, cell_px: float) -> Image:
    """A copy of `image` (h, w, 3) of which the mean of each cell is left, smoothly joined."""
    import cv2

    if cell_px <= 1.0:
        return image.copy()
    height, width = image.shape[:2]
    cells = (max(round(width / cell_px), 1), max(round(height / cell_px), 1))
    small = cv2.resize(image, cells, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def hiding_cell(width: int, height: int) -> float:
    """The cell, in pixels, that leaves nothing of a part of this size, not even of a face that fills it."""
    return max(MIN_CELL_PX, min(width, height) / CELLS)


def pixels(region: Region, width: int, height: int) -> tuple[int, int, int, int]:
    """Corners in whole pixels, with a margin: the gate looks at a small picture, and boxes tremble."""
    across, down = MARGIN * region.width, MARGIN * region.height
    x1, x2 = (region.x - across) * width, (region.x + region.width + across) * width
    y1, y2 = (region.y - down) * height, (region.y + region.height + down) * height
    return max(0, int(x1)), max(0, int(y1)), min(width, int(x2) + 1), min(height, int(y2) + 1)
