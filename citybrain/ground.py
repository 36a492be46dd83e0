"""From the picture to the street: a homography between pixels and metres on a flat ground.

Source: Hartley and Zisserman, Multiple View Geometry (2nd ed., 2004), algorithm 4.2, the normalised direct
linear transformation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citybrain.errors import ConfigError

Floats = NDArray[np.float64]

MIN_PAIRS = 4
MIN_SPREAD = 1e-3
"""Of the third to the first singular value of the points: less, and they lie on one line."""


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """`matrix`: (3, 3), takes pixels to metres east and north of the calibration's origin."""

    matrix: Floats
    error_px: float
    """Root mean square distance of the given points from where the ground says they are; 0 for four."""
    error_m: float

    def to_metres(self, pixels: Floats) -> Floats:
        """(n, 2) px to (n, 2) m; not finite at and above the horizon."""
        return _project(self.matrix, pixels)

    def to_pixels(self, metres: Floats) -> Floats:
        """(n, 2) m to (n, 2) px."""
        return _project(_inverse(self.matrix), metres)


def pixels_of(spots: Sequence[tuple[float, float]], width: float, height: float) -> Floats:
    """Shares (n, 2) of a picture as pixels (n, 2)."""
    return np.array(spots, np.float64).reshape(-1, 2) * [width, height]


def fit_ground(pixels: Floats, metres: Floats) -> Ground:
    """The ground through 4 or more pairs of `pixels` (n, 2) and `metres` (n, 2), by least squares.

    Raises:
        ConfigError: too few pairs, or points on one line.
    """
    if len(pixels) < MIN_PAIRS or len(pixels) != len(metres):
        raise ConfigError(f"calibration: {len(pixels)} point pairs, at least {MIN_PAIRS} are needed")
    a, b = _normaliser(pixels, "picture"), _normaliser(metres, "ground")
    (x, y), (e, n) = _project(a, pixels).T, _project(b, metres).T
    zero, one = np.zeros_like(x), np.ones_like(x)
    rows = np.concatenate(
        [
            np.stack([x, y, one, zero, zero, zero, -e * x, -e * y, -e], axis=1),
            np.stack([zero, zero, zero, x, y, one, -n * x, -n * y, -n], axis=1),
        ]
    )
    solution = np.linalg.svd(rows)[2][-1].reshape(3, 3)
    matrix = np.asarray(_inverse(b) @ solution @ a, np.float64)
    if abs(np.linalg.det(matrix)) < 1e-12 or not np.isfinite(matrix).all():
        raise ConfigError("calibration: three of the points lie on one line; choose corners of a field")
    matrix = _facing(matrix, pixels)
    back = _project(_inverse(matrix), metres)
    there = _project(matrix, pixels)
    return Ground(matrix, _rms(back - pixels), _rms(there - metres))


def _inverse(matrix: Floats) -> Floats:
    return np.asarray(np.linalg.inv(matrix), np.float64)


def _facing(matrix: Floats, pixels: Floats) -> Floats:
    """With the sign that makes the third coordinate positive in front of the camera."""
    depth = pixels @ matrix[2, :2] + matrix[2, 2]
    if (depth > 0).all() or (depth < 0).all():
        return np.asarray(matrix * np.sign(depth[0]))
    raise ConfigError("calibration: the points lie on both sides of the horizon; check their order")


def _project(matrix: Floats, points: Floats) -> Floats:
    depth = points @ matrix[2, :2] + matrix[2, 2]
    ahead = np.where(depth > 0, depth, np.nan) if depth.size and np.nanmax(depth) > 0 else depth
    return np.asarray((points @ matrix[:2, :2].T + matrix[:2, 2]) / ahead[:, None])


def _normaliser(points: Floats, where: str) -> Floats:
    """Moves the points to their centre and scales them to a mean distance of the root of 2."""
    centre = points.mean(axis=0)
    spread = np.linalg.svd(points - centre, compute_uv=False)
    if spread[0] <= 0 or spread[1] < MIN_SPREAD * spread[0]:
        raise ConfigError(
            f"calibration: the points in the {where} lie on one line; choose corners of a field"
        )
    scale = np.sqrt(2) / np.linalg.norm(points - centre, axis=1).mean()
    return np.array([[scale, 0, -scale * centre[0]], [0, scale, -scale * centre[1]], [0, 0, 1]])


def _rms(off: Floats) -> float:
    return float(np.sqrt((off**2).sum(axis=1).mean()))
