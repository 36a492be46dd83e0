import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from citybrain.errors import ConfigError
from tests.unit.vision.onnx_files import one_car
from vision.models_cli import models


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CITYBRAIN_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def added(tmp_path: Path) -> str:
    model, classes = tmp_path / "car.onnx", tmp_path / "classes.txt"
    model.write_bytes(one_car())
    classes.write_text("person\ndog\ncar\n")
    result = call("add", str(model), "--decoder", "ssd", "--classes", str(classes), "--licence", "MIT")
    assert "car is installed" in result.stdout
    return "car"


def call(*arguments: str) -> Result:
    result = CliRunner().invoke(models, arguments)
    assert result.exit_code == 0, result.output
    return result


def fault(*arguments: str) -> str:
    error = CliRunner().invoke(models, arguments).exception
    assert isinstance(error, ConfigError)
    return str(error)


def test_an_empty_list_says_what_to_do() -> None:
    assert "citybrain models install" in call("list").stdout
    assert json.loads(call("list", "--json").stdout) == []


def test_the_list_shows_what_was_added(added: str) -> None:
    assert all(word in call("list").stdout for word in (added, "ssd", "32x32", "MIT"))
    (entry,) = json.loads(call("list", "--json").stdout)
    assert (entry["name"], entry["classes"]) == ("car", ["person", "dog", "car"])


def test_a_removed_model_is_no_longer_listed(added: str) -> None:
    assert "car is removed" in call("remove", added).stdout
    assert json.loads(call("list", "--json").stdout) == []


def test_a_trial_counts_what_it_finds_in_a_folder(added: str, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.png"), np.zeros((40, 60, 3), np.uint8))
    (folder / "broken.jpg").write_text("no picture")
    result = json.loads(call("test", added, "--pictures", str(folder), "--json").stdout)
    assert (result["pictures"], result["detections"], result["by_road_user"]) == (3, 3, {"car": 3})
    assert result["unreadable"] == 1
    assert 0 < result["p50_ms"] <= result["p99_ms"]
    assert "car" in call("test", added, "--pictures", str(folder)).stdout


@pytest.mark.parametrize("form", ["yolo", "coco"])
def test_a_trial_on_labelled_pictures_tells_how_precise_it_is(added: str, tmp_path: Path, form: str) -> None:
    """The detector sees one car in each picture; three hold it, the fourth holds one elsewhere."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    # x, y, width, height of 60 x 40 pixels.
    cars = [(15.0, 10.0, 30.0, 10.0)] * 3 + [(0.0, 30.0, 10.0, 10.0)]
    for number, (x, y, width, height) in enumerate(cars):
        cv2.imwrite(str(folder / f"{number}.png"), np.zeros((40, 60, 3), np.uint8))
        if form == "yolo":
            place = ((x + width / 2) / 60, (y + height / 2) / 40, width / 60, height / 40)
            (folder / f"{number}.txt").write_text(f"2 {' '.join(map(str, place))}\n")
    if form == "coco":
        boxes = [{"image_id": n, "category_id": 7, "bbox": box} for n, box in enumerate(cars)]
        images = [{"id": n, "file_name": f"{n}.png"} for n in range(len(cars))]
        kinds = [{"id": 7, "name": "car"}]
        known = {"images": images, "annotations": boxes, "categories": kinds}
        (folder / "labels.json").write_text(json.dumps(known))
    found = json.loads(call("test", added, "--pictures", str(folder), "--json").stdout)["precision"]
    # Three of four are found before the first false one: 76 of the 101 points of recall.
    assert found["ap50"] == pytest.approx(76 / 101, abs=1e-3)
    assert found["labelled"] == 4
    assert set(found["by_road_user"]) == {"car"}
    assert "AP at 0.5" in call("test", added, "--pictures", str(folder)).stdout


def test_a_wrong_label_is_named_with_its_line(added: str, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "one.png"), np.zeros((40, 60, 3), np.uint8))
    (tmp_path / "one.txt").write_text("2 0.5 0.5 0.1 0.1\n2 0.5 wide 0.1 0.1\n")
    assert "one.txt, line 2" in fault("test", added, "--pictures", str(tmp_path))


def test_a_trial_without_pictures_draws_its_own(added: str) -> None:
    assert json.loads(call("test", added, "--json").stdout)["pictures"] == 40


def test_a_trial_on_no_pictures_says_so(added: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    assert "is not a folder" in fault("test", added, "--pictures", str(empty))
    empty.mkdir()
    assert "holds no picture" in fault("test", added, "--pictures", str(empty))
    (empty / "broken.jpg").write_text("no picture")
    assert "none of the pictures can be read" in fault("test", added, "--pictures", str(empty))


def test_only_the_default_is_installed_by_name() -> None:
    assert "cannot be installed by name" in fault("install", "yolo")


@pytest.mark.parametrize("command", sorted(models.commands))
def test_every_command_helps_with_an_example(command: str) -> None:
    assert "Example:" in call(command, "--help").stdout
