"""`citybrain sim export-events`: the hi-res event log of a simulated run, as on a street."""

from pathlib import Path

import click
import duckdb
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from simulations.control import CONTROLLERS, Run, run_scenario
from simulations.design_bar import DesignBar
from simulations.planned import planned_run
from simulations.recorder import DETECTORS, EVENTS, Recorder
from simulations.scenarios import find_scenario


@click.command(name="export-events")
@click.option("--scenario", default="cologne8", show_default=True, help="A name of `sim list`, or a path.")
@click.option("--controller", type=click.Choice(CONTROLLERS), default="fixed", show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True)
@click.option(
    "--duration", type=click.FloatRange(1), help="Simulated seconds; default to the scenario's end."
)
@click.option("--protocol", type=click.Choice(["resco", "street"]), default="resco", show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the files."
)
@click.option("--parquet", is_flag=True, help="Write Parquet beside the CSV files.")
def export_events(
    *,
    scenario: str,
    controller: str,
    seed: int,
    duration: float | None,
    protocol: str,
    out: Path,
    parquet: bool,
) -> None:
    """Run a scenario and write its signals' event log and detector configuration.

    The log is in the Indiana enumeration, one row an event: TimeStamp, DeviceId, EventId, Parameter. Tools
    for signal performance measures read it as they read a street's.

    \b
    Example:
      citybrain sim export-events --scenario cologne8 --controller adaptive --out events/
    """
    chosen = Run(find_scenario(scenario), controller, seed, duration, protocol)
    recorder = Recorder(out, events_only=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        chosen = planned_run(chosen, DesignBar(progress))
        task = progress.add_task(f"{chosen.scenario.name}, {controller}", total=chosen.seconds)
        run_scenario(chosen, lambda done: progress.update(task, completed=done), watchers=(recorder,))
    written = [out / EVENTS, out / DETECTORS]
    if parquet:
        written += [to_parquet(path) for path in written]
    for path in written:
        click.echo(path)


def to_parquet(csv_file: Path) -> Path:
    """The same table as Parquet beside it; written by duckdb, which needs no pyarrow."""
    path = csv_file.with_suffix(".parquet")
    query = "SELECT * FROM read_csv($file, types = {'DeviceId': 'VARCHAR'})"
    with duckdb.connect() as connection:
        connection.sql(query, params={"file": str(csv_file)}).write_parquet(str(path))
    return path
