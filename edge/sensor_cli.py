"""`citybrain edge sensor`: one file, one sensor, or a look at what it says."""

import json
from collections.abc import Iterable
from pathlib import Path
from threading import Event

import click

from citybrain import log
from citybrain.cli import settings_of
from citybrain.errors import Unavailable
from edge.feeds.feed import Batch, name_of
from edge.host import Agent, run_agents
from edge.postman import Postman
from edge.readings import Missing
from edge.sensorfile import SensorFile, read_sensor_file


@click.command(short_help="The agent of one sensor, or of a bridge to many.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--check", "is_check", is_flag=True, help="Only say what the source says now.")
@click.option("--timeout", default=30.0, show_default=True, help="With --check: seconds to wait for it.")
@click.option("--json", "as_json", is_flag=True, help="With --check: one JSON object for each datastream.")
@click.pass_context
def sensor(ctx: click.Context, file: Path, is_check: bool, timeout: float, as_json: bool) -> None:
    """Run the agent of the sensor that FILE describes (docs/edge.md, Sensors).

    \b
    Example:
      citybrain edge sensor roof.toml --check
    """
    found = read_sensor_file(file)
    if is_check:
        _tell(found, timeout, as_json)
        return
    log.configure(f"edge-sensor-{found.sensor.id}")
    settings = settings_of(ctx)

    def build(postman: Postman, _stop: Event) -> Iterable[Agent]:
        from edge.sensor import SensorAgent

        return [SensorAgent(settings, postman, found)]

    run_agents(settings, f"sensor-{found.sensor.id}", build)


def _tell(file: SensorFile, timeout_s: float, as_json: bool) -> None:
    from edge.sensor import look_once

    batch = look_once(file, timeout_s)
    if batch is None:
        raise Unavailable(f"the source said nothing for {timeout_s:.0f} s")
    if batch.malformed:
        raise Unavailable(f"what the source says cannot be read: {batch.malformed}")
    for row in _rows(batch):
        if as_json:
            click.echo(json.dumps(row))
        else:
            value = row.get("reason") or f"{row['value']:g} {row['unit']}"
            click.echo(f"{row['datastream']:<32} {value}")


def _rows(batch: Batch) -> Iterable[dict[str, object]]:
    for found in batch.found:
        row: dict[str, object] = {"datastream": name_of(found.stream.name, batch.levels)}
        if isinstance(found, Missing):
            yield row | {"reason": found.reason}
        else:
            yield row | {"value": found.value, "unit": found.stream.unit}
