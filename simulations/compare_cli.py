"""`citybrain sim compare`: controllers against each other on the same streets, with figures and intervals."""

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Self

import click
import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from citybrain.errors import CityBrainError
from simulations.compare import Comparison, Estimate, Listener, Plan, Summary, Versus, compare
from simulations.control import CONTROLLERS, PLANNED, Run
from simulations.design_bar import DesignBar
from simulations.scenarios import find_scenario
from simulations.sensing import OBSERVE, Sensing

_DEFAULT = "fixed,actuated,greedy,maxpressure,adaptive"


class _List(click.ParamType[tuple[str, ...]]):
    """Words with commas between them, each one of `known` where that is given."""

    def __init__(self, name: str, known: Sequence[str] = ()) -> None:
        self.name = name
        self._known = known

    def convert(
        self, value: str | tuple[str, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        words = tuple(dict.fromkeys(word.strip() for word in value.split(",") if word.strip()))
        for word in words:
            if self._known and word not in self._known:
                self.fail(f"{word!r} is not one of {', '.join(self._known)}", param, ctx)
        if not words:
            self.fail("is empty", param, ctx)
        return words


class _Seeds(click.ParamType[tuple[int, ...]]):
    """Seeds and ranges of seeds: `1,2,3` or `11-20`."""

    name = "seeds"

    def convert(
        self, value: str | tuple[int, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        seeds: list[int] = []
        for word in value.split(","):
            first, _, last = word.strip().partition("-")
            if not first.isdigit() or (last and not last.isdigit()):
                self.fail(f"{word.strip()!r} is no seed: give numbers, as 1,2,3 or 11-20", param, ctx)
            seeds += range(int(first), int(last or first) + 1)
        if not seeds or max(seeds) >= 2**31:
            self.fail("gives no seed from 0 to 2147483647", param, ctx)
        return tuple(dict.fromkeys(seeds))


@click.command(name="compare")
@click.option(
    "--scenario",
    "scenarios",
    type=_List("names"),
    default="cologne8",
    show_default=True,
    help="Names of `sim list` or paths, with commas between.",
)
@click.option(
    "--controllers",
    type=_List("names", CONTROLLERS),
    default=_DEFAULT,
    show_default=True,
    help=f"Any of {', '.join(CONTROLLERS)}.",
)
@click.option("--seeds", type=_Seeds(), default="1,2,3", show_default=True, help="As 1,2,3 or 11-20.")
@click.option("--observe", type=click.Choice(OBSERVE), default="camera", show_default=True)
@click.option("--protocol", type=click.Choice(["resco", "street"]), default="resco", show_default=True)
@click.option(
    "--duration", type=click.FloatRange(1), help="Simulated seconds; default to each scenario's end."
)
@click.option("--missed", type=click.FloatRange(0, 1), help="Share of vehicles that the devices miss.")
@click.option(
    "--blind", multiple=True, help="A lane or edge before a signal that reports nothing; repeatable."
)
@click.option(
    "--late", type=click.IntRange(0), default=0, show_default=True, help="Seconds that messages are late."
)
@click.option("--silent", is_flag=True, help="Nothing arrives: signals fall back on their own plans.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write all figures there.")
@click.option(
    "--report", type=click.Path(path_type=Path, file_okay=False), help="Write recordings and a report there."
)
@click.option(
    "--corridor",
    type=_List("names"),
    default=(),
    help="Intersections of the report's time-space diagram, in driving order; default the scenario's own "
    "corridor, else the longest one.",
)
@click.option("--jobs", type=click.IntRange(1), help="Simulations at a time; default one per core.")
def compare_command(
    *,
    scenarios: tuple[str, ...],
    controllers: tuple[str, ...],
    seeds: tuple[int, ...],
    observe: str,
    protocol: str,
    duration: float | None,
    missed: float | None,
    blind: tuple[str, ...],
    late: int,
    silent: bool,
    json_path: Path | None,
    report: Path | None,
    corridor: tuple[str, ...],
    jobs: int | None,
) -> None:
    """Run controllers on the same scenarios and seeds, and say what their vehicles lost.

    Every run is a process of its own; one that fails is reported and loses nothing else (exit code 1).
    Delay is time loss plus departure delay, a mean over all scheduled vehicles; `of best` is the ratio to the
    best baseline of this run, `not done` counts unfinished and never departed, `worst wait` is the p95 wait
    on the approach where it is longest.

    `optimised` is the fixed plan that `sim optimise-plan` finds for the scenario under the protocol. It is
    designed before the runs (minutes for a city) and kept in the data folder; `trip of opt.` is the ratio of
    trip times to it.

    `--observe full` knows every vehicle and its next turn, which no street tells: for upper bounds only.

    \b
    Example:
      citybrain sim compare --scenario cologne1,cologne8 --controllers fixed,actuated,adaptive --seeds 1,2,3
    """
    if corridor and report is None:
        raise click.UsageError("--corridor is for the report: add --report DIR")
    plan = Plan(
        {name: find_scenario(name) for name in scenarios},
        controllers,
        seeds,
        protocol,
        duration,
        Sensing(observe, missed, blind, late, silent),
        None if report is None else report / "recordings",
        corridor,
    )
    errors = Console(stderr=True)
    with _Bars(errors) as bars:
        comparison = compare(plan, jobs or os.cpu_count() or 1, bars)
    for table in tables_of(comparison):
        Console().print(table)
    if json_path is not None:
        json_path.write_bytes(msgspec.json.format(msgspec.json.encode(asdict(comparison))))
    for failure in comparison.failures:
        run = f"{failure.scenario}, {failure.controller}, seed {failure.seed}"
        errors.print(f"{run} failed: {failure.reason}", soft_wrap=True)
    failed = bool(comparison.failures)
    if report is not None:
        failed |= not _report(comparison, plan, report, errors)
    if failed:
        sys.exit(1)


def _report(comparison: Comparison, plan: Plan, folder: Path, errors: Console) -> bool:
    assert plan.recordings is not None
    try:
        for page in import_module("simulations.report").write_report(comparison, plan.recordings, folder):
            errors.print(f"report: {page}")
    except CityBrainError as error:
        errors.print(f"the report could not be written: {error}")
        return False
    return True


class _Bars(Listener):
    """One bar for all, and one for each run under way."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
        self._progress = Progress(*columns, TimeElapsedColumn(), console=console)
        self._tasks: dict[int, TaskID] = {}
        self._designed = DesignBar(self._progress)
        self._runs: Sequence[Run] = ()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def design(self, scenario: str, done: float) -> None:
        self._designed(scenario, done)

    def begin(self, runs: Sequence[Run]) -> None:
        self._runs = runs
        self._all = self._progress.add_task(f"{len(runs)} runs", total=sum(run.seconds for run in runs))
        self._done = [0.0] * len(runs)

    def progress(self, index: int, seconds: float) -> None:
        run = self._runs[index]
        if index not in self._tasks:
            text = f"{run.scenario.name}, {run.controller}, seed {run.seed}"
            self._tasks[index] = self._progress.add_task(text, total=run.seconds)
        self._progress.update(self._tasks[index], completed=seconds)
        self._done[index] = seconds
        self._progress.update(self._all, completed=sum(self._done))

    def end(self, index: int, reason: str) -> None:
        self.progress(index, self._runs[index].seconds)
        self._progress.remove_task(self._tasks.pop(index))
        if reason:
            run = self._runs[index]
            self._progress.console.print(f"{run.scenario.name}, {run.controller}, seed {run.seed}: failed")


def tables_of(comparison: Comparison) -> list[Table]:
    """One table by scenario: means over seeds, of delay with its 95 % interval."""
    done = {summary.scenario for summary in comparison.summaries}
    return [_table(comparison, name) for name in comparison.scenarios if name in done]


def _table(comparison: Comparison, scenario: str) -> Table:
    seeds = ", ".join(map(str, comparison.seeds))
    title = f"{scenario}: protocol {comparison.protocol}, {comparison.observe}, seeds {seeds}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0)
    table.add_column("controller", no_wrap=True)
    headings = (*_COLUMNS, _OF_PLAN) if PLANNED in comparison.controllers else _COLUMNS
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for summary in comparison.summaries:
        if summary.scenario == scenario:
            table.add_row(*_row(comparison, summary)[: len(headings) + 1])
    return table


_COLUMNS = ("delay s", "of fixed", "of best", "p95 s", "trip s", "not\ndone", "worst\nwait s")
_OF_PLAN = "trip\nof opt."


def _row(comparison: Comparison, summary: Summary) -> list[str]:
    figures = {name: value.mean for name, value in summary.figures.items()}
    starved = [
        run.starved.p95_s
        for run in comparison.runs
        if (run.scenario, run.controller) == (summary.scenario, summary.controller) and run.starved
    ]
    return [
        summary.controller,
        _interval(summary.figures["delay_s"]),
        _ratio(summary.versus_fixed),
        _ratio(summary.versus_best),
        f"{figures['p95_delay_s']:.0f}",
        f"{figures['trip_time_s']:.1f}",
        f"{figures['unfinished'] + figures['never_departed']:.0f}",
        f"{max(starved, default=0.0):.0f}",
        "" if summary.versus_optimised is None else f"{summary.versus_optimised.trip_time_ratio:.2f}",
    ]


def _interval(value: Estimate) -> str:
    half = "" if value.high is None else f" ± {value.high - value.mean:.1f}"
    return f"{value.mean:.1f}{half}"


def _ratio(value: Versus | None) -> str:
    return "" if value is None else f"{value.delay_ratio:.2f}"
