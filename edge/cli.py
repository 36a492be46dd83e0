"""`citybrain edge`: the agents beside cameras and signals."""

from collections.abc import Iterable
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING
from uuid import uuid4

import click
import msgspec

from citybrain import log
from citybrain.cli import settings_of
from citybrain.config import Camera, Settings
from citybrain.errors import ConfigError, ContractError, Unavailable
from citybrain.stopping import stop_on_signals
from citybrain.topics import check_id
from edge.host import Agent, lane_agent, run_agents, signal_agent, street_agents
from edge.postman import Postman
from edge.sensor_cli import sensor

if TYPE_CHECKING:
    from edge.commissioning import Look


@click.group(short_help="Run the agents beside cameras and signals.")
def edge() -> None:
    """Run the agents beside cameras and signals.

    \b
    Example:
      citybrain edge street
    """


edge.add_command(sensor)


@edge.command(short_help="All agents of the simulated street in one process.")
@click.pass_context
def street(ctx: click.Context) -> None:
    """Run a signal agent and a lane agent for every intersection of the running street.

    It waits for the street (`citybrain run street`) and ends with Ctrl-C.

    \b
    Example:
      citybrain edge street
    """
    log.configure("edge-street")
    settings = settings_of(ctx)

    def build(postman: Postman, stop: Event) -> Iterable[Agent]:
        return street_agents(settings, postman, stop)

    run_agents(settings, "street", build)


@edge.command("signal", short_help="The agent of one signal controller.")
@click.argument("intersection")
@click.pass_context
def signal_(ctx: click.Context, intersection: str) -> None:
    """Run the agent of the signal controller INTERSECTION.

    \b
    Example:
      citybrain edge signal 247379907
    """
    _check(intersection)
    log.configure(f"edge-signal-{intersection}")
    settings = settings_of(ctx)

    def build(postman: Postman, _stop: Event) -> Iterable[Agent]:
        return [signal_agent(settings, postman, intersection)]

    run_agents(settings, f"signal-{intersection}", build)


@edge.command(short_help="Watches the agent of one signal, in a process of its own.")
@click.argument("intersection")
@click.pass_context
def watchdog(ctx: click.Context, intersection: str) -> None:
    """Bring the signal INTERSECTION to flash or to its own plan when its agent hangs, dies or loses it.

    Run it beside `citybrain edge signal`, with the same settings; it acts after edge.watchdog_s.

    \b
    Example:
      citybrain edge watchdog 247379907
    """
    _check(intersection)
    log.configure(f"edge-watchdog-{intersection}")
    settings = settings_of(ctx)
    from edge.beat import beat_path
    from edge.drivers.fallbacks import open_fallback
    from edge.watchdog import Watchdog

    fallback = open_fallback(settings, intersection)
    Watchdog(settings, intersection, beat_path(intersection), fallback).run(stop_on_signals())


@edge.command(short_help="The lane observer of one intersection.")
@click.argument("intersection")
@click.pass_context
def lanes(ctx: click.Context, intersection: str) -> None:
    """Run the lane observer of INTERSECTION.

    \b
    Example:
      citybrain edge lanes 247379907
    """
    _check(intersection)
    log.configure(f"edge-lanes-{intersection}")
    settings = settings_of(ctx)

    def build(postman: Postman, _stop: Event) -> Iterable[Agent]:
        return [lane_agent(settings, postman, intersection)]

    run_agents(settings, f"lanes-{intersection}", build)


def _check(id_: str) -> None:
    try:
        check_id(id_)
    except ContractError as error:
        raise ConfigError(str(error)) from error


@edge.command(short_help="The agent of one camera.")
@click.argument("name")
@click.option("--source", help="Video file, image folder, rtsp:// or http:// URL, or device number.")
@click.option("--check", "is_check", is_flag=True, help="Only say what the camera sees, and write a still.")
@click.option(
    "--still", type=click.Path(path_type=Path, dir_okay=False), help="With --check; default NAME.jpg."
)
@click.pass_context
def camera(ctx: click.Context, name: str, source: str | None, is_check: bool, still: Path | None) -> None:
    """Run the agent of the camera NAME, configured in [cameras.NAME] or by --source.

    \b
    Example:
      citybrain edge camera gate --source rtsp://10.0.0.7/stream --check
    """
    _check(name)
    settings = settings_of(ctx)
    wanted = _camera(settings, name, source)
    from edge.camera import CameraAgent
    from edge.commissioning import check

    if is_check:
        _print_check(check(wanted), still or Path(f"{name}.jpg"), wanted)
        _print_broker(settings)
        return
    log.configure(f"edge-camera-{name}")
    agent = CameraAgent(settings, name, wanted)
    agent.run(stop_on_signals())


def _camera(settings: Settings, name: str, source: str | None) -> Camera:
    known = settings.cameras.get(name)
    if known is None and not source:
        there = ", ".join(settings.cameras) or "none"
        raise ConfigError(f"no camera {name!r} is configured (there is {there}): name it or give --source")
    if known is None:
        return Camera(source=source or "")
    return msgspec.structs.replace(known, source=source) if source else known


def _print_broker(settings: Settings) -> None:
    from citybrain.bus import Bus

    try:
        with Bus(settings.broker, f"{settings.site.name}-check-{uuid4().hex[:8]}"):
            answer = "answers"
    except Unavailable as error:
        answer = f"{error}"
    click.echo(f"broker      {settings.broker.url.rpartition('@')[2]} {answer}")


def _print_check(look: "Look", still: Path, camera: Camera) -> None:
    from edge.picture import jpeg_of

    try:
        still.write_bytes(jpeg_of(look.still, 90))
    except OSError as error:
        raise ConfigError(f"the still {still} cannot be written: {error.strerror}") from error
    click.echo(f"size        {look.width} x {look.height} px")
    click.echo(f"rate        {look.fps:.1f} frames a second")
    click.echo(f"motion      {100 * look.motion:.2f} % of the picture")
    click.echo(f"brightness  {100 * look.brightness:.0f} %")
    click.echo(f"privacy     {_told(camera, look)}")
    click.echo(f"JPEG        {look.jpeg_bytes / 1000:.0f} kB a frame")
    click.echo(f"still       {still}")


def _told(camera: Camera, look: "Look") -> str:
    if camera.privacy == "raw":
        return f"none, faces and plates can be read: {camera.privacy_reason}"
    adult_px = round(camera.nearest_adult * look.still.shape[0])
    told = f"nobody can be known where adults are at most {adult_px} px high in the still"
    return f"{told}; {100 * look.blurred:.1f} % are hidden" if camera.privacy == "motion" else told
