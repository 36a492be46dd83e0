"""The small file that says what a camera looks at: ground points, lanes, counting lines, zones.

Positions in the picture are shares of its width and height, so that the file outlives a change of the
stream's size.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from citybrain.errors import ConfigError
from citybrain.fields import Id

if TYPE_CHECKING:
    from citybrain.ground import Ground

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
    map_lane: Annotated[str, Meta(pattern=r"^[^\x00-\x20\x7f]{0,128}$")] = ""
    """The lane of the road network that this is; its figures are then that lane's on the map."""


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

    origin: tuple[float, float] | None = None
    """Longitude and latitude of the ground's origin, where that is known."""
    points: Annotated[list[Pair], Meta(max_length=100)] = []
    rectangle: Rectangle | None = None
    lanes: Annotated[list[Lane], Meta(max_length=100)] = []
    lines: Annotated[list[CountingLine], Meta(max_length=100)] = []
    zones: Annotated[list[Zone], Meta(max_length=100)] = []

    def ground(self, width: int, height: int) -> "Ground | None":
        """For pictures of `width` by `height`; None without points.

        Raises:
            ConfigError: points that make no ground.
        """
        # Agents beside cameras know the file and have no numpy.
        from citybrain.ground import fit_ground, pixels_of

        if self.rectangle is not None:
            w, length = self.rectangle.width_m, self.rectangle.length_m
            corners: list[tuple[float, float]] = [(0, 0), (w, 0), (w, length), (0, length)]
            return fit_ground(pixels_of(self.rectangle.corners, width, height), pixels_of(corners, 1, 1))
        if not self.points:
            return None
        metres = pixels_of([pair.ground for pair in self.points], 1, 1)
        return fit_ground(pixels_of([pair.image for pair in self.points], width, height), metres)


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
    try:
        check_calibration(known)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return known


def check_calibration(known: Calibration) -> None:
    """Refuse what no camera can be measured by.

    Raises:
        ConfigError: a name that stands twice, lanes without points, points that make no ground.
    """
    for what, names in (
        ("lane", [lane.lane for lane in known.lanes]),
        ("line", [line.line for line in known.lines]),
        ("zone", [zone.zone for zone in known.zones]),
    ):
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ConfigError(f"calibration: the {what} {min(twice)!r} stands there twice")
    if known.lanes and not (known.points or known.rectangle):
        raise ConfigError("calibration: lanes need `points` or a `rectangle` to be measured by")
    known.ground(1000, 1000)


def write_calibration(path: Path, known: Calibration) -> None:
    """Writes what `read_calibration` reads."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(known), indent=2))
