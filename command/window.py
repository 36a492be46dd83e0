"""Sliding windows behind the KPIs: traffic of the last five minutes and latency samples."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from citybrain.messages import LaneMeasurement

SPAN_S = 300.0
BIN_S = 5.0


@dataclass(slots=True)
class Bin:
    """What one device measured within `BIN_S` of wall-clock time."""

    start_s: float
    period_s: float = 0.0
    crossed: int = 0
    stops: int = 0
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class TrafficFigures:
    """None where nothing was measured or nobody crossed."""

    mean_delay_s: float | None
    stops_per_vehicle: float | None
    throughput_veh_h: float | None


class TrafficWindow:
    """Crossings, stops and delay of the last `SPAN_S` seconds of wall-clock time, device by device."""

    def __init__(self) -> None:
        self._bins: dict[str, deque[Bin]] = {}

    def add(self, measurement: LaneMeasurement, now_s: float) -> None:
        """Count a measurement; one older than the window is ignored. `now_s`: seconds since 1970."""
        at_s = measurement.at.timestamp()
        if at_s < now_s - SPAN_S:
            return
        bins = self._bins.setdefault(measurement.device, deque())
        start_s = at_s - at_s % BIN_S
        bin_ = next((known for known in reversed(bins) if known.start_s == start_s), None)
        if bin_ is None:
            bin_ = Bin(start_s)
            bins.append(bin_)
        bin_.period_s += measurement.period_s
        for lane in measurement.lanes:
            bin_.crossed += lane.crossed
            bin_.stops += lane.stops
            bin_.delay_s += lane.delay_s

    def figures(self, now_s: float) -> TrafficFigures:
        """Over the window that ends now; throughput is per hour of the street's own time."""
        crossed, stops, delay_s, per_hour, seen = 0, 0, 0.0, 0.0, False
        for device in list(self._bins):
            bins = self._bins[device]
            while bins and bins[0].start_s < now_s - SPAN_S:
                bins.popleft()
            if not bins:
                del self._bins[device]
                continue
            own = sum(bin_.crossed for bin_ in bins)
            period_s = sum(bin_.period_s for bin_ in bins)
            crossed += own
            stops += sum(bin_.stops for bin_ in bins)
            delay_s += sum(bin_.delay_s for bin_ in bins)
            if period_s > 0:
                seen = True
                per_hour += own / period_s * 3600
        return TrafficFigures(
            mean_delay_s=delay_s / crossed if crossed else None,
            stops_per_vehicle=stops / crossed if crossed else None,
            throughput_veh_h=per_hour if seen else None,
        )


class LatencyWindow:
    """Latency samples of the last `SPAN_S` seconds, at most `limit` of them."""

    def __init__(self, limit: int = 10_000) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=limit)

    def add(self, samples_s: list[float], now_s: float) -> None:
        self._samples.extend((now_s, sample) for sample in samples_s)

    def quantiles(self, now_s: float) -> tuple[float | None, float | None]:
        """p50 and p99 in seconds; None without samples."""
        while self._samples and self._samples[0][0] < now_s - SPAN_S:
            self._samples.popleft()
        if not self._samples:
            return None, None
        p50, p99 = np.quantile([sample for _, sample in self._samples], [0.5, 0.99])
        return float(p50), float(p99)
