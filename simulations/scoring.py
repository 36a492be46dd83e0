"""A run's figures from what SUMO wrote of it, over every vehicle that was scheduled."""

import xml.etree.ElementTree as ET
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from simulations.figures import ApproachWait
from simulations.sumo import trip_options

MG_PER_G = 1000.0
M_PER_KM = 1000.0


class Outputs(NamedTuple):
    """Where SUMO writes of one run."""

    trips: Path
    statistics: Path

    def options(self) -> list[str]:
        """SUMO's arguments; unfinished and undeparted vehicles are written as well, and all emit."""
        return [
            *trip_options(self.trips),
            "--device.emissions.probability", "1",
            "--statistic-output", str(self.statistics),
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class TripFigures:
    """What all trips of a run come to; see RunFigures for the meaning of each."""

    vehicles: int
    delay_s: float
    trip_time_s: float
    waiting_s: float
    stops: float
    throughput: float
    unfinished: int
    never_departed: int
    p95_delay_s: float
    co2_g_per_km: float


def score_trips(trips: Path, seconds: float, without: Collection[str] = ()) -> TripFigures:
    """Figures of a tripinfo file of a run of so many simulated seconds; trips `without` do not count.

    A vehicle that never departed has lost what it has waited outside; one that has not finished, what it has
    lost so far.
    """
    rows = np.array(
        [_row(trip) for trip in _elements(trips, "tripinfo") if trip.get("id") not in without]
    ).reshape(-1, 8)
    delay_s, trip_time_s, waiting_s, stops, co2_mg, driven_m, departed, finished = rows.T
    count = max(len(rows), 1)
    driven_km = float(driven_m.sum()) / M_PER_KM
    return TripFigures(
        vehicles=len(rows),
        delay_s=float(delay_s.sum()) / count,
        trip_time_s=float(trip_time_s.sum()) / count,
        waiting_s=float(waiting_s.sum()) / count,
        stops=float(stops.sum()) / count,
        throughput=float(finished.sum()) * 3600.0 / seconds,
        unfinished=int((departed - finished).sum()),
        never_departed=int((1 - departed).sum()),
        p95_delay_s=float(np.percentile(delay_s, 95)) if len(rows) else 0.0,
        co2_g_per_km=float(co2_mg.sum()) / MG_PER_G / driven_km if driven_km > 0 else 0.0,
    )


def _row(trip: ET.Element) -> tuple[float, ...]:
    departed, finished = float(trip.get("depart", "-1")) >= 0, float(trip.get("arrival", "-1")) >= 0
    outside_s = _number(trip, "departDelay")
    emitted = trip.find("emissions")
    return (
        _number(trip, "timeLoss") + outside_s,
        _number(trip, "duration") + outside_s,
        _number(trip, "waitingTime"),
        _number(trip, "waitingCount"),
        _number(emitted, "CO2_abs") if emitted is not None else 0.0,
        _number(trip, "routeLength") if departed else 0.0,
        float(departed),
        float(finished),
    )


def safety(statistics: Path) -> tuple[int, int]:
    """Collisions and emergency brakings that SUMO counted; none where it wrote nothing of it."""
    for element in _elements(statistics, "safety"):
        return int(element.get("collisions", "0")), int(element.get("emergencyBraking", "0"))
    return 0, 0


def most_starved(approaches: tuple[ApproachWait, ...]) -> ApproachWait | None:
    """The approach with the longest p95 wait."""
    return max(approaches, key=lambda wait: wait.p95_s, default=None)


def percentiles_ms(spent_s: list[float]) -> tuple[float, float, float, float]:
    """Median, 95th and 99th percentile and maximum in milliseconds; zeros where nothing was spent."""
    if not spent_s:
        return 0.0, 0.0, 0.0, 0.0
    p50, p95, p99, most = np.percentile(spent_s, [50, 95, 99, 100]) * 1000.0
    return float(p50), float(p95), float(p99), float(most)


def _elements(path: Path, tag: str) -> list[ET.Element]:
    return list(ET.parse(path).getroot().iter(tag))  # noqa: S314 - SUMO has just written it


def _number(element: ET.Element, key: str) -> float:
    return max(0.0, float(element.get(key, "0")))
