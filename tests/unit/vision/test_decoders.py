from typing import Any, Literal

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from citybrain.errors import ConfigError
from citybrain.messages import RoadUser
from vision.decoders import (
    FAMILIES,
    GREY,
    NO_ROAD_USER,
    Decoding,
    decode_deim,
    decode_nanodet,
    decode_ssd,
    decode_yolov8,
    decode_yolox,
    prepare,
    road_user_index,
    view_of,
)
from vision.detections import Detections
from vision.models.manifest import COCO_CLASSES, DecoderName, InputSpec

CLASSES = ("person", "dog", "car")


def decoding(
    family: DecoderName, width: int, height: int, frame: tuple[int, int] | None = None, least: float = 0.3
) -> Decoding:
    """A decoding on an input of `width` by `height` of a frame that is as large unless said."""
    spec = msgspec.structs.replace(FAMILIES[family].spec, width=width, height=height)
    return Decoding(spec, view_of(*(frame or (width, height)), spec), road_user_index(CLASSES), least)


def only(found: Detections) -> tuple[list[float], float, RoadUser]:
    assert len(found) == 1
    return found.boxes[0].tolist(), float(found.confidence[0]), found.road_users[0]


def test_ssd_boxes_are_shares_of_the_picture_row_first() -> None:
    boxes = np.array([[[0.1, 0.2, 0.5, 0.6], [0, 0, 1, 1]]], np.float32)
    scores = np.array([[[0.1, 0.9, 0.8], [0.1, 0.9, 0.2]]], np.float32)
    box, confidence, user = only(decode_ssd([boxes, scores], decoding("ssd", 300, 300, (1000, 500))))
    assert box == pytest.approx([200, 50, 600, 250])
    assert confidence == pytest.approx(0.8)
    assert user is RoadUser.CAR


def test_yolox_counts_in_strides_from_the_cell_and_multiplies_objectness() -> None:
    rows = np.zeros((1, 8 * 8 + 4 * 4 + 2 * 2, 8), np.float32)
    cell = 64 + 1 * 4 + 2  # stride 16, row 1, column 2
    rows[0, cell] = [0.5, 0.25, np.log(2), np.log(1), 0.8, 0.1, 0.9, 0.5]
    box, confidence, user = only(decode_yolox([rows], decoding("yolox", 64, 64)))
    assert box == pytest.approx([2.5 * 16 - 16, 1.25 * 16 - 8, 2.5 * 16 + 16, 1.25 * 16 + 8])
    assert confidence == pytest.approx(0.4)
    assert user is RoadUser.CAR


def test_yolox_in_the_corner_of_its_input_is_scaled_back_by_one_factor() -> None:
    rows = np.zeros((1, 84, 8), np.float32)
    rows[0, 0] = [1, 1, 0, 0, 1, 1, 0, 0]
    box, _, user = only(decode_yolox([rows], decoding("yolox", 64, 64, (640, 320))))
    assert box == pytest.approx([40, 40, 120, 120])
    assert user is RoadUser.PERSON


def test_yolov8_is_channels_first_and_letterboxed_in_the_centre() -> None:
    rows = np.zeros((1, 7, 3), np.float32)
    rows[0, :, 1] = [32, 32, 16, 8, 0.2, 0.9, 0.7]
    box, confidence, user = only(decode_yolov8([rows], decoding("yolov8", 64, 64, (128, 64))))
    assert box == pytest.approx([48, 24, 80, 40])
    assert confidence == pytest.approx(0.7)
    assert user is RoadUser.CAR


def test_nanodet_reaches_the_expectation_of_its_distributions_from_the_cells_corner() -> None:
    rows = np.zeros((1, 64 + 16 + 4 + 1, 3 + 32), np.float32)
    cell = 64 + 2 * 4 + 1  # stride 16, row 2, column 1
    rows[0, cell, :3] = [0.1, 0.2, 0.9]
    peaks = (1, 2, 3, 0)
    for side, bin_ in enumerate(peaks):
        rows[0, cell, 3 + side * 8 + bin_] = 100
    box, confidence, user = only(decode_nanodet([rows], decoding("nanodet", 64, 64)))
    assert box == pytest.approx([16 - 16, 32 - 32, 16 + 48, 32 + 0])
    assert confidence == pytest.approx(0.9)
    assert user is RoadUser.CAR


def test_nanodet_halfway_between_two_distances_is_their_middle() -> None:
    rows = np.zeros((1, 85, 35), np.float32)
    rows[0, 9, 2] = 0.5
    for side in range(4):
        rows[0, 9, 3 + side * 8 + np.array([0, 1])] = 100
    box, _, _ = only(decode_nanodet([rows], decoding("nanodet", 64, 64)))
    assert box == pytest.approx([8 - 4, 8 - 4, 8 + 4, 8 + 4])


