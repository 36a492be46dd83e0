"""`citybrain sim`: list simulated cities and run one under a signal controller."""

from dataclasses import asdict
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from simulations.compare_cli import compare_command
from simulations.control import CONTROLLERS, Run, run_scenario
from simulations.counts_cli import demand_command
from simulations.design_bar import DesignBar
from simulations.emergency_cli import emergency
from simulations.events_cli import export_events
from simulations.figures import RunFigures
from simulations.made_cli import import_command, make_city_command
from simulations.plan_cli import optimise_plan_command
from simulations.planned import planned_run
from simulations.report_cli import report
from simulations.scenarios import find_scenario
from simulations.scenarios_cli import list_scenarios
from simulations.sensing import OBSERVE, Sensing


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
@click.option("--observe", type=click.Choice(OBSERVE), default="camera", show_default=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the figures there too.")
def run(
    *,
    scenario: str,
    controller: str,
    seed: int,
    duration: float | None,
    protocol: str,
    observe: str,
    json_path: Path | None,
) -> None:
    """Run a scenario under one controller and say what its vehicles lost.

    \b
    Example:
      citybrain sim run --scenario cologne8 --controller adaptive
    """
    chosen = Run(find_scenario(scenario), controller, seed, duration, protocol, Sensing(observe))
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        chosen = planned_run(chosen, DesignBar(progress))
        task = progress.add_task(f"{chosen.scenario.name}, {controller}", total=chosen.seconds)
        result = run_scenario(chosen, lambda done: progress.update(task, completed=done))
    Console().print(_table(result))
    if json_path is not None:
        json_path.write_bytes(msgspec.json.format(msgspec.json.encode(asdict(result))))


sim.add_command(compare_command)


def _table(result: RunFigures) -> Table:
    table = Table("figure", "value")
    starved = result.starved
    for name, value in asdict(result).items():
        if isinstance(value, int | float | str):
            table.add_row(name, f"{value:.2f}" if isinstance(value, float) else str(value))
    if starved is not None:
        table.add_row("starved", f"{starved.approach}: p95 wait {starved.p95_s:.0f} s")
    return table


sim.add_command(export_events)
sim.add_command(report)
sim.add_command(optimise_plan_command)
sim.add_command(emergency)
