"""Several controllers on the same scenarios with the same seeds, each run in a process of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from citybrain import __version__
from citybrain.errors import ConfigError
from simulations.control import Progress, Run, run_scenario
from simulations.figures import RunFigures
from simulations.intervals import Estimate, Versus, estimates, versus
from simulations.pool import run_jobs
from simulations.scenarios import Scenario
from simulations.sensing import Sensing
from simulations.watching import Watcher

__all__ = ["Comparison", "Estimate", "Failure", "Plan", "Summary", "Versus", "compare", "recording_name"]

OURS = "adaptive"
"""Every other controller is a baseline."""


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

    `sources` says by which name or path each scenario is found again. `missed`, `blind`, `late_s` and
    `silent` say how sensing was spoilt on purpose.
    """

    created_at: str
    citybrain: str
    sumo: str
    scenarios: tuple[str, ...]
    sources: dict[str, str]
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


@dataclass(frozen=True, slots=True)
class Plan:
    """What to compare: `scenarios` by the name or path they were asked for; `recordings` for the report.

    Raises:
        ConfigError: an unknown controller, nothing to compare, or two scenarios of one name.
    """

    scenarios: dict[str, Scenario]
    controllers: tuple[str, ...]
    seeds: tuple[int, ...]
    protocol: str = "resco"
    duration_s: float | None = None
    sensing: Sensing = field(default_factory=Sensing)
    recordings: Path | None = None

    def __post_init__(self) -> None:
        names = [scenario.name for scenario in self.scenarios.values()]
        if not (names and self.controllers and self.seeds):
            raise ConfigError(
                "there is nothing to compare: name a scenario, a controller and a seed at least"
            )
        if len(set(names)) < len(names):
            raise ConfigError(f"two scenarios are called {max(names, key=names.count)}: rename one's files")

    def runs(self) -> list[Run]:
        """All runs, seed by seed, so that what is compared is done at about the same time."""
        return [
            Run(scenario, controller, seed, self.duration_s, self.protocol, self.sensing)
            for scenario in self.scenarios.values()
            for seed in self.seeds
            for controller in self.controllers
        ]


class Listener:
    """Hears how the runs get on; does nothing with it."""

    def begin(self, runs: Sequence[Run]) -> None:
        """All that will be run."""

    def progress(self, index: int, seconds: float) -> None:
        """So many seconds of a run are simulated."""

    def end(self, index: int, reason: str) -> None:
        """A run is over; `reason` says why it failed, if it did."""


def compare(plan: Plan, jobs: int, listener: Listener | None = None) -> Comparison:
    """Do all runs, `jobs` at a time; a run that fails costs no other."""
    listener = listener or Listener()
    runs = plan.runs()
    listener.begin(runs)
    found: dict[int, RunFigures] = {}
    failures: dict[int, Failure] = {}
    tasks = [_Task(run, _recording(plan, run)) for run in runs]
    for outcome in run_jobs(tasks, _work, jobs, listener.progress):
        listener.end(outcome.index, outcome.reason)
        if outcome.result is not None:
            found[outcome.index] = outcome.result
        else:
            run = runs[outcome.index]
            failures[outcome.index] = Failure(run.scenario.name, run.controller, run.seed, outcome.reason)
    return _comparison(
        plan, tuple(found[i] for i in sorted(found)), tuple(failures[i] for i in sorted(failures))
    )


def recording_name(scenario: str, controller: str, seed: int) -> str:
    """The folder of one run's recordings under the folder of all."""
    return f"{scenario}-{controller}-{seed}"


@dataclass(frozen=True, slots=True)
class _Task:
    run: Run
    recording: Path | None


def _recording(plan: Plan, run: Run) -> Path | None:
    """Where a run is recorded: the first seed shows what happens, the others only count."""
    if plan.recordings is None or run.seed != plan.seeds[0]:
        return None
    return plan.recordings / recording_name(run.scenario.name, run.controller, run.seed)


def _work(task: _Task, progress: Progress) -> RunFigures:
    """In a process of its own."""
    watchers: list[Watcher] = []
    if task.recording is not None:
        # Imported by name when wanted: drawing and its libraries are not needed to compare.
        watchers.append(import_module("simulations.recorder").Recorder(task.recording))
    return run_scenario(task.run, progress, watchers)


def _comparison(plan: Plan, runs: tuple[RunFigures, ...], failures: tuple[Failure, ...]) -> Comparison:
    sensing = plan.sensing
    names = tuple(scenario.name for scenario in plan.scenarios.values())
    return Comparison(
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        citybrain=__version__,
        sumo=version("libsumo"),
        scenarios=names,
        sources={scenario.name: source for source, scenario in plan.scenarios.items()},
        controllers=plan.controllers,
        seeds=plan.seeds,
        observe=sensing.observe,
        protocol=plan.protocol,
        duration_s=plan.duration_s,
        missed=sensing.missed,
        blind=sensing.blind,
        late_s=sensing.late_s,
        silent=sensing.silent,
        runs=runs,
        summaries=summaries(plan.controllers, names, runs),
        failures=failures,
    )


def summaries(
    controllers: Sequence[str], scenarios: Sequence[str], runs: Sequence[RunFigures]
) -> tuple[Summary, ...]:
    """Every controller that had runs, scenario by scenario, against `fixed` and the best of the others."""
    found = []
    for scenario in scenarios:
        by_seed = {
            name: {run.seed: run for run in runs if (run.scenario, run.controller) == (scenario, name)}
            for name in controllers
        }
        found += [_summary(scenario, name, by_seed) for name, its_runs in by_seed.items() if its_runs]
    return tuple(found)


def _summary(scenario: str, name: str, by_seed: dict[str, dict[int, RunFigures]]) -> Summary:
    own = by_seed[name]
    fixed = versus(own, "fixed", by_seed.get("fixed", {})) if name != "fixed" else None
    rivals = {
        other: runs
        for other, runs in by_seed.items()
        if other not in {name, OURS} and runs.keys() & own.keys()
    }
    best = min(rivals, key=lambda other: _mean_delay_s(rivals[other], own), default=None)
    return Summary(
        scenario,
        name,
        tuple(sorted(own)),
        estimates(list(own.values())),
        fixed,
        None if best is None else versus(own, best, rivals[best]),
    )


def _mean_delay_s(runs: dict[int, RunFigures], own: dict[int, RunFigures]) -> float:
    """Over the seeds that both have."""
    delays_s = [run.delay_s for seed, run in runs.items() if seed in own]
    return sum(delays_s) / len(delays_s)
