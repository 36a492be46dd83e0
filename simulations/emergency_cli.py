"""`citybrain sim emergency`: emergency trips with and without priority, on the same seeds."""

import os
from collections.abc import Sequence
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
from simulations.emergency_score import Summary, summarise
from simulations.scenarios import find_scenario

SPEED_FACTOR = 1.3


class _Listed(click.ParamType):
    """Values separated by commas, each converted by `one` and named once."""

    name = "list"

    def __init__(self, one: click.ParamType) -> None:
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
    table = Table(
        "signals", "arrived", "travel s", "over free", "signal delay s", "stops", "travel vs fixed",
        "signal delay vs fixed", "others delay s", "others vs without", "recovery s",
    )  # fmt: skip
    for row in summaries:
        table.add_row(
            row.name,
            f"{row.arrived} of {row.trips}",
            f"{row.travel_s:.1f}",
            f"{row.over_free:+.1%}",
            f"{row.signal_delay_s:.1f}",
            f"{row.stops:.1f}",
            _less(row.against_fixed_travel),
            _less(row.against_fixed_signal_delay),
            f"{row.others_delay_s:.1f}",
            "" if row.others_ratio is None else f"{row.others_ratio - 1:+.1%}",
            "" if row.recovery is None else f"{row.recovery.mean_s:.0f}",
        )
    return table


def _less(share: float | None) -> str:
    return "" if share is None else f"{-share:+.0%}"


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
