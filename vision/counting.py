"""Counts road users over a line: by the signed crossing of each track's path, once per track and direction.

The path starts where the track was first seen, extended backwards by what it moved in a few frames, so that
a fast vehicle that was detected late still counts. A side is taken only outside a band around the line, so
that a queue that stands on it counts nobody twice. Who comes in beside the picture's edge is judged once the
whole vehicle is seen: a box that is cut by the edge says nothing of where its wheels are. Numbers in,
numbers out.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from citybrain.messages import RoadUser
from vision.line import Line, Point
from vision.tracker import MAX_STEP_S, Tracks

BAND_SHARE = 0.10
"""Of the box's size, on each side of the line: more than boxes tremble, less than a vehicle is long."""
BACKTRACK_FRAMES = 1.2
MIN_BACKTRACK_S = 0.1
"""How late a detector may find a vehicle that moves at the speed it then shows: by so many frames, or so
long where frames are many."""
MIN_BACKTRACK_SPEED = 0.5
"""Box sizes per second; who is found standing was there before."""
TWIN_S = 2.0
TWIN_SHARE = 0.35
"""Two tracks this close, in box sizes, after both crossed within that time, are one vehicle, found anew."""
TURN_S = 2.0
TURN_SHARE = 0.5
"""Who comes back over the line was at least this many box sizes beyond it, for at least that time; anything
less is a box that trembles, or a track that was given another vehicle."""
MAX_ENTRY = 0.7
"""Box sizes that a vehicle may have moved in the picture before its whole was seen."""
ENTRY_SHARE = 0.3
"""Box sizes that a vehicle must move after its whole is seen, before that says where it came from."""
MAX_BLIND_S = 1.0
"""How long the path of a vehicle that is cut by the edge is continued by what it did before."""
JUMP_SHARE = 0.5
"""A step over the line of more box sizes than this, against what the track did before, may be a track that
was given another vehicle: it counts once the next step goes on the same way."""
FORGET_S = 30.0
NOWHERE = Point(0.0, 0.0)


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

    last: Point
    velocity: Point
    seen_s: float
    first_s: float
    side: int = 0
    """0 while nothing is known: the track came in at the edge and was never seen whole."""
    point: Point = NOWHERE
    is_guess: bool = False
    """The line lies between the first sight and where the vehicle is thought to have come from."""
    step: float = 0.0
    """How far the last step went along the line's normal, in pixels."""
    whole: Point | None = None
    whole_s: float = 0.0
    blind_from: Point = NOWHERE
    blind_velocity: Point = NOWHERE
    blind_s: float = 0.0
    counted_s: float = -1e9
    reach: float = 0.0
    done: set[int] = field(default_factory=set)
    doubtful: Crossing | None = None


@dataclass(frozen=True, slots=True)
class _Passage:
    """A counted crossing, remembered for less than its path is."""

    track: int
    direction: int
    size: float
    at_s: float


@dataclass(frozen=True, slots=True)
class _Sight:
    """One track in one frame."""

    track: int
    point: Point
    size: float
    velocity: Point
    is_cut: bool
    road_user: RoadUser
    confidence: float
    at_s: float


