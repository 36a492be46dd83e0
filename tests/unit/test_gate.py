"""The motion gate: traffic moves, light does not."""

import numpy as np
import pytest

from citybrain.gate import MotionGate, Picture

RANDOM = np.random.default_rng(7)
SCENE = RANDOM.integers(60, 160, (360, 640, 3), dtype=np.uint8)


def noisy(picture: Picture, sigma: float = 3.0) -> Picture:
    return np.clip(picture + RANDOM.normal(0, sigma, picture.shape), 0, 255).astype(np.uint8)


def with_car(x: int) -> Picture:
    picture = SCENE.copy()
    picture[200:240, x : x + 80] = 250
    return picture


def test_the_first_picture_counts_as_wholly_moved() -> None:
    assert MotionGate().look(SCENE).share == 1.0


def test_noise_is_no_motion() -> None:
    gate = MotionGate()
    shares = [gate.look(noisy(SCENE)).share for _ in range(20)]
    assert max(shares[1:]) == 0.0


def test_a_car_is_motion_and_its_region_is_where_it_is() -> None:
    gate = MotionGate()
    for _ in range(5):
        gate.look(noisy(SCENE))
    motion = gate.look(noisy(with_car(300)), regions=True)
    assert motion.share == pytest.approx(80 * 40 / (640 * 360), rel=0.3)
    assert len(motion.regions) == 1
    region = motion.regions[0]
    assert region.x == pytest.approx(300 / 640, abs=0.03)
    assert region.y == pytest.approx(200 / 360, abs=0.03)
    assert region.width == pytest.approx(80 / 640, abs=0.04)


def test_a_sudden_change_of_light_is_no_motion_and_is_learned_at_once() -> None:
    gate = MotionGate()
    for _ in range(5):
        gate.look(noisy(SCENE))
    bright = np.clip(SCENE.astype(int) + 80, 0, 255).astype(np.uint8)
    change = gate.look(noisy(bright))
    assert (change.share, change.is_light_change) == (0.0, True)
    assert gate.look(noisy(bright)).share == 0.0


def test_what_has_stopped_becomes_background() -> None:
    gate = MotionGate()
    gate.look(SCENE)
    shares = [gate.look(with_car(100)).share for _ in range(80)]
    assert shares[0] > 0.0
    assert shares[-1] == 0.0


def test_a_change_of_size_begins_anew() -> None:
    gate = MotionGate()
    gate.look(SCENE)
    assert gate.look(SCENE[:, :300]).share == 1.0


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 500, 3), (500, 2, 3), (40, 60)])
def test_any_shape_is_judged(shape: tuple[int, ...]) -> None:
    gate = MotionGate()
    picture = np.zeros(shape, dtype=np.uint8)
    gate.look(picture)
    assert gate.look(picture).share == 0.0
