"""Key figures of buckets of time, each a ratio of sums, so that buckets add up to longer ones. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

Span = Literal["1h", "1day"]
Metric = Literal["throughput_veh_h", "mean_delay_s", "stops_per_vehicle", "mean_speed_mps", "queue_m"]
METRICS: tuple[Metric, ...] = (
    "throughput_veh_h", "mean_delay_s", "stops_per_vehicle", "mean_speed_mps", "queue_m",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sums:
    """What was summed over all lanes of a place and a bucket; `hours` is the bucket's time with any data."""

    crossed: float = 0.0
    delay_s: float = 0.0
    stops: float = 0.0
    speed_sum: float = 0.0
    speed_weight: float = 0.0
    queue_m_s: float = 0.0
    observed_s: float = 0.0
    hours: float = 0.0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def ratio(self, metric: Metric) -> tuple[float, float]:
        """Numerator and denominator of a metric."""
        match metric:
            case "throughput_veh_h":
                return self.crossed, self.hours
            case "mean_delay_s":
                return self.delay_s, self.crossed
            case "stops_per_vehicle":
                return self.stops, self.crossed
            case "mean_speed_mps":
                return self.speed_sum, self.speed_weight
            case "queue_m":
                return self.queue_m_s, self.observed_s

    def value(self, metric: Metric) -> float | None:
        """The metric; None where there is nothing to divide by."""
        numerator, denominator = self.ratio(metric)
        return numerator / denominator if denominator > 0 else None


@dataclass(frozen=True, slots=True)
class Bucket:
    """One place and one bucket of time."""

    start: datetime
    district: str | None
    sums: Sums


def buckets(rows: Iterable[Mapping[str, Any]]) -> list[Bucket]:
    """Rows of the query `figure_hours`, each an hour."""
    names = [one.name for one in fields(Sums) if one.name != "hours"]
    return [
        Bucket(row["start"], row["district"], Sums(hours=1.0, **{name: row[name] or 0.0 for name in names}))
        for row in rows
    ]


def by_day(hours: Sequence[Bucket], zone: ZoneInfo) -> list[Bucket]:
    """Hours added up to the days of `zone`, in order."""
    days: dict[tuple[datetime, str | None], Sums] = {}
    for hour in hours:
        local = hour.start.astimezone(zone)
        start = local.replace(hour=0, minute=0, second=0, microsecond=0)
        key = (start, hour.district)
        days[key] = days.get(key, Sums()) + hour.sums
    return [Bucket(start, district, sums) for (start, district), sums in days.items()]


def total(hours: Iterable[Bucket]) -> Sums:
    """All of it as one."""
    whole = Sums()
    for hour in hours:
        whole += hour.sums
    return whole
