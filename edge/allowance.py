"""How many bytes a camera may send: a bucket that fills steadily and holds a few seconds of it. Pure."""

BURST_S = 4.0


class Allowance:
    """Of `bytes_per_s`; 0 is no limit. Times on any monotonic clock, in seconds."""

    def __init__(self, bytes_per_s: float, now_s: float) -> None:
        self._rate = bytes_per_s
        self._left = BURST_S * bytes_per_s
        self._at_s = now_s

    def left(self, now_s: float) -> float | None:
        """Bytes that may be sent now; None without a limit."""
        if not self._rate:
            return None
        passed_s = max(0.0, now_s - self._at_s)
        self._at_s = now_s
        self._left = min(BURST_S * self._rate, self._left + passed_s * self._rate)
        return self._left

    def spend(self, bytes_: int) -> None:
        """So many were sent."""
        self._left -= bytes_
