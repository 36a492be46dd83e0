"""`citybrain web` and `citybrain docs`."""

from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console

from citybrain import asyncapi
from citybrain.cli import settings_of
from command import build as web_build


@click.group()
def web() -> None:
    """Build the front end."""


@web.command()
@click.option("--force", is_flag=True, help="Build even if nothing changed.")
def build(force: bool) -> None:
    """Install the locked packages and build the front end, unless it is up to date.

    \b
    Example:
      citybrain web build
    """
    console = Console(stderr=True)
    if not force and web_build.is_current(web_build.WEB):
        click.echo("The front end is up to date.")
        return
    with console.status("Building the front end") as status:

        def tell(line: str) -> None:
            if console.is_terminal:
                status.update(f"Building the front end: {line[:100]}")
            else:
                click.echo(line, err=True)

        web_build.build(web_build.WEB, tell)
    click.echo(f"The front end is built: {web_build.WEB / 'dist'}")


@click.group()
def docs() -> None:
    """Write the generated API documents."""


@docs.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.pass_context
def write(ctx: click.Context, folder: Path) -> None:
    """Write openapi.json and asyncapi.json into FOLDER.

    \b
    Example:
      citybrain docs write docs/generated
    """
    from command.app import create_app

    settings = settings_of(ctx)
    folder.mkdir(parents=True, exist_ok=True)
    documents: dict[str, dict[str, Any]] = {
        "openapi.json": create_app(settings).openapi(),
        "asyncapi.json": asyncapi.document(settings.site.name),
    }
    for name, content in documents.items():
        (folder / name).write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")
        click.echo(str(folder / name))
