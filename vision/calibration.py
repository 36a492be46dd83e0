"""The small file that says what a camera looks at: ground points, lanes, counting lines, zones.

Positions in the picture are shares of its width and height, so that the file outlives a change of the
stream's size.
"""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citybrain.errors import ConfigError
from citybrain.fields import Id
from vision.ground import Ground, fit_ground

Floats = NDArray[np.float64]
ShareOf = Annotated[float, Meta(ge=-1.0, le=2.0)]
"""A little outside of the picture is allowed: the street goes on there."""
Spot = tuple[ShareOf, ShareOf]
Length = Annotated[float, Meta(gt=0, le=1000)]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the file."""


class Pair(Part, frozen=True):
    """One point in the picture and on the ground, metres east and north of any origin."""

    image: Spot
    ground: tuple[float, float]


class Rectangle(Part, frozen=True):
    """Four corners on the ground of known lengths, instead of pairs: near left, near right, far right, far
    left, as seen from the camera.
    """

    corners: tuple[Spot, Spot, Spot, Spot]
    width_m: Length
    length_m: Length


class Lane(Part, frozen=True):
    """The middle of a lane in driving direction; its last point lies on the stop line."""

    lane: Id
    path: Annotated[list[Spot], Meta(min_length=2, max_length=50)]
    width_m: Annotated[float, Meta(gt=0.5, le=10)] = 3.25
    may_stop: bool = False
    """A place to park or a bus stop: who stands there is no event."""


class CountingLine(Part, frozen=True):
    line: Id
    a: Spot
    b: Spot


class Zone(Part, frozen=True):
    zone: Id
    corners: Annotated[list[Spot], Meta(min_length=3, max_length=100)]
    kind: Literal["zone", "carriageway"] = "zone"
    """On a carriageway a person on foot is an event."""


class Calibration(Part, frozen=True):
    """All of it may be missing; what needs metres then is not measured."""

    points: list[Pair] = []
    rectangle: Rectangle | None = None
    lanes: Annotated[list[Lane], Meta(max_length=100)] = []
    lines: Annotated[list[CountingLine], Meta(max_length=100)] = []
    zones: Annotated[list[Zone], Meta(max_length=100)] = []

    def ground(self, width: int, height: int) -> Ground | None:
        """For pictures of `width` by `height`; None without points.

        Raises:
            ConfigError: points that make no ground.
        """
        if self.rectangle is not None:
            w, length = self.rectangle.width_m, self.rectangle.length_m
            metres = np.array([[0, 0], [w, 0], [w, length], [0, length]], np.float64)
            return fit_ground(pixels_of(self.rectangle.corners, width, height), metres)
        if not self.points:
            return None
        metres = np.array([pair.ground for pair in self.points], np.float64)
        return fit_ground(pixels_of([pair.image for pair in self.points], width, height), metres)


def pixels_of(spots: list[Spot] | tuple[Spot, ...], width: int, height: int) -> Floats:
    """Shares (n, 2) as pixels (n, 2)."""
    return np.array(spots, np.float64).reshape(-1, 2) * [width, height]


def read_calibration(path: Path) -> Calibration:
    """The calibration in `path`, checked.

    Raises:
        ConfigError: unreadable, a wrong field (named), a name that stands twice, points that make no ground.
    """
    try:
        known = msgspec.json.decode(path.read_bytes(), type=Calibration)
    except OSError as error:
        raise ConfigError(f"calibration: {path} cannot be read: {error.strerror or error}") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"calibration: {path}: {error}") from error
    for what, names in (
        ("lane", [lane.lane for lane in known.lanes]),
        ("line", [line.line for line in known.lines]),
        ("zone", [zone.zone for zone in known.zones]),
    ):
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ConfigError(f"calibration: {path}: the {what} {min(twice)!r} stands there twice")
    if known.lanes and not (known.points or known.rectangle):
        raise ConfigError(f"calibration: {path}: lanes need `points` or a `rectangle` to be measured by")
    known.ground(1000, 1000)
    return known


def write_calibration(path: Path, known: Calibration) -> None:
    """Writes what `read_calibration` reads."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(known), indent=2))
