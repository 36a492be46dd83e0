"""A camera group without network: frames in, counts, events and pictures out."""

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest

from citybrain.codec import pack_frame, unpack_frame
from citybrain.config import Camera, Vision
from citybrain.messages import EventKind, FrameMeta, RoadUser, TrafficEvent, TurningCount
from tests.unit.vision.boxes import detections
from vision.detections import Detections
from vision.group import CameraGroup, Outgoing
from vision.jpeg import encode_jpeg
from vision.pipeline import Frame

START_S = 1_760_000_000.0
NOISE = np.random.default_rng(1).integers(0, 255, (180, 320, 3)).astype(np.uint8)


class Drive:
    """Finds one car that drives down the picture, the further the more often it is asked."""

    def __init__(self, step: float = 6.0) -> None:
        self._y = 20.0
        self._step = step

    def detect(self, _frame: Frame, *, min_confidence: float = 0.3) -> Detections:
        assert min_confidence < 0.3
        self._y += self._step
        return detections((100, self._y, 150, self._y + 40)) if self._y < 140 else Detections.empty()


def packed(camera: str, number: int, at_s: float, picture: np.ndarray = NOISE) -> bytes:
    marked = picture.copy()
    # Something moves, or nobody would look.
    marked[0, 0] = number % 256
    if picture.std() > 50:
        marked[150:180, number * 31 % 280 :][:, :40] = 255 * (number % 2)
    meta = FrameMeta(
        at=datetime.fromtimestamp(at_s, UTC), camera=camera, boot=1, frame=number, width=320, height=180
    )
    return pack_frame(meta, encode_jpeg(marked))


def group(step: float = 6.0, period_s: float = 5.0, picture_fps: float = 2.0) -> CameraGroup:
    vision = Vision(windows=False, period_s=period_s, picture_fps=picture_fps)
    return CameraGroup(Drive(step), vision, {"north": Camera(source="x", line=(0, 0.5, 1, 0.5))})


def run(cameras: CameraGroup, frames: int, fps: float = 10.0) -> list[Outgoing]:
    out: list[Outgoing] = []
    for number in range(1, frames + 1):
        now_s = START_S + number / fps
        out += cameras.look("north", packed("north", number, now_s - 0.02), now_s)
        out += cameras.collect(now_s)
    return out


def counts(out: list[Outgoing]) -> list[TurningCount]:
    return [item.content for item in out if isinstance(item.content, TurningCount)]


def events(out: list[Outgoing]) -> list[TrafficEvent]:
    return [item.content for item in out if isinstance(item.content, TrafficEvent)]


def test_a_car_is_counted_and_reported_with_its_period() -> None:
    reports = [count for count in counts(run(group(period_s=1.0), 60)) if any(count.counts.values())]
    (report,) = reports
    assert (report.camera, report.movement, report.counts) == ("north", "line:toward", {RoadUser.CAR: 1})
    assert report.quality == 1.0


def test_reports_of_a_movement_follow_on_each_other_and_zero_is_said_once_a_minute() -> None:
    reports = [c for c in counts(run(group(period_s=5.0), 1300)) if c.movement == "line:away"]
    assert [sum(c.counts.values()) for c in reports] == [0, 0, 0]
    assert all(a.end_at == b.start_at for a, b in pairwise(reports))


def test_nothing_is_said_of_a_time_without_frames() -> None:
    cameras = group(period_s=1.0)
    run(cameras, 30)
    cameras.collect(START_S + 100)
    assert counts(cameras.collect(START_S + 300)) == []


def test_pictures_come_at_most_at_their_rate_with_boxes_and_the_capture_time() -> None:
    pictures = [item for item in run(group(picture_fps=2.0), 30) if item.what == "picture"]
    assert 5 <= len(pictures) <= 7
    content = pictures[2].content
    assert isinstance(content, bytes)
    meta, _ = unpack_frame(content)
    assert meta.boxes[0].road_user is RoadUser.CAR
    assert meta.boxes[0].track > 0
    assert (meta.at.timestamp() * 10) % 1 != 0  # captured 20 ms before it was taken


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"rubbish",
        b"CBF1\xff\xff\xff\xff",
        packed("other", 1, START_S),
        packed("north", 1, START_S)[:200],
    ],
)
def test_a_malformed_frame_is_counted_and_said_and_the_next_one_is_taken(payload: bytes) -> None:
    cameras = group()
    assert cameras.look("north", payload, START_S) == []
    assert cameras.refused == 1
    assert cameras.faults[0].startswith("north: ")
    assert cameras.look("north", packed("north", 2, START_S + 1), START_S + 1)
    assert cameras.faults == []
    assert cameras.figures(START_S + 2)["refused"] == 1.0


def test_a_frozen_camera_begins_and_ends_one_event() -> None:
    cameras, out = group(), []
    still = packed("north", 1, START_S)
    _, jpeg = unpack_frame(still)
    for second in range(30):
        at_s = START_S + second
        meta = FrameMeta(
            at=datetime.fromtimestamp(at_s, UTC), camera="north", boot=1, frame=1, width=320, height=180
        )
        out += cameras.look("north", pack_frame(meta, jpeg), at_s)
    assert cameras.faults == ["north: frozen"]
    out += cameras.look("north", packed("north", 9, START_S + 31), START_S + 31)
    begun, ended = events(out)
    assert begun.kind is ended.kind is EventKind.CAMERA_FROZEN
    assert (begun.event, begun.end_at) == (ended.event, None)
    assert ended.end_at == datetime.fromtimestamp(START_S + 31, UTC)


def test_a_covered_camera_is_blind_and_its_counts_are_worth_nothing() -> None:
    cameras, out = group(period_s=1.0), []
    dark = np.random.default_rng(2).integers(0, 8, (180, 320, 3)).astype(np.uint8)
    for number in range(60):
        at_s = START_S + number / 5
        out += cameras.look("north", packed("north", number + 1, at_s, dark), at_s)
        out += cameras.collect(at_s)
    assert [event.kind for event in events(out)] == [EventKind.CAMERA_BLIND]
    assert {count.quality for count in counts(out) if count.end_at.timestamp() > START_S + 4} <= {0.0}


def test_dropped_frames_lower_the_quality() -> None:
    cameras = group(period_s=1.0)
    for number in range(1, 11):
        now_s = START_S + number / 10
        out = cameras.look("north", packed("north", number, now_s), now_s, dropped=1)
    out = cameras.collect(START_S + 2)
    assert {count.quality for count in counts(out)} == {0.5}


def test_a_change_of_the_pictures_size_begins_anew_without_reusing_numbers() -> None:
    cameras = group()
    out = run(cameras, 8)
    large = np.repeat(np.repeat(NOISE, 2, axis=0), 2, axis=1)
    for number in range(9, 20):
        now_s = START_S + number / 10
        out += cameras.look("north", packed("north", number, now_s, large), now_s)
    assert cameras.faults == []


def test_a_camera_that_is_given_away_hands_out_what_it_counted() -> None:
    cameras = group(period_s=60.0)
    for number in range(1, 40):
        now_s = START_S + number / 10
        cameras.look("north", packed("north", number, now_s), now_s)
    assert {RoadUser.CAR: 1} in [count.counts for count in counts(cameras.forget("north"))]
    assert cameras.forget("north") == []


def test_latency_runs_from_capture_until_the_frame_is_counted() -> None:
    cameras = group()
    run(cameras, 20)
    figures = cameras.figures(START_S + 3)
    assert figures["latency_p50_s"] >= 0.02 + figures["detect_p50_s"]
