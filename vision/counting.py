"""Counts road users over a line: by the signed crossing of each track's path, once per track and direction.

The path starts where the track was first seen, extended backwards by what it moved in a few frames, so that
a fast vehicle that was detected late still counts. A side is taken only outside a band around the line, so
that a queue that stands on it counts nobody twice. Numbers in, numbers out.
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from citybrain.errors import ConfigError
from citybrain.messages import RoadUser
from vision.tracker import MAX_STEP_S, Tracks

BAND_SHARE = 0.10
"""Of the box's size, on each side of the line: more than boxes tremble, less than a vehicle is long."""
BACKTRACK_FRAMES = 2.5
"""How late a detector may find a vehicle that moves at the speed it then shows."""
MIN_BACKTRACK_SPEED = 0.5
"""Box sizes per second; who is found standing was there before."""
TWIN_S = 2.0
TWIN_SHARE = 0.35
"""Two tracks this close, in box sizes, after both crossed within that time, are one vehicle, found anew."""
TURN_S = 2.0
TURN_SHARE = 0.5
"""Who comes back over the line was at least this many box sizes beyond it, for at least that time; anything
less is a box that trembles, or a track that was given another vehicle."""
FORGET_S = 30.0


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


@dataclass(frozen=True, slots=True)
class Crossing:
    """One road user crossed the line."""

    track: int
    movement: str
    road_user: RoadUser
    at_s: float
    confidence: float


@dataclass(slots=True)
class _Path:
    """What is remembered of a track: the side of the line that it was last surely on, and where."""

    point: Point
    side: int
    seen_s: float
    last: Point
    velocity: Point
    counted_s: float = -1e9
    reach: float = 0.0
    done: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Passage:
    """A counted crossing, remembered for less than its path is."""

    track: int
    direction: int
    size: float
    at_s: float


class LineCounter:
    """Counts over one line. Feed every frame's tracks in order of time."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self._paths: dict[int, _Path] = {}
        self._recent: deque[_Passage] = deque(maxlen=256)
        self._last_s: float | None = None
        # Runs like the tracker's, which a long silence does not age.
        self._clock_s = 0.0

    def update(self, tracks: Tracks, at_s: float) -> list[Crossing]:
        """The crossings that this frame's tracks complete."""
        step_s = 0.0 if self._last_s is None else min(max(at_s - self._last_s, 0.0), MAX_STEP_S)
        self._last_s = at_s
        self._clock_s += step_s
        crossings: list[Crossing] = []
        for row in range(len(tracks)):
            if tracks.seen[row]:
                crossings += self._follow(tracks, row, at_s, step_s)
        self._forget()
        return crossings

    def _follow(self, tracks: Tracks, row: int, at_s: float, step_s: float) -> Iterable[Crossing]:
        number = int(tracks.found.track[row])
        x1, y1, x2, y2 = (float(value) for value in tracks.found.boxes[row])
        point, size = Point((x1 + x2) / 2, y2), ((x2 - x1) * (y2 - y1)) ** 0.5
        path = self._paths.get(number)
        if path is None:
            path = self._paths[number] = self._start(tracks, row, step_s)
        path.seen_s, path.last = self._clock_s, point
        path.velocity = Point(*(float(value) for value in tracks.velocity[row]))
        distance = self.line.side(point)
        if abs(distance) < BAND_SHARE * size:
            return
        side = 1 if distance > 0 else -1
        if side in path.done:
            path.reach = max(path.reach, abs(distance))
        came_from, path.side = path.side, side
        before, path.point = path.point, point
        if came_from == side or side in path.done:
            return
        if not 0 <= self.line.share(before, point) <= 1:
            return
        if path.done and (path.reach < TURN_SHARE * size or self._clock_s - path.counted_s < TURN_S):
            return
        path.done.add(side)
        if self._is_twin(number, side, point, size):
            return
        path.counted_s, path.reach = self._clock_s, 0.0
        self._recent.append(_Passage(number, side, size, self._clock_s))
        movement = self.line.movements[0 if side > 0 else 1]
        user = tracks.found.road_users[row]
        yield Crossing(number, movement, user, at_s, float(tracks.found.confidence[row]))

    def _start(self, tracks: Tracks, row: int, step_s: float) -> _Path:
        """The path up to now of a track that is met for the first time."""
        x1, y1, x2, y2 = (float(value) for value in tracks.first_box[row])
        vx, vy = (float(value) for value in tracks.velocity[row])
        first, size = Point((x1 + x2) / 2, y2), ((x2 - x1) * (y2 - y1)) ** 0.5
        origin = first
        # Who came in at the edge of the picture was not there before, and a box cut by it misleads.
        if not tracks.entered[row] and (vx**2 + vy**2) ** 0.5 >= MIN_BACKTRACK_SPEED * size:
            back_s = BACKTRACK_FRAMES * step_s
            origin = Point(first.x - vx * back_s, first.y - vy * back_s)
        side = 1 if self.line.side(origin) > 0 else -1
        return _Path(origin, side, self._clock_s, first, Point(vx, vy))

    def _is_twin(self, track: int, direction: int, point: Point, size: float) -> bool:
        """Whether another track was just counted here the same way: one vehicle, found under a new number."""
        for passage in self._recent:
            if (
                passage.track == track
                or passage.direction != direction
                or self._clock_s - passage.at_s > TWIN_S
            ):
                continue
            other = self._paths[passage.track]
            ahead_s = self._clock_s - other.seen_s
            off_x = other.last.x + ahead_s * other.velocity.x - point.x
            off_y = other.last.y + ahead_s * other.velocity.y - point.y
            if (off_x**2 + off_y**2) ** 0.5 < TWIN_SHARE * max(size, passage.size):
                return True
        return False

    def _forget(self) -> None:
        stale = [number for number, path in self._paths.items() if self._clock_s - path.seen_s > FORGET_S]
        for number in stale:
            del self._paths[number]


def totals(crossings: Iterable[Crossing]) -> dict[str, Counter[RoadUser]]:
    """Number of crossings by movement and class."""
    result: dict[str, Counter[RoadUser]] = {}
    for crossing in crossings:
        result.setdefault(crossing.movement, Counter())[crossing.road_user] += 1
    return result
