"""How vehicles progress along the corridor: speed and stops, from their recorded trajectories."""

from dataclasses import dataclass

import numpy as np

from citybrain.queues import QUEUE_MPS
from simulations.recording import Recording


@dataclass(frozen=True, slots=True)
class Progress:
    """Of all vehicles of one direction: space-mean speed, and stops a kilometre driven."""

    vehicles: int
    speed_kmh: float
    stops_per_km: float


def progress_of(recording: Recording, direction: int) -> Progress | None:
    """None where nobody drove there in the recorded window. A stop begins below 2 m/s."""
    metres = seconds = 0.0
    stops = vehicles = 0
    for points in recording.trajectories[direction]:
        steps = np.diff(points, axis=0)
        if not len(steps):
            continue
        vehicles += 1
        moved = np.maximum(direction * steps[:, 1], 0.0)
        metres += float(moved.sum())
        seconds += float(steps[:, 0].sum())
        slow = moved / np.maximum(steps[:, 0], 1e-9) < QUEUE_MPS
        stops += int(np.count_nonzero(slow[1:] & ~slow[:-1]))
    if not vehicles or metres <= 0:
        return None
    return Progress(vehicles, 3.6 * metres / seconds, 1000.0 * stops / metres)
