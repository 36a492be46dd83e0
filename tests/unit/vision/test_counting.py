"""Counting lines: exact truth on synthetic tracks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citybrain.errors import ConfigError
from citybrain.messages import RoadUser
from vision.counting import Crossing, LineCounter, totals
from vision.detections import ROAD_USERS, Detections
from vision.line import Line, Point, line_in, parse_line
from vision.tracker import Tracker, Tracks

WIDTH, HEIGHT = 640, 360
CAR = ROAD_USERS.index(RoadUser.CAR)
FPS = 25.0


def seen(boxes: list[tuple[float, float, float, float]]) -> Detections:
    array = np.clip(np.array(boxes, np.float32).reshape(-1, 4), 0, [WIDTH, HEIGHT, WIDTH, HEIGHT])
    visible = (array[:, 2] - array[:, 0] > 4) & (array[:, 3] - array[:, 1] > 4)
    array = array[visible].astype(np.float32)
    n = len(array)
    return Detections.untracked(array, np.full(n, 0.9, np.float32), np.full(n, CAR, np.uint8))


def box(x: float, y: float, size: float = 40) -> tuple[float, float, float, float]:
    """A box whose bottom centre is at x, y."""
    return x - size / 2, y - size * 0.8, x + size / 2, y


def count(frames: list[Detections], line: Line, fps: float = FPS) -> list[Crossing]:
    tracker, counter = Tracker(WIDTH, HEIGHT), LineCounter(line, WIDTH)
    crossings: list[Crossing] = []
    for number, found in enumerate(frames):
        crossings += counter.update(tracker.update(found, number / fps), number / fps)
    return crossings


def sums(crossings: list[Crossing]) -> dict[str, int]:
    return {movement: sum(by.values()) for movement, by in totals(crossings).items()}


MIDDLE = line_in(None, WIDTH, HEIGHT)


@settings(deadline=None, max_examples=20)
@given(
    speed=st.floats(3, 60),
    start=st.floats(30, 150),
    size=st.floats(30, 80),
    x=st.floats(60, 580),
    jitter=st.floats(0, 0.04),
    seed=st.integers(0, 2**16),
)
def test_a_vehicle_at_any_speed_is_counted_once(
    speed: float, start: float, size: float, x: float, jitter: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    ys = np.arange(start, HEIGHT + 2 * size, speed)
    noise = rng.normal(0, jitter * size, (len(ys), 2))
    frames = [
        seen([box(x + dx, y + dy, size)]) for y, (dx, dy) in zip(ys.tolist(), noise.tolist(), strict=True)
    ]
    assert sums(count(frames, MIDDLE)) == {"line:toward": 1}


@settings(deadline=None, max_examples=20)
@given(late=st.floats(1, 25), speed=st.floats(12, 50), size=st.floats(40, 70), away=st.booleans())
def test_a_fast_vehicle_first_detected_just_behind_the_line_counts(
    late: float, speed: float, size: float, away: bool
) -> None:
    way = -1 if away else 1
    ys = [180 + way * (max(late, 0.2 * size) % speed + 0.15 * size + step * speed) for step in range(6)]
    street = [seen([])] + [seen([box(300, y, size)]) for y in ys if 40 < y < 355]
    crossings = count(street, MIDDLE)
    assert len(crossings) <= 1
    if speed > 0.5 * size:  # less is no longer a matter of one or two frames
        assert sums(crossings) == {"line:away" if away else "line:toward": 1}


@settings(deadline=None, max_examples=2)
@given(seed=st.integers(0, 2**16), jitter=st.floats(0, 0.03))
def test_a_queue_standing_ten_minutes_on_the_line_counts_nobody_twice(seed: int, jitter: float) -> None:
    # Arrive, stand with the boxes trembling on the line, leave: each vehicle crosses exactly once.
    rng = np.random.default_rng(seed)
    fps, size = 1.0, 50.0
    arrive, leave = np.arange(60, 181, 15.0), np.arange(181, 420, 25.0)
    path = np.concatenate([arrive, np.full(600, 180.0), leave])
    frames = []
    for y in path.tolist():
        tremble = rng.normal(0, jitter * size, (3, 2)).tolist()
        frames.append(
            seen([box(150 + 160 * lane + dx, y + dy, size) for lane, (dx, dy) in enumerate(tremble)])
        )
    assert sums(count(frames, MIDDLE, fps)) == {"line:toward": 3}


def test_two_that_cross_at_once_in_opposite_directions_are_both_counted() -> None:
    frames = [seen([box(250, 60 + 8 * k), box(420, 340 - 8 * k)]) for k in range(35)]
    assert sums(count(frames, MIDDLE)) == {"line:toward": 1, "line:away": 1}


def test_a_dense_platoon_at_a_low_frame_rate_is_counted_vehicle_by_vehicle() -> None:
    # 5 frames a second, each vehicle moves by 0.9 of its length between frames, gaps of 2.5 lengths.
    size, step, gap, vehicles = 40.0, 36.0, 100.0, 12
    frames = []
    for k in range(60):
        ys = [60 + step * k - gap * vehicle for vehicle in range(vehicles)]
        frames.append(seen([box(300, y, size) for y in ys if y > 50]))
    assert sums(count(frames, MIDDLE, 5.0)) == {"line:toward": vehicles}


def test_a_vehicle_hidden_for_half_a_second_at_the_line_is_counted_once() -> None:
    ys = [60 + 6 * k for k in range(50)]
    frames = [seen([] if 165 < y < 235 else [box(300, y)]) for y in ys]
    assert sums(count(frames, MIDDLE)) == {"line:toward": 1}


def test_who_never_crosses_is_not_counted() -> None:
    ys = [100 + 60 * np.sin(k / 10) for k in range(100)]
    assert count([seen([box(300, float(y))]) for y in ys], MIDDLE) == []


def test_a_path_beside_a_short_line_is_not_counted() -> None:
    line = line_in((100, 180, 200, 180), WIDTH, HEIGHT)
    frames = [seen([box(150, 60 + 8 * k), box(450, 60 + 8 * k)]) for k in range(35)]
    assert sums(count(frames, line)) == {"line:toward": 1}


def test_a_single_sight_is_no_vehicle() -> None:
    frames = [seen([]), seen([box(300, 176)]), seen([]), seen([])]
    assert count(frames, MIDDLE) == []


def test_a_track_that_the_tracker_only_predicts_counts_nothing() -> None:
    counter = LineCounter(MIDDLE, WIDTH)
    found = seen([box(300, 170)]).with_tracks(np.array([1], np.int32))
    none = np.zeros(1, np.bool_)
    for at, y in enumerate((170.0, 190.0)):
        moved = Detections(
            np.array([box(300, y)], np.float32), found.confidence, found.road_user, found.track
        )
        tracks = Tracks(
            moved, np.zeros((1, 2)), moved.boxes, np.zeros(1), none, np.array([at == 0]), none, none
        )
        assert counter.update(tracks, float(at)) == []


@pytest.mark.parametrize("numbers", [(0, 0.5, 1, 0.5), (1, 0.5, 0, 0.5), (0, 180, 640, 180)])
def test_toward_is_downwards_however_the_line_was_drawn(numbers: tuple[float, float, float, float]) -> None:
    line = line_in(numbers, WIDTH, HEIGHT)
    assert line.side(Point(320, 300)) > 0 > line.side(Point(320, 100))
    assert line.movements == ("line:toward", "line:away")


def test_toward_is_to_the_right_of_an_upright_line() -> None:
    for numbers in ((0.5, 0, 0.5, 1), (0.5, 1, 0.5, 0)):
        assert line_in((*numbers,), WIDTH, HEIGHT).side(Point(500, 100)) > 0


@pytest.mark.parametrize("text", ["", "1,2,3", "a,b,c,d", "1,2,3,nan", "0,-1,5,5"])
def test_a_line_that_is_none_is_refused_by_name(text: str) -> None:
    with pytest.raises(ConfigError, match="line"):
        parse_line(text)


def test_a_line_of_one_point_is_refused() -> None:
    with pytest.raises(ConfigError, match="same point"):
        line_in((5, 5, 5, 5), WIDTH, HEIGHT)
