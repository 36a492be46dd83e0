"""Rates and latencies over sliding windows."""

from datetime import timedelta

import pytest

from ingest.figures import MAX_SAMPLES, RATE_S, WINDOW_S, Figures
from tests.fixtures import street_messages as make


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_rates_and_percentiles_are_of_the_window() -> None:
    clock = Clock()
    figures, now = Figures(clock), make.now()
    figures.commit([now - timedelta(seconds=n / 100) for n in range(101)], now, 101, 2020)
    told = figures.report()
    assert told["stored_per_s"] == pytest.approx(101 / RATE_S)
    assert told["rows_per_s"] == pytest.approx(2020 / RATE_S)
    assert told["latency_stored_p50_s"] == pytest.approx(0.5, abs=1e-3)
    assert told["latency_stored_p99_s"] == pytest.approx(0.99, abs=1e-3)
    clock.now += RATE_S
    assert figures.report()["stored_per_s"] == 0
    clock.now += WINDOW_S
    assert "latency_stored_p50_s" not in figures.report()


def test_memory_is_bounded() -> None:
    figures, now = Figures(Clock()), make.now()
    for _ in range(30):
        figures.commit([now] * (MAX_SAMPLES // 10), now, 1, 1)
    assert figures._samples <= MAX_SAMPLES * 1.1
