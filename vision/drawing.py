"""Draws what was seen into a picture: boxes with class and track, the counting line, the counts."""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from citybrain.messages import RoadUser
from vision.detections import Detections
from vision.line import Line

Frame = NDArray[np.uint8]
Colour = tuple[int, int, int]

COLOURS: dict[RoadUser, Colour] = {
    RoadUser.PERSON: (80, 175, 240),
    RoadUser.BICYCLE: (200, 120, 220),
    RoadUser.MOTORCYCLE: (190, 90, 160),
    RoadUser.CAR: (110, 200, 60),
    RoadUser.BUS: (60, 160, 250),
    RoadUser.TRUCK: (220, 150, 50),
}
"""Blue, green, red; apart in lightness too."""
LINE_COLOUR: Colour = (60, 60, 240)
DARK: Colour = (25, 25, 25)
WHITE: Colour = (250, 250, 250)
FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw(picture: Frame, tracks: Detections, line: Line, counts: Mapping[str, int]) -> None:
    """Draw into `picture`: (h, w, 3) uint8 BGR; `counts` is a number by movement."""
    scale = max(picture.shape[1] / 1280, 0.4)
    ends = [(round(point.x), round(point.y)) for point in (line.a, line.b)]
    cv2.line(picture, ends[0], ends[1], LINE_COLOUR, max(round(2 * scale), 1), cv2.LINE_AA)
    for box, user, track in zip(tracks.boxes, tracks.road_users, tracks.track, strict=True):
        _box(picture, box.round().astype(int).tolist(), f"{user.value} {track}", COLOURS[user], scale)
    for row, (movement, count) in enumerate(counts.items()):
        below = round((row + 1) * 30 * scale)
        _label(picture, (6, below), f"{movement.partition(':')[2] or movement} {count}", DARK, 1.6 * scale)


def _box(picture: Frame, box: list[int], text: str, colour: Colour, scale: float) -> None:
    x1, y1, x2, y2 = box
    cv2.rectangle(picture, (x1, y1), (x2, y2), colour, max(round(2 * scale), 1), cv2.LINE_AA)
    _label(picture, (x1, y1), text, colour, scale)


def _label(picture: Frame, foot: tuple[int, int], text: str, colour: Colour, scale: float) -> None:
    """Text on a plate of `colour`, its lower left corner at `foot`."""
    size = 0.5 * max(scale, 0.7)
    (width, height), _ = cv2.getTextSize(text, FONT, size, 1)
    x, y = max(foot[0], 0), max(foot[1], height + 4)
    cv2.rectangle(picture, (x, y - height - 4), (x + width + 4, y), colour, cv2.FILLED)
    cv2.putText(
        picture, text, (x + 2, y - 3), FONT, size, WHITE if sum(colour) < 330 else DARK, 1, cv2.LINE_AA
    )
