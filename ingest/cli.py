"""`citybrain db` and `citybrain ingest`: the schema, its state, and what was refused."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from citybrain.cli import settings_of
from citybrain.config import Settings
from citybrain.errors import ConfigError
from ingest import deadletters as letters
from ingest.database import Connection, connect
from ingest.gate import Window
from ingest.migrate import level_of
from ingest.migrate import migrate as run_migrations
from ingest.status import Status, read
from ingest.store import Store

SHOWN_BYTES = 4_000


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
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """Say which server this is, how large its tables are, and how fast data gets there.

    \b
    Example:
      citybrain db status --json
    """
    with _database(settings_of(ctx)) as connection:
        found = read(connection)
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2, default=str))
    else:
        _print_status(found)


@click.group(short_help="Look at what ingest refused.")
def ingest() -> None:
    """What ingest could not store.

    \b
    Example:
      citybrain ingest deadletters list
    """


@ingest.group()
def deadletters() -> None:
    """Messages that were refused, with the reason.

    \b
    Examples:
      citybrain ingest deadletters list
      citybrain ingest deadletters show 12
      citybrain ingest deadletters retry 12 13
      citybrain ingest deadletters drop --all
    """


@deadletters.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_context
def list_(ctx: click.Context, limit: int, as_json: bool) -> None:
    """The newest dead letters.

    \b
    Example:
      citybrain ingest deadletters list --limit 10
    """
    with _database(settings_of(ctx)) as connection:
        found = letters.newest(connection, limit)
    if as_json:
        click.echo(json.dumps([_as_dict(letter) for letter in found], indent=2))
        return
    table = Table("id", "received", "topic", "field", "reason", "bytes")
    for letter in found:
        received = f"{letter.received_at:%Y-%m-%d %H:%M:%S}"
        size = str(len(letter.payload))
        table.add_row(str(letter.id), received, letter.topic, letter.field, letter.reason, size)
    Console().print(table if found else "no dead letters")


@deadletters.command()
@click.argument("id_", metavar="ID", type=int)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_context
def show(ctx: click.Context, id_: int, as_json: bool) -> None:
    """One dead letter with its payload.

    \b
    Example:
      citybrain ingest deadletters show 12
    """
    with _database(settings_of(ctx)) as connection:
        letter = letters.get(connection, id_)
    if as_json:
        click.echo(json.dumps(_as_dict(letter), indent=2))
        return
    for name, value in _as_dict(letter).items():
        click.echo(f"{name:12} {str(value)[:SHOWN_BYTES]}")


@deadletters.command()
@click.argument("ids", metavar="[ID]...", type=int, nargs=-1)
@click.option("--all", "every", is_flag=True, help="All of them.")
@click.pass_context
def retry(ctx: click.Context, ids: tuple[int, ...], every: bool) -> None:
    """Try to store dead letters again; one that succeeds is stored once and is gone from the list.

    \b
    Example:
      citybrain ingest deadletters retry --all
    """
    settings = settings_of(ctx)
    with _database(settings) as connection:
        store = Store(connection, level_of(connection))
        refused = 0
        for id_ in _chosen(connection, ids, every):
            reason = letters.retry(connection, store, id_, _window(settings))
            refused += bool(reason)
            click.echo(f"{id_} still refused: {reason}" if reason else f"{id_} stored")
    if refused:
        ctx.exit(1)


@deadletters.command()
@click.argument("ids", metavar="[ID]...", type=int, nargs=-1)
@click.option("--all", "every", is_flag=True, help="All of them.")
@click.pass_context
def drop(ctx: click.Context, ids: tuple[int, ...], every: bool) -> None:
    """Forget dead letters.

    \b
    Example:
      citybrain ingest deadletters drop 12 13
    """
    with _database(settings_of(ctx)) as connection:
        chosen = _chosen(connection, ids, every)
        for id_ in chosen:
            letters.drop(connection, id_)
    click.echo(f"dropped {len(chosen)}")


@contextmanager
def _database(settings: Settings) -> Iterator[Connection]:
    with connect(settings.database.dsn, name="citybrain-cli") as connection:
        level_of(connection)  # says what to run where there is no schema
        yield connection


def _chosen(connection: Connection, ids: tuple[int, ...], every: bool) -> list[int]:
    if every == bool(ids):
        raise ConfigError("name the dead letters by their ids, or say --all")
    return letters.every_id(connection) if every else list(ids)


def _window(settings: Settings) -> Window:
    return Window.of(settings.ingest)


def _as_dict(letter: letters.DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "received_at": letter.received_at.isoformat(),
        "topic": letter.topic,
        "field": letter.field,
        "reason": letter.reason,
        "payload": letter.payload.decode(errors="backslashreplace"),
    }


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
