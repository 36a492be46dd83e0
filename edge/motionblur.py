"""Hides what moves in a picture, without knowing what it is: for cameras that people only look at.

Whatever moves, or moved a short while ago, and is shown large enough for a face or a plate to be read is
replaced by the means of coarse cells. So is the whole picture while nothing is known: at the start, and when
the light changes at once. A detector that is allowed to see less loses little: what is small stays as it is.
"""

from typing import NamedTuple

import numpy as np

from citybrain.gate import Motion, Region
from citybrain.sources import Image
from edge.coarse import coarse, hiding_cell, pixels

DETAIL_PX = 64
"""A moving thing lower than this shows no readable face or plate: a face is a seventh of a person's height,
a plate a fourteenth of a car's, and neither is read below ten pixels."""
HOLD_S = 10.0
"""Who stops stays hidden for so long."""
MOST_REGIONS = 200


class _Held(NamedTuple):
    region: Region
    until_s: float


class MotionBlur:
    """Hides what moves in one camera's pictures; `share` is how much of the last one was hidden."""

    def __init__(self) -> None:
        self._held: list[_Held] = []
        self.share = 0.0

    def hide(self, image: Image, motion: Motion, media_s: float) -> Image:
        """A copy of `image` (h, w, 3) in which what may identify somebody cannot be read.

        motion: of the same picture, with its regions; media_s: its time on any clock.
        """
        whole = motion.is_light_change or (motion.share > 0 and not motion.regions and motion.share > 0.5)
        if whole:
            self.share = 1.0
            return coarse(image, hiding_cell(image.shape[1], image.shape[0]))
        # Who goes on is where he is seen now; who is seen no more has stopped, and stays hidden where he was.
        # A clock that runs backwards (a file begins again) would hold for ever.
        kept = [
            held
            for held in self._held
            if media_s < held.until_s <= media_s + HOLD_S
            and not any(_overlap(held.region, region) for region in motion.regions)
        ]
        found = [_Held(region, media_s + HOLD_S) for region in motion.regions]
        self._held = [*found, *kept][:MOST_REGIONS]
        hidden = np.zeros(image.shape[:2], np.bool_)
        result = image.copy()
        for held in self._held:
            x1, y1, x2, y2 = pixels(held.region, image.shape[1], image.shape[0])
            if y2 - y1 >= DETAIL_PX or x2 - x1 >= 2 * DETAIL_PX:
                # Taken from the original, so that regions on top of each other do not smear all around.
                result[y1:y2, x1:x2] = coarse(image[y1:y2, x1:x2], hiding_cell(x2 - x1, y2 - y1))
                hidden[y1:y2, x1:x2] = True
        self.share = float(hidden.mean())
        return result


def _overlap(one: Region, other: Region) -> bool:
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return across > 0 and down > 0
