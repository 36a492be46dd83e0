"""What seeing costs, stage by stage, and how well it counts: the clips of a folder with a truth.json.

    python -m bench.seeing ../shared/data/footage [--every 1 --every 6] [--privacy raw]

Pictures are seen as a camera sends them: by its privacy policy, as JPEG.

Prints the machine, the counts beside those made by hand, and milliseconds per frame (median, 90th
percentile); writes bench/results/seeing.json.
"""

import json
import platform
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnxruntime

from bench.results import write
from citybrain.config import Camera
from citybrain.gate import MotionGate
from citybrain.sources import Frame, open_source
from edge.privacy import Privacy
from vision.boxes import boxes_of
from vision.counting import totals
from vision.detector import load_detector
from vision.jpeg import decode_jpeg, encode_jpeg
from vision.pipeline import Pipeline
from vision.watch import annotate

RESULTS = Path(__file__).parent / "results" / "seeing.json"


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--every", type=click.IntRange(1, 30), multiple=True, default=(1, 6))
@click.option("--model", default="")
@click.option("--privacy", type=click.Choice(["detail", "motion", "raw"]), default="detail")
def main(folder: Path, every: tuple[int, ...], model: str, privacy: str) -> None:
    """Count every clip of FOLDER and time each stage."""
    machine = {
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "onnxruntime": onnxruntime.__version__,
        "model": model or "default",
        "privacy": privacy,
    }
    print(machine)
    clips = json.loads((folder / "truth.json").read_text())["clips"]
    runs = [measure(folder, clip, k, model, privacy) for clip in clips for k in every]
    write(RESULTS, {**machine, "runs": runs})


def measure(folder: Path, clip: dict[str, Any], every: int, model: str, privacy: str) -> dict[str, Any]:
    """One pass over a clip as a camera group sees it: from JPEG to counts to the picture that is shown."""
    line = tuple(float(value) for point in clip["line"] for value in point)
    assert len(line) == 4
    pipeline = Pipeline(load_detector(model or None), line, every=every)
    gate, policy = MotionGate(), Privacy(Camera(source=clip["clip"], privacy=privacy, privacy_reason="bench"))
    spent: dict[str, list[float]] = {name: [] for name in ("hide", "decode", "detect", "track", "show")}
    crossings, sizes = [], []
    for frame in _frames(folder, clip):
        motion = gate.look(frame.image_bgr, regions=True)
        began = time.perf_counter()
        hidden = policy.hide(frame.image_bgr, motion, frame.media_s)
        spent["hide"].append(time.perf_counter() - began)
        jpeg = encode_jpeg(hidden, 80)
        sizes.append(len(jpeg))
        began = time.perf_counter()
        picture = decode_jpeg(jpeg)
        decoded = time.perf_counter()
        seen = pipeline.process(picture, frame.media_s)
        crossings += seen.crossings
        shown = time.perf_counter()
        boxes_of(seen.tracks.found, picture.shape[1], picture.shape[0])
        encode_jpeg(annotate(picture, seen, {}))
        spent["decode"].append(decoded - began)
        spent["track"].append(seen.track_s)
        spent["show"].append(time.perf_counter() - shown)
        if seen.looked:
            spent["detect"].append(seen.detect_s)
    counted = {name: sum(by.values()) for name, by in totals(crossings).items()}
    result = {"clip": clip["clip"], "every": every, "counted": counted, "by_hand": clip["counts"], "ms": {}}
    result["jpeg_kb"] = round(statistics.mean(sizes) / 1000, 1)
    print(f"{clip['clip']}, every {every}: {counted}, by hand {clip['counts']}, {result['jpeg_kb']} kB each")
    for name, values in spent.items():
        median, high = 1000 * statistics.median(values), 1000 * float(np.percentile(values, 90))
        result["ms"][name] = {"median": round(median, 2), "p90": round(high, 2)}
        print(f"  {name:7} {median:6.2f} ms (p90 {high:.2f})")
    return result


def _frames(folder: Path, clip: dict[str, Any]) -> Iterator[Frame]:
    with open_source(str(folder / clip["clip"]), clip["fps"]) as source:
        yield from source


if __name__ == "__main__":
    main()
