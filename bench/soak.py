"""How much a camera group grows: eight streams for an hour, some of them bad, memory printed each minute.

    python -m bench.soak ../shared/data/footage [--minutes 60 --streams 8]

Plays the clips of FOLDER as JPEG, as edge agents send them, through one camera group in this process, as
fast as this core goes; every 7th frame of one stream is spoilt (no bytes, garbage, cut short, a bomb, another
size, a time before 1970). Prints resident memory, frames, refusals and their reasons; exits with 1 where
memory grew by more than `--most-mb` after the first fifth. Writes bench/results/soak.json.
"""

import struct
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import cv2
import numpy as np
import psutil

from bench.machine import machine
from bench.results import write
from citybrain.codec import pack_frame
from citybrain.config import Camera, Vision
from citybrain.messages import FrameMeta
from citybrain.sources import open_source
from vision.detector import load_detector
from vision.evaluation.truth import read_truth
from vision.group import CameraGroup
from vision.jpeg import decode_jpeg, encode_jpeg

RESULTS = Path(__file__).parent / "results" / "soak.json"
FPS = 5.0
SPOILT_EVERY = 7
MOST_FRAMES = 120
"""Of a clip: they are played again and again."""


def pictures(folder: Path) -> list[list[bytes]]:
    """JPEGs of each clip, at five a second."""
    found = []
    for clip in read_truth(folder / "truth.json").clips:
        with open_source(str(folder / clip.clip), clip.fps) as source:
            step = max(round(clip.fps / FPS), 1)
            frames = [encode_jpeg(frame.image_bgr, 80) for frame in source if frame.index % step == 0]
        found.append(frames[:MOST_FRAMES])
    return found


def packed(camera: str, number: int, at: datetime, jpeg: bytes) -> bytes:
    meta = FrameMeta(at=at, camera=camera, boot=1, frame=number, width=640, height=360)
    return pack_frame(meta, jpeg)


def bomb(jpeg: bytes) -> bytes:
    """The same picture, claiming 65,000 by 65,000 pixels."""
    at = jpeg.index(b"\xff\xc0")
    return jpeg[: at + 5] + struct.pack(">HH", 65_000, 65_000) + jpeg[at + 9 :]


def spoilt(camera: str, number: int, at: datetime, jpeg: bytes) -> bytes:
    kind = number // SPOILT_EVERY % 6
    small = encode_jpeg(np.asarray(cv2.resize(decode_jpeg(jpeg), (320, 180)), np.uint8))
    return (
        b"",
        jpeg[:500],
        packed(camera, number, at, jpeg[: len(jpeg) // 3]),
        packed(camera, number, at, bomb(jpeg)),
        packed(camera, number, at, small),
        packed(camera, number, datetime(1960, 1, 1, tzinfo=UTC), jpeg),
    )[kind]


def frames(clips: list[list[bytes]], streams: int) -> Iterator[tuple[str, bytes, float]]:
    """camera, payload, seconds since 1970, stream after stream, without end."""
    start = datetime.now(UTC)
    number = 0
    while True:
        number += 1
        at = start + timedelta(seconds=number / FPS)
        for stream in range(streams):
            clip = clips[stream % len(clips)]
            jpeg = clip[(number + 17 * stream) % len(clip)]
            camera = f"soak{stream}"
            make = spoilt if stream == 0 and number % SPOILT_EVERY == 0 else packed
            yield camera, make(camera, number, at, jpeg), at.timestamp()


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--minutes", default=60.0, show_default=True)
@click.option("--streams", default=8, show_default=True)
@click.option("--most-mb", default=50.0, show_default=True, help="Growth that is a fault.")
def main(folder: Path, minutes: float, streams: int, most_mb: float) -> None:
    """Feed one group and watch its memory."""
    cv2.setNumThreads(1)
    cameras = {f"soak{stream}": Camera(source="unused") for stream in range(streams)}
    group = CameraGroup(load_detector(), Vision(), cameras)
    process, began_s = psutil.Process(), time.monotonic()
    curve: list[tuple[float, float]] = []
    reasons: set[str] = set()
    looked = sent = 0
    step_s = min(60.0, minutes * 6)
    for camera, payload, at_s in frames(pictures(folder), streams):
        group.look(camera, payload, at_s)
        reasons |= {fault for fault in group.faults if fault.startswith("soak0")}
        looked += 1
        if looked % (streams * 5) == 0:
            sent += len(group.collect(at_s))
        passed_s = time.monotonic() - began_s
        if passed_s >= step_s * (len(curve) + 1):
            curve.append((round(passed_s), round(process.memory_info().rss / 1e6, 1)))
            print(f"{curve[-1][0]:6} s {curve[-1][1]:8.1f} MB, {looked} frames, {group.refused} refused")
        if passed_s >= minutes * 60:
            break
    settled = curve[max(len(curve) // 5 - 1, 0)][1]
    growth_mb = round(curve[-1][1] - settled, 1)
    print(f"growth after the first fifth: {growth_mb} MB; messages {sent}; reasons told:")
    for reason in sorted(reasons):
        print(f"  {reason}")
    write(
        RESULTS,
        {
            **machine(), "minutes": minutes, "streams": streams, "frames": looked, "refused": group.refused,
            "reasons": sorted(reasons), "memory_mb": curve, "growth_mb": growth_mb,
        },
    )  # fmt: skip
    sys.exit(growth_mb > most_mb)


if __name__ == "__main__":
    main()
