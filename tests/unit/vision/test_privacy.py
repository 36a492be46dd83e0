"""Faces and plates lose their detail, the rest stays."""

import numpy as np
import pytest

from citybrain.messages import RoadUser
from tests.unit.vision.boxes import detections
from vision.privacy import blur

NOISE = np.random.default_rng(1).integers(0, 255, (360, 640, 3)).astype(np.uint8)
PERSON = (100.0, 100.0, 160.0, 280.0)
CAR = (300.0, 150.0, 420.0, 240.0)


def detail(picture: np.ndarray) -> float:
    """Mean difference of neighbouring pixels; about 85 in noise."""
    return float(np.abs(np.diff(picture.astype(float), axis=1)).mean())


def test_the_head_of_a_person_loses_its_detail() -> None:
    blurred = blur(NOISE, detections(PERSON, user=RoadUser.PERSON))
    assert detail(blurred[100:145, 100:160]) < 0.1 * detail(NOISE[100:145, 100:160])
    assert np.array_equal(blurred[170:280, 100:160], NOISE[170:280, 100:160])


@pytest.mark.parametrize("user", [RoadUser.CAR, RoadUser.BUS, RoadUser.TRUCK, RoadUser.MOTORCYCLE])
def test_the_plate_region_of_a_vehicle_loses_its_detail(user: RoadUser) -> None:
    blurred = blur(NOISE, detections(CAR, user=user))
    assert detail(blurred[205:240, 300:420]) < 0.15 * detail(NOISE[205:240, 300:420])


def test_a_rider_loses_his_face_too() -> None:
    blurred = blur(NOISE, detections(PERSON, user=RoadUser.BICYCLE))
    assert detail(blurred[100:145, 100:160]) < 0.1 * detail(NOISE[100:145, 100:160])


def test_what_is_too_unsure_to_be_counted_is_hidden_all_the_same() -> None:
    blurred = blur(NOISE, detections(CAR, confidence=0.25))
    assert detail(blurred[205:240, 300:420]) < 0.15 * detail(NOISE[205:240, 300:420])


def test_the_given_picture_stays_as_it_is() -> None:
    before = NOISE.copy()
    blur(NOISE, detections(CAR))
    assert np.array_equal(before, NOISE)


def test_boxes_beyond_the_edge_do_no_harm() -> None:
    blurred = blur(NOISE, detections((-50, -50, 20, 30), (620, 340, 700, 420), (639, 359, 640, 360)))
    assert blurred.shape == NOISE.shape
