"""How drivers drive and queue: what all models of the optimiser share."""

import math

ACCELERATION_MPS2 = 2.6
STANDING_MPS = 1.0
"""Below it a vehicle stands, for all that its position and speed are noisy."""
VEHICLE_M = 7.5
"""Length of a standing vehicle with the gap before it."""


def arrival_s(distance_m: float, speed_mps: float, limit_mps: float) -> float:
    """Seconds to the stop line on a free road, accelerating to the limit (uniform acceleration)."""
    speed = min(speed_mps, limit_mps)
    ramp_m = (limit_mps**2 - speed**2) / (2 * ACCELERATION_MPS2)
    if distance_m < ramp_m:
        return (math.sqrt(speed**2 + 2 * ACCELERATION_MPS2 * distance_m) - speed) / ACCELERATION_MPS2
    return (limit_mps - speed) / ACCELERATION_MPS2 + (distance_m - ramp_m) / limit_mps
