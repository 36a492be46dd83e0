"""A view that defeats the detector is followed by what moves; swaying trees are not taken for traffic."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.unit.vision.boxes import detections
from vision.detections import Detections
from vision.pipeline import Frame, Pipeline

FPS = 10.0
ROAD = np.random.default_rng(3).integers(90, 110, (360, 640, 3)).astype(np.uint8)
GAP = 90
"""Frames from car to car; each drives down by 6 px a frame."""


class Sees:
    """A detector; blind for what is seen from above, unless it is told where the car is."""

    def __init__(self, at: "list[tuple[float, float, float, float]]", *, blind: bool) -> None:
        self._at = at
        self._blind = blind
        self.asked = 0

    def detect(self, frame: Frame, *, min_confidence: float = 0.3) -> Detections:
        assert min_confidence < 0.3
        self.asked += 1
        whole = frame.shape[1] == 640
        return Detections.empty() if self._blind or not self._at or not whole else detections(*self._at)


def drive(frame: int) -> tuple[NDArray[np.uint8], list[tuple[float, float, float, float]]]:
    """A grey car from above, driving down the middle."""
    top = 6 * (frame % GAP) - 60
    picture = ROAD.copy()
    cv2.rectangle(picture, (300, top), (330, top + 56), (200, 40, 40), -1)
    inside = [(300.0, float(max(top, 0)), 331.0, float(min(top + 57, 360)))] if -40 < top < 340 else []
    return picture, inside


def watch(frames: int, *, blind: bool) -> tuple[Pipeline, Sees, int]:
    where: list[tuple[float, float, float, float]] = []
    finder = Sees(where, blind=blind)
    pipeline = Pipeline(finder, (0, 0.5, 1, 0.5), windows=False)
    counted = 0
    for frame in range(frames):
        picture, where[:] = drive(frame)
        seen = pipeline.process(picture, frame / FPS)
        if pipeline.follows_blobs or not blind:
            counted += sum(crossing.movement == "line:toward" for crossing in seen.crossings)
    return pipeline, finder, counted


def test_what_a_detector_cannot_see_is_followed_by_its_movement_and_counted_once() -> None:
    pipeline, finder, counted = watch(14 * GAP, blind=True)
    assert pipeline.follows_blobs
    assert 5 <= counted <= 14
    before, pipeline_frames = finder.asked, 5 * GAP
    more, late = 0, 14 * GAP
    for frame in range(late, late + pipeline_frames):
        seen = pipeline.process(drive(frame)[0], frame / FPS)
        more += sum(crossing.movement == "line:toward" for crossing in seen.crossings)
    assert more == 5, "each car once"
    assert finder.asked - before <= pipeline_frames / FPS / 5 + 1, "the detector is asked now and then only"


def test_a_detector_that_sees_is_believed() -> None:
    pipeline, _, counted = watch(8 * GAP, blind=False)
    assert not pipeline.follows_blobs
    assert counted == 8


def test_swaying_trees_are_not_followed() -> None:
    pipeline = Pipeline(Sees([], blind=True), windows=False)
    for frame in range(600):
        picture = ROAD.copy()
        for tree in range(6):
            x = 60 + 100 * tree + round(14 * np.sin(frame / 5 + tree))
            cv2.circle(picture, (x, 80 + 30 * tree), 22, (20, 90, 30), -1)
        pipeline.process(picture, frame / FPS)
    assert not pipeline.follows_blobs
