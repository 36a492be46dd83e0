"""What a queue is: one reading of observed vehicles for cameras, loops and simulations."""

from collections.abc import Sequence

from citybrain.messages import VehicleObservation

QUEUE_MPS = 2.0
"""A vehicle slower than this may be queued."""
QUEUE_GAP_M = 15.0
"""A larger gap ends a queue."""


def queue_of(observed: Sequence[VehicleObservation]) -> tuple[int, float]:
    """Slow vehicles joined to the stop line without a gap, and how many metres they reach back.

    `observed` has the nearest first.
    """
    count, reach_m = 0, 0.0
    for one in observed:
        if one.speed_mps >= QUEUE_MPS or one.distance_m - reach_m > QUEUE_GAP_M:
            break
        count, reach_m = count + 1, one.distance_m
    return count, reach_m
