"""The default detector for real: npm, conversion, quantisation, and what it sees."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from citybrain.messages import RoadUser
from vision.detections import iou
from vision.detector import Detector, load_detector
from vision.models.convert import convert_ssdlite
from vision.models.install import (
    FOLDER,
    INTEGRITY,
    PACKAGE,
    VERSION,
    Step,
    agreement,
    install_default,
)
from vision.models.package import fetch_package
from vision.models.pictures import draw_pictures
from vision.models.registry import verified
from vision.models.tfjs import read_graph

FOOTAGE = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "footage" / "opendatacam"
needs_footage = pytest.mark.skipif(not FOOTAGE.is_dir(), reason="no shared footage on this machine")


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Step]]:
    """Installs into a folder of its own; what was reported on the way."""
    told: list[Step] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CITYBRAIN_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        install_default(told.append)
        yield told


@pytest.fixture
def detector(steps: list[Step]) -> Detector:
    assert steps
    return load_detector()


def test_every_long_step_reports_how_far_it_is(steps: list[Step]) -> None:
    assert list(dict.fromkeys(step.name for step in steps)) == [
        "fetch", "convert", "draw", "quantise", "check", "store",
    ]  # fmt: skip
    assert [step.done for step in steps if step.name == "quantise"] == list(range(65))


def test_the_int8_model_takes_bytes_and_agrees_with_its_float_original(
    steps: list[Step], tmp_path: Path
) -> None:
    manifest, content = verified("ssdlite-mobilenet-v2")
    small = onnx.load_from_string(content)
    image = small.graph.input[0]
    assert image.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [axis.dim_value for axis in image.type.tensor_type.shape.dim][1:] == [300, 300, 3]
    fetch_package(PACKAGE, VERSION, INTEGRITY, FOLDER, tmp_path)
    exact = convert_ssdlite(read_graph(tmp_path / "model.json"))
    assert agreement(exact, small, draw_pictures(4, 300, seed=11)) > 0.8
    assert manifest.licence == "Apache-2.0"
    assert steps


def test_a_grey_picture_holds_nobody(detector: Detector) -> None:
    assert len(detector.detect(np.full((360, 640, 3), 128, np.uint8))) == 0


@needs_footage
def test_cars_on_a_real_street_are_found_where_they_are(detector: Detector) -> None:
    frame = cv2.imread(str(FOOTAGE / "301.jpg"))
    assert frame is not None
    found = detector.detect(frame.astype(np.uint8))
    assert found.road_users.count(RoadUser.CAR) >= 8
    # Read off the picture: the white car lower left and the dark one in the middle.
    truth = np.array([[135, 249, 222, 336], [342, 240, 457, 324]], np.float32)
    assert (iou(truth, found.boxes).max(axis=1) > 0.7).all()
    assert found.boxes[:, [0, 2]].max() <= 640
