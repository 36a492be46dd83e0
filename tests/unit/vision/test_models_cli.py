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
