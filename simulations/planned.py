"""Runs of the controller `optimised` with their plans, designed beforehand, each in a process of its own.

A plan must not be designed where its run is simulated: SUMO does not repeat itself exactly when it is
started twice in one process.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from citybrain.errors import ConfigError
from simulations.control import PLANNED, Run
from simulations.plan_cache import known_file, plan_file
from simulations.pool import Progress, run_jobs
from simulations.scenarios import Scenario

Tell = Callable[[str, float], None]
"""Gets the name of a scenario, and how much of its plan is designed (1.0: all)."""


@dataclass(frozen=True, slots=True)
class Planned:
    """The runs, those of `optimised` with their plans; `reasons` why some have none, by place."""

    runs: list[Run]
    reasons: dict[int, str]


def planned(runs: Sequence[Run], workers: int, tell: Tell) -> Planned:
    """Design the plans that are not known yet, `workers` at a time; one that fails costs no other run."""
    files = {
        place: known_file(run.scenario, run.protocol)
        for place, run in enumerate(runs)
        if run.controller == PLANNED and run.programs is None
    }
    todo = {
        file: (runs[place].scenario, runs[place].protocol)
        for place, file in files.items()
        if not file.is_file()
    }
    jobs = list(todo.items())
    reasons: dict[Path, str] = {}
    for outcome in run_jobs(
        [job for _, job in jobs], _design, workers, lambda index, done: tell(jobs[index][1][0].name, done)
    ):
        file, (scenario, _) = jobs[outcome.index]
        tell(scenario.name, 1.0)
        if outcome.result is None:
            reasons[file] = f"no plan could be designed: {outcome.reason}"
    return Planned(
        [replace(run, programs=files[at]) if at in files else run for at, run in enumerate(runs)],
        {at: reasons[file] for at, file in files.items() if file in reasons},
    )


def planned_run(run: Run, tell: Tell) -> Run:
    """One run with its plan, where it needs one.

    Raises:
        ConfigError: no plan could be designed.
    """
    found = planned([run], 1, tell)
    if found.reasons:
        raise ConfigError(f"scenario {run.scenario.name!r}: {found.reasons[0]}")
    return found.runs[0]


def _design(job: tuple[Scenario, str], tell: Progress) -> Path:
    """In a process of its own."""
    return plan_file(*job, progress=lambda _text, done: tell(done))
