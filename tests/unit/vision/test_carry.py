"""Boxes are carried from picture to picture, and back to where new ones came from."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.vision.boxes import detections
from vision.carry import Carrier
from vision.detections import Detections
from vision.pipeline import Frame, Pipeline
from vision.tracker import Tracker

ROAD = np.random.default_rng(5).integers(80, 120, (360, 640, 3)).astype(np.uint8)
CAR = np.kron(np.random.default_rng(6).integers(0, 255, (10, 14, 3)), np.ones((5, 5, 1))).astype(np.uint8)
STEP_PX = 24
FPS = 5.0


def picture(x: int, y: int) -> Frame:
    """A car of 70 by 50 px on the road."""
    shown = ROAD.copy()
    low, right = min(y + 50, 360), min(x + 70, 640)
    shown[y:low, x:right] = CAR[: low - y, : right - x]
    return shown


def box(x: int, y: int) -> NDArray[np.float32]:
    return np.array([[x, y, x + 70, y + 50]], np.float32)


def test_a_box_goes_with_what_it_holds_and_one_on_the_bare_road_stays() -> None:
    carrier = Carrier()
    assert carrier.take(picture(100, 100), 0.0) == []
    (step,) = carrier.take(picture(100 + STEP_PX, 110), 0.2)
    both = np.concatenate([box(100, 100), box(400, 250)])
    moved, sure = step.carry(both, np.zeros((2, 2)))
    assert sure[0]
    np.testing.assert_allclose(moved[0], box(100 + STEP_PX, 110)[0], atol=3)
    np.testing.assert_allclose(moved[1], both[1], atol=3)


def test_pictures_of_another_size_begin_anew() -> None:
    carrier = Carrier()
    carrier.take(picture(100, 100), 0.0)
    assert carrier.take(picture(100, 100)[:180, :320], 0.2) == []


def test_a_new_box_is_led_back_to_where_it_was_before_it_was_found() -> None:
    carrier, tracker = Carrier(), Tracker(640, 360)
    places = [(100 + STEP_PX * number, 100) for number in range(5)]
    tracks = tracker.update(Detections.empty(), 0.0)
    for number, (x, y) in enumerate(places):
        shown = picture(x, y)
        steps = carrier.take(shown, number / FPS)
        found = detections(tuple(box(x, y)[0].tolist())) if number >= 3 else Detections.empty()
        tracks = tracker.update(found, number / FPS, shown, steps)
    assert len(tracks) == 1
    np.testing.assert_allclose(tracks.first_box[0], box(*places[0])[0], atol=6)
    assert tracks.first_s[0] == pytest.approx(0.0)
    assert tracks.velocity[0, 0] == pytest.approx(STEP_PX * FPS, rel=0.1)


class EveryThird:
    """A detector that knows where the car is; it counts how often it is asked."""

    def __init__(self) -> None:
        self.where = (0, 0)
        self.asked = 0

    def detect(self, _frame: Frame, *, min_confidence: float = 0.3) -> Detections:
        assert min_confidence < 0.3
        self.asked += 1
        x, y = self.where
        return detections(tuple(box(x, y)[0].tolist()))


def test_every_third_picture_is_looked_at_and_the_car_is_counted_where_nobody_looked() -> None:
    finder = EveryThird()
    pipeline = Pipeline(finder, (0, 0.5, 1, 0.5), windows=False, every=3)
    crossed = []
    for number in range(12):
        finder.where = (200, 40 + STEP_PX * number)
        seen = pipeline.process(picture(*finder.where), number / FPS)
        crossed += [(number, crossing.movement) for crossing in seen.crossings]
        if number >= 3:
            assert len(seen.tracks) == 1, "carried on"
            np.testing.assert_allclose(seen.tracks.found.boxes[0], box(*finder.where)[0], atol=6)
    assert finder.asked == 4
    # Its foot is at y = 180 after 3.75 pictures; the band around the line is left a picture later.
    assert [movement for _, movement in crossed] == ["line:toward"]
    assert crossed[0][0] in {4, 5}
