"""`citybrain models`: the detectors on this machine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from citybrain.errors import ConfigError
from vision.models import registry
from vision.models.manifest import COCO_CLASSES, DecoderName

STEPS = {
    "fetch": "fetching the detector (17 MB)",
    "convert": "converting it to ONNX",
    "draw": "drawing calibration pictures",
    "quantise": "quantising to int8",
    "check": "checking it against the float model",
    "store": "storing it",
}

as_json_option = click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")


@click.group()
def models() -> None:
    """Manage the detectors on this machine.

    \b
    Example:
      citybrain models install
      citybrain models list
    """


@models.command("list")
@as_json_option
def list_(as_json: bool) -> None:
    """List the installed detectors.

    \b
    Example:
      citybrain models list --json
    """
    found = registry.installed()
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    if not found:
        click.echo("no detector is installed; run `citybrain models install`")
        return
    table = Table("name", "decoder", "input", "licence", box=None)
    table.add_column("source", overflow="fold")
    for entry in found:
        size = f"{entry.input.width}x{entry.input.height}"
        table.add_row(entry.name, entry.decoder, size, entry.licence, entry.source.split(" ")[0])
    Console().print(table)


@models.command()
@click.argument("name", default=registry.DEFAULT_MODEL)
@click.option("--force", is_flag=True, help="Build it again even if it is there.")
def install(name: str, force: bool) -> None:
    """Install the default detector: fetch, convert, quantise, check.

    \b
    Example:
      citybrain models install
    """
    from vision.models.install import Step, install_default

    if name != registry.DEFAULT_MODEL:
        raise ConfigError(
            f"model: {name!r} cannot be installed by name, only {registry.DEFAULT_MODEL}; "
            "add a file of your own with `citybrain models add PATH --decoder ...`"
        )
    with _progress() as progress:
        task: TaskID | None = None
        current = ""

        def show(step: Step) -> None:
            nonlocal task, current
            if step.name != current:
                _finish(progress, task)
                current, task = step.name, progress.add_task(STEPS[step.name], total=step.total)
            assert task is not None
            progress.update(task, completed=step.done)

        manifest = install_default(show, force=force)
        _finish(progress, task)
    click.echo(f"{manifest.name} is installed ({manifest.licence}; {manifest.note})")


@models.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--decoder", required=True, type=click.Choice(get_args(DecoderName)), help="Family of the detector."
)
@click.option("--name", default="", help="Name to install it under; default the file's.")
@click.option("--licence", default="unknown", show_default=True, help="Licence of the weights.")
@click.option(
    "--classes", type=click.Path(path_type=Path), help="Class names, one a line; default the 80 of COCO."
)
def add(path: Path, decoder: DecoderName, name: str, licence: str, classes: Path | None) -> None:
    """Add a detector of your own from an ONNX file.

    \b
    Example:
      citybrain models add yolox_nano.onnx --decoder yolox --licence Apache-2.0
    """
    from vision.models.add import add_model, read_classes

    names = read_classes(classes) if classes else COCO_CLASSES
    manifest = add_model(path, decoder, name=name, licence=licence, classes=names)
    click.echo(f"{manifest.name} is installed; try it with `citybrain models test {manifest.name}`")


@models.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove an installed detector.

    \b
    Example:
      citybrain models remove yolox_nano
    """
    registry.remove(name)
    click.echo(f"{name} is removed")


@models.command()
@click.argument("name", default=registry.DEFAULT_MODEL)
@click.option(
    "--pictures", type=click.Path(path_type=Path), help="Folder of pictures; default drawn scenes, for speed."
)
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    default=0.3,
    show_default=True,
    help="Least confidence of a detection.",
)
@as_json_option
def test(name: str, pictures: Path | None, min_confidence: float, as_json: bool) -> None:
    """Try a detector: its speed on one thread, what it finds, and how precise it is on labelled pictures.

    Labels are a COCO file (.json) in the folder, or beside each picture a text of the same name with
    `class x y width height` a line, as shares, and the names of the classes in classes.txt (else COCO's).

    \b
    Example:
      citybrain models test ssdlite-mobilenet-v2 --pictures ./frames
    """
    from vision.detector import load_detector
    from vision.models.trial import (
        DRAWN_PICTURES,
        drawn_frames,
        judge_detector,
        picture_files,
        read_pictures,
        try_detector,
    )

    files = picture_files(pictures) if pictures else None
    detector = load_detector(name)
    frames = drawn_frames() if files is None else read_pictures(files)
    with _counting(f"trying {name}", DRAWN_PICTURES if files is None else len(files)) as advance:
        result = try_detector(detector, frames, min_confidence=min_confidence, progress=advance)
    if files is not None:
        assert pictures is not None
        result = msgspec.structs.replace(
            result,
            unreadable=len(files) - result.pictures,
            precision=judge_detector(detector, pictures, files),
        )
    if as_json:
        click.echo(msgspec.json.encode(result))
        return
    table = Table(show_header=False, box=None)
    table.add_row("detector", f"{result.model} on {result.provider}")
    table.add_row("pictures", f"{result.pictures}{'' if pictures else ' drawn scenes'}")
    if result.unreadable:
        table.add_row("unreadable, left out", str(result.unreadable))
    table.add_row("ms a frame, one thread", f"{result.p50_ms:.1f} (p50), {result.p99_ms:.1f} (p99)")
    table.add_row("detections", f"{result.detections}, mean confidence {result.mean_confidence}")
    for user, count in result.by_road_user.items():
        table.add_row(f"  {user}", str(count))
    if result.precision is not None:
        found = result.precision
        table.add_row("AP (0.5 to 0.95), AP at 0.5", f"{100 * found.ap:.1f}, {100 * found.ap50:.1f}")
        for user, share in found.by_road_user.items():
            table.add_row(f"  {user}, AP at 0.5", f"{100 * share:.1f}")
    Console().print(table)


def _progress() -> Progress:
    """Progress on standard error, so that standard output stays clean."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    return Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True))


def _finish(progress: Progress, task: TaskID | None) -> None:
    if task is not None:
        progress.update(task, completed=progress.tasks[task].total)


@contextmanager
def _counting(text: str, total: int) -> Iterator[Callable[[int], None]]:
    with _progress() as progress:
        task = progress.add_task(text, total=total)
        yield lambda done: progress.update(task, completed=done)
