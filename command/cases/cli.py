"""`citybrain cases`: the grid, components, classes and workers, and whether histories are whole."""

import csv
import sys
from io import StringIO
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from citybrain.errors import ConfigError
from command.cases import check, classes, codes, setup
from command.database import Row, act
from command.trust import accounts, direct
from command.trust.accounts import Connection
from command.trust.audit import SYSTEM
from command.trust.cli import settings_in_use

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def cases() -> None:
    """Set up cases: grid, components, classes, workers; check their histories."""


@cases.group()
def grid() -> None:
    """The unit grid, responsibility grids and territories."""


@grid.command()
@click.argument("code")
@click.option("--bounds", nargs=4, type=float, required=True, help="West, south, east, north in degrees.")
@click.pass_context
def generate(ctx: click.Context, code: str, bounds: tuple[float, float, float, float]) -> None:
    """Make the cells of community CODE (12 digits), or of sub-district CODE (9 digits) in communities.

    \b
    Example:
      citybrain cases grid generate 110105001002 --bounds 6.93 50.93 6.96 50.95
    """
    parts = codes.communities(code, *bounds) if len(code) == 9 else [(code, bounds)]
    made = [cell for community, area in parts for cell in codes.cells(community, *area)]
    number = direct.run(settings_in_use(ctx), lambda connection: setup.put_cells(connection, SYSTEM, made))
    click.echo(f"{number} cells in {len(parts)} communities")


@grid.command(name="import")
@click.argument("file", type=FILE)
@click.pass_context
def import_grid(ctx: click.Context, file: Path) -> None:
    """Import cells from FILE: CSV with code, west, south, east, north.

    \b
    Example:
      citybrain cases grid import cells.csv
    """
    rows = _rows(file, ("code", "west", "south", "east", "north"))
    made = [
        codes.Cell(
            codes.check_cell(row["code"]),
            *(_number(row, name) for name in ("west", "south", "east", "north")),
        )
        for row in rows
    ]
    number = direct.run(settings_in_use(ctx), lambda connection: setup.put_cells(connection, SYSTEM, made))
    click.echo(f"{number} cells")


@grid.command()
@click.argument("grid_code", metavar="GRID")
@click.argument("prefix")
@click.option("--worker", help="The account that is responsible.")
@click.option("--name", default="", help="What people call it.")
@click.pass_context
def bind(ctx: click.Context, grid_code: str, prefix: str, worker: str | None, name: str) -> None:
    """Bind the cells whose code begins with PREFIX to responsibility grid GRID and its worker.

    \b
    Example:
      citybrain cases grid bind north-3 1101050010020 --worker wang.fang
    """

    async def job(connection: Connection) -> int:
        who = (await accounts.by_name(connection, worker))["id"] if worker else None
        return await setup.bind(connection, SYSTEM, grid_code, prefix, who, name)

    click.echo(f"{direct.run(settings_in_use(ctx), job)} cells")


@grid.command()
@click.argument("prefix")
@click.argument("department")
@click.pass_context
def territory(ctx: click.Context, prefix: str, department: str) -> None:
    """DEPARTMENT looks after the cells whose code begins with PREFIX (6 to 12 digits).

    \b
    Example:
      citybrain cases grid territory 110105001 north-office
    """
    if not (prefix.isascii() and prefix.isdigit() and 6 <= len(prefix) <= 12):
        raise ConfigError(f"prefix: {prefix!r} must be 6 to 12 digits")
    direct.run(
        settings_in_use(ctx),
        lambda connection: setup.put_territory(connection, SYSTEM, prefix, department),
    )
    click.echo(f"{prefix}  {department}")


@grid.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_context
def list_grid(ctx: click.Context, as_json: bool) -> None:
    """List communities with their cells, grids and workers.

    \b
    Example:
      citybrain cases grid list
    """
    rows = direct.run(settings_in_use(ctx), lambda connection: act(connection, "grid_summary"))
    _show(rows, ("community", "grid", "worker", "cells"), as_json=as_json)


@cases.group(name="classes")
def classes_() -> None:
    """Classes of components and events."""


