"""Camera groups for real: a broker, Ray on two nodes, the default detector, frames over MQTT."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Self

import cv2
import msgspec
import numpy as np
import psutil
import pytest

from citybrain import config, topics
from citybrain.bus import Bus
from citybrain.calibration import Calibration, Lane, Rectangle, Zone
from citybrain.codec import decode, encode, pack_frame, unpack_frame
from citybrain.config import Settings
from citybrain.messages import (
    AgentStatus,
    AnyMessage,
    CameraCalibration,
    FrameMeta,
    Health,
    IngestAck,
    LaneMeasurement,
    SensorObservation,
    TurningCount,
)
from citybrain.rayconnect import OBJECT_STORE_BYTES, disconnect, local_token
from vision import service
from vision.jpeg import decode_jpeg

CAMERAS = tuple(f"camera{number}" for number in range(1, 9))
FRAME_EVERY_S = 1.5


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

    def calibrate(self, camera: str, known: Calibration) -> None:
        message = CameraCalibration(at=datetime.now(UTC), camera=camera, calibration=known)
        topic = topics.build(self.site, "camera", camera, "calibration")
        self._bus.publish(topic, encode(message), retain=True)

    def lanes(self, camera: str) -> set[str]:
        told = [m for _, m in self.heard if isinstance(m, LaneMeasurement) and m.intersection == camera]
        return {lane.lane for measurement in told for lane in measurement.lanes}

    def datastreams(self) -> set[str]:
        return {m.datastream for _, m in self.heard if isinstance(m, SensorObservation)}

    def counts(self) -> list[TurningCount]:
        return [message for _, message in self.heard if isinstance(message, TurningCount)]

    def status(self, device: str) -> AgentStatus | None:
        found = [m for _, m in self.heard if isinstance(m, AgentStatus) and m.device == device]
        return found[-1] if found else None

    def _play(self) -> None:
        rng = np.random.default_rng(1)
        while not self._stopping.wait(FRAME_EVERY_S):
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
def nodes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A Ray cluster of two nodes on this machine, each with room for both groups."""
    from ray.cluster_utils import Cluster

    local_token()
    room: dict[str, Any] = {"num_cpus": 2, "object_store_memory": OBJECT_STORE_BYTES}
    cluster: Any = Cluster(initialize_head=True, head_node_args={**room, "include_dashboard": False})
    cluster.add_node(**room)
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    try:
        yield cluster
    finally:
        disconnect()
        cluster.shutdown()


@pytest.fixture
def street(nodes: Any, settings: Settings, default_detector: str) -> Iterator[Street]:
    """The vision service with two groups on Ray, eight cameras sending."""
    settings = msgspec.structs.replace(
        settings,
        vision=config.Vision(groups=2, picture_fps=3.0, period_s=0.5),
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


def test_groups_see_all_cameras_and_go_on_when_a_group_or_a_node_dies(street: Street, nodes: Any) -> None:
    camera = CAMERAS[0]
    until(lambda: set(street.pictures) == set(CAMERAS), "a picture of each camera")
    until(lambda: all_serve(street), "both groups")
    meta, jpeg = street.pictures[camera]
    assert (meta.camera, meta.width, meta.height) == (camera, 320, 180)
    assert decode_jpeg(jpeg).shape == (180, 320, 3)
    group = street.status("vision/group1")
    assert group is not None

    # A malformed frame harms nobody and is said.
    spoilt = (b"", b"CBF1rubbish", pack_frame(meta, b"\xff\xd8\xff\xe0 no picture"))

    def tells_of_spoilt() -> bool:
        # A good frame that comes before a group looks takes a spoilt one's place: they are sent again.
        for payload in spoilt:
            street.send_raw(camera, payload)
        return refused(street) >= 1

    until(tells_of_spoilt, "the refused frames in a status")

    until(lambda: {count.camera for count in street.counts()} == set(CAMERAS), "counts of each camera")
    assert not any(sum(count.counts.values()) for count in street.counts()), "noise holds no road users"
    assert {count.movement for count in street.counts()} == {"line:toward", "line:away"}

    # What is drawn in the command centre is measured from then on.
    street.calibrate(camera, Calibration(
        rectangle=Rectangle(((0.2, 0.9), (0.8, 0.9), (0.6, 0.3), (0.4, 0.3)), 10.0, 40.0),
        lanes=[Lane("left", [(0.5, 0.35), (0.5, 0.85)], map_lane="J1_0")],
        zones=[Zone("box", [(0.1, 0.1), (0.9, 0.1), (0.9, 0.9)])],
    ))  # fmt: skip
    until(lambda: street.lanes(camera) == {"J1_0"}, "the lane that was drawn")
    until(lambda: f"{camera}.box.occupancy" in street.datastreams(), "the zone that was drawn")

    assert len({process.ppid() for process in group_processes()}) == 2, "each node has one group"
    gone_at = datetime.now(UTC)
    nodes.remove_node(next(iter(nodes.worker_nodes)))
    until(lambda: seen_since(street, gone_at), "a picture of each camera from the node that is left")
    until(lambda: restarts(street) == 1 and all_serve(street), "both groups on one node")

    dead, other = group_processes()
    died_at = datetime.now(UTC)
    dead.send_signal(signal.SIGKILL)
    until(lambda: seen_since(street, died_at), "a picture of each camera again")
    until(lambda: restarts(street) == 2 and all_serve(street), "the killed group")
    assert other.is_running(), "the other group is not disturbed"


def seen_since(street: Street, moment: datetime) -> bool:
    """Whether each camera's picture was captured and looked at after `moment`."""
    return all(meta.at > moment for meta, _ in street.pictures.values())


def refused(street: Street) -> float:
    groups = [street.status(f"vision/group{number}") for number in (1, 2)]
    return sum(status.figures.get("refused", 0.0) for status in groups if status)


def restarts(street: Street) -> float:
    status = street.status("service/vision")
    return status.figures.get("restarts", 0.0) if status else 0.0
