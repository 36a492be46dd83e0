"""How often one caller may ask: a bucket of tokens for each, filled steadily."""

import time
from collections import OrderedDict
from collections.abc import Callable

MOST_CALLERS = 20_000


class Rates:
    """Allows `per_minute` calls of each caller, all of them at once if it likes."""

    def __init__(self, per_minute: int, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock_s = clock_s
        self._callers: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def wait_s(self, caller: object) -> float:
        """0 where the call is allowed, which it then counts; else seconds until the next one is."""
        now_s = self._clock_s()
        left, at_s = self._callers.pop(caller, (float(self._per_minute), now_s))
        left = min(self._per_minute, left + (now_s - at_s) * self._per_minute / 60)
        allowed = left >= 1
        self._callers[caller] = (left - 1 if allowed else left, now_s)
        if len(self._callers) > MOST_CALLERS:
            self._callers.popitem(last=False)
        return 0.0 if allowed else (1 - left) * 60 / self._per_minute
