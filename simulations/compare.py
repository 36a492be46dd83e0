"""Several controllers on the same scenarios with the same seeds, each run in a process of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from citybrain import __version__
from citybrain.errors import ConfigError
from simulations.control import PLANNED, Progress, Run, run_scenario
from simulations.corridor import find_corridor
from simulations.figures import RunFigures
from simulations.intervals import Estimate, Versus, estimates, versus
from simulations.planned import planned
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
    versus_optimised: Versus | None = None


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

    `corridor` names the intersections of its time-space diagram, in driving order; without it each scenario's
    own corridor is shown, and where it has none the one that `find_corridor` finds.

    Raises:
        ConfigError: an unknown controller, nothing to compare, two scenarios of one name, or a corridor for
            several.
    """

    scenarios: dict[str, Scenario]
    controllers: tuple[str, ...]
    seeds: tuple[int, ...]
    protocol: str = "resco"
    duration_s: float | None = None
    sensing: Sensing = field(default_factory=Sensing)
    recordings: Path | None = None
    corridor: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [scenario.name for scenario in self.scenarios.values()]
        if not (names and self.controllers and self.seeds):
            raise ConfigError(
                "there is nothing to compare: name a scenario, a controller and a seed at least"
            )
        if len(set(names)) < len(names):
            raise ConfigError(f"two scenarios are called {max(names, key=names.count)}: rename one's files")
        if self.corridor and len(names) > 1:
            raise ConfigError("a corridor lies in one network: compare one scenario at a time along it")

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

    def design(self, scenario: str, done: float) -> None:
        """So much of a scenario's optimised plan is designed; before `begin`."""

    def begin(self, runs: Sequence[Run]) -> None:
        """All that will be run."""

    def progress(self, index: int, seconds: float) -> None:
        """So many seconds of a run are simulated."""

    def end(self, index: int, reason: str) -> None:
        """A run is over; `reason` says why it failed, if it did."""


def compare(plan: Plan, jobs: int, listener: Listener | None = None) -> Comparison:
    """Do all runs, `jobs` at a time; a run that fails costs no other.

    Raises:
        ConfigError: the plan's corridor is not there.
    """
    listener = listener or Listener()
    if plan.corridor:
        (scenario,) = plan.scenarios.values()
        find_corridor(scenario.network(plan.protocol), plan.corridor)
    ready = planned(plan.runs(), jobs, listener.design)
    listener.begin(ready.runs)
    results = _Results(ready.runs, listener)
    for index, reason in ready.reasons.items():
        results.end(index, None, reason)
    places = [index for index in range(len(ready.runs)) if index not in ready.reasons]
    tasks = [_task(plan, ready.runs[index]) for index in places]
    for outcome in run_jobs(tasks, _work, jobs, lambda at, seconds: listener.progress(places[at], seconds)):
        results.end(places[outcome.index], outcome.result, outcome.reason)
    return _comparison(plan, results)


class _Results:
    """What has become of the runs so far, by place; told to the listener."""

    def __init__(self, runs: Sequence[Run], listener: Listener) -> None:
        self._runs, self._listener = runs, listener
        self._found: dict[int, RunFigures] = {}
        self._failures: dict[int, Failure] = {}

    @property
    def found(self) -> tuple[RunFigures, ...]:
        return tuple(self._found[place] for place in sorted(self._found))

    @property
    def failures(self) -> tuple[Failure, ...]:
        return tuple(self._failures[place] for place in sorted(self._failures))

    def end(self, place: int, result: RunFigures | None, reason: str) -> None:
        self._listener.end(place, reason)
        if result is not None:
            self._found[place] = result
            return
        run = self._runs[place]
        self._failures[place] = Failure(run.scenario.name, run.controller, run.seed, reason)


def recording_name(scenario: str, controller: str, seed: int) -> str:
    """The folder of one run's recordings under the folder of all."""
    return f"{scenario}-{controller}-{seed}"


@dataclass(frozen=True, slots=True)
class _Task:
    run: Run
    recording: Path | None
    corridor: tuple[str, ...]


def _task(plan: Plan, run: Run) -> _Task:
    """The first seed is recorded and shows what happens, the others only count."""
    recording = None
    if plan.recordings is not None and run.seed == plan.seeds[0]:
        recording = plan.recordings / recording_name(run.scenario.name, run.controller, run.seed)
    return _Task(run, recording, plan.corridor or run.scenario.corridor)


def _work(task: _Task, progress: Progress) -> RunFigures:
    """In a process of its own."""
    watchers: list[Watcher] = []
    if task.recording is not None:
        # Imported by name when wanted: drawing and its libraries are not needed to compare.
        recorder = import_module("simulations.recorder").Recorder
        watchers.append(recorder(task.recording, task.corridor))
    return run_scenario(task.run, progress, watchers)


def _comparison(plan: Plan, results: _Results) -> Comparison:
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
        runs=results.found,
        summaries=summaries(plan.controllers, names, results.found),
        failures=results.failures,
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
    fixed, plan = (
        versus(own, other, by_seed.get(other, {})) if name != other else None for other in ("fixed", PLANNED)
    )
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
        plan,
    )


def _mean_delay_s(runs: dict[int, RunFigures], own: dict[int, RunFigures]) -> float:
    """Over the seeds that both have."""
    delays_s = [run.delay_s for seed, run in runs.items() if seed in own]
    return sum(delays_s) / len(delays_s)
