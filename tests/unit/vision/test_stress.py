"""Counting under stress, with exact truth: what a camera would see of known vehicles, drawn as boxes."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.unit.vision.test_counting import MIDDLE, WIDTH, box, count, seen, sums
from vision.detections import Detections
from vision.line import line_in

HEIGHT = 360
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""Each case plays a whole street; a failing one is small enough to read."""
UPRIGHT = line_in((0.5, 0.0, 0.5, 1.0), WIDTH, HEIGHT)


def drive(
    start: tuple[float, float], step: tuple[float, float], size: float, frames: int = 400
) -> list[tuple[float, float, float, float]]:
    """One vehicle's boxes until it has left the picture; it may begin outside."""
    boxes = []
    for k in range(frames):
        x, y = start[0] + k * step[0], start[1] + k * step[1]
        boxes.append(box(x, y, size))
        if x - size > WIDTH or x + size < 0 or y - 2 * size > HEIGHT or (y < 0 and step[1] < 0):
            break
    return boxes


def together(*drives: list[tuple[float, float, float, float]]) -> list[Detections]:
    length = max(len(one) for one in drives)
    return [seen([])] + [seen([one[k] for one in drives if k < len(one)]) for k in range(length)]


@settings(deadline=None, phases=NO_SHRINKING, max_examples=25)
@given(speed=st.floats(5, 60), size=st.floats(50, 90), y=st.floats(120, 340), left=st.booleans())
def test_who_comes_in_at_the_side_crosses_an_upright_line_once(
    speed: float, size: float, y: float, left: bool
) -> None:
    start = -size / 2 if left else WIDTH + size / 2
    path = drive((start, y), (speed if left else -speed, 0.0), size)
    assert sums(count(together(path), UPRIGHT)) == {"line:toward" if left else "line:away": 1}


@settings(deadline=None, phases=NO_SHRINKING, max_examples=25)
@given(speed=st.floats(6, 18), size=st.floats(60, 90), slope=st.floats(0.3, 0.9))
def test_who_comes_in_at_the_side_and_crosses_while_cut_is_counted_once(
    speed: float, size: float, slope: float
) -> None:
    # Its foot is on the line when the middle of the vehicle is just inside the picture.
    step = (-speed, -slope * speed)
    back = size / 2 / speed
    start = (WIDTH + size / 2, 180 + slope * speed * (back + 0.45 * size / speed))
    assert sums(count(together(drive(start, step, size)), MIDDLE)) == {"line:away": 1}


@settings(deadline=None, phases=NO_SHRINKING, max_examples=20)
@given(speed=st.floats(5, 45), gap=st.floats(1.3, 3), size=st.floats(40, 70))
def test_two_side_by_side_that_cross_at_once_are_two(speed: float, gap: float, size: float) -> None:
    paths = [drive((200 + gap * size * n, 40.0), (0.0, speed), size) for n in range(2)]
    assert sums(count(together(*paths), MIDDLE)) == {"line:toward": 2}


@pytest.mark.parametrize("fps", [2.0, 5.0, 10.0])
@pytest.mark.parametrize("step", [15.0, 30.0, 45.0])
def test_a_low_frame_rate_loses_nobody(fps: float, step: float) -> None:
    # One after the other with room between: further apart than they move from frame to frame.
    paths = [drive((300.0, 40.0 - 4 * step * n), (0.0, step), 50.0) for n in range(5)]
    assert sums(count(together(*paths), MIDDLE, fps)) == {"line:toward": 5}


@settings(deadline=None, phases=NO_SHRINKING, max_examples=15)
@given(seed=st.integers(0, 2**16), lost=st.floats(0.05, 0.3))
def test_detections_that_are_lost_at_random_change_no_count(seed: int, lost: float) -> None:
    rng = np.random.default_rng(seed)
    paths = [drive((120.0 + 130 * n, 40.0 - 30 * n), (0.0, 7.0), 60.0) for n in range(4)]
    frames = [seen([])] + [
        seen([path[k] for path in paths if k < len(path) and rng.random() > lost])
        for k in range(max(len(path) for path in paths))
    ]
    assert sums(count(frames, MIDDLE)) == {"line:toward": 4}
