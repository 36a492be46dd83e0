"""Camera groups for real: a broker, Ray, the default detector, frames over MQTT."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Self

import cv2
import msgspec
import numpy as np
import psutil
import pytest

from citybrain import config, topics
from citybrain.bus import Bus
from citybrain.codec import decode, encode, pack_frame, unpack_frame
from citybrain.config import Settings
from citybrain.messages import AgentStatus, AnyMessage, FrameMeta, Health, IngestAck, TurningCount
from vision import service
from vision.jpeg import decode_jpeg

CAMERAS = ("north", "south")


class Street:
    """Two cameras' agents, and a listener to everything that vision says."""

    def __init__(self, settings: Settings) -> None:
        self.site = settings.site.name
        self.heard: list[tuple[str, AnyMessage]] = []
        self.pictures: dict[str, tuple[FrameMeta, bytes]] = {}
        self.sent = 0
        self._paused = False
        self._stopping = threading.Event()
        self._bus = Bus(settings.broker, f"{self.site}-street")
        self._bus.subscribe(topics.matching(self.site), self._on_message)
        self._thread = threading.Thread(target=self._play)

    def __enter__(self) -> Self:
        self._bus.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._bus.stop()

    def send(self, camera: str, jpeg: bytes) -> None:
        self.sent += 1
        meta = FrameMeta(at=datetime.now(UTC), camera=camera, boot=1, frame=self.sent, width=320, height=180)
        self.send_raw(camera, pack_frame(meta, jpeg))

    def send_raw(self, camera: str, payload: bytes) -> None:
        self._bus.publish(topics.build(self.site, "camera", camera, "frame"), payload, qos=0)

    def acknowledge(self, count: TurningCount) -> None:
        ack = IngestAck(at=datetime.now(UTC), device=count.device, boot=count.boot, seq=count.seq)
        self._bus.publish(topics.for_device(self.site, count.device, "ack"), encode(ack))

    def counts(self) -> list[TurningCount]:
        return [message for _, message in self.heard if isinstance(message, TurningCount)]

    def status(self, device: str) -> AgentStatus | None:
        found = [m for _, m in self.heard if isinstance(m, AgentStatus) and m.device == device]
        return found[-1] if found else None

    def _play(self) -> None:
        rng = np.random.default_rng(1)
        while not self._stopping.wait(0.1):
            for camera in CAMERAS:
                picture = rng.integers(0, 255, (180, 320, 3), np.uint8)
                self.send(camera, cv2.imencode(".jpg", picture)[1].tobytes())

    def _on_message(self, topic: str, payload: bytes, _retained: bool) -> None:
        parsed = topics.parse(topic)
        if parsed.what == "picture":
            self.pictures[parsed.id] = unpack_frame(payload)
        elif parsed.what != "frame":
            self.heard.append((topic, decode(payload)))


def until(holds: Callable[[], object], what: str, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(0.05)


@pytest.fixture
def street(settings: Settings, default_detector: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Street]:
    """The vision service with two groups on a Ray of its own, two cameras sending."""
    monkeypatch.setenv("RAY_ADDRESS", "")
    settings = msgspec.structs.replace(
        settings,
        vision=config.Vision(groups=2, picture_fps=10.0, period_s=0.5),
        cameras={name: config.Camera(source="unused") for name in CAMERAS},
    )
    stopping = threading.Event()
    thread = threading.Thread(target=service.serve, args=(settings, stopping))
    with Street(settings) as street:
        thread.start()
        try:
            yield street
        finally:
            stopping.set()
            thread.join(60)


def all_serve(street: Street) -> bool:
    status = street.status("service/vision")
    return status is not None and status.health is Health.OK


def group_processes() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if child.name() == "ray::Group"]


def test_groups_see_all_cameras_and_come_back_after_kill_9(street: Street) -> None:
    until(lambda: set(street.pictures) == set(CAMERAS), "a picture of each camera")
    until(lambda: all_serve(street), "both groups")
    meta, jpeg = street.pictures["north"]
    assert (meta.camera, meta.width, meta.height) == ("north", 320, 180)
    assert decode_jpeg(jpeg).shape == (180, 320, 3)
    group = street.status("vision/group1")
    assert group is not None

    # A malformed frame harms nobody and is said.
    spoilt = (b"", b"CBF1rubbish", pack_frame(meta, b"\xff\xd8\xff\xe0 no picture"))

    def tells_of_spoilt() -> bool:
        # A good frame that comes before a group looks takes a spoilt one's place: they are sent again.
        for payload in spoilt:
            street.send_raw("north", payload)
        return refused(street) >= 1

    until(tells_of_spoilt, "the refused frames in a status")

    until(lambda: {count.camera for count in street.counts()} == set(CAMERAS), "counts of each camera")
    assert not any(sum(count.counts.values()) for count in street.counts()), "noise holds no road users"
    assert {count.movement for count in street.counts()} == {"line:toward", "line:away"}

    first = group_processes()
    assert len(first) == 2
    first[0].send_signal(signal.SIGKILL)
    until(lambda: restarts(street) >= 1 and all_serve(street), "the killed group")
    street.pictures.clear()
    until(lambda: set(street.pictures) == set(CAMERAS), "a picture of each camera again")


def refused(street: Street) -> float:
    groups = [street.status(f"vision/group{number}") for number in (1, 2)]
    return sum(status.figures.get("refused", 0.0) for status in groups if status)


def restarts(street: Street) -> float:
    status = street.status("service/vision")
    return status.figures.get("restarts", 0.0) if status else 0.0
