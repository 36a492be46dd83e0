"""`citybrain sim emergency`: emergency trips with and without priority, on the same seeds."""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from simulations.emergency import CONTROLLERS, EmergencyResult, EmergencyRun
from simulations.emergency_plot import plot_trips
from simulations.emergency_runs import run_all
from simulations.emergency_score import Recovery, Summary, summarise
from simulations.scenarios import find_scenario

SPEED_FACTOR = 1.3


class _Listed(click.ParamType[Any]):
    """Values separated by commas, each converted by `one` and named once."""

    name = "list"

    def __init__(self, one: click.ParamType[Any]) -> None:
        self._one = one

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        found = [self._one.convert(part.strip(), param, ctx) for part in value.split(",") if part.strip()]
        if not found:
            self.fail("name at least one", param, ctx)
        return tuple(dict.fromkeys(found))


@click.command()
@click.option("--scenario", default="cologne8", show_default=True, help="A name of `sim list`, or a path.")
@click.option("--trips", type=click.IntRange(1, 500), default=12, show_default=True, help="In each run.")
@click.option(
    "--seeds",
    type=_Listed(click.IntRange(0, 2**31 - 1)),
    default="1,2,3",
    show_default=True,
    help="Separated by commas; each draws other trips.",
)
@click.option(
    "--controllers",
    type=_Listed(click.Choice(CONTROLLERS)),
    default="fixed,adaptive",
    show_default=True,
    help="Separated by commas; each runs with and without priority.",
)
@click.option("--protocol", type=click.Choice(["resco", "street"]), default="resco", show_default=True)
@click.option("--duration", type=click.FloatRange(600), help="Simulated seconds; default to the end.")
@click.option(
    "--speed-factor",
    type=click.FloatRange(0.5, 2.0),
    default=SPEED_FACTOR,
    show_default=True,
    help="Emergency vehicles drive so many times the speed limit on a free road.",
)
@click.option("--jobs", type=click.IntRange(1), help="Runs at a time; default one for each core.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write every trip there.")
@click.option("--plot", "plot_path", type=click.Path(path_type=Path), help="Write a PNG of the trips.")
def emergency(
    *,
    scenario: str,
    trips: int,
    seeds: tuple[int, ...],
    controllers: tuple[str, ...],
    protocol: str,
    duration: float | None,
    speed_factor: float,
    jobs: int | None,
    json_path: Path | None,
    plot_path: Path | None,
) -> None:
    """Drive emergency trips on long routes, with and without priority, and say what each gains.

    Vehicles of one seed are the same in all its runs. Others pay: their delay is compared with that under the
    same controller without priority.

    \b
    Example:
      citybrain sim emergency --scenario grid4x4 --trips 12 --seeds 1,2,3
    """
    found = find_scenario(scenario)
    runs = [
        EmergencyRun(found, controller, priority, seed, trips, duration, protocol, speed_factor)
        for controller in controllers
        for priority in (False, True)
        for seed in seeds
    ]
    results = _run(runs, jobs or os.cpu_count() or 1)
    summaries = summarise(results)
    Console().print(_table(summaries))
    if json_path is not None:
        json_path.write_bytes(_json(runs[0], results, summaries))
    if plot_path is not None:
        plot_trips(results, f"{found.name}: emergency trips with and without priority", plot_path)


def _run(runs: Sequence[EmergencyRun], jobs: int) -> list[EmergencyResult]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        total = sum(run.seconds for run in runs)
        task = progress.add_task(f"{runs[0].scenario.name}, {len(runs)} runs", total=total)
        return list(run_all(runs, jobs, lambda done: progress.update(task, completed=done)))


def _table(summaries: Sequence[Summary]) -> Table:
    table = Table("", *(row.name for row in summaries))
    rows: tuple[tuple[str, Callable[[Summary], str]], ...] = (
        ("arrived", lambda row: f"{row.arrived} of {row.trips}"),
        ("travel time, s", lambda row: f"{row.travel_s:.1f}"),
        ("beyond the free road", lambda row: f"{row.over_free:+.1%}"),
        ("against fixed", lambda row: _change(row.travel_ratio)),
        ("signal delay, s", lambda row: f"{row.signal_delay_s:.1f}"),
        ("against fixed", lambda row: _change(row.signal_delay_ratio)),
        ("stops", lambda row: f"{row.stops:.2f}"),
        ("others' delay, s", lambda row: f"{row.others_delay_s:.1f}"),
        ("against no priority", lambda row: _change(row.others_ratio)),
        ("others unfinished", lambda row: f"{row.others_unfinished:.0f}"),
        ("recovery, mean and p95, s", lambda row: _recovery(row.recovery)),
    )
    for name, cell in rows:
        table.add_row(name, *(cell(row) for row in summaries))
    return table


def _change(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio - 1:+.1%}"


def _recovery(recovery: Recovery | None) -> str:
    return "" if recovery is None else f"{recovery.mean_s:.0f}, {recovery.p95_s:.0f}"


def _json(run: EmergencyRun, results: Sequence[EmergencyResult], summaries: Sequence[Summary]) -> bytes:
    """Everything but the queues second by second."""
    document = {
        "scenario": run.scenario.name,
        "protocol": run.protocol,
        "simulated_s": run.seconds,
        "trips_per_run": run.trips,
        "speed_factor": run.speed_factor,
        "summaries": [{"name": summary.name, **asdict(summary)} for summary in summaries],
        "runs": [
            {
                "controller": result.controller,
                "priority": result.priority,
                "seed": result.seed,
                "others": asdict(result.others),
                "trips": [asdict(trip) for trip in result.trips],
            }
            for result in results
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document))
