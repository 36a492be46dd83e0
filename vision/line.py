"""A counting line: where it lies in a picture, which side a point is on, what its directions are called."""

from dataclasses import dataclass
from typing import NamedTuple

from citybrain.errors import ConfigError


class Point(NamedTuple):
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Line:
    """A counting line from `a` to `b` in pixels, with the names of its two directions.

    `positive` is to the right of somebody who walks from a to b in the picture (x right, y down); for a
    line drawn from left to right that is downwards, towards the camera.
    """

    a: Point
    b: Point
    name: str = "line"
    positive: str = "toward"
    negative: str = "away"

    def __post_init__(self) -> None:
        if self.length < 1:
            raise ConfigError("line: its two ends are the same point; give x1,y1,x2,y2")

    @property
    def length(self) -> float:
        return float(((self.b.x - self.a.x) ** 2 + (self.b.y - self.a.y) ** 2) ** 0.5)

    @property
    def movements(self) -> tuple[str, str]:
        """Names of the two movements, `<line>:<direction>`."""
        return f"{self.name}:{self.positive}", f"{self.name}:{self.negative}"

    def side(self, point: Point) -> float:
        """Signed distance of `point` in pixels; positive on the positive side."""
        (ax, ay), (bx, by) = self.a, self.b
        return ((bx - ax) * (point.y - ay) - (by - ay) * (point.x - ax)) / self.length

    def share(self, start: Point, end: Point) -> float:
        """Where the path from `start` to `end` meets the line, as a share of it: 0 at a, 1 at b."""
        before, after = self.side(start), self.side(end)
        t = before / (before - after) if before != after else 1.0
        x, y = start.x + t * (end.x - start.x), start.y + t * (end.y - start.y)
        (ax, ay), (bx, by) = self.a, self.b
        return ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / self.length**2

    @classmethod
    def from_shares(
        cls, shares: tuple[float, float, float, float], width: int, height: int, name: str = "line"
    ) -> "Line":
        """A line given as shares of a picture; see `of` for pixels."""
        x1, y1, x2, y2 = shares
        return cls.between(Point(x1 * width, y1 * height), Point(x2 * width, y2 * height), name)

    @classmethod
    def between(cls, a: Point, b: Point, name: str = "line") -> "Line":
        """The line from a to b, turned so that `toward` is downwards in the picture (or, for an upright
        line, to the right).
        """
        dx, dy = b.x - a.x, b.y - a.y
        flipped = dx < 0 if abs(dx) >= abs(dy) else dy > 0
        return cls(b, a, name) if flipped else cls(a, b, name)


def parse_line(text: str) -> tuple[float, float, float, float]:
    """`x1,y1,x2,y2` as four numbers.

    Raises:
        ConfigError: not four finite numbers of at least 0.
    """
    try:
        x1, y1, x2, y2 = (float(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigError(f"line = {text!r} is not x1,y1,x2,y2; give pixels or shares of 0 to 1") from error
    if not all(0 <= value < 1e5 for value in (x1, y1, x2, y2)):
        raise ConfigError(
            f"line = {text!r}: each number must be 0 or more, in pixels or as a share of 0 to 1"
        )
    return x1, y1, x2, y2


def line_in(numbers: tuple[float, float, float, float] | None, width: int, height: int) -> Line:
    """The line of four numbers in a picture of this size: shares where all are at most 1, else pixels;
    without numbers the horizontal line across the middle.
    """
    shares = numbers or (0.0, 0.5, 1.0, 0.5)
    if max(shares) <= 1:
        return Line.from_shares(shares, width, height)
    x1, y1, x2, y2 = shares
    return Line.between(Point(x1, y1), Point(x2, y2))
