"""How many camera streams one core serves, stage by stage, against the loop that everyone writes first.

    python -m bench.vision ../shared/data/footage [--seconds 12]

Encodes the footage as H.264, 360p at 5 frames a second and 1080p at 25, then plays each clip in the same
process, one thread, through: ours (the steps of effort of a camera group, `vision.load`), (a) the plain loop:
every frame decoded and detected, ByteTrack of `trackers`, line zone of `supervision`, and (b) the same with
the detector on 5 frames a second at most. Same model. Prints CPU a frame and stage, streams a core, ratio to
(a), and what each counted; writes bench/results/vision.json. (a) and (b) need `trackers` and `supervision`.
"""

import json
import platform
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import av
import click
import cv2
import numpy as np
import onnxruntime

from bench.results import write
from citybrain.sources import open_source
from vision.counting import totals
from vision.detector import Detector, load_detector
from vision.pipeline import Pipeline

RESULTS = Path(__file__).parent / "results" / "vision.json"
FORMATS = {"360p5": (640, 360, 5), "1080p25": (1920, 1080, 25)}
LOOKS_FPS = 5
OPTIONS = {"preset": "veryfast", "tune": "zerolatency"}
LINE_SHARE = 250 / 360


@dataclass
class Played:
    """What one way of watching one clip cost, in seconds of CPU, and counted."""

    media_s: float = 0.0
    frames: int = 0
    spent_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    counts: dict[str, int] = field(default_factory=dict)

    def report(self) -> dict[str, Any]:
        total = sum(self.spent_s.values())
        stages = {name: round(1000 * s / self.frames, 3) for name, s in self.spent_s.items()}
        return {
            "streams_per_core": round(self.media_s / total, 2),
            "cpu_ms_per_frame": stages,
            "counts": self.counts,
        }


