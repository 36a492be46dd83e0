"""Key figures of the compared controllers: their means, intervals and changes, seed by seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats

from simulations.figures import RunFigures

CONFIDENCE = 0.95


class Kpi(NamedTuple):
    """A field of RunFigures as people read it; `better` is -1 where less is better, +1 more, 0 neither."""

    field: str
    name: str
    unit: str
    digits: int
    better: int


KPIS = (
    Kpi("delay_s", "Delay per vehicle", "s", 1, -1),
    Kpi("trip_time_s", "Trip time", "s", 1, -1),
    Kpi("waiting_s", "Standing time per vehicle", "s", 1, -1),
    Kpi("stops", "Stops per vehicle", "", 2, -1),
    Kpi("p95_delay_s", "Delay, 95th percentile", "s", 1, -1),
    Kpi("throughput", "Finished trips", "per hour", 0, 1),
    Kpi("co2_g_per_km", "CO₂ per vehicle-km", "g", 0, -1),
    Kpi("unfinished", "Still under way at the end", "vehicles", 0, -1),
    Kpi("never_departed", "Could not enter the network", "vehicles", 0, -1),
    Kpi("collisions", "Collisions", "", 1, -1),
    Kpi("emergency_brakes", "Emergency brakings", "", 1, -1),
)
PLOTTED = (*KPIS[:5], KPIS[6])


@dataclass(frozen=True, slots=True)
class Spread:
    """Values of the seeds, their mean, and its confidence interval; none from one seed."""

    values: tuple[float, ...]
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """A controller's figure against a baseline's in per cent of the baseline's mean, paired by seed.

    `low` and `high` bound the 95 % confidence interval (Student's t over paired differences) and are None
    from fewer than two common seeds. `is_significant` where that interval leaves out zero.
    """

    percent: float
    low: float | None
    high: float | None
    seeds: int

    @property
    def is_significant(self) -> bool | None:
        if self.low is None or self.high is None:
            return None
        return self.low > 0 or self.high < 0


def spread(runs: Sequence[RunFigures], field: str) -> Spread:
    """Over the runs of one controller."""
    values = tuple(float(getattr(run, field)) for run in runs)
    low, high = _interval(values)
    return Spread(values, float(np.mean(values)), low, high)


def change(runs: Sequence[RunFigures], controller: str, baseline: str, field: str) -> Change | None:
    """None where the two have no seed in common, or the baseline's mean is zero."""
    own = {run.seed: float(getattr(run, field)) for run in runs if run.controller == controller}
    base = {run.seed: float(getattr(run, field)) for run in runs if run.controller == baseline}
    seeds = sorted(own.keys() & base.keys())
    mean = float(np.mean([base[seed] for seed in seeds])) if seeds else 0.0
    if mean == 0.0:
        return None
    differences = tuple(own[seed] - base[seed] for seed in seeds)
    low, high = _interval(differences)
    return Change(
        100.0 * float(np.mean(differences)) / mean,
        None if low is None else 100.0 * low / mean,
        None if high is None else 100.0 * high / mean,
        len(seeds),
    )


def _interval(values: Sequence[float]) -> tuple[float | None, float | None]:
    count = len(values)
    if count < 2:
        return None, None
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, count - 1) * np.std(values, ddof=1) / np.sqrt(count))
    mean = float(np.mean(values))
    return mean - half, mean + half
