"""`citybrain sim list`: the scenarios that can be run by name."""

from typing import NamedTuple

import click
import msgspec
from rich.console import Console
from rich.table import Table

from citybrain.errors import ConfigError
from simulations.scenarios import Scenario, demand, find_scenario, own_scenario_files, scenario_names
from simulations.sumoxml import elements

_SHOWN = ("scenario", "signals", "vehicles", "hours", "source", "licence")


class _Row(NamedTuple):
    scenario: str
    signals: int
    vehicles: int
    hours: float
    source: str
    licence: str
    corridor: tuple[str, ...]
    notes: str


@click.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def list_scenarios(as_json: bool) -> None:
    """Show the scenarios that can be run by name: those that come along, then your own.

    Your own are the files NAME.scenario.toml in the folder `scenarios` of your data folder, and in the
    folders in it; `sim import` and `sim make-city` write there.

    \b
    Example:
      citybrain sim list
    """
    rows = []
    for name in (*scenario_names(), *own_scenario_files()):
        try:
            rows.append(_row(find_scenario(name)))
        except ConfigError as error:
            click.echo(f"citybrain: left out: {error}", err=True)
    if as_json:
        click.echo(msgspec.json.encode([row._asdict() for row in rows]))
        return
    table = Table(*_SHOWN)
    for row in rows:
        table.add_row(*(str(getattr(row, column)) for column in _SHOWN))
    Console().print(table)


def _row(scenario: Scenario) -> _Row:
    return _Row(
        scenario.name,
        signals_of(scenario),
        demand(scenario),
        round((scenario.end_s - scenario.begin_s) / 3600, 2),
        scenario.source,
        scenario.licence,
        scenario.corridor,
        scenario.notes,
    )


def signals_of(scenario: Scenario) -> int:
    """How many traffic lights its network has; rail signals and crossings without a program are none."""
    found: dict[str, set[str]] = {"connection": set(), "tlLogic": set()}
    for element in elements(scenario.net, set(found)):
        found[element.tag].add(element.get("tl" if element.tag == "connection" else "id", ""))
    return len(found["connection"] & found["tlLogic"])
