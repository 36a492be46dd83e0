"""Who is who from frame to frame."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from citybrain.messages import RoadUser
from tests.unit.vision.boxes import Box, detections, joined
from vision.tracker import Tracker, without_crowds

FPS = 25.0
BOXES = st.tuples(st.floats(0, 600), st.floats(0, 600), st.floats(1, 200), st.floats(1, 200))


def car(x: float, y: float = 100, size: float = 40) -> Box:
    return x, y, x + size, y + 0.8 * size


def tracker() -> Tracker:
    return Tracker(640, 360)


def test_two_that_pass_each_other_keep_their_numbers() -> None:
    eyes, numbers = tracker(), []
    for k in range(60):
        tracks = eyes.update(detections(car(50 + 6 * k, 90), car(450 - 6 * k, 140)), k / FPS)
        if len(tracks) == 2:
            order = np.argsort(tracks.found.boxes[:, 1])
            numbers.append(tuple(tracks.found.track[order].tolist()))
    assert set(numbers) == {(1, 2)}


def test_the_class_is_voted_over_the_tracks_life() -> None:
    eyes = tracker()
    for k in range(12):
        user, sure = (RoadUser.TRUCK, 0.4) if k % 3 == 0 else (RoadUser.BUS, 0.8)
        tracks = eyes.update(detections(car(50 + 5 * k), user=user, confidence=sure), k / FPS)
    assert tracks.found.road_users == [RoadUser.BUS]


def test_a_weak_detection_keeps_a_track_alive_and_begins_none() -> None:
    eyes = tracker()
    for k in range(5):
        eyes.update(detections(car(50 + 5 * k)), k / FPS)
    for k in range(5, 20):
        weak = joined(detections(car(50 + 5 * k), confidence=0.2), detections(car(400, 250), confidence=0.2))
        tracks = eyes.update(weak, k / FPS)
        assert tracks.found.track.tolist() == [1]
    assert eyes.last_track == 1


def test_a_vehicle_hidden_for_half_a_second_keeps_its_number() -> None:
    eyes = tracker()
    for k in range(40):
        tracks = eyes.update(detections(*[] if 15 < k < 28 else [car(50 + 6 * k)]), k / FPS)
    assert tracks.found.track.tolist() == [1]


def test_a_standing_vehicle_hidden_for_seconds_keeps_its_number() -> None:
    eyes = tracker()
    for k in range(200):
        tracks = eyes.update(detections(*[] if 30 < k < 180 else [car(300)]), k / FPS)
    assert tracks.found.track.tolist() == [1]


def test_who_left_the_picture_does_not_give_its_number_to_the_next() -> None:
    eyes = tracker()
    for k in range(30):
        y = 250 + 8 * k
        eyes.update(detections(*[(300, y, 360, min(y + 50, 360))] if y < 352 else []), k / FPS)
    for k in range(30, 40):
        tracks = eyes.update(detections((300, 300, 360, 350)), k / FPS)
    assert tracks.found.track.tolist() == [2]


def test_a_gap_between_frames_does_not_move_who_stands_still() -> None:
    # The motion gate sends nothing while nothing moves.
    eyes = tracker()
    for k in range(10):
        eyes.update(detections(car(300)), k / 5)
    tracks = eyes.update(detections(car(301)), 500.0)
    assert tracks.found.track.tolist() == [1]


def test_between_looks_a_track_is_where_it_is_expected() -> None:
    eyes = tracker()
    for k in range(20):
        eyes.update(detections(car(50 + 10 * k)), k / 10)
    expected = eyes.predict(20 / 10)
    assert not expected.seen.any()
    assert abs(float(expected.found.boxes[0, 0]) - 250) < 4


def test_a_box_around_a_queue_is_no_vehicle() -> None:
    queue = [car(50 + 60 * k) for k in range(5)]
    found = without_crowds(detections((40, 80, 400, 150), *queue))
    assert len(found) == 5


def test_a_truck_is_not_taken_for_a_crowd_of_one() -> None:
    assert len(without_crowds(detections((40, 80, 400, 250), car(100, 120)))) == 2


def test_a_second_box_on_one_vehicle_begins_no_second_track() -> None:
    eyes = tracker()
    for k in range(10):
        eyes.update(detections(car(50 + 5 * k), car(54 + 5 * k, 102, 32)), k / FPS)
    assert eyes.last_track == 1


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(BOXES, max_size=8), max_size=12))
def test_whatever_comes_numbers_are_unique_in_a_frame_and_boxes_are_finite(
    frames: list[list[tuple[float, float, float, float]]],
) -> None:
    eyes = tracker()
    for k, boxes in enumerate(frames):
        tracks = eyes.update(detections(*[(x, y, x + w, y + h) for x, y, w, h in boxes]), k / FPS)
        numbers = tracks.found.track.tolist()
        assert len(set(numbers)) == len(numbers)
        assert np.isfinite(tracks.found.boxes).all()
        assert np.isfinite(tracks.velocity).all()
        assert all(1 <= number <= eyes.last_track for number in numbers)
