"""The file that says what people counted: clips, lines, directions, and tracks where there are some."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from citybrain.errors import ConfigError

Pixel = tuple[float, float]


class Counted(msgspec.Struct, frozen=True):
    """Road users counted by hand in one direction, and what is accepted of a machine, both ends included."""

    complete: Annotated[int, Meta(ge=0)]
    accept: tuple[int, int]


class Clip(msgspec.Struct, frozen=True):
    """One clip; files are beside the truth. Unknown fields are notes for people."""

    clip: str
    """A video, a folder of frames, or (kind `detections`) a file of MOTChallenge detections."""
    kind: Literal["frames", "video", "detections"] = "video"
    fps: Annotated[float, Meta(gt=0, le=240)] = 25.0
    line: tuple[Pixel, Pixel] | None = None
    """From left to right in pixels; none: across the middle."""
    counts: dict[Literal["toward", "away"], Counted] = {}
    tracks: str = ""
    """A file of MOTChallenge with the true tracks."""


class Truth(msgspec.Struct, frozen=True):
    clips: Annotated[list[Clip], Meta(min_length=1)]


def read_truth(path: Path) -> Truth:
    """The truth in `path`.

    Raises:
        ConfigError: unreadable, not of this form, or a clip is missing.
    """
    try:
        truth = msgspec.json.decode(path.read_bytes(), type=Truth)
    except OSError as error:
        raise ConfigError(f"--clips {path} cannot be read: {error.strerror or error}") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"--clips {path} is no truth file: {error}") from error
    for clip in truth.clips:
        for name in (clip.clip, clip.tracks):
            if name and not (path.parent / name).exists():
                raise ConfigError(f"--clips {path}: {name} is not beside it")
        if clip.kind == "detections" and not clip.tracks:
            raise ConfigError(f"--clips {path}: {clip.clip} has detections and no tracks to score them by")
    return truth
