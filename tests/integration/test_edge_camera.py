"""The camera agent against a real broker: what moves arrives, what stands still is spared."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from citybrain import topics
from citybrain.bus import Bus
from citybrain.cli import root
from citybrain.codec import decode, encode, unpack_frame
from citybrain.config import Camera, Settings
from citybrain.messages import AgentStatus, FrameMeta, Health, IngestAck, RoadUser
from edge.camera import CameraAgent
from edge.eye import Eye
from edge.picture import jpeg_of

FPS = 20


def write_video(path: Path, seconds: float, *, moving: bool) -> Path:
    scene = np.random.default_rng(1).integers(80, 120, (180, 320, 3), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=FPS)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 320, 180, "yuv420p", 4_000_000
        for index in range(round(seconds * FPS)):
            picture = scene.copy()
            if moving:
                x = (index * 8) % 260
                picture[60:110, x : x + 60] = 255
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


class Ear:
    def __init__(self, settings: Settings, bus: Bus) -> None:
        self.frames: list[tuple[FrameMeta, bytes]] = []
        self.reports: list[AgentStatus] = []
        bus.subscribe(topics.matching(settings.site.name, what="frame"), self._frame, 0)
        bus.subscribe(topics.matching(settings.site.name, what="status"), self._report)

    def _frame(self, _topic: str, payload: bytes, _retained: bool) -> None:
        self.frames.append(unpack_frame(payload))

    def _report(self, _topic: str, payload: bytes, _retained: bool) -> None:
        message = decode(payload)
        assert isinstance(message, AgentStatus)
        self.reports.append(message)


@pytest.fixture
def ear(settings: Settings) -> Iterator[Ear]:
    with Bus(settings.broker, f"{settings.site.name}-ear") as bus:
        yield Ear(settings, bus)


@pytest.fixture
def play(settings: Settings) -> Iterator[Callable[[Camera], None]]:
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def begin(camera: Camera) -> None:
        threads.append(threading.Thread(target=CameraAgent(settings, "gate", camera).run, args=(stop,)))
        threads[-1].start()

    yield begin
    stop.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_moves_arrives_as_pictures_of_the_size_asked_for_and_the_file_begins_again(
    ear: Ear, play: Callable[[Camera], None], tmp_path: Path
) -> None:
    video = write_video(tmp_path / "v.mp4", 1.5, moving=True)
    play(Camera(source=str(video), fps=10, width=160, position=(6.9, 50.9)))
    until(lambda: any(meta.frame > 35 for meta, _ in ear.frames))
    meta, jpeg = ear.frames[-1]
    image = cv2.imdecode(np.frombuffer(jpeg, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (90, 160, 3)
    assert (meta.camera, meta.width, meta.height) == ("gate", 160, 90)
    numbers = [meta.frame for meta, _ in ear.frames]
    assert numbers == sorted(set(numbers))
    assert min(b - a for a, b in pairwise(numbers)) >= 1
    assert len(numbers) <= 0.75 * max(numbers)  # 10 of 20 frames a second, one more where the file begins
    assert 0.0 < meta.motion < 0.6
    assert ear.reports[-1].position == (6.9, 50.9)


def test_what_stands_still_is_spared(ear: Ear, play: Callable[[Camera], None], tmp_path: Path) -> None:
    video = write_video(tmp_path / "v.mp4", 2.0, moving=False)
    play(Camera(source=str(video), fps=10, loop=False))
    until(lambda: any(report.detail == "the source has ended" for report in ear.reports))
    assert 1 <= len(ear.frames) <= 3
    assert ear.reports[-1].figures["gated"] >= 10


def test_a_source_that_cannot_be_read_is_a_failed_agent_that_says_why(
    ear: Ear, play: Callable[[Camera], None], tmp_path: Path
) -> None:
    (tmp_path / "v.mp4").write_bytes(b"no video" * 100)
    play(Camera(source=str(tmp_path / "v.mp4")))
    until(lambda: any(report.health is Health.FAILED for report in ear.reports))
    assert "not a video that can be read" in ear.reports[-1].detail
    write_video(tmp_path / "v.mp4", 1.0, moving=True)
    until(lambda: ear.frames)


def test_check_says_what_the_camera_sees_and_whether_the_broker_answers_and_writes_a_still(
    settings: Settings, tmp_path: Path
) -> None:
    video = write_video(tmp_path / "v.mp4", 2.0, moving=True)
    still = tmp_path / "still.jpg"
    done = CliRunner().invoke(
        root,
        ["edge", "camera", "gate", "--source", str(video), "--check", "--still", str(still)],
        env={"CITYBRAIN__BROKER__URL": settings.broker.url},
    )
    assert done.exit_code == 0
    assert "320 x 180 px" in done.output
    assert "20.0 frames a second" in done.output
    assert "privacy     nobody can be known where adults are at most 45 px high in the still" in done.output
    assert f"{settings.broker.url} answers" in done.output
    assert cv2.imread(str(still)) is not None


def test_a_picture_is_made_small_enough_for_a_frame() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (1400, 2000, 3), dtype=np.uint8)
    assert len(jpeg_of(noise, 100)) < 2_000_000


def test_a_byte_limit_lowers_the_quality_and_then_leaves_frames_out(
    ear: Ear, play: Callable[[Camera], None], tmp_path: Path
) -> None:
    video = write_video(tmp_path / "v.mp4", 2.0, moving=True)
    play(Camera(source=str(video), fps=20, max_bytes_per_s=20_000))
    begun = time.monotonic()
    until(lambda: ear.frames and ear.frames[-1][0].frame > 60)
    sent = sum(len(jpeg) for _, jpeg in ear.frames)
    assert sent <= 20_000 * (time.monotonic() - begun + 5.0)
    assert ear.frames[-1][0].dropped > 0


def striped(folder: Path) -> Path:
    """Stripes as fine as letters of a plate that move through a scene."""
    rng = np.random.default_rng(3)
    scene = rng.integers(80, 120, (180, 320, 3), dtype=np.uint8)
    stripes = np.zeros((100, 80, 3), np.uint8)
    stripes[:, ::8] = stripes[:, 1::8] = stripes[:, 2::8] = stripes[:, 3::8] = 255
    folder.mkdir()
    for index in range(40):
        picture = scene.copy()
        picture[40:140, 5 * index : 5 * index + 80] = stripes
        cv2.imwrite(str(folder / f"{index}.png"), picture)
    return folder


def steepest(jpeg: bytes) -> int:
    image = cv2.imdecode(np.frombuffer(jpeg, dtype=np.uint8), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    return int(np.abs(np.diff(image.astype(int), axis=1)).max())


@pytest.mark.parametrize(("privacy", "nearest"), [("detail", 1.0), ("motion", 0.3)])
def test_what_is_fine_leaves_the_machine_blurred(
    ear: Ear, play: Callable[[Camera], None], tmp_path: Path, privacy: str, nearest: float
) -> None:
    folder = striped(tmp_path / "pictures")
    camera = Camera(source=str(folder), fps=10, privacy=privacy, nearest_adult=nearest, jpeg_quality=95)
    play(msgspec.structs.replace(camera, loop=False))
    until(lambda: len(ear.frames) > 15)
    # Next to nothing of the stripes' contrast is left.
    assert max(steepest(jpeg) for _, jpeg in ear.frames) < 120
    until(lambda: ear.reports[-1].detail == "the source has ended")
    assert ear.reports[-1].figures["blurred"] > 0.0


def test_a_raw_picture_leaves_only_with_its_reason_in_the_status(
    ear: Ear, play: Callable[[Camera], None], tmp_path: Path
) -> None:
    folder = striped(tmp_path / "pictures")
    play(Camera(source=str(folder), fps=10, privacy="raw", privacy_reason="test track", jpeg_quality=95))
    until(lambda: len(ear.frames) > 5)
    assert max(steepest(jpeg) for _, jpeg in ear.frames) > 200
    told = [report for report in ear.reports if report.health is Health.OK]
    assert told
    assert {report.detail for report in told} == {"pictures leave raw: test track"}


def test_a_camera_whose_clock_is_wrong_says_so(
    settings: Settings, ear: Ear, play: Callable[[Camera], None], tmp_path: Path
) -> None:
    video = write_video(tmp_path / "v.mp4", 1.0, moving=True)
    with Bus(settings.broker, f"{settings.site.name}-ingest") as ingest:
        play(Camera(source=str(video)))
        until(lambda: ear.reports)
        boot = ear.reports[-1].boot

        def told() -> bool:
            at = datetime.now(UTC) + timedelta(seconds=100)
            ack = IngestAck(at=at, device="camera/gate", boot=boot, seq=0)
            ingest.publish_now(topics.for_device(settings.site.name, "camera/gate", "ack"), encode(ack))
            return any(report.health is Health.DEGRADED for report in ear.reports)

        until(told)
    report = next(report for report in ear.reports if report.health is Health.DEGRADED)
    assert report.detail == "the clock is 100 s behind: set it by NTP"
    assert 99.0 < report.figures["clock_offset_s"] <= 100.0
    assert report.sent == 0, "it numbers nothing"


def test_a_camera_with_a_detector_sends_what_it_sees_and_hides_who_is_near_by_his_size(
    ear: Ear, play: Callable[[Camera], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = tmp_path / "helper.py"
    helper.write_text(
        "import json, sys\nfrom citybrain.pipes import next_picture\n"
        "box = dict(x=0, y=0, width=1, height=1, road_user='person', confidence=0.9)\n"
        "while next_picture(sys.stdin.buffer): print(json.dumps([box]), flush=True)\n"
    )
    monkeypatch.setattr("edge.camera.Eye", lambda **_: Eye((sys.executable, str(helper))))
    folder = striped(tmp_path / "pictures")
    play(Camera(source=str(folder), fps=10, detector=True, nearest_adult=0.1, jpeg_quality=95))
    until(lambda: len(ear.frames) > 5)
    meta, jpeg = ear.frames[-1]
    assert [box.road_user for box in meta.boxes] == [RoadUser.PERSON]
    assert steepest(jpeg) < 120, "a person as high as the picture has cells of 4 px, not of 0.4"


def test_a_camera_whose_detector_sees_nobody_sends_a_picture_now_and_then(
    ear: Ear, play: Callable[[Camera], None], tmp_path: Path, default_detector: str
) -> None:
    video = write_video(tmp_path / "v.mp4", 1.5, moving=True)
    play(Camera(source=str(video), fps=10, detector=True))
    until(lambda: any(report.figures.get("gated", 0) > 20 for report in ear.reports))
    assert ear.reports[-1].health is Health.OK, ear.reports[-1].detail
    assert len(ear.frames) <= 6
