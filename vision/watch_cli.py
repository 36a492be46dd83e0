"""`citybrain watch`: the shortest way to see vision work."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from citybrain.calibration import Calibration, read_calibration
from citybrain.errors import ConfigError, Unavailable
from citybrain.messages import RoadUser
from vision.line import parse_line
from vision.scene import SceneFigures
from vision.watch import Watched

FILE = click.Path(path_type=Path, dir_okay=False)
SHARE = click.FloatRange(0.05, 0.95)
EVERY = "Detect on each k-th frame only, and predict between."


@click.command()
@click.argument("source")
@click.option("--line", help="Counting line x1,y1,x2,y2, pixels or shares; default across the middle.")
@click.option("--calibration", type=FILE, help="Ground points, lanes, lines and zones of this camera.")
@click.option("--zones", type=FILE, help="A file of the same form; its zones and lines are added.")
@click.option("--out", type=FILE, help="Write the annotated video here.")
@click.option("--json", "json_file", type=FILE, help="Write the counts here.")
@click.option("--every", type=click.IntRange(1, 30), default=1, show_default=True, help=EVERY)
@click.option("--model", default="", help="A detector of `citybrain models list`; default SSDLite.")
@click.option("--fps", type=click.FloatRange(0.1, 240), help="Rate of an image folder; default 10.")
@click.option("--min-confidence", type=SHARE, default=0.35, show_default=True, help="To be counted.")
def watch(
    source: str,
    *,
    line: str | None,
    calibration: Path | None,
    zones: Path | None,
    out: Path | None,
    json_file: Path | None,
    every: int,
    model: str,
    fps: float | None,
    min_confidence: float,
) -> None:
    """Watch a video, image folder, camera or stream: draw boxes, follow, count.

    SOURCE is a video file, an image folder, an rtsp:// or http:// URL, or a device number. No broker and no
    database are needed. Faces and plates are blurred in what is written.

    \b
    Examples:
      citybrain watch street.mp4 --out annotated.mp4
      citybrain watch rtsp://camera/stream --line 0,250,640,250 --json counts.json
      citybrain watch gate.mp4 --calibration gate.json
    """
    from citybrain.sources import open_source
    from vision.pipeline import Pipeline
    from vision.recording import Recording
    from vision.watch import watch as run

    numbers = parse_line(line) if line else None
    for path in (out, json_file):
        if path is not None and not path.absolute().parent.is_dir():
            raise ConfigError(f"{path}: the folder {path.absolute().parent} does not exist; make it first")
    known = _known(calibration, zones)
    watched: Watched | None = None
    with contextlib.ExitStack() as stack:
        opened = stack.enter_context(open_source(source, fps))
        pipeline = Pipeline(
            detector_named(model),
            numbers,
            min_confidence=min_confidence,
            every=every,
            calibration=known,
        )
        show = stack.enter_context(Recording(out, opened.fps)).write if out else None
        # Ctrl-C ends a live source; what was counted until then is the result.
        stack.enter_context(contextlib.suppress(KeyboardInterrupt))
        for so_far in _shown(run(opened, pipeline, show), opened.frames, source):
            watched = so_far
    if watched is None or not watched.frames:
        raise Unavailable(f"source: {source} gave no frame; is it a video, an image folder or a stream?")
    figures = pipeline.collect()
    _tell(watched, out)
    _tell_scene(watched, figures)
    if json_file:
        about = {"source": source, "model": model or "default", "fps": opened.fps, "every": every}
        _write_json(json_file, {**about, **watched.report(), **msgspec.to_builtins(figures)})


def _known(calibration: Path | None, zones: Path | None) -> Calibration:
    """Both files as one."""
    known = read_calibration(calibration) if calibration else Calibration()
    if zones is None:
        return known
    more = read_calibration(zones)
    return msgspec.structs.replace(
        known, zones=[*known.zones, *more.zones], lines=[*known.lines, *more.lines]
    )


def detector_named(model: str) -> Any:
    """The detector; the default one is installed on first use."""
    from vision.detector import load_detector
    from vision.models import registry
    from vision.models.install import install_default

    if not model and not registry.is_installed(registry.DEFAULT_MODEL):
        console = Console(stderr=True)
        with console.status("installing the default detector, once ...") as status:
            install_default(
                lambda step: status.update(
                    f"installing the default detector, once: {step.name} {step.done}/{step.total}"
                )
            )
    return load_detector(model or None)


def _shown(results: Iterator[Watched], total: int | None, name: str) -> Iterator[Watched]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(Path(name).name or name, total=total)
        for watched in results:
            progress.update(task, completed=watched.frames)
            yield watched


def _tell(watched: Watched, out: Path | None) -> None:
    users = [user for user in RoadUser if any(user in by for by in watched.counts.values())]
    table = Table("movement", *(user.value for user in users), "all", box=None)
    for movement, by_class in watched.counts.items():
        cells = (str(by_class.get(user, 0)) for user in users)
        table.add_row(movement, *cells, str(watched.sums[movement]))
    Console().print(table)
    stages = ", ".join(f"{name} {ms:.1f}" for name, ms in watched.stage_ms().items() if ms)
    click.echo(f"{watched.frames} frames; ms per frame: {stages}")
    if out:
        click.echo(f"annotated video: {out}")


def _tell_scene(watched: Watched, figures: SceneFigures) -> None:
    if figures.error_px is not None:
        click.echo(f"calibration: its points are {figures.error_px:g} px off on average")
    for title, rows in (("lane", figures.lanes), ("zone", figures.zones)):
        if rows:
            fields = [name for name in rows[0].__struct_fields__ if name != title]
            table = Table(title, *fields, box=None)
            for row in rows:
                cells = (getattr(row, name) for name in (title, *fields))
                table.add_row(*("" if cell is None else str(cell) for cell in cells))
            Console().print(table)
    for event in watched.happenings:
        until = "" if event.until_s is None else f" until {event.until_s:.1f} s"
        click.echo(f"{event.kind.value} on {event.place} from {event.since_s:.1f} s{until}")


def _write_json(path: Path, content: dict[str, Any]) -> None:
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(content)))
    except OSError as error:
        raise ConfigError(f"--json {path} cannot be written: {error.strerror or error}") from error
