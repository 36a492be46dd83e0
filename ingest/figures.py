"""Rates and latencies of a worker over a sliding window."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Lock

import numpy as np
from numpy.typing import NDArray

WINDOW_S = 60.0
RATE_S = 10.0
MAX_SAMPLES = 50_000


class Figures:
    """Messages and rows stored a second, and seconds from capture to commit."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._stored: deque[tuple[float, int, int]] = deque()
        self._latencies: deque[tuple[float, NDArray[np.float64]]] = deque()
        self._samples = 0

    def commit(self, captured: Sequence[datetime], now: datetime, messages: int, rows: int) -> None:
        """A batch was committed `now`; `captured` are the times of its live messages."""
        moment = self._clock()
        end = now.timestamp()
        latencies = np.array([end - at.timestamp() for at in captured], dtype=np.float64)
        with self._lock:
            self._stored.append((moment, messages, rows))
            if len(latencies):
                self._latencies.append((moment, latencies))
                self._samples += len(latencies)
            self._expire(moment)

    def report(self) -> dict[str, float]:
        """stored_per_s and rows_per_s over 10 s; latency_stored_p50_s and _p99_s over 60 s where known."""
        moment = self._clock()
        with self._lock:
            self._expire(moment)
            recent = [(n, rows) for at, n, rows in self._stored if at > moment - RATE_S]
            samples = [latencies for _, latencies in self._latencies]
        figures = {
            "stored_per_s": sum(n for n, _ in recent) / RATE_S,
            "rows_per_s": sum(rows for _, rows in recent) / RATE_S,
        }
        if samples:
            p50, p99 = np.percentile(np.concatenate(samples), [50, 99])
            figures |= {"latency_stored_p50_s": float(p50), "latency_stored_p99_s": float(p99)}
        return figures

    def _expire(self, moment: float) -> None:
        while self._stored and self._stored[0][0] <= moment - RATE_S:
            self._stored.popleft()
        while self._latencies and (self._latencies[0][0] <= moment - WINDOW_S or self._samples > MAX_SAMPLES):
            self._samples -= len(self._latencies.popleft()[1])
