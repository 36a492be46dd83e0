"""`citybrain watch` with the default detector on real and on drawn pictures."""

import json
import os
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from citybrain.config import Camera
from citybrain.errors import ConfigError
from citybrain.gate import MotionGate
from citybrain.sources import open_source
from edge.picture import jpeg_of
from edge.privacy import Privacy
from vision.counting import Crossing
from vision.detector import load_detector
from vision.jpeg import decode_jpeg
from vision.pipeline import Pipeline
from vision.watch_cli import watch

ROOT = Path(__file__).resolve().parents[2]
FOOTAGE = Path(os.environ.get("CITYBRAIN_FOOTAGE", ROOT.parent / "shared" / "data" / "footage"))
needs_footage = pytest.mark.skipif(not FOOTAGE.is_dir(), reason="no shared footage on this machine")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    rng = np.random.default_rng(1)
    for number in range(6):
        cv2.imwrite(str(pictures / f"{number}.jpg"), rng.integers(0, 255, (91, 161, 3)).astype(np.uint8))
    return pictures


def test_a_folder_gives_a_table_a_video_and_a_file(
    folder: Path, tmp_path: Path, default_detector: str
) -> None:
    video, counts = tmp_path / "out.mp4", tmp_path / "counts.json"
    result = CliRunner().invoke(watch, [str(folder), "--out", str(video), "--json", str(counts)])
    assert result.exit_code == 0, result.output
    assert "line:toward" in result.output
    content = json.loads(counts.read_text())
    assert (content["frames"], content["totals"]) == (6, {"line:toward": 0, "line:away": 0})
    with av.open(str(video)) as container:
        frames = list(container.decode(video=0))
    assert (len(frames), frames[0].width, frames[0].height) == (6, 160, 90)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.mp4"], "missing.mp4"),
        (["FOLDER", "--line", "1,2"], "line"),
        (["FOLDER", "--model", "nobody"], "nobody"),
        (["FOLDER", "--out", "/no/such/folder/a.mp4"], "does not exist"),
        (["FOLDER", "--out", "FOLDER/a.nonsense"], "cannot be written"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(
    folder: Path, default_detector: str, arguments: list[str], said: str
) -> None:
    result = CliRunner().invoke(watch, [part.replace("FOLDER", str(folder)) for part in arguments])
    assert isinstance(result.exception, ConfigError)
    assert said in str(result.exception)
    assert "\n" not in str(result.exception)


@needs_footage
@pytest.mark.parametrize("clip", ["opendatacam", "ahmetozlu.mp4"])
def test_the_counts_of_real_footage_are_those_of_people(
    clip: str, tmp_path: Path, default_detector: str
) -> None:
    (truth,) = [c for c in json.loads((FOOTAGE / "truth.json").read_text())["clips"] if c["clip"] == clip]
    line = ",".join(str(value) for point in truth["line"] for value in point)
    counts = tmp_path / "counts.json"
    rate = ["--fps", str(truth["fps"])] if truth["kind"] == "frames" else []
    result = CliRunner().invoke(watch, [str(FOOTAGE / clip), "--line", line, "--json", str(counts), *rate])
    assert result.exit_code == 0, result.output
    totals = json.loads(counts.read_text())["totals"]
    for direction, hand in truth["counts"].items():
        low, high = hand["accept"]
        assert low <= totals[f"line:{direction}"] <= high, (direction, totals)


@needs_footage
def test_what_leaves_a_camera_by_default_is_still_counted(default_detector: str) -> None:
    camera = Camera(source=str(FOOTAGE / "ahmetozlu.mp4"))
    gate, privacy = MotionGate(), Privacy(camera)
    pipeline = Pipeline(load_detector(default_detector), (0, 250, 640, 250))
    crossings: list[Crossing] = []
    with open_source(camera.source) as source:
        for frame in islice(source, 0, None, 2):
            motion = gate.look(frame.image_bgr, regions=True)
            jpeg = jpeg_of(privacy.hide(frame.image_bgr, motion, frame.media_s), camera.jpeg_quality)
            crossings += pipeline.process(decode_jpeg(jpeg), frame.media_s).crossings
    assert [crossing.movement for crossing in crossings] == ["line:toward"] * 8
