"""What moves and is large is hidden, whoever stops stays hidden for a while, and what is small is left."""

import numpy as np

from citybrain.gate import Motion, Region
from citybrain.sources import Image
from edge.allowance import Allowance
from edge.motionblur import HOLD_S, MotionBlur

BOX = Region(0.25, 0.25, 0.5, 0.5)
SMALL = Region(0.5, 0.5, 0.1, 0.1)


def picture() -> Image:
    return np.random.default_rng(1).integers(0, 256, (240, 320, 3), dtype=np.uint8)


def contrast(image: Image) -> float:
    return float(np.abs(np.diff(image[70:170, 90:230].astype(float), axis=1)).mean())


def test_what_moves_is_hidden_and_nothing_else() -> None:
    image, blur = picture(), MotionBlur()
    hidden = blur.hide(image, Motion(0.2, (BOX,)), 0.0)
    assert contrast(hidden) < 0.1 * contrast(image)
    assert np.array_equal(hidden[:40], image[:40])
    assert 0.25 < blur.share < 0.5


def test_what_is_too_small_to_know_anyone_is_left() -> None:
    image, blur = picture(), MotionBlur()
    assert np.array_equal(blur.hide(image, Motion(0.01, (SMALL,)), 0.0), image)
    assert blur.share == 0.0


def test_who_stops_stays_hidden_for_a_while() -> None:
    image, blur = picture(), MotionBlur()
    blur.hide(image, Motion(0.2, (BOX,)), 0.0)
    assert contrast(blur.hide(image, Motion(0.0), HOLD_S - 1)) < 0.1 * contrast(image)
    assert np.array_equal(blur.hide(image, Motion(0.0), HOLD_S + 1), image)


def test_while_nothing_is_known_all_is_hidden() -> None:
    image = picture()
    for motion in (Motion(1.0), Motion(0.0, is_light_change=True)):
        blur = MotionBlur()
        assert contrast(blur.hide(image, motion, 0.0)) < 0.2 * contrast(image)
        assert blur.share == 1.0


def test_a_file_that_begins_again_holds_nothing_for_ever() -> None:
    image, blur = picture(), MotionBlur()
    blur.hide(image, Motion(0.2, (BOX,)), 100.0)
    assert np.array_equal(blur.hide(image, Motion(0.0), 0.0), image)


def test_an_allowance_fills_at_its_rate_and_holds_a_few_seconds() -> None:
    assert Allowance(0, 0.0).left(1.0) is None
    allowance = Allowance(1000, 0.0)
    assert allowance.left(100.0) == 4000
    allowance.spend(3500)
    assert allowance.left(101.0) == 1500
    assert allowance.left(90.0) == 1500
