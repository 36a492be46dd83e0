"""`citybrain sim report`: write a study's report anew from what `sim compare` left behind."""

from pathlib import Path

import click
import msgspec

from citybrain.errors import ConfigError
from simulations.compare import Comparison
from simulations.report import write_report


@click.command()
@click.option(
    "--json",
    "json_path",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="What `sim compare --json` wrote.",
)
@click.option(
    "--recordings",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the recorded runs.",
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write."
)
def report(*, json_path: Path, recordings: Path, out: Path) -> None:
    """Write the report of a comparison again, without simulating again.

    \b
    Example:
      citybrain sim report --json study.json --recordings study/recordings --out study
    """
    try:
        comparison = msgspec.json.decode(json_path.read_bytes(), type=Comparison)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"--json {json_path} is no comparison: {error}") from error
    for page in write_report(comparison, recordings, out):
        click.echo(page)
