"""What a camera sees, for whoever puts it up: `citybrain edge camera --check`."""

import time
from collections.abc import Iterator
from typing import NamedTuple

from citybrain.config import Camera
from citybrain.gate import MotionGate
from citybrain.sources import Frame, Image, open_source
from edge.picture import jpeg_of, scaled
from edge.privacy import Privacy


class Look(NamedTuple):
    """What `check` saw: sizes in px, rates per second, shares 0 to 1."""

    width: int
    height: int
    fps: float
    motion: float
    brightness: float
    blurred: float
    """Share of the still that was made unreadable; 0 where it is raw."""
    jpeg_bytes: int
    still: Image


def check(camera: Camera, seconds: float = 3.0) -> Look:
    """Look through `camera` for a while of its own time.

    Raises:
        ConfigError, Unavailable: as `open_source`.
    """
    gate, privacy = MotionGate(), Privacy(camera)
    motions: list[float] = []
    with open_source(camera.source) as source:
        begin = time.monotonic()
        frames = 0
        for frame in _some(iter(source), seconds):
            image = scaled(frame.image_bgr, camera.width)
            moved = gate.look(image, regions=True)
            motions.append(moved.share)
            image = privacy.hide(image, moved, frame.media_s)
            frames += 1
        wall_s = time.monotonic() - begin
        fps = frames / wall_s if source.live and wall_s > 0 else source.fps
        # The first picture counts as wholly moved, because nothing came before it.
        motion = sum(motions[1:]) / max(1, len(motions) - 1)
        jpeg = jpeg_of(image, camera.jpeg_quality)
        return Look(
            source.width,
            source.height,
            fps,
            motion,
            float(image.mean()) / 255.0,
            privacy.share,
            len(jpeg),
            image,
        )


def _some(frames: Iterator[Frame], seconds: float) -> Iterator[Frame]:
    for frame in frames:
        yield frame
        if frame.media_s >= seconds:
            return
