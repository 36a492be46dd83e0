"""`citybrain db`: the schema, its state, copies of it."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from citybrain.cli import settings_of
from ingest.backup import backup as write_backup
from ingest.backup import restore as read_backup
from ingest.migrate import migrate as run_migrations
from ingest.session import database
from ingest.status import Status, read
from ingest.upgrade import upgrade as run_upgrade


@click.group(short_help="Migrate and inspect the database.")
def db() -> None:
    """The database of `database.dsn`: bring its schema up to date, see how it is.

    \b
    Example:
      citybrain db migrate
    """


@db.command()
@click.pass_context
def migrate(ctx: click.Context) -> None:
    """Bring the schema up to date; safe to run again, and while others do.

    \b
    Example:
      citybrain db migrate
    """
    applied = run_migrations(settings_of(ctx).database.dsn)
    for name in applied:
        click.echo(f"applied {name}")
    if not applied:
        click.echo("up to date")


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_context
def backup(ctx: click.Context, file: Path) -> None:
    """Write the whole database of one moment to FILE; everything goes on meanwhile.

    \b
    Example:
      citybrain db backup city-2026-03-01.dump
    """
    with Console(stderr=True).status("copying"):
        size = write_backup(settings_of(ctx).database.dsn, file)
    click.echo(f"{file}: {_size(size)}")


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_context
def restore(ctx: click.Context, file: Path) -> None:
    """Fill the empty database of `database.dsn` from FILE, all or nothing.

    \b
    Example:
      citybrain db restore city-2026-03-01.dump
    """
    with Console(stderr=True).status("filling the database"):
        read_backup(settings_of(ctx).database.dsn, file)
    click.echo(f"restored {file}; `citybrain db migrate` brings an older schema up to date")


@db.command()
@click.pass_context
def upgrade(ctx: click.Context) -> None:
    """Turn plain PostgreSQL into TimescaleDB in place; run again, it goes on where it was cut off.

    \b
    Example:
      citybrain db upgrade
    """
    with Progress(console=Console(stderr=True)) as progress:
        bars: dict[str, TaskID] = {}

        def tell(table: str, rows: int) -> None:
            if table not in bars:
                bars[table] = progress.add_task(table, total=None)
            progress.advance(bars[table], rows)

        moved = run_upgrade(settings_of(ctx).database.dsn, tell)
    click.echo(f"moved {', '.join(moved)}; start ingest anew" if moved else "nothing to move")


@db.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """Say which server this is, how large its tables are, and how fast data gets there.

    \b
    Example:
      citybrain db status --json
    """
    with database(settings_of(ctx)) as connection:
        found = read(connection)
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2, default=str))
    else:
        _print_status(found)


def _print_status(found: Status) -> None:
    console = Console()
    console.print(f"{found.level} storage on PostgreSQL {found.server_version}, {_size(found.bytes)}")
    console.print(f"last migration {found.last_migration}, {found.migrations} applied")
    latency = "nothing stored in the last five minutes"
    if found.latency_p50_s is not None and found.latency_p99_s is not None:
        latency = f"capture to stored p50 {found.latency_p50_s:.3f} s, p99 {found.latency_p99_s:.3f} s"
    console.print(latency)
    table = Table("table", "rows (about)", "size", "newest")
    for entry in found.tables:
        newest = f"{entry.newest_at:%Y-%m-%d %H:%M:%S}" if entry.newest_at else ""
        table.add_row(entry.name, f"{entry.rows:,}", _size(entry.bytes), newest)
    console.print(table)


def _size(number: int) -> str:
    size = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
