"""No picture leaves with the detail that knows anybody, whoever it shows, and wherever; cars stay cars."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.config import Camera
from citybrain.gate import Motion, MotionGate, Region
from citybrain.sources import Image
from edge.privacy import Privacy

HEIGHT, WIDTH = 360, 640
STILL = Motion(0.0)


def policy(privacy: str = "detail", nearest_adult: float = 0.3) -> Privacy:
    return Privacy(Camera(source="0", privacy=privacy, privacy_reason="test", nearest_adult=nearest_adult))


def contrast(image: Image) -> float:
    return float(image.astype(float).std())


def stripes(period_px: float, *, upright: bool) -> Image:
    along = np.arange(WIDTH if upright else HEIGHT)
    wave = np.where((along / period_px) % 1 < 0.5, 255, 0).astype(np.uint8)
    plane = np.tile(wave, (HEIGHT, 1)) if upright else np.tile(wave[:, None], (1, WIDTH))
    return np.repeat(plane[:, :, None], 3, axis=2)


@given(
    nearest_adult=st.floats(0.1, 1.0),
    finest=st.floats(0.2, 0.95),
    upright=st.booleans(),
    motion=st.sampled_from([STILL, Motion(1.0), Motion(0.0, is_light_change=True)]),
)
def test_strokes_of_the_nearest_plate_lose_their_contrast_in_every_picture(
    nearest_adult: float, finest: float, upright: bool, motion: Motion
) -> None:
    # A stroke and its gap are 20 mm of an adult's 1.75 m.
    period_px = finest * nearest_adult * HEIGHT * 0.020 / 1.75
    image = stripes(max(period_px, 2.0), upright=upright)
    shown = policy(nearest_adult=nearest_adult).hide(image, motion, 0.0)
    if period_px >= 2.0:
        assert contrast(shown) < 0.35 * contrast(image)
    assert shown.shape == image.shape


@pytest.mark.parametrize("place", [(10, 60), (300, 340), (600, 350)])
def test_a_plate_cannot_be_read_where_it_has_always_stood(place: tuple[int, int]) -> None:
    def written(text: str) -> Image:
        image = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
        # Letters 75 mm high beside an adult of 0.3 of the picture: 4.6 px.
        cv2.putText(image, text, place, cv2.FONT_HERSHEY_PLAIN, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
        return image

    one, other = written("MH 8031"), written("NW 6081")
    hide = policy().hide
    before = np.abs(one.astype(int) - other).max()
    after = np.abs(hide(one, STILL, 0.0).astype(int) - hide(other, STILL, 0.0)).max()
    assert after < 0.6 * before


def test_a_car_keeps_its_shape() -> None:
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    image[150:200, 300:360] = 220
    shown = policy().hide(image, STILL, 0.0)
    assert np.abs(shown[155:195, 305:355].astype(int) - 220).max() <= 1
    assert np.abs(shown[:140].astype(int) - 90).max() <= 1


def test_who_comes_nearer_than_was_thought_is_hidden() -> None:
    image = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    near = Motion(0.2, (Region(0.4, 0.2, 0.15, 0.7),))
    body = (slice(100, 300), slice(265, 345))
    once, twice = policy().hide(image, STILL, 0.0), policy().hide(image, near, 0.0)
    assert contrast(twice[body]) < 0.5 * contrast(once[body])
    assert np.array_equal(twice[:, 400:], once[:, 400:])


def test_a_nearer_adult_makes_the_picture_coarser_and_motion_hides_more() -> None:
    image = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    moved = Motion(0.2, (Region(0.2, 0.2, 0.5, 0.5),))
    far, near = (contrast(policy(nearest_adult=share).hide(image, STILL, 0.0)) for share in (0.2, 0.8))
    assert near < far < contrast(image)
    inside = (slice(90, 240), slice(150, 430))
    hidden = policy("motion").hide(image, moved, 0.0)[inside]
    assert contrast(hidden) < 0.5 * contrast(policy().hide(image, moved, 0.0)[inside])


def test_a_raw_picture_is_left_as_it_is_and_said_to_be() -> None:
    image = stripes(3.0, upright=True)
    raw = policy("raw")
    assert np.array_equal(raw.hide(image, MotionGate().look(image, regions=True), 0.0), image)
    assert (raw.share, raw.notice) == (0.0, "pictures leave raw: test")
    assert policy().notice == policy("motion").notice == ""
