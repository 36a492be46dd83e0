"""The verbs `up`, `status` and `doctor`."""

import dataclasses
import os
import sys
from pathlib import Path

import click
import msgspec

from citybrain import config
from citybrain.cli import settings_of
from citybrain.errors import ConfigError
from citybrain.fields import Id


def _cameras(_ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    cameras: dict[str, str] = {}
    for value in values:
        name, equals, source = value.partition("=")
        if not equals or not name or not source:
            raise click.BadParameter(f"{value!r} is not NAME=SOURCE, for example north=rtsp://camera/stream")
        try:
            msgspec.convert(name, Id)
        except msgspec.ValidationError:
            raise click.BadParameter(f"{name!r} is not a name: letters, digits and _ . - only") from None
        cameras[name] = str(Path(source).absolute()) if Path(source).exists() else source
    return cameras


@click.command()
@click.option("--scenario", help="A scenario of `citybrain sim list`, or a .sumocfg file. Default cologne8.")
@click.option("--speed", type=click.FloatRange(0.1, 100), help="Street seconds a second. Default 1.")
@click.option(
    "--camera",
    "cameras",
    multiple=True,
    callback=_cameras,
    metavar="NAME=SOURCE",
    help="A video file, image folder, rtsp:// or http:// URL, or device number; may be repeated.",
)
@click.option("--no-street", is_flag=True, help="No simulated street: real cameras and signals only.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the live map. Default 8080.")
@click.option("--mqtt-port", type=click.IntRange(1, 65535), help="Port of the embedded broker. Default 1883.")
@click.option(
    "--pg-port", type=click.IntRange(1, 65535), help="Port of the embedded PostgreSQL. Default 5433."
)
@click.option(
    "--street-port", type=click.IntRange(1, 65535), help="Port of the simulated cabinets. Default 8813."
)
@click.option("--broker", help="Use this MQTT broker (mqtt:// or mqtts://) instead of the embedded one.")
@click.option("--dsn", help="Use this PostgreSQL or TimescaleDB instead of the embedded one.")
@click.option("--ray", "ray_address", help="Use this Ray cluster (host:port) instead of a local one.")
@click.pass_context
def up(  # noqa: PLR0917  (click passes by name)
    ctx: click.Context,
    scenario: str | None,
    speed: float | None,
    cameras: dict[str, str],
    no_street: bool,
    port: int | None,
    mqtt_port: int | None,
    pg_port: int | None,
    street_port: int | None,
    broker: str | None,
    dsn: str | None,
    ray_address: str | None,
) -> None:
    """Start the whole city on this machine, watch over it, and stop it on Ctrl-C.

    \b
    Examples:
      citybrain up
      citybrain up --scenario ingolstadt21 --speed 4
      citybrain up --camera north=rtsp://192.0.2.7/stream --camera demo=clip.mp4
    """
    from citybrain.up import city, start

    if broker and mqtt_port:
        raise click.UsageError("--broker and --mqtt-port exclude each other")
    if dsn and pg_port:
        raise click.UsageError("--dsn and --pg-port exclude each other")
    loaded = settings_of(ctx)
    plan = city.plan_of(loaded, street=not no_street)
    plan = dataclasses.replace(
        plan,
        broker=mqtt_port is not None or (plan.broker and broker is None),
        database=pg_port is not None or (plan.database and dsn is None),
        ray=plan.ray and ray_address is None,
    )
    settings = city.with_options(
        loaded,
        scenario=scenario,
        speed=speed,
        port=port,
        street_port=street_port,
        broker_url=f"mqtt://{city.HOST}:{mqtt_port}" if mqtt_port else broker,
        dsn=f"postgresql://citybrain@{city.HOST}:{pg_port}/citybrain" if pg_port else dsn,
        ray_address=ray_address,
        cameras=cameras,
    )
    settings = city.with_demonstration(settings, plan)
    config.validate(settings)
    for name in [name for name in os.environ if name.startswith(config.ENV_PREFIX)]:
        del os.environ[name]  # it is in `settings` now; the children read the file that is written from them
    start.check(settings, plan)
    start.City(settings, plan, click.echo).run()


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """Show every process, service and agent of the running city.

    \b
    Example:
      citybrain status
    """
    from citybrain.up import show

    if not show.status(settings_of(ctx), as_json=as_json):
        sys.exit(1)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Say what is installed, reachable and missing, and what to do about each.

    \b
    Example:
      citybrain doctor
    """
    from citybrain.up import examine

    try:
        settings: config.Settings | ConfigError = settings_of(ctx)
    except ConfigError as error:
        settings = error
    if not examine.doctor(settings, as_json=as_json):
        sys.exit(1)
