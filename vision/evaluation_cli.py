"""`citybrain vision`: counts and tracks against what people counted; boxes for an edge agent."""

import os
import sys
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from citybrain.errors import ConfigError
from vision.evaluation.run import Result, evaluate
from vision.evaluation.truth import read_truth

FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def vision() -> None:
    """Judge what vision counts, and look for an edge agent.

    \b
    Example:
      citybrain vision evaluate --clips footage/truth.json
    """


@vision.command("evaluate")
@click.option("--clips", required=True, type=FILE, help="The truth file; clips lie beside it.")
@click.option("--model", default="", help="A detector of `citybrain models list`; default SSDLite.")
@click.option("--json", "json_file", type=FILE, help="Write all figures here.")
@click.option("--strict", is_flag=True, help="Exit with 1 where a count is outside what is accepted.")
def evaluate_(clips: Path, model: str, json_file: Path | None, strict: bool) -> None:
    """Count clips with default settings and compare with counts made by hand.

    Where the truth names tracks (MOTChallenge files), MOTA, HOTA and IDF1 are given too.

    \b
    Example:
      citybrain vision evaluate --clips footage/truth.json --json figures.json
    """
    truth = read_truth(clips)
    if json_file is not None and not json_file.absolute().parent.is_dir():
        raise ConfigError(f"--json {json_file}: its folder does not exist; make it first")
    needs_eyes = any(clip.kind != "detections" for clip in truth.clips)
    finder: Any = _detector(model) if needs_eyes else None
    results = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        for clip in truth.clips:
            task = bar.add_task(clip.clip, total=None)

            def show(done: int, total: int | None, task: Any = task) -> None:
                bar.update(task, completed=done, total=total)

            results.append(evaluate(clip, clips.parent, finder, show))
    _tell(results)
    if json_file is not None:
        content = {"model": model or "default", "clips": results}
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(content)))
    outside = [count for result in results for count in result.counts if not count.is_accepted]
    if strict and outside:
        raise SystemExit(1)


@vision.command("boxes")
@click.option("--model", default="", help="A detector of `citybrain models list`; default SSDLite.")
def boxes(model: str) -> None:
    """For programs: the boxes of each picture on standard input, a JSON array a line.

    In front of each JPEG picture stand its bytes as four bytes, the highest first. A camera's agent with
    `detector = true` runs it.

    \b
    Example:
      citybrain vision boxes < pictures > boxes.jsonl
    """
    # Whatever a library prints must not stand between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    from vision.eye import look

    look(sys.stdin.buffer, answers, model)


def _detector(model: str) -> Any:
    from vision.watch_cli import detector_named

    return detector_named(model)


def _tell(results: list[Result]) -> None:
    counts = Table("clip", "line", "direction", "counted", "by hand", "accepted", "", box=None)
    tracks = Table("tracks", "MOTA", "HOTA", "IDF1", "switches", "false", "missed", box=None)
    for result in results:
        for count in result.counts:
            low, high = count.accept
            verdict = "" if count.is_accepted else "outside"
            counts.add_row(
                result.clip, count.line, count.direction, str(count.counted), str(count.complete),
                f"{low} to {high}", verdict,
            )  # fmt: skip
        if result.tracks is not None:
            found = result.tracks
            shares = (f"{100 * share:.1f}" for share in (found.mota, found.hota, found.idf1))
            numbers = (str(n) for n in (found.switches, found.false_positives, found.misses))
            tracks.add_row(result.clip, *shares, *numbers)
    for table in (counts, tracks):
        if table.row_count:
            Console().print(table)
    for result in results:
        click.echo(f"{result.clip}: {result.frames} frames, {result.cpu_ms_per_frame} ms of CPU each")
