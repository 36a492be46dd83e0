"""`citybrain ingest`: what was refused, and what becomes of it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from citybrain.cli import settings_of
from citybrain.errors import ConfigError
from ingest import deadletters as letters
from ingest.database import Connection
from ingest.deadletters import Filter
from ingest.migrate import level_of
from ingest.retention import window_of
from ingest.session import database
from ingest.store import Store

SHOWN_BYTES = 4_000
PROGRESS_FROM = 50
"""Letters from which on a bar shows."""


def filters(command: Callable[..., None]) -> Callable[..., None]:
    """The options by which letters are chosen, handed on as `wanted`."""

    @click.option("--topic", metavar="PATTERN", help="Topic, * for anything: 'city/v1/sensor/*'.")
    @click.option("--device", metavar="KIND/ID", help="On topics of this device.")
    @click.option("--reason", metavar="TEXT", help="A part of the reason.")
    @click.option("--field", metavar="PATTERN", help="Field at fault, * for anything: '$.lanes*'.")
    @click.option("--since", type=click.DateTime(), help="Received at or after, in UTC.")
    @click.option("--until", type=click.DateTime(), help="Received before, in UTC.")
    @wraps(command)
    def chosen(
        *args: Any,
        topic: str | None,
        device: str | None,
        reason: str | None,
        field: str | None,
        since: datetime | None,
        until: datetime | None,
        **rest: Any,
    ) -> None:
        if topic and device:
            raise click.UsageError("--topic and --device exclude each other")
        since, until = (at.replace(tzinfo=UTC) if at else None for at in (since, until))
        wanted = Filter(f"*/{device}/*" if device else topic, reason, field, since, until)
        command(*args, wanted=wanted, **rest)

    return chosen


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
      citybrain ingest deadletters list --device lanes/a
      citybrain ingest deadletters show 12
      citybrain ingest deadletters retry 12 13
      citybrain ingest deadletters drop --reason "in the future"
    """


@deadletters.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@filters
@click.pass_context
def list_(ctx: click.Context, limit: int, as_json: bool, wanted: Filter) -> None:
    """The newest dead letters, all or those that a filter lets through.

    \b
    Example:
      citybrain ingest deadletters list --limit 10 --since 2026-03-01
    """
    with database(settings_of(ctx)) as connection:
        found = letters.newest(connection, limit, wanted)
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
    with database(settings_of(ctx)) as connection:
        letter = letters.get(connection, id_)
    if as_json:
        click.echo(json.dumps(_as_dict(letter), indent=2))
        return
    for name, value in _as_dict(letter).items():
        click.echo(f"{name:12} {str(value)[:SHOWN_BYTES]}")


@deadletters.command()
@click.argument("ids", metavar="[ID]...", type=int, nargs=-1)
@click.option("--all", "every", is_flag=True, help="All of them.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@filters
@click.pass_context
def retry(ctx: click.Context, ids: tuple[int, ...], every: bool, as_json: bool, wanted: Filter) -> None:
    """Try to store dead letters again; one that succeeds is stored once and is gone from the list.

    \b
    Example:
      citybrain ingest deadletters retry --all
    """
    settings = settings_of(ctx)
    with database(settings) as connection:
        store = Store(connection, level_of(connection))
        chosen = _chosen(connection, ids, every, wanted)
        hidden = as_json or len(chosen) < PROGRESS_FROM
        reasons = {
            id_: letters.retry(connection, store, id_, window_of(settings))
            for id_ in track(chosen, "retrying", disable=hidden)
        }
    if as_json:
        click.echo(
            json.dumps([{"id": id_, "stored": not why, "reason": why} for id_, why in reasons.items()])
        )
    else:
        for id_, reason in reasons.items():
            click.echo(f"{id_} still refused: {reason}" if reason else f"{id_} stored")
    if any(reasons.values()):
        ctx.exit(1)


@deadletters.command()
@click.argument("ids", metavar="[ID]...", type=int, nargs=-1)
@click.option("--all", "every", is_flag=True, help="All of them.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@filters
@click.pass_context
def drop(ctx: click.Context, ids: tuple[int, ...], every: bool, as_json: bool, wanted: Filter) -> None:
    """Forget dead letters.

    \b
    Example:
      citybrain ingest deadletters drop 12 13
    """
    with database(settings_of(ctx)) as connection:
        chosen = _chosen(connection, ids, every, wanted)
        for id_ in track(chosen, "dropping", disable=as_json or len(chosen) < PROGRESS_FROM):
            letters.drop(connection, id_)
    click.echo(json.dumps({"dropped": chosen}) if as_json else f"dropped {len(chosen)}")


def _chosen(connection: Connection, ids: tuple[int, ...], every: bool, wanted: Filter) -> list[int]:
    if bool(ids) + every + (not wanted.is_empty) != 1:
        raise ConfigError("name the dead letters by their ids, by a filter such as --device, or say --all")
    return list(ids) if ids else letters.ids(connection, wanted)


def _as_dict(letter: letters.DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "received_at": letter.received_at.isoformat(),
        "topic": letter.topic,
        "field": letter.field,
        "reason": letter.reason,
        "payload": letter.payload.decode(errors="backslashreplace"),
    }
