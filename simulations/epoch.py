"""When a simulation takes place, on the messages and logs that come of it."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
"""The simulation's second 0."""


def instant(clock_s: float) -> datetime:
    """A time of the simulation."""
    return EPOCH + timedelta(seconds=clock_s)
