"""Brings every picture to a detail at which nobody can be known by it, before it leaves the machine.

Nobody has to be found for it, so nobody is missed: the whole picture gets so coarse that the nearest adult is
shown by no more pixels than it takes to see that somebody is there. What is further away has less anyhow.
Source of the figures: EN 62676-4:2015: 25 px/m to detect a person, 125 to recognise one that is known.
"""

from citybrain.gate import Motion, Region
from citybrain.messages import Box
from citybrain.sources import Image
from edge.coarse import coarse, hiding_cell, pixels

DETECT_PX_PER_M = 25.0
ADULT_M = 1.75
ADULT_CELLS = DETECT_PX_PER_M * ADULT_M
"""A head is six of them high, a letter on a plate two."""
UPRIGHT = 1.5
"""Height by width, at least, of somebody on foot; vehicles that come near are wider than that."""


class DetailLimit:
    """Of one camera, whose nearest adult fills `nearest_adult` of the picture's height."""

    def __init__(self, nearest_adult: float) -> None:
        self._nearest = nearest_adult
        self.share = 0.0
        """Of the last picture: how much of it was made coarser."""

    def hide(self, image: Image, motion: Motion, media_s: float) -> Image:  # noqa: ARG002 - it remembers nothing
        """A copy of `image` (h, w, 3) without fine detail, and without who comes nearer than was thought.

        motion: of the same picture, with its regions.
        """
        height, width = image.shape[:2]
        cell = self._nearest * height / ADULT_CELLS
        self.share = float(cell > 1.0)
        result = coarse(image, cell)
        for region in motion.regions:
            if region.height > self._nearest and _is_upright(region, width, height):
                x1, y1, x2, y2 = pixels(region, width, height)
                result[y1:y2, x1:x2] = coarse(image[y1:y2, x1:x2], hiding_cell(x2 - x1, y2 - y1))
        return result


def limited(image: Image, boxes: tuple[Box, ...]) -> Image:
    """A copy of `image` in which each of `boxes` has the detail limit by its own size, however near it is."""
    height, width = image.shape[:2]
    result = image.copy()
    for box in boxes:
        x1, y1, x2, y2 = pixels(Region(box.x, box.y, box.width, box.height), width, height)
        cell = box.height * height / ADULT_CELLS
        if cell > 1.0 and x2 > x1 and y2 > y1:
            result[y1:y2, x1:x2] = coarse(image[y1:y2, x1:x2], cell)
    return result


def _is_upright(region: Region, width: int, height: int) -> bool:
    return region.height * height > UPRIGHT * region.width * width
