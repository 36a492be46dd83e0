from pathlib import Path

import msgspec
import numpy as np
import pytest

from citybrain.errors import ConfigError
from citybrain.messages import RoadUser
from tests.unit.vision.onnx_files import fixed_ssd, one_car
from vision.detector import load_detector
from vision.models import registry
from vision.models.add import add_model, read_classes
from vision.models.manifest import Manifest

CLASSES = ("person", "dog", "car")


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CITYBRAIN_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def car_file(tmp_path: Path) -> Path:
    path = tmp_path / "one car.onnx"
    path.write_bytes(one_car())
    return path


def test_an_added_model_is_listed_and_detects(car_file: Path) -> None:
    added = add_model(car_file, "ssd", licence="MIT", classes=CLASSES)
    assert [entry.name for entry in registry.installed()] == ["one-car"] == [added.name]
    assert (added.input.name, added.input.width, added.licence) == ("image", 32, "MIT")
    found = load_detector("one-car").detect(np.zeros((100, 200, 3), np.uint8))
    assert found.boxes.tolist() == [[50, 25, 150, 50]]
    assert found.road_users == [RoadUser.CAR]


def test_a_detector_leaves_out_what_it_is_unsure_of(car_file: Path) -> None:
    add_model(car_file, "ssd", classes=CLASSES)
    frame = np.zeros((100, 200, 3), np.uint8)
    assert len(load_detector("one-car").detect(frame, min_confidence=0.95)) == 0


def test_a_model_is_listed_only_when_it_is_complete(car_file: Path, data: Path) -> None:
    add_model(car_file, "ssd", classes=CLASSES)
    assert sorted(path.name for path in (data / "models").iterdir()) == ["one-car.json", "one-car.onnx"]


def test_a_corrupt_model_is_named_with_what_to_do(car_file: Path, data: Path) -> None:
    add_model(car_file, "ssd", classes=CLASSES)
    (data / "models" / "one-car.onnx").write_bytes(b"half")
    with pytest.raises(ConfigError, match=r"one-car\.onnx is corrupt.*citybrain models remove one-car"):
        load_detector("one-car")


def test_a_missing_file_of_a_listed_model_is_named(car_file: Path, data: Path) -> None:
    add_model(car_file, "ssd", classes=CLASSES)
    (data / "models" / "one-car.onnx").unlink()
    with pytest.raises(ConfigError, match="No such file"):
        load_detector("one-car")


def test_an_unreadable_manifest_is_named(car_file: Path, data: Path) -> None:
    add_model(car_file, "ssd", classes=CLASSES)
    (data / "models" / "one-car.json").write_text("{")
    with pytest.raises(ConfigError, match=r"one-car\.json is unreadable"):
        load_detector("one-car")


def test_an_unknown_model_says_what_there_is(car_file: Path) -> None:
    with pytest.raises(ConfigError, match=r"'x' is not installed \(none is installed\)"):
        load_detector("x")
    add_model(car_file, "ssd", classes=CLASSES)
    with pytest.raises(ConfigError, match="installed are one-car"):
        load_detector("x")


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden"])
def test_a_name_cannot_leave_the_folder(name: str) -> None:
    with pytest.raises(ConfigError, match="is not a model's name"):
        registry.remove(name)


def test_a_removed_model_is_gone(car_file: Path, data: Path) -> None:
    add_model(car_file, "ssd", classes=CLASSES)
    registry.remove("one-car")
    assert list((data / "models").iterdir()) == []
    with pytest.raises(ConfigError, match="not installed"):
        registry.remove("one-car")


def test_a_taken_name_is_refused(car_file: Path) -> None:
    add_model(car_file, "ssd", classes=CLASSES)
    with pytest.raises(ConfigError, match="is installed already"):
        add_model(car_file, "ssd", classes=CLASSES)
    assert add_model(car_file, "ssd", name="second", classes=CLASSES).name == "second"


def test_a_name_that_is_none_is_refused(car_file: Path) -> None:
    with pytest.raises(ConfigError, match=r"\$\.name"):
        add_model(car_file, "ssd", name="a b", classes=CLASSES)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "readme.onnx"
    text.write_text("not a model")
    with pytest.raises(ConfigError, match="is not a model that ONNX Runtime can run"):
        add_model(text, "ssd")
    with pytest.raises(ConfigError, match="No such file"):
        add_model(tmp_path / "none.onnx", "ssd")


def test_a_model_of_another_family_is_refused_and_not_kept(car_file: Path) -> None:
    with pytest.raises(ConfigError, match="decoder yolox takes one"):
        add_model(car_file, "yolox", classes=CLASSES)
    with pytest.raises(ConfigError, match="3 classes, 80 are named"):
        add_model(car_file, "ssd")
    assert registry.installed() == []


def test_a_float_input_is_not_taken_for_bytes(tmp_path: Path) -> None:
    path = tmp_path / "float.onnx"
    path.write_bytes(fixed_ssd(np.zeros((1, 4), np.float32), np.zeros((1, 3), np.float32), kind=1))
    with pytest.raises(ConfigError, match="takes one picture of 3 colours as uint8 in NHWC"):
        add_model(path, "ssd", classes=CLASSES)


def test_classes_without_a_road_user_are_refused(car_file: Path) -> None:
    with pytest.raises(ConfigError, match="none of the classes"):
        add_model(car_file, "ssd", classes=("cat", "dog", "bird"))


def test_classes_are_read_from_a_file_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "classes.txt"
    path.write_text("person\n\n car \n")
    assert read_classes(path) == ["person", "car"]
    path.write_text("\n")
    with pytest.raises(ConfigError, match="names no class"):
        read_classes(path)
    with pytest.raises(ConfigError, match="not a readable text file"):
        read_classes(tmp_path / "none")


def test_content_that_is_not_what_the_manifest_says_is_not_stored(car_file: Path, data: Path) -> None:
    known = add_model(car_file, "ssd", classes=CLASSES)
    other: Manifest = msgspec.structs.replace(known, name="other", file="other.onnx")
    with pytest.raises(ConfigError, match="does not match its sha256"):
        registry.store(other, b"something else")
    assert not (data / "models" / "other.onnx").exists()