@classes_.command(name="import")
@click.argument("file", type=FILE, required=False)
@click.option("--default", "is_default", is_flag=True, help="Our own set.")
@click.option("--retire", is_flag=True, help="Classes that are not in it go out of use.")
@click.pass_context
def import_classes(ctx: click.Context, file: Path | None, is_default: bool, retire: bool) -> None:
    """Import classes from FILE (CSV, UTF-8), or our own with --default.

    \b
    Example:
      citybrain cases classes import classes.csv --retire
    """
    if (file is None) == (not is_default):
        raise click.UsageError("give a FILE or --default")
    found = classes.parse(_text(file)) if file else classes.default()
    number = direct.run(
        settings_in_use(ctx),
        lambda connection: setup.put_classes(connection, SYSTEM, found, retires=retire),
    )
    click.echo(f"{number} classes")


@classes_.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_context
def list_classes(ctx: click.Context, as_json: bool) -> None:
    """List the classes in use.

    \b
    Example:
      citybrain cases classes list
    """
    rows = direct.run(settings_in_use(ctx), lambda connection: act(connection, "class_all"))
    _show(rows, ("code", "name", "severity", "clock", "limit_s", "owner"), as_json=as_json)


@cases.group()
def components() -> None:
    """Things in the street that have a code of their own."""


@components.command(name="import")
@click.argument("county")
@click.argument("file", type=FILE)
@click.pass_context
def import_components(ctx: click.Context, county: str, file: Path) -> None:
    """Give codes to components of COUNTY (6 digits) from FILE: CSV with class, lon, lat, name, owner.

    \b
    Example:
      citybrain cases components import 110105 lamps.csv
    """
    rows = _rows(file, ("class", "lon", "lat", "name", "owner"))

    async def job(connection: Connection) -> list[str]:
        return [
            await setup.add_component(
                connection, SYSTEM, county, row["class"], (_number(row, "lon"), _number(row, "lat")),
                name=row["name"], owner=row["owner"],
            )
            for row in rows
        ]  # fmt: skip

    for code in direct.run(settings_in_use(ctx), job):
        click.echo(code)


@cases.group()
def workers() -> None:
    """Who can be sent."""


@workers.command()
@click.argument("account")
@click.option("--skill", "skills", multiple=True, help="May be repeated; those of the classes.")
@click.pass_context
def skills(ctx: click.Context, account: str, skills: tuple[str, ...]) -> None:
    """Set the skills of the grid worker or handler ACCOUNT.

    \b
    Example:
      citybrain cases workers skills zhao.lei --skill water --skill roads
    """

    async def job(connection: Connection) -> None:
        row = await accounts.by_name(connection, account)
        await setup.put_worker(connection, SYSTEM, row["id"], skills)

    direct.run(settings_in_use(ctx), job)
    click.echo(f"{account}  {', '.join(sorted(set(skills))) or 'none'}")


@workers.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_context
def list_workers(ctx: click.Context, as_json: bool) -> None:
    """List who can be sent; where they are is not told here.

    \b
    Example:
      citybrain cases workers list
    """
    rows = direct.run(settings_in_use(ctx), lambda connection: act(connection, "worker_all"))
    _show(rows, ("name", "department", "skills", "on_duty", "tasks"), as_json=as_json)


@cases.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_context
def verify(ctx: click.Context, as_json: bool) -> None:
    """Compare the histories of all cases with the audit; exit code 1 where something is wrong.

    \b
    Example:
      citybrain cases verify
    """
    found = direct.run(settings_in_use(ctx), check.check)
    if as_json:
        click.echo(msgspec.json.encode(found))
    else:
        for fault in found.faults:
            click.echo(f"case {fault.case}: {fault.reason}")
        click.echo(f"{found.entries} lines compared, {len(found.faults)} faults")
    if found.faults:
        sys.exit(1)


def _show(rows: list[Row], columns: tuple[str, ...], *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(rows))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(_cell(row[column]) for column in columns))
    Console().print(table)


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value or "")


def _rows(file: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    reader = csv.DictReader(StringIO(_text(file).removeprefix("\ufeff")))
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if missing:
        raise ConfigError(f"{file}: the first line lacks {', '.join(missing)}")
    return [{name: (row[name] or "").strip() for name in columns} for row in reader]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read as UTF-8: {error}") from error


def _number(row: dict[str, str], name: str) -> float:
    try:
        return float(row[name])
    except ValueError as error:
        raise ConfigError(f"{name}: {row[name]!r} is not a number") from error
