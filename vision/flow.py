"""What is usual at each place of a picture: how fast and which way road users move there.

It tells a tracker where a vehicle that was seen only once is likely to be next, which at low frame rates is
further away than the vehicle behind it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision.kalman import BIRTH_RATE

Floats = NDArray[np.float64]

CELL_PX = 24.0
FORGETTING = 0.97
MIN_WEIGHT = 2.0
MIN_DEVIATION = 0.8
"""In box sizes per second; even on a known road drivers differ and queues form."""
MAX_CELLS = 20_000


@dataclass(slots=True)
class _Cell:
    weight: float
    mean: Floats
    spread: float


class Flow:
    """Mean velocity by cell, in box sizes per second, fading with each vehicle that passes."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], _Cell] = {}

    def learn(self, centres: Floats, velocity: Floats, size: Floats) -> None:
        """Take the velocities (n, 2) px/s of well-known boxes of `size` (n, 1) at `centres` (n, 2)."""
        for key, unit in zip(_keys(centres), velocity / size, strict=True):
            cell = self._cells.get(key)
            if cell is None:
                if len(self._cells) < MAX_CELLS:
                    self._cells[key] = _Cell(1.0, unit.copy(), 0.0)
                continue
            cell.weight = FORGETTING * cell.weight + 1.0
            off = unit - cell.mean
            cell.mean += off / cell.weight
            cell.spread += (float(off @ off) / 2 - cell.spread) / cell.weight

    def guess(self, centres: Floats, size: Floats) -> tuple[Floats, Floats]:
        """Velocity (n, 2) px/s to expect of new boxes of `size` (n, 1), and its deviation (n, 1)."""
        velocity = np.zeros_like(centres)
        deviation = np.full((len(centres), 1), BIRTH_RATE[0])
        for row, key in enumerate(_keys(centres)):
            cell = self._cells.get(key)
            if cell is not None and cell.weight >= MIN_WEIGHT:
                velocity[row] = cell.mean
                deviation[row] = min(max(1.5 * cell.spread**0.5, MIN_DEVIATION), BIRTH_RATE[0])
        return velocity * size, deviation * size


def _keys(centres: Floats) -> list[tuple[int, int]]:
    return [(int(x // CELL_PX), int(y // CELL_PX)) for x, y in centres]
