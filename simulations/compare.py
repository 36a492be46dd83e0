"""Several controllers on the same scenarios with the same seeds, each run in a process of its own."""

from dataclasses import dataclass

from simulations.figures import RunFigures


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


@dataclass(frozen=True, slots=True)
class Summary:
    """One controller on one scenario over all its seeds; `figures` by name of the numeric RunFigures."""

    scenario: str
    controller: str
    seeds: tuple[int, ...]
    figures: dict[str, Estimate]
    versus_fixed: Versus | None
    versus_best: Versus | None
    """Against the baseline with the least delay in this comparison, itself excluded."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that came to nothing, and why."""

    scenario: str
    controller: str
    seed: int
    reason: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that a comparison found; what `--json` writes.

    `missed`, `blind`, `late_s` and `silent` say how sensing was spoilt on purpose.
    """

    created_at: str
    citybrain: str
    sumo: str
    scenarios: tuple[str, ...]
    controllers: tuple[str, ...]
    seeds: tuple[int, ...]
    observe: str
    protocol: str
    duration_s: float | None
    missed: float | None
    blind: tuple[str, ...]
    late_s: float
    silent: bool
    runs: tuple[RunFigures, ...]
    summaries: tuple[Summary, ...]
    failures: tuple[Failure, ...]


def recording_name(scenario: str, controller: str, seed: int) -> str:
    """The folder of one run's recordings under the folder of all."""
    return f"{scenario}-{controller}-{seed}"
