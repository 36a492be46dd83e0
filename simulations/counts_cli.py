"""`citybrain sim demand`: a CSV of turning counts becomes a scenario's demand."""

import os
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from citybrain.errors import ConfigError
from simulations.countfit import FittedDemand, fit_counts
from simulations.counts import Counts, read_counts, read_streets
from simulations.scenario_file import SUFFIX, ScenarioFile, write_scenario_file
from simulations.scenarios import find_scenario


@click.command(name="demand")
@click.option("--net", required=True, help="A SUMO network, or a scenario whose network it is.")
@click.option(
    "--counts", "counts_path", type=click.Path(path_type=Path), required=True, help="CSV of turning counts."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The routes, NAME.rou.xml.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True)
@click.option("--force", is_flag=True, help="Replace files of that name.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def demand_command(*, net: str, counts_path: Path, out: Path, seed: int, force: bool, as_json: bool) -> None:
    """Make demand of turning counts, and say how well each count is met (GEH).

    The CSV's first line names its columns: begin, end (seconds, or hours:minutes), from_edge, count, and
    where wanted to_edge (empty: all ways on), class (car, truck, bus, motorcycle, bicycle) and intersection
    (checked only). A row that cannot be used is named with its line, and the others are used.

    NAME.scenario.toml is written beside NAME.rou.xml, so that `sim run --scenario` can take it.

    \b
    Example:
      citybrain sim demand --net town.net.xml --counts counts.csv --out town.rou.xml
    """
    road_net = Path(net) if Path(net).is_file() and ".net.xml" in net else find_scenario(net).net
    scenario = out.with_name(out.name.removesuffix(".xml").removesuffix(".rou") + SUFFIX)
    for file in (out, scenario):
        if file.exists() and not force:
            raise ConfigError(f"--out: {file} is there already: choose another name, or --force")
    if not out.parent.is_dir():
        raise ConfigError(f"--out {out}: there is no folder {out.parent}")
    counts = read_counts(counts_path, read_streets(road_net))
    if not as_json:
        _tell_faults(counts)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("routes for the counts", total=1.0)
        fitted = fit_counts(
            road_net, counts.rows, out, seed=seed, progress=lambda done: progress.update(task, completed=done)
        )
    _write_scenario(scenario, road_net, out, counts_path, counts)
    if as_json:
        click.echo(msgspec.json.encode(_as_dict(fitted, counts, scenario)))
    else:
        _print(fitted, scenario)


def _tell_faults(counts: Counts) -> None:
    for fault in counts.faults:
        click.echo(f"line {fault.line}: {fault.field}: {fault.reason}; left out", err=True)


def _write_scenario(scenario: Path, net: Path, out: Path, counts_path: Path, counts: Counts) -> None:
    told = ScenarioFile(
        net=os.path.relpath(net, scenario.parent),
        routes=[out.name],
        begin=min(row.begin_s for row in counts.rows),
        end=max(row.end_s for row in counts.rows),
        source=f"turning counts {counts_path.name}",
    )
    write_scenario_file(scenario, told)


def _as_dict(fitted: FittedDemand, counts: Counts, scenario: Path) -> dict[str, object]:
    return {
        "scenario": str(scenario),
        "vehicles": fitted.vehicles,
        "good_share": fitted.good_share,
        "faults": [fault._asdict() for fault in counts.faults],
        "counts": [{**fit.counted._asdict(), "made": fit.made, "geh": fit.geh} for fit in fitted.fits],
    }


def _print(fitted: FittedDemand, scenario: Path) -> None:
    table = Table("begin", "from", "to", "class", "counted", "made", "GEH")
    for fit in fitted.fits:
        row = fit.counted
        begin = f"{int(row.begin_s // 3600):02}:{int(row.begin_s % 3600 // 60):02}"
        table.add_row(
            begin, row.from_edge, row.to_edge or "all", row.road_user,
            str(row.vehicles), str(fit.made), f"{fit.geh:.1f}",
        )  # fmt: skip
    console = Console()
    console.print(table)
    console.print(
        f"{fitted.vehicles} vehicles, {fitted.good_share:.0%} of the counts with a GEH below 5 "
        f"(the usual target is 85 %). Scenario: {scenario}"
    )