def encode(clip: Path, fps: float, into: Path, wanted: tuple[int, int, int], seconds: float) -> None:
    """The clip's first seconds in another size and rate, as a camera would send it."""
    width, height, rate = wanted
    with open_source(str(clip), fps) as source, av.open(str(into), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options=OPTIONS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        due_s = 0.0
        for frame in source:
            if frame.media_s > seconds:
                break
            while due_s <= frame.media_s:
                small = cv2.resize(frame.image_bgr, (width, height), interpolation=cv2.INTER_AREA)
                picture = np.asarray(small, np.uint8)
                for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")):
                    container.mux(packet)
                due_s += 1 / rate
        for packet in stream.encode():
            container.mux(packet)


def decoded(path: Path, spent_s: dict[str, float]) -> Iterator[tuple[Any, float]]:
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        video.thread_type = "NONE"
        frames = container.decode(video)
        while True:
            began = time.process_time()
            frame = next(frames, None)
            spent_s["decode"] += time.process_time() - began
            if frame is None:
                return
            yield frame, float(frame.time)


def ours(path: Path, detector: Detector, rate: int, *, windows: bool, every: int = 1) -> Played:
    played = Played()
    pipeline = Pipeline(detector, (0, LINE_SHARE, 1, LINE_SHARE), windows=windows, every=every)
    crossings, due_s = [], 0.0
    for frame, at_s in decoded(path, played.spent_s):
        played.frames += 1
        played.media_s = at_s + 1 / rate
        if at_s + 0.5 / rate < due_s:
            continue
        due_s += 1 / LOOKS_FPS
        began = time.process_time()
        # Scaled while it is converted: a detector sees no more of a larger picture.
        scale = min(1.0, 640 / frame.width)
        size = {"width": round(frame.width * scale), "height": round(frame.height * scale)}
        picture = frame.reformat(format="bgr24", **size).to_ndarray()
        converted = time.process_time()
        seen = pipeline.process(picture, at_s)
        done = time.process_time()
        played.spent_s["convert"] += converted - began
        share = seen.detect_s / max(seen.detect_s + seen.track_s, 1e-9)
        played.spent_s["gate and detect"] += (done - converted) * share
        played.spent_s["track and measure"] += (done - converted) * (1 - share)
        crossings += seen.crossings
    counted = {name: sum(by.values()) for name, by in totals(crossings).items()}
    played.counts = {way: counted.get(f"line:{way}", 0) for way in ("toward", "away")}
    return played


def plain(path: Path, detector: Detector, rate: int, *, every: int) -> Played:
    import supervision as sv
    from trackers import ByteTrackTracker

    played = Played()
    tracker = ByteTrackTracker(frame_rate=rate / every)
    zone = None
    for number, (frame, at_s) in enumerate(decoded(path, played.spent_s)):
        played.frames += 1
        played.media_s = at_s + 1 / rate
        began = time.process_time()
        picture = frame.to_ndarray(format="bgr24")
        converted = time.process_time()
        played.spent_s["convert"] += converted - began
        if number % every:
            continue
        found = detector.detect(picture)
        detected = time.process_time()
        if zone is None:
            height, width = picture.shape[:2]
            y = LINE_SHARE * height
            zone = sv.LineZone(sv.Point(0, y), sv.Point(width, y), [sv.Position.BOTTOM_CENTER])
        kinds = found.road_user.astype(int)
        detections = sv.Detections(found.boxes, confidence=found.confidence, class_id=kinds)
        tracked: Any = tracker.update(detections)
        zone.trigger(tracked[tracked.tracker_id >= 0])
        played.spent_s["detect"] += detected - converted
        played.spent_s["track and count"] += time.process_time() - detected
    played.counts = {"toward": zone.out_count, "away": zone.in_count} if zone else {}
    return played


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--seconds", default=12.0, show_default=True, help="Of each clip.")
@click.option("--model", default="")
def main(folder: Path, seconds: float, model: str) -> None:
    """Play the clips of FOLDER's truth.json in both formats, each in every way."""
    cv2.setNumThreads(1)
    detector = load_detector(model or None)
    detector.detect(np.zeros((360, 640, 3), np.uint8))
    machine = {
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "onnxruntime": onnxruntime.__version__,
        "model": detector.name,
        "seconds": seconds,
    }
    print(machine)
    clips = json.loads((folder / "truth.json").read_text())["clips"]
    runs = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, wanted in FORMATS.items():
            rate = wanted[2]
            ways: dict[str, Callable[[Path], Played]] = {
                "plain loop (a)": partial(plain, detector=detector, rate=rate, every=1),
                "with frame skipping (b)": partial(
                    plain, detector=detector, rate=rate, every=max(rate // LOOKS_FPS, 2)
                ),
                "ours, windows": partial(ours, detector=detector, rate=rate, windows=True),
                "ours, whole pictures": partial(ours, detector=detector, rate=rate, windows=False),
                "ours, every 2nd": partial(ours, detector=detector, rate=rate, windows=False, every=2),
                "ours, every 3rd": partial(ours, detector=detector, rate=rate, windows=False, every=3),
            }
            for clip in clips:
                path = Path(scratch) / f"{name}-{Path(clip['clip']).stem}.mp4"
                encode(folder / clip["clip"], clip["fps"], path, wanted, seconds)
                base = 0.0
                for way, play in ways.items():
                    report = play(path).report()
                    base = base or report["streams_per_core"]
                    report["ratio_to_a"] = round(report["streams_per_core"] / base, 2)
                    runs.append({"format": name, "clip": clip["clip"], "way": way, **report})
                    print(
                        f"{name:8} {clip['clip']:14} {way:24} {report['streams_per_core']:7.2f} a core, "
                        f"{report['ratio_to_a']:.2f} x (a); {report['counts']} {report['cpu_ms_per_frame']}"
                    )
    write(RESULTS, {**machine, "runs": runs})


if __name__ == "__main__":
    main()
