"""Street time on the wall: a simulated street may run faster, what carries its messages does not."""

from datetime import datetime

LEAST_WALL_S = 1.0
"""Brokers and processors do not run faster because a simulated street does."""


def wall_s(street_s: float, speed: float) -> float:
    """Seconds on the wall for `street_s` on a street at `speed`; never below what messages take."""
    return max(street_s / speed, LEAST_WALL_S)


class StreetSeconds:
    """Whole seconds of the street by the wall clock, from the first instant asked for; negative before it.

    All who share that clock and speed see the same differences, whatever the street's own clocks say.
    """

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._begin: datetime | None = None

    def of(self, at: datetime) -> int:
        """The second in which `at` lies, to the nearest."""
        if self._begin is None:
            self._begin = at
        return round((at - self._begin).total_seconds() * self._speed)
