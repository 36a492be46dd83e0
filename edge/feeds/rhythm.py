"""When a source that must be asked is asked next."""

import time


class Rhythm:
    """One question every `every_s` seconds; what was missed while nobody waited is not made up for."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._next_s = 0.0

    def start(self) -> None:
        """The next question is due now."""
        self._next_s = time.monotonic()

    def wait(self, timeout_s: float) -> bool:
        """Sleep until the next question is due, `timeout_s` at most; whether it is."""
        wait_s = self._next_s - time.monotonic()
        if wait_s > 0:
            time.sleep(min(wait_s, timeout_s))
        if wait_s > timeout_s:
            return False
        self._next_s = max(self._next_s, time.monotonic() - self._every_s) + self._every_s
        return True
