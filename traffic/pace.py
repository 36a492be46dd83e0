"""Street time on the wall: a simulated street may run faster, what carries its messages does not."""

LEAST_WALL_S = 1.0
"""Brokers and processors do not run faster because a simulated street does."""


def wall_s(street_s: float, speed: float) -> float:
    """Seconds on the wall for `street_s` on a street at `speed`; never below what messages take."""
    return max(street_s / speed, LEAST_WALL_S)
