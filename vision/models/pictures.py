"""Draws pictures with the statistics of street scenes, to calibrate a quantised model anywhere.

No package that is installed carries photographs, and none is kept here, so calibration pictures are drawn:
a dead-leaves scene (opaque shapes of power-law sizes over each other, which gives the edges, occlusions and
1/f spectrum of photographs; Lee, Mumford & Huang 2001), over a road in perspective with vehicles of boxes,
windows and wheels, under a random exposure, tint, blur and sensor noise. One seed always draws the same
pictures.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Random = np.random.Generator

LEAVES = 260
LEAF_EXPONENT = -2.0
LARGEST_LEAF = 0.45


def draw_pictures(count: int, side: int, *, seed: int = 1) -> list[Picture]:
    """`count` pictures (side, side, 3) uint8 RGB."""
    random = np.random.default_rng(seed)
    return [_picture(random, side) for _ in range(count)]


def _picture(random: Random, side: int) -> Picture:
    canvas = np.zeros((side, side, 3), np.uint8)
    canvas[:] = _colour(random)
    _leaves(random, canvas)
    if random.random() < 0.8:
        _road(random, canvas)
    return _exposed(random, canvas)


def _colour(random: Random) -> tuple[int, int, int]:
    """A mostly grey colour: in streets saturation is low."""
    level = random.uniform(10, 245)
    red, green, blue = np.clip(level + random.normal(0, 22, 3), 0, 255).astype(int)
    return int(red), int(green), int(blue)


def _leaves(random: Random, canvas: Picture) -> None:
    """Opaque ellipses, boxes and strips, back to front."""
    side = canvas.shape[0]
    low, high = (2 / side) ** (LEAF_EXPONENT + 1), LARGEST_LEAF ** (LEAF_EXPONENT + 1)
    for _ in range(LEAVES):
        radius = side * (low + random.random() * (high - low)) ** (1 / (LEAF_EXPONENT + 1))
        centre = random.uniform(0, side, 2)
        size = radius * random.uniform(0.3, 1, 2) * 2
        angle = random.choice([0.0, 90.0, random.uniform(0, 180)])
        box = (centre.tolist(), size.tolist(), float(angle))
        if random.random() < 0.5:
            cv2.ellipse(canvas, box, _colour(random), -1, cv2.LINE_AA)
        else:
            cv2.fillPoly(canvas, [cv2.boxPoints(box).astype(np.int32)], _colour(random), cv2.LINE_AA)


def _road(random: Random, canvas: Picture) -> None:
    side = canvas.shape[0]
    horizon = side * random.uniform(0.15, 0.5)
    vanish = side * random.uniform(0.2, 0.8)
    left, right = side * random.uniform(-0.8, 0.1), side * random.uniform(0.9, 1.8)
    grey = random.uniform(50, 140)
    edge = np.array([[vanish, horizon], [right, side], [left, side]], np.int32)
    cv2.fillPoly(canvas, [edge], (grey, grey, grey + 4), cv2.LINE_AA)
    for share in np.linspace(0, 1, int(random.integers(2, 6))):
        foot = (int(left + share * (right - left)), side)
        cv2.line(canvas, (int(vanish), int(horizon)), foot, (225, 225, 220), 1, cv2.LINE_AA)
    depths = np.sort(random.uniform(0.05, 1, int(random.integers(3, 14))))
    for depth in depths:
        across = random.uniform(0.1, 0.9)
        foot_x = vanish + (left + across * (right - left) - vanish) * depth
        width = max((right - left) * depth * random.uniform(0.1, 0.18), 6)
        _vehicle(random, canvas, foot_x, horizon + (side - horizon) * depth, width)


def _vehicle(random: Random, canvas: Picture, x: float, foot: float, width: float) -> None:
    """The front or rear of a vehicle `width` pixels wide that stands at (x, foot)."""
    height = width * random.choice([0.7, 0.8, 1.2, 1.5])
    glass = (random.uniform(20, 110),) * 3
    lamp = (235, 235, 215) if random.random() < 0.5 else (190, 30, 25)

    def part(left: float, bottom: float, right: float, top: float, colour: tuple[float, ...]) -> None:
        """One box; across in widths from the middle, up in heights from the foot."""
        corners = (x + left * width, foot - top * height, x + right * width, foot - bottom * height)
        _box(canvas, corners, colour)

    paint = _colour(random)
    part(-0.5, -0.05, 0.55, 0.1, (25, 25, 28))
    part(-0.5, 0.08, 0.5, 0.6, paint)
    part(-0.42, 0.5, 0.42, 1.0, paint)
    part(-0.36, 0.58, 0.36, 0.92, glass)
    part(-0.1, 0.17, 0.1, 0.25, (230, 230, 230))
    for left, right in ((-0.48, -0.34), (0.34, 0.48)):
        part(left, 0.0, right, 0.15, (18, 18, 18))
        part(left, 0.35, right, 0.45, lamp)


def _box(canvas: Picture, corners: tuple[float, float, float, float], colour: tuple[float, ...]) -> None:
    x1, y1, x2, y2 = (round(corner) for corner in corners)
    cv2.rectangle(canvas, (x1, y1), (x2, y2), colour, -1, cv2.LINE_AA)


def _exposed(random: Random, canvas: Picture) -> Picture:
    """Light falling across the scene, exposure, tint, lens blur and sensor noise."""
    side = canvas.shape[0]
    across = np.linspace(-1, 1, side)
    slope = random.normal(0, 0.2, 2)
    light = 1 + slope[0] * across[None, :, None] + slope[1] * across[:, None, None]
    tint = random.normal(1, 0.05, 3)
    levels = canvas * light * tint * random.uniform(0.35, 1.3) + random.uniform(-10, 25)
    levels = cv2.GaussianBlur(levels, (0, 0), random.uniform(0.4, 1.4))
    levels += random.normal(0, random.uniform(0.5, 5), levels.shape)
    exposed: Picture = np.clip(levels, 0, 255).astype(np.uint8)
    return exposed
