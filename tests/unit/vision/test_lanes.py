"""Speeds, queues and flows on a street whose truth is exact."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citybrain.calibration import read_calibration, write_calibration
from citybrain.errors import ConfigError
from citybrain.ground import fit_ground
from tests.unit.vision.street import FAR_M, HEIGHT, LANES, NEAR_M, WIDTH, calibration, seen
from vision.lanes import LaneMeter, reading
from vision.motion import Motion
from vision.tracker import Tracker


class Watcher:
    """Tracker, ground and lane meters of the street."""

    def __init__(self, seed: int, rectangle: bool = False) -> None:
        known = calibration(rectangle)
        ground = known.ground(WIDTH, HEIGHT)
        assert ground is not None
        self.rng = np.random.default_rng(seed)
        self.tracker, self.motion = Tracker(WIDTH, HEIGHT), Motion(ground)
        self.lanes = {lane.lane: LaneMeter(lane, ground, WIDTH, HEIGHT) for lane in known.lanes}
        self.speeds: list[tuple[float, float]] = []

    def look(self, vehicles: list[tuple[str, float]], at_s: float) -> None:
        found = seen([(LANES[lane], ahead) for lane, ahead in vehicles], self.rng)
        movers = self.motion.update(self.tracker.update(found, at_s), at_s)
        for meter in self.lanes.values():
            meter.update(movers, at_s)
        self.speeds += [(mover.y_m, mover.speed_mps) for mover in movers if mover.is_known]


@pytest.mark.parametrize("rectangle", [False, True])
def test_speeds_are_right_within_two_kilometres_an_hour(rectangle: bool) -> None:
    errors = []
    for seed, speed in enumerate((6.0, 9.0, 12.0, 15.0, 19.0)):
        watcher = Watcher(seed, rectangle)
        for k in range(400):
            at_s = k / 10
            ahead = [FAR_M - speed * (at_s - start) for start in (0.0, 4.0, 8.0)]
            watcher.look(
                [("left" if n % 2 else "right", y) for n, y in enumerate(ahead) if 8 < y < FAR_M], at_s
            )
        errors += [abs(found - speed) * 3.6 for y, found in watcher.speeds]
    assert len(errors) > 300
    assert np.median(errors) < 2.0
    assert np.percentile(errors, 95) < 5.0


@settings(deadline=None, max_examples=6)
@given(waiting=st.integers(0, 6), seed=st.integers(0, 1000))
def test_a_queue_is_right_within_one_vehicle(waiting: int, seed: int) -> None:
    watcher = Watcher(seed)
    spacing = 7.0
    for k in range(60):
        stands = [("left", NEAR_M + 1.5 + spacing * n) for n in range(waiting)]
        drives = [("right", FAR_M - 9.0 * k / 5)] if FAR_M - 9.0 * k / 5 > 9 else []
        watcher.look(stands + drives, k / 5)
    queued, queue_m = watcher.lanes["left"].queue()
    assert abs(queued - waiting) <= 1
    if waiting:
        assert abs(queue_m - (1.5 + spacing * (waiting - 1) + 4.5)) < spacing
    assert watcher.lanes["right"].queue() == (0, 0.0)


def test_flow_headway_and_space_mean_speed_are_those_of_the_platoon() -> None:
    watcher, speed, headway_s = Watcher(5), 12.0, 2.5
    for k in range(400):
        at_s = k / 10
        ahead = [FAR_M - speed * (at_s - headway_s * n) for n in range(12)]
        watcher.look([("left", y) for y in ahead if 8 < y < FAR_M], at_s)
    figures = watcher.lanes["left"].collect()
    assert figures.crossed == 12
    assert figures.headway_s == pytest.approx(headway_s, abs=0.1)
    assert figures.mean_speed_mps == pytest.approx(speed, rel=0.05)
    assert figures.flow_per_h == pytest.approx(12 * 3600 / 40, rel=0.05)
    assert 0.05 < figures.occupancy < 0.25
    assert figures.quality > 0.8
    assert reading(figures).crossed == 12
    assert watcher.lanes["right"].collect().crossed == 0


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.floats(-0.3, 0.3), min_size=8, max_size=8),
    st.lists(st.floats(-20, 20), min_size=2, max_size=2),
)
def test_the_ground_gives_back_the_points_it_was_made_of(bend: list[float], origin: list[float]) -> None:
    pixels = np.array([[100, 600], [1100, 620], [800, 200], [400, 210]]) + 50 * np.array(bend).reshape(4, 2)
    metres = np.array([[0, 0], [10, 0], [10, 40], [0, 40]], float) + origin
    ground = fit_ground(pixels, metres)
    assert np.allclose(ground.to_metres(pixels), metres, atol=1e-5)
    assert np.allclose(ground.to_pixels(metres), pixels, atol=1e-4)
    assert ground.error_px < 1e-3


def test_a_wrong_point_shows_in_the_reprojection_error() -> None:
    pixels = np.array([[100, 600], [1100, 620], [800, 200], [400, 210], [600, 400]], float)
    metres = np.array([[0, 0], [10, 0], [10, 40], [0, 40], [9, 3]], float)
    assert fit_ground(pixels, metres).error_px > 20


def test_points_on_one_line_are_no_ground() -> None:
    line = np.array([[0, 0], [1, 1], [2, 2], [3, 3]], float)
    with pytest.raises(ConfigError, match="one line"):
        fit_ground(line, np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float))


def test_a_calibration_is_read_as_it_was_written_and_faults_are_named(tmp_path: Path) -> None:
    path = tmp_path / "gate.json"
    write_calibration(path, calibration())
    assert read_calibration(path) == calibration()
    path.write_text('{"lanes": [{"lane": "a", "path": [[0, 0], [1, 1]]}]}')
    with pytest.raises(ConfigError, match="lanes need"):
        read_calibration(path)
    path.write_text('{"zones": [{"zone": "a"}]}')
    with pytest.raises(ConfigError, match=r"gate\.json.*corners"):
        read_calibration(path)
