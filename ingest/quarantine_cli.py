"""`citybrain quarantine`: devices whose messages are turned away."""

import json
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from citybrain.cli import settings_of
from ingest import quarantine as store
from ingest.database import Connection, connect
from ingest.migrate import level_of


@click.group(short_help="Devices whose messages ingest turns away.")
def quarantine() -> None:
    """Devices that sent too much that was refused or replayed; nothing of theirs is stored or acknowledged.

    What such a device spools meanwhile comes in after its release.

    \b
    Example:
      citybrain quarantine list
    """


@quarantine.command("list")
@click.option("--all", "every", is_flag=True, help="Also who was released.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_context
def list_(ctx: click.Context, every: bool, as_json: bool) -> None:
    """Who is in quarantine, since when, and why.

    \b
    Example:
      citybrain quarantine list --all
    """
    with _database(ctx) as connection:
        found = store.entries(connection, every=every)
    if as_json:
        click.echo(
            json.dumps([asdict(entry) for entry in found], indent=2, default=lambda at: at.isoformat())
        )
        return
    table = Table("device", "since", "turned away", "released", "reason")
    for entry in found:
        released = f"{entry.released_at:%Y-%m-%d %H:%M}" if entry.released_at else ""
        table.add_row(
            entry.device, f"{entry.since:%Y-%m-%d %H:%M}", str(entry.turned_away), released, entry.reason
        )
    Console().print(table if found else "nobody is in quarantine")


@quarantine.command()
@click.argument("device", metavar="KIND/ID")
@click.option("--note", default="", help="Why; it is kept.")
@click.pass_context
def release(ctx: click.Context, device: str, note: str) -> None:
    """Let a device in again; workers follow within seconds.

    \b
    Example:
      citybrain quarantine release sensor/s1 --note "clock set"
    """
    with _database(ctx) as connection:
        store.release(connection, device, note)
    click.echo(f"released {device}")


@quarantine.command()
@click.argument("device", metavar="KIND/ID")
@click.option("--reason", required=True, help="Why; it is kept and shown.")
@click.pass_context
def add(ctx: click.Context, device: str, reason: str) -> None:
    """Put a device into quarantine by hand.

    \b
    Example:
      citybrain quarantine add sensor/s1 --reason "stolen"
    """
    with _database(ctx) as connection:
        store.enter(connection, device, reason)
    click.echo(f"{device} is in quarantine")


def _database(ctx: click.Context) -> Connection:
    connection = connect(settings_of(ctx).database.dsn, name="citybrain-cli")
    level_of(connection)  # says what to run where there is no schema
    return connection
