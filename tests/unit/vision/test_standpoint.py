"""A camera that was moved is noticed; traffic, light and wind are not taken for it."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from vision.standpoint import Standpoint

Picture = NDArray[np.uint8]


def street(seed: int = 1) -> Picture:
    """A drawn place, larger than a picture."""
    rng = np.random.default_rng(seed)
    place = np.full((500, 800, 3), 120, np.uint8)
    for _ in range(60):
        x, y = rng.integers(0, 760), rng.integers(0, 460)
        w, h = rng.integers(20, 120, 2)
        colour = rng.integers(20, 235, 3).tolist()
        cv2.rectangle(place, (int(x), int(y)), (int(x + w), int(y + h)), colour, -1)
    return place


def run(eye: Standpoint, place: Picture, seconds: int, start_s: float, **how: float) -> list[bool]:
    """Pictures of the place, once a second, with noise and cars; `x`, `y`: where the camera points."""
    rng = np.random.default_rng(round(start_s))
    told = []
    for second in range(seconds):
        x, y = int(how.get("x", 80)), int(how.get("y", 70))
        picture = place[y : y + 360, x : x + 640].astype(np.float32) * how.get("light", 1.0)
        for _ in range(int(how.get("cars", 5))):
            left, top = rng.integers(0, 560), rng.integers(0, 300)
            picture[top : top + 40, left : left + 80] = rng.integers(0, 255, 3)
        picture += rng.normal(0, 4, picture.shape)
        told.append(eye.look(np.clip(picture, 0, 255).astype(np.uint8), start_s + second))
    return told


@pytest.fixture
def eye() -> Standpoint:
    settled = Standpoint()
    assert not any(run(settled, street(), 40, 0.0))
    return settled


@pytest.mark.parametrize(("x", "y"), [(95, 70), (80, 110), (0, 0)])
def test_a_camera_that_was_knocked_is_moved_until_it_is_set_right(eye: Standpoint, x: int, y: int) -> None:
    assert run(eye, street(), 40, 40.0, x=x, y=y)[-1]
    assert not run(eye, street(), 40, 80.0)[-1]


def test_a_camera_that_shows_another_place_is_moved(eye: Standpoint) -> None:
    assert run(eye, street(2), 40, 40.0)[-1]


def test_heavy_traffic_dusk_and_wind_are_no_move(eye: Standpoint) -> None:
    told = run(eye, street(), 40, 40.0, cars=14)
    told += run(eye, street(), 40, 80.0, light=0.4)
    for second in range(20):
        told += run(eye, street(), 1, 120.0 + second, x=80 + second % 3)
    assert not any(told)


def test_a_dark_picture_says_nothing(eye: Standpoint) -> None:
    assert not any(run(eye, street(), 40, 40.0, light=0.0, cars=0))


def test_a_place_of_fine_texture_stays_where_it_is() -> None:
    rng = np.random.default_rng(9)
    place = np.kron(rng.integers(0, 255, (125, 200, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    eye = Standpoint()
    assert not any(run(eye, place, 90, 0.0, cars=10))
    assert run(eye, place, 40, 90.0, x=92)[-1]