def test_deim_gives_labels_boxes_and_scores_of_its_own() -> None:
    labels = np.array([[2, 1, 0, 99]], np.int64)
    boxes = np.array([[[10, 10, 20, 30], [0, 0, 5, 5], [0, 0, 5, 5], [0, 0, 5, 5]]], np.float32)
    scores = np.array([[0.9, 0.9, 0.2, 0.9]], np.float32)
    box, confidence, user = only(decode_deim([labels, boxes, scores], decoding("deim", 64, 64, (128, 64))))
    assert box == pytest.approx([20, 10, 40, 30])
    assert confidence == pytest.approx(0.9)
    assert user is RoadUser.CAR


@pytest.mark.parametrize("family", list(FAMILIES))
def test_outputs_of_another_family_are_refused_in_one_sentence(family: DecoderName) -> None:
    with pytest.raises(ConfigError, match=r"decoder|classes"):
        FAMILIES[family].decode([np.zeros((1, 11, 13), np.float32)], decoding(family, 64, 64))


def test_scores_of_more_classes_than_are_named_are_refused() -> None:
    outputs = [np.zeros((1, 2, 4), np.float32), np.zeros((1, 2, 80), np.float32)]
    with pytest.raises(ConfigError, match="80 classes, 3 are named"):
        decode_ssd(outputs, decoding("ssd", 300, 300))


def test_a_score_that_is_no_number_is_no_detection() -> None:
    outputs = [np.zeros((1, 1, 4), np.float32), np.full((1, 1, 3), np.nan, np.float32)]
    assert len(decode_ssd(outputs, decoding("ssd", 300, 300))) == 0


def test_classes_are_known_by_name_and_the_rest_is_nobody() -> None:
    index = road_user_index(["Person", "motorbike", "traffic light", "truck "])
    assert index.tolist() == [0, 2, NO_ROAD_USER, 5]
    assert (road_user_index(COCO_CLASSES) != NO_ROAD_USER).sum() == 6
    assert len(COCO_CLASSES) == 80


Resize = Literal["plain", "corner", "centre"]


@given(
    st.integers(16, 4000), st.integers(16, 4000), st.sampled_from(["plain", "corner", "centre"]), st.data()
)
def test_what_is_put_into_the_input_comes_back(
    width: int, height: int, how: Resize, data: st.DataObject
) -> None:
    spec = InputSpec("x", 416, 320, how, "bgr", "nchw", "float32")
    view = view_of(width, height, spec)
    x, y = data.draw(st.integers(0, width)), data.draw(st.integers(0, height))
    placed = np.array([[x * view.scale_x + view.offset_x, y * view.scale_y + view.offset_y] * 2], np.float32)
    assert (placed[0, :2] >= -1e-3).all()
    assert (placed[0, :2] <= np.array([417, 321])).all()
    assert view.to_frame(placed)[0].tolist() == pytest.approx([x, y, x, y], abs=0.05, rel=1e-4)


def blue_frame(width: int, height: int) -> NDArray[np.uint8]:
    frame = np.zeros((height, width, 3), np.uint8)
    frame[:, :, 0] = 200
    return frame


@pytest.mark.parametrize(
    ("family", "shape", "dtype"),
    [
        ("ssd", (1, 300, 300, 3), np.uint8),
        ("yolox", (1, 3, 416, 416), np.float32),
        ("yolov8", (1, 3, 640, 640), np.float32),
        ("nanodet", (1, 3, 416, 416), np.float32),
        ("deim", (1, 3, 416, 416), np.float32),
    ],
)
def test_every_family_gets_the_input_that_its_authors_publish(
    family: DecoderName, shape: tuple[int, ...], dtype: type[Any]
) -> None:
    picture, _ = prepare(blue_frame(640, 360), FAMILIES[family].spec)
    assert picture.shape == shape
    assert picture.dtype == dtype


def test_blue_is_last_in_rgb_and_first_in_bgr() -> None:
    rgb, _ = prepare(blue_frame(64, 64), FAMILIES["ssd"].spec)
    assert rgb[0, 5, 5].tolist() == [0, 0, 200]
    bgr, _ = prepare(blue_frame(64, 64), FAMILIES["yolox"].spec)
    assert bgr[0, :, 5, 5].tolist() == [200, 0, 0]


def test_levels_are_shifted_and_scaled_as_published() -> None:
    share, _ = prepare(blue_frame(64, 64), FAMILIES["deim"].spec)
    assert share[0, :, 5, 5].tolist() == pytest.approx([0, 0, 200 / 255])
    normal, _ = prepare(blue_frame(64, 64), FAMILIES["nanodet"].spec)
    assert normal[0, 0, 5, 5] == pytest.approx((200 - 103.53) / 57.375)


def test_bars_beside_a_letterboxed_picture_are_grey() -> None:
    corner, _ = prepare(blue_frame(640, 320), FAMILIES["yolox"].spec)
    assert corner[0, :, 0, 0].tolist() == [200, 0, 0]
    assert corner[0, :, 300, 0].tolist() == [GREY] * 3
    centre, _ = prepare(blue_frame(640, 320), FAMILIES["yolov8"].spec)
    assert centre[0, :, 100, 0].tolist() == pytest.approx([GREY / 255] * 3)
    assert centre[0, :, 320, 0].tolist() == pytest.approx([0, 0, 200 / 255])
