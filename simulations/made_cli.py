"""`citybrain sim make-city` and `sim import`: cities that are made here, ready for `sim run`."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from simulations.made import (
    HOUR_S,
    MAX_SIGNALS,
    MIN_SIGNALS,
    Demand,
    import_city,
    make_city,
    name_for,
    place_for,
)
from simulations.osm import read_extract

F = TypeVar("F", bound=Callable[..., Any])
Result = TypeVar("Result")

_OPTIONS = (
    click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True),
    click.option("--out", type=click.Path(path_type=Path), help="Folder; default DATA/scenarios/NAME."),
    click.option("--name", help="Name for `sim run --scenario`."),
    click.option(
        "--demand-per-hour",
        "per_hour",
        type=click.IntRange(1, 200_000),
        help="Vehicles an hour; default: as many as load the signals' own programs.",
    ),
    click.option(
        "--hours", type=click.FloatRange(0.1, 24), default=1.0, show_default=True, help="Length of the peak."
    ),
    click.option("--force", is_flag=True, help="Replace a scenario of that name."),
    click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table."),
)


def _options(command: F) -> F:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command(name="make-city")
@click.option("--signals", type=click.IntRange(MIN_SIGNALS, MAX_SIGNALS), default=160, show_default=True)
@_options
def make_city_command(
    *,
    signals: int,
    seed: int,
    out: Path | None,
    name: str | None,
    per_hour: int | None,
    hours: float,
    force: bool,
    as_json: bool,
) -> None:
    """Make a city of irregular blocks and arterials, with a morning peak.

    The same arguments make the same city. Arterials have two or three lanes each way and left-turn lanes
    with a phase of their own; a third of the trips drive into the centre, a quarter only passes through.

    \b
    Example:
      citybrain sim make-city --signals 160 --seed 1
      citybrain sim run --scenario city160-1
    """
    place = place_for(name or f"city{signals}-{seed}", out, is_forced=force)
    demand = Demand(per_hour, seed, hours * HOUR_S)
    rush = _with_progress("routes", lambda progress: make_city(signals, demand, place, progress))
    _report(
        {"scenario": place.name, "file": str(place.scenario), "signals": signals, **asdict(rush)}, as_json
    )


@click.command(name="import")
@click.argument("extract", type=click.Path(path_type=Path))
@_options
@click.option("--pedestrians", is_flag=True, help="Sidewalks and signalled crossings too.")
def import_command(
    *,
    extract: Path,
    seed: int,
    out: Path | None,
    name: str | None,
    per_hour: int | None,
    hours: float,
    force: bool,
    as_json: bool,
    pedestrians: bool,
) -> None:
    """Make a scenario of an OpenStreetMap extract (.osm or .osm.gz), with generated demand.

    The demand is a morning peak between the roads of the extract: into its centre, through it, within it
    and out of it. Counts of your own make better demand: see `sim demand`.

    \b
    Example:
      citybrain sim import town.osm --seed 1
      citybrain sim run --scenario town
    """
    read = read_extract(extract)
    place = place_for(name or name_for(extract), out, is_forced=force)
    demand = Demand(per_hour, seed, hours * HOUR_S)
    imported, rush = _with_progress(
        "routes",
        lambda progress: import_city(
            extract, read, demand, place, pedestrians=pedestrians, progress=progress
        ),
    )
    row: dict[str, object] = {"scenario": place.name, "file": str(place.scenario)}
    row |= {"roads_in_extract": read.roads, "signal_nodes_in_extract": read.signal_nodes}
    row["left_out"] = read.left_out
    row |= {**asdict(imported), **asdict(rush), "licence": read.licence}
    _report(row, as_json)


def _with_progress(what: str, work: Callable[[Callable[[float], None]], Result]) -> Result:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=1.0)
        result = work(lambda done: progress.update(task, completed=done))
        progress.update(task, completed=1.0)
    return result


def _report(row: dict[str, object], as_json: bool) -> None:
    warnings = row.get("warnings", ())
    assert isinstance(warnings, (tuple, list))
    if as_json:
        click.echo(msgspec.json.encode(row))
        return
    table = Table("figure", "value")
    for key, value in row.items():
        if key != "warnings":
            table.add_row(key, f"{value:.3f}" if isinstance(value, float) else str(value))
    Console().print(table)
    for warning in warnings:
        click.echo(f"netconvert: {warning}", err=True)
