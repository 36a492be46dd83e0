"""Means over seeds with confidence intervals, and one controller against another, seed by seed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from scipy.special import stdtrit

from simulations.figures import RunFigures

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over seeds and its 95 % confidence interval (Student's t), None from a single seed."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Versus:
    """A controller's delay against a baseline's, seed by seed: their difference in seconds, and ratios.

    `delay_ratio` and `trip_time_ratio` are ratios of the means; `difference_s` is the mean of the paired
    differences in delay, negative where the controller loses less.
    """

    baseline: str
    seeds: int
    delay_ratio: float
    trip_time_ratio: float
    difference_s: Estimate


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and interval of independent values (Student's t with n - 1 degrees of freedom)."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return Estimate(mean, None, None)
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    half = float(stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2)) * error
    return Estimate(mean, mean - half, mean + half)


def estimates(runs: Sequence[RunFigures]) -> dict[str, Estimate]:
    """An estimate of every number in the figures of runs that differ by seed."""
    found = {}
    for field in fields(RunFigures):
        values = [getattr(run, field.name) for run in runs]
        if field.name != "seed" and all(isinstance(value, int | float) for value in values):
            found[field.name] = estimate(values)
    return found


def versus(runs: Mapping[int, RunFigures], baseline: str, others: Mapping[int, RunFigures]) -> Versus | None:
    """Runs by seed against those of a baseline, over the seeds that both have; None without any."""
    seeds = sorted(runs.keys() & others.keys())
    if not seeds:
        return None
    own, its = [runs[seed] for seed in seeds], [others[seed] for seed in seeds]
    return Versus(
        baseline,
        len(seeds),
        _ratio([run.delay_s for run in own], [run.delay_s for run in its]),
        _ratio([run.trip_time_s for run in own], [run.trip_time_s for run in its]),
        estimate([one.delay_s - other.delay_s for one, other in zip(own, its, strict=True)]),
    )


def _ratio(values: Sequence[float], others: Sequence[float]) -> float:
    total = sum(others)
    return sum(values) / total if total > 0 else 1.0
