"""`citybrain sim`: list simulated cities and run one under a signal controller."""

from dataclasses import asdict
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from simulations.control import CONTROLLERS, Run, RunResult, run_scenario
from simulations.counts_cli import demand_command
from simulations.made_cli import import_command, make_city_command
from simulations.scenarios import find_scenario
from simulations.scenarios_cli import list_scenarios


@click.group()
def sim() -> None:
    """List simulated cities, and run one under a signal controller."""


for _command in (list_scenarios, make_city_command, import_command, demand_command):
    sim.add_command(_command)


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
