"""A detector beside the camera: what it sees is told, and whatever becomes of it, the camera goes on."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from citybrain.messages import Box, RoadUser
from citybrain.sources import Image
from edge import eye
from edge.eye import Eye

PICTURE: Image = np.full((90, 160, 3), 120, np.uint8)
CAR = Box(x=0.25, y=0.5, width=0.25, height=0.25, road_user=RoadUser.CAR, confidence=0.5)
READS = "import json, sys\nfrom citybrain.pipes import next_picture\nwhile next_picture(sys.stdin.buffer): "
SEEN = "dict(x=.25, y=.5, width=.25, height=.25, road_user='car', confidence=.5)"
SAYS = f"print(json.dumps([{SEEN}]), flush=True)"


@pytest.fixture
def helper(tmp_path: Path) -> Iterator[Eye]:
    """Runs what `script` says."""
    made = Eye((sys.executable, str(tmp_path / "helper.py")))
    yield made
    made.close()


def write(tmp_path: Path, script: str) -> None:
    (tmp_path / "helper.py").write_text(script)


def test_what_the_detector_sees_is_told_picture_after_picture(helper: Eye, tmp_path: Path) -> None:
    write(tmp_path, READS + SAYS)
    assert [helper.look(PICTURE) for _ in range(3)] == [(CAR,)] * 3
    assert helper.fault == ""


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("raise SystemExit(2)", "the local detector fails"),
        ("import time; time.sleep(600)", "the local detector fails: it does not answer"),
        (READS + "print('nonsense', flush=True)", "the local detector fails: JSON is malformed"),
        (READS + "sys.exit(3)", "the local detector fails: it ended with 3"),
    ],
)
def test_one_that_fails_is_told_and_not_asked_again_at_once(
    helper: Eye, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, fault: str
) -> None:
    monkeypatch.setattr(eye, "START_S", 5.0)
    write(tmp_path, script)
    assert helper.look(PICTURE) is None
    assert fault in helper.fault
    write(tmp_path, READS + SAYS)
    assert helper.look(PICTURE) is None, "it has to wait"
    monkeypatch.setattr(eye, "time", _Later())
    assert helper.look(PICTURE) == (CAR,)
    assert helper.fault == ""


def test_a_picture_that_nobody_reads_holds_nobody_up(
    helper: Eye, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eye, "START_S", 1.0)
    write(tmp_path, "import time; time.sleep(600)")
    noise = np.random.default_rng(1).integers(0, 256, (720, 1280, 3), dtype=np.uint8)
    assert helper.look(noise) is None
    assert helper.fault == "the local detector fails: it takes no picture"


class _Later:
    """A clock at which every pause is over."""

    def monotonic(self) -> float:
        import time

        return time.monotonic() + 1000.0