class LineCounter:
    """Counts over one line in pictures `width` pixels wide. Feed every frame's tracks in order of time."""

    def __init__(self, line: Line, width: int) -> None:
        self.line = line
        self._width = width
        self._paths: dict[int, _Path] = {}
        self._recent: deque[_Passage] = deque(maxlen=256)
        self._began_s: float | None = None
        self._last_s = 0.0
        # Runs like the tracker's, which a long silence does not age.
        self._clock_s = 0.0
        self._looked_s = 0.0
        self._late_s = 0.0

    def update(self, tracks: Tracks, at_s: float, *, looked: bool = True) -> list[Crossing]:
        """The crossings that this frame's tracks complete; `looked`: whether a detector saw them, or they
        were only carried on.
        """
        if self._began_s is None:
            self._began_s = self._last_s = at_s
        step_s = min(max(at_s - self._last_s, 0.0), MAX_STEP_S)
        self._last_s = at_s
        self._clock_s += step_s
        if looked:
            self._late_s = _late_s(min(self._clock_s - self._looked_s, MAX_STEP_S))
            self._looked_s = self._clock_s
        crossings: list[Crossing] = []
        for row in range(len(tracks)):
            if tracks.seen[row]:
                sight = _sight(tracks, row, at_s)
                path = self._paths.get(sight.track) or self._start(tracks, row, sight, step_s)
                crossings += self._follow(path, sight)
        self._forget()
        return crossings

    def _start(self, tracks: Tracks, row: int, sight: _Sight, step_s: float) -> _Path:
        """The path up to now of a track that is met for the first time."""
        x1, _, x2, y2 = (float(value) for value in tracks.first_box[row])
        first, (vx, vy) = Point((x1 + x2) / 2, y2), sight.velocity
        first_s = float(tracks.first_s[row])
        path = _Path(first, sight.velocity, self._clock_s, self._clock_s - max(sight.at_s - first_s, 0.0))
        self._paths[sight.track] = path
        if bool(tracks.first_cut[row]):
            return path
        origin = first
        # Who came in at the edge of the picture was not there before; who was there in the first picture
        # may have been for long.
        is_late = not tracks.entered[row] and first_s > (self._began_s or 0.0)
        if is_late and (vx**2 + vy**2) ** 0.5 >= MIN_BACKTRACK_SPEED * sight.size:
            origin = _back(first, sight.velocity, self._late_s)
        path.side, path.point = self._side(origin), origin
        # Two steps the same way are no guess any more.
        path.is_guess = self._side(first) != path.side and sight.at_s - first_s < 1.5 * step_s
        path.step = 0.0 if path.is_guess else self.line.side(first) - self.line.side(origin)
        return path

    def _follow(self, path: _Path, sight: _Sight) -> Iterator[Crossing]:
        point = self._place(path, sight)
        moved = self.line.side(sight.point) - self.line.side(path.last)
        path.seen_s, path.last, path.velocity = self._clock_s, sight.point, sight.velocity
        if point is None:
            return
        if path.side == 0:
            self._enter(path, sight)
            if path.side == 0:
                return
            moved = self.line.side(point) - self.line.side(path.point)
        before, path.step = path.step, moved
        if path.doubtful is not None:
            yield from self._settle(path, moved)
        yield from self._cross(path, sight, point, before)

    def _place(self, path: _Path, sight: _Sight) -> Point | None:
        """Where the vehicle stands; while the edge cuts its box, where it would be by what it did before."""
        if not sight.is_cut:
            path.blind_from, path.blind_velocity = sight.point, sight.velocity
            path.blind_s = self._clock_s
            return sight.point
        blind_s = self._clock_s - path.blind_s
        if path.side == 0 or path.blind_s == 0.0 or blind_s > MAX_BLIND_S:
            return None
        return _back(path.blind_from, path.blind_velocity, -blind_s)

    def _enter(self, path: _Path, sight: _Sight) -> None:
        """Find out where a vehicle came from that was first seen cut by the edge."""
        if path.whole is None:
            path.whole, path.whole_s = sight.point, self._clock_s
            return
        dx, dy = sight.point.x - path.whole.x, sight.point.y - path.whole.y
        passed_s = self._clock_s - path.whole_s
        if (dx**2 + dy**2) ** 0.5 < ENTRY_SHARE * sight.size or passed_s <= 0:
            return
        velocity = Point(dx / passed_s, dy / passed_s)
        # Not beyond the edge, nor to a time before it was seen at all.
        back_s = path.whole_s - path.first_s + self._late_s
        speed = (velocity.x**2 + velocity.y**2) ** 0.5
        back_s = min(back_s, MAX_ENTRY * sight.size / speed)
        if velocity.x:
            edge = 0.0 if velocity.x > 0 else float(self._width)
            back_s = min(back_s, max((path.whole.x - edge) / velocity.x, 0.0))
        path.point = _back(path.whole, velocity, back_s)
        path.side = self._side(path.point)

    def _cross(self, path: _Path, sight: _Sight, point: Point, step_before: float) -> Iterator[Crossing]:
        distance = self.line.side(point)
        if abs(distance) < BAND_SHARE * sight.size:
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
        early = self._clock_s - path.counted_s < TURN_S
        if path.done and (path.reach < TURN_SHARE * sight.size or early):
            return
        movement = self.line.movements[0 if side > 0 else 1]
        crossing = Crossing(sight.track, movement, sight.road_user, sight.at_s, sight.confidence)
        is_jump = side * path.step > JUMP_SHARE * sight.size and side * step_before <= 0
        if is_jump or path.is_guess:
            path.doubtful, path.is_guess = crossing, False
            return
        yield from self._count(path, crossing, side, sight.size, point)

    def _settle(self, path: _Path, moved: float) -> Iterator[Crossing]:
        """A doubtful crossing counts if the track goes on the same way, else it never was."""
        crossing, path.doubtful = path.doubtful, None
        assert crossing is not None
        side = 1 if crossing.movement == self.line.movements[0] else -1
        if side * moved > 0:
            yield from self._count(path, crossing, side, 0.0, path.last)

    def _count(
        self, path: _Path, crossing: Crossing, side: int, size: float, point: Point
    ) -> Iterator[Crossing]:
        path.done.add(side)
        if self._is_twin(crossing.track, side, point, size):
            return
        path.counted_s, path.reach = self._clock_s, 0.0
        self._recent.append(_Passage(crossing.track, side, size, self._clock_s))
        yield crossing

    def _side(self, point: Point) -> int:
        return 1 if self.line.side(point) > 0 else -1

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
            expected = _back(other.last, other.velocity, other.seen_s - self._clock_s)
            off = ((expected.x - point.x) ** 2 + (expected.y - point.y) ** 2) ** 0.5
            if off < TWIN_SHARE * max(size, passage.size):
                return True
        return False

    def _forget(self) -> None:
        stale = [number for number, path in self._paths.items() if self._clock_s - path.seen_s > FORGET_S]
        for number in stale:
            del self._paths[number]


def _sight(tracks: Tracks, row: int, at_s: float) -> _Sight:
    x1, y1, x2, y2 = (float(value) for value in tracks.found.boxes[row])
    vx, vy = (float(value) for value in tracks.velocity[row])
    return _Sight(
        track=int(tracks.found.track[row]),
        point=Point((x1 + x2) / 2, y2),
        size=((x2 - x1) * (y2 - y1)) ** 0.5,
        velocity=Point(vx, vy),
        is_cut=bool(tracks.cut[row]),
        road_user=tracks.found.road_users[row],
        confidence=float(tracks.found.confidence[row]),
        at_s=at_s,
    )


def _late_s(step_s: float) -> float:
    return max(BACKTRACK_FRAMES * step_s, min(MIN_BACKTRACK_S, 2.5 * step_s))


def _back(point: Point, velocity: Point, seconds: float) -> Point:
    """Where what is at `point` was `seconds` ago."""
    return Point(point.x - velocity.x * seconds, point.y - velocity.y * seconds)


def totals(crossings: Iterable[Crossing]) -> dict[str, Counter[RoadUser]]:
    """Number of crossings by movement and class."""
    result: dict[str, Counter[RoadUser]] = {}
    for crossing in crossings:
        result.setdefault(crossing.movement, Counter())[crossing.road_user] += 1
    return result
