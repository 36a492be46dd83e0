import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.messages import RoadUser
from vision.detections import MAX_CANDIDATES, ROAD_USERS, VEHICLES, Detections, iou, suppress, tidy


def found(*rows: tuple[float, float, float, float, float, RoadUser]) -> Detections:
    return Detections.untracked(
        np.array([row[:4] for row in rows], np.float32).reshape(-1, 4),
        np.array([row[4] for row in rows], np.float32),
        np.array([ROAD_USERS.index(row[5]) for row in rows], np.uint8),
    )


@st.composite
def any_detections(draw: st.DrawFn) -> Detections:
    pixel = st.integers(0, 600)
    row = st.tuples(pixel, pixel, pixel, pixel, st.floats(0, 1, width=32), st.sampled_from(ROAD_USERS))
    return found(*draw(st.lists(row, max_size=25)))


def test_no_detections_have_the_shapes_of_some() -> None:
    empty = Detections.empty()
    assert (len(empty), empty.boxes.shape, empty.road_users) == (0, (0, 4), [])
    assert len(tidy(empty, 640, 360)) == 0


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="boxes must be"):
        Detections.untracked(np.zeros((2, 4), np.float32), np.zeros(1, np.float32), np.zeros(2, np.uint8))


def test_a_mask_and_indices_select_whole_rows() -> None:
    both = found((0, 0, 9, 9, 0.5, RoadUser.CAR), (20, 20, 29, 29, 0.9, RoadUser.BUS))
    assert both.select(np.array([False, True])).road_users == [RoadUser.BUS]
    assert both.select(np.array([1, 0])).confidence.tolist() == pytest.approx([0.9, 0.5])


def test_tracks_are_numbered_rows_and_none_at_first() -> None:
    one = found((0, 0, 9, 9, 0.5, RoadUser.CAR))
    assert one.track.tolist() == [0]
    assert one.with_tracks(np.array([7], np.int32)).track.tolist() == [7]


@pytest.mark.parametrize("weaker", VEHICLES)
def test_a_van_seen_as_two_vehicles_is_one(weaker: RoadUser) -> None:
    seen = found((0, 0, 100, 100, 0.6, weaker), (2, 2, 100, 100, 0.8, RoadUser.CAR))
    assert suppress(seen, 0.5).road_users == [RoadUser.CAR]


@pytest.mark.parametrize("other", [RoadUser.PERSON, RoadUser.BICYCLE])
def test_a_rider_and_what_is_ridden_stand_beside_each_other(other: RoadUser) -> None:
    seen = found((0, 0, 50, 80, 0.9, RoadUser.MOTORCYCLE), (0, 0, 50, 80, 0.8, other))
    assert suppress(seen, 0.5).road_users == [RoadUser.MOTORCYCLE, other]


def test_a_person_suppresses_a_person() -> None:
    seen = found((0, 0, 50, 80, 0.7, RoadUser.PERSON), (1, 1, 50, 80, 0.9, RoadUser.PERSON))
    assert suppress(seen, 0.5).confidence.tolist() == pytest.approx([0.9])


def test_a_box_over_half_the_frame_is_no_road_user() -> None:
    seen = found((0, 0, 640, 200, 0.9, RoadUser.BUS), (0, 0, 640, 170, 0.8, RoadUser.TRUCK))
    assert tidy(seen, 640, 360).road_users == [RoadUser.TRUCK]


def test_boxes_are_cut_to_the_frame_before_they_are_judged() -> None:
    seen = found((-50, -50, 100, 100, 0.9, RoadUser.CAR), (700, 10, 800, 90, 0.9, RoadUser.CAR))
    assert tidy(seen, 640, 360).boxes.tolist() == [[0, 0, 100, 100]]


def test_only_the_most_confident_candidates_are_compared() -> None:
    step = np.arange(MAX_CANDIDATES + 50, dtype=np.float32)
    boxes = np.stack([step * 3, step * 0, step * 3 + 2, step * 0 + 2], axis=1)
    many = Detections.untracked(boxes, (step / len(step)).astype(np.float32), np.zeros(len(step), np.uint8))
    kept = tidy(many, 4000, 400)
    assert len(kept) == MAX_CANDIDATES
    assert kept.confidence.min() > 49 / len(step)


@given(any_detections(), st.sampled_from([0.3, 0.5, 0.7]))
def test_no_two_of_a_group_overlap_and_the_order_is_by_confidence(seen: Detections, limit: float) -> None:
    kept = tidy(seen, 600, 600, max_iou=limit)
    groups = ["vehicle" if user in VEHICLES else user for user in kept.road_users]
    overlap = iou(kept.boxes, kept.boxes)
    for i in range(len(kept)):
        for j in range(i):
            assert groups[i] != groups[j] or overlap[i, j] <= limit
    assert (np.diff(kept.confidence) <= 0).all()
    again = tidy(kept, 600, 600, max_iou=limit)
    assert again.boxes.tolist() == kept.boxes.tolist()


@given(any_detections())
def test_overlap_is_a_share_and_the_same_both_ways(seen: Detections) -> None:
    overlap = iou(seen.boxes, seen.boxes)
    assert ((overlap >= 0) & (overlap <= 1 + 1e-5)).all()
    assert np.allclose(overlap, overlap.T)


def test_overlap_of_known_boxes() -> None:
    a, b = np.array([[0, 0, 2, 2]], np.float32), np.array([[1, 0, 3, 2], [5, 5, 6, 6]], np.float32)
    assert iou(a, b)[0].tolist() == pytest.approx([1 / 3, 0])
