"""`citybrain sim`: list simulated cities and run one under a signal controller."""

from dataclasses import asdict
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from simulations.control import CONTROLLERS, Run, RunResult, run_scenario
from simulations.emergency_cli import emergency
from simulations.netfile import read_netfile
from simulations.scenarios import Scenario, demand, find_scenario, scenario_names


@click.group()
def sim() -> None:
    """List simulated cities, and run one under a signal controller."""


@sim.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def list_scenarios(as_json: bool) -> None:
    """Show the scenarios that can be run by name.

    \b
    Example:
      citybrain sim list
    """
    rows = [_row(find_scenario(name)) for name in scenario_names()]
    if as_json:
        click.echo(msgspec.json.encode(rows))
        return
    table = Table("scenario", "signals", "vehicles", "hours", "source", "licence")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table)


def _row(scenario: Scenario) -> dict[str, str | int | float]:
    signals = {c.tl for c in read_netfile(scenario.net).connections if c.tl}
    return {
        "scenario": scenario.name,
        "signals": len(signals),
        "vehicles": demand(scenario),
        "hours": round((scenario.end_s - scenario.begin_s) / 3600, 2),
        "source": scenario.source,
        "licence": scenario.licence,
    }


@sim.command()
@click.option("--scenario", default="cologne8", show_default=True, help="A name of `sim list`, or a path.")
@click.option("--controller", type=click.Choice(CONTROLLERS), default="adaptive", show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True)
@click.option(
    "--duration", type=click.FloatRange(1), help="Simulated seconds; default to the scenario's end."
)
@click.option("--protocol", type=click.Choice(["resco", "street"]), default="resco", show_default=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the figures there too.")
def run(
    *,
    scenario: str,
    controller: str,
    seed: int,
    duration: float | None,
    protocol: str,
    json_path: Path | None,
) -> None:
    """Run a scenario under one controller and say what its vehicles lost.

    \b
    Example:
      citybrain sim run --scenario cologne8 --controller adaptive
    """
    chosen = Run(find_scenario(scenario), controller, seed, duration, protocol)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(f"{chosen.scenario.name}, {controller}", total=chosen.seconds)
        result = run_scenario(chosen, lambda done: progress.update(task, completed=done))
    Console().print(_table(result))
    if json_path is not None:
        json_path.write_bytes(msgspec.json.format(msgspec.json.encode(asdict(result))))


def _table(result: RunResult) -> Table:
    table = Table("figure", "value")
    for name, value in asdict(result).items():
        table.add_row(name, f"{value:.2f}" if isinstance(value, float) else str(value))
    return table


sim.add_command(emergency)
