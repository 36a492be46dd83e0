"""How far this machine's clock is off, by the times in acknowledgements from ingest. Pure."""

from collections import deque
from datetime import datetime

SAMPLES = 16
WRONG_S = 1.0
"""More than this is told; commands of traffic are worth three seconds."""


class ClockOffset:
    """What must be added to this clock to have ingest's: by the fastest of the last few answers.

    An answer is late by its way, so each says at least by how much the clock is behind; the largest is off by
    the shortest way only (as in NTP's clock filter, RFC 5905 section 10).
    """

    def __init__(self) -> None:
        self._samples: deque[float] = deque(maxlen=SAMPLES)

    def hear(self, said_at: datetime, heard_at: datetime) -> None:
        """An answer that was made at `said_at` by the other's clock and heard at `heard_at` by this one."""
        self._samples.append((said_at - heard_at).total_seconds())

    @property
    def offset_s(self) -> float | None:
        """Seconds to add; None while nothing was heard."""
        return max(self._samples, default=None)

    @property
    def fault(self) -> str:
        """What is wrong with the clock; empty where it is right enough."""
        offset_s = self.offset_s
        if offset_s is None or abs(offset_s) <= WRONG_S:
            return ""
        return f"the clock is {abs(offset_s):.0f} s {'behind' if offset_s > 0 else 'ahead'}: set it by NTP"
