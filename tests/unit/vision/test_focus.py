"""Where a detector looks."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vision.boxes import detections
from vision.detections import Detections
from vision.focus import Focus, Frame, windows_in

NOBODY = np.empty((0, 4), np.float32)


@given(st.integers(60, 4000), st.integers(60, 2200))
def test_windows_cover_the_picture_and_overlap(width: int, height: int) -> None:
    windows = windows_in(width, height)
    if windows:
        assert (windows[0].x1, windows[0].y1, windows[-1].x2, windows[-1].y2) == (0, 0, width, height)
        for a, b in pairwise(windows):
            assert a.x2 - b.x1 > 0
            assert a.y2 - b.y1 > 0


class Looks:
    """A detector that remembers the sizes of what it was shown, and finds a car in the middle of it."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, frame: Frame) -> Detections:
        self.shapes.append(frame.shape[:2])
        return detections((150, 150, 200, 190))


def picture(lit: slice | None = None) -> Frame:
    frame = np.full((360, 640, 3), 90, np.uint8)
    if lit is not None:
        frame[100:200, lit] = 220
    return frame


@pytest.mark.parametrize(("lit", "found_at"), [(slice(20, 120), 150), (slice(520, 620), 430)])
def test_only_the_window_in_which_something_moves_is_looked_at(lit: slice, found_at: int) -> None:
    focus, looks = Focus(640, 360), Looks()
    focus.look(picture(), 0.0, NOBODY, looks)
    found = focus.look(picture(lit), 0.2, NOBODY, looks)
    assert looks.shapes == [(360, 640), (360, 360)]
    assert found is not None
    assert found.boxes[:, 0].tolist() == [found_at]


def test_where_nothing_moves_the_whole_picture_is_looked_at_once_a_second() -> None:
    focus, looks = Focus(640, 360), Looks()
    seen = [focus.look(picture(), k / 5, NOBODY, looks) is not None for k in range(11)]
    assert seen == [k % 5 == 0 for k in range(11)]
    assert set(looks.shapes) == {(360, 640)}
