"""The shell of a camera group: its own MQTT connection, one thread that looks, messages said until stored."""

import threading
import time
from collections.abc import Callable, Sequence

import msgspec
import structlog

from citybrain import topics
from citybrain.calibration import Calibration, check_calibration
from citybrain.codec import decode, encode
from citybrain.config import Settings
from citybrain.errors import CityBrainError, ContractError
from citybrain.messages import AgentStatus, CameraCalibration, Health, IngestAck, Stored
from citybrain.presence import Presence
from vision.assignment import owned
from vision.group import CameraGroup, Outgoing
from vision.pipeline import Finder
from vision.resend import Unacknowledged
from vision.slots import MAX_CAMERAS, LatestFrames

log = structlog.get_logger()

TICK_S = 0.25
REPORT_S = 2.0
RETRY_S = 10.0


class GroupAgent:
    """Serves the cameras that `groups` leave to `name`. `start`, `assign` when groups come or go, `stop`.

    The detector is loaded with the first camera, so that a city without cameras needs none.
    """

    def __init__(self, settings: Settings, name: str, load: Callable[[], Finder]) -> None:
        self._settings = settings
        self._name = name
        self._load = load
        self._site = settings.site.name
        self._presence = Presence(settings, f"vision/{name}")
        self._frames = LatestFrames()
        self._unstored = Unacknowledged()
        self._lock = threading.Lock()
        self._known = set(settings.cameras)
        self._groups: list[str] = []
        self._served: set[str] = set()
        self._left: set[str] = set()
        self._drawn: dict[str, Calibration | None] = {}
        self._shed = 0
        self._dropped_before: dict[str, int] = {}
        self._seq = 0
        self._group: CameraGroup | None = None
        self._fault = ""
        self._retry_s = 0.0
        self._stopping = threading.Event()
        self._alive_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"vision-{name}", daemon=True)

    def start(self, groups: Sequence[str]) -> None:
        """Connect, and go on trying; serve once connected."""
        bus = self._presence.bus
        bus.subscribe(topics.matching(self._site, "camera", what="status"), self._on_camera)
        bus.subscribe(topics.for_device(self._site, self._presence.device, "ack"), self._on_ack)
        self.assign(groups)
        bus.start(timeout_s=None)
        self._thread.start()

    def stop(self) -> None:
        """Finish the frame at hand, say goodbye."""
        self._stopping.set()
        self._thread.join(10)
        self._presence.leave()

    def idle_s(self) -> float:
        """Seconds since the looking thread last showed that it lives."""
        return time.monotonic() - self._alive_s

    def assign(self, groups: Sequence[str]) -> None:
        """Serve the cameras that fall to this group among `groups`, the ones alive."""
        with self._lock:
            self._groups = list(groups)
            self._take_over()

    def _take_over(self) -> None:
        bus = self._presence.bus
        mine = owned(self._name, self._known, self._groups)
        for camera in mine - self._served:
            bus.subscribe(topics.build(self._site, "camera", camera, "frame"), self._on_frame, qos=0)
            bus.subscribe(topics.build(self._site, "camera", camera, "calibration"), self._on_calibration)
        for camera in self._served - mine:
            bus.unsubscribe(topics.build(self._site, "camera", camera, "frame"))
            bus.unsubscribe(topics.build(self._site, "camera", camera, "calibration"))
            self._left.add(camera)
        self._served = mine

    def _on_camera(self, topic: str, payload: bytes, _retained: bool) -> None:
        camera = topics.parse(topic).id
        status = decode(payload)
        if not isinstance(status, AgentStatus) or status.health is Health.OFFLINE:
            return
        with self._lock:
            if camera not in self._known and len(self._known) < MAX_CAMERAS:
                self._known.add(camera)
                self._take_over()

    def _on_calibration(self, topic: str, payload: bytes, _retained: bool) -> None:
        camera = topics.parse(topic).id
        known = None
        if payload:
            try:
                message = decode(payload)
                if not isinstance(message, CameraCalibration) or message.camera != camera:
                    raise ContractError(f"no calibration of {camera}", "$.camera")
                check_calibration(message.calibration)
                known = message.calibration
            except CityBrainError as error:
                log.warning("calibration_refused", group=self._name, camera=camera, reason=str(error))
                return
        with self._lock:
            self._drawn[camera] = known

    def _on_frame(self, topic: str, payload: bytes, _retained: bool) -> None:
        self._frames.offer(topics.parse(topic).id, payload)

    def _on_ack(self, _topic: str, payload: bytes, _retained: bool) -> None:
        try:
            message = decode(payload)
        except ContractError as error:
            log.warning("ack_malformed", group=self._name, reason=str(error))
            return
        if isinstance(message, IngestAck) and message.boot == self._presence.boot:
            self._unstored.settle(message.seq)

    def _run(self) -> None:
        next_tick_s = next_report_s = 0.0
        while not self._stopping.is_set():
            self._alive_s = now_s = time.monotonic()
            try:
                self._look()
                if now_s >= next_tick_s:
                    next_tick_s = now_s + TICK_S
                    self._tick(now_s)
                if now_s >= next_report_s:
                    next_report_s = now_s + REPORT_S
                    self._report()
            except Exception:
                log.exception("group_failed_at_a_frame", group=self._name)
                self._stopping.wait(TICK_S)

    def _look(self) -> None:
        taken = self._frames.take(TICK_S)
        group = self._ready() if taken or self._served else None
        if taken is None or group is None:
            return
        camera, payload = taken
        if camera not in self._served:
            return
        if camera in group.resting:
            self._shed += 1
            return
        dropped = self._frames.dropped[camera]
        newly = dropped - self._dropped_before.get(camera, 0)
        self._dropped_before[camera] = dropped
        self._send(group.look(camera, payload, time.time(), max(newly, 0)))

    def _ready(self) -> CameraGroup | None:
        """The group with its detector; without one the reason is in the status, and it is tried again."""
        if self._group is None and time.monotonic() >= self._retry_s:
            try:
                self._group = CameraGroup(self._load(), self._settings.vision, self._settings.cameras)
                self._fault = ""
            except CityBrainError as error:
                self._retry_s = time.monotonic() + RETRY_S
                if str(error) != self._fault:
                    log.error("detector_missing", group=self._name, reason=str(error))  # noqa: TRY400 - the sentence says it
                self._fault = str(error)
        return self._group

    def _tick(self, now_s: float) -> None:
        if self._group is not None:
            with self._lock:
                left, self._left = self._left - self._served, set()
                drawn, self._drawn = self._drawn, {}
            for camera, known in drawn.items():
                self._send(self._group.draw(camera, known))
            for camera in left:
                self._send(self._group.forget(camera))
                self._frames.forget(camera)
                self._dropped_before.pop(camera, None)
            self._send(self._group.collect(time.time()))
        if self._presence.bus.connected:
            for letter in self._unstored.due(now_s):
                self._presence.bus.publish_now(letter.topic, letter.payload, qos=1)

    def _send(self, outgoing: list[Outgoing]) -> None:
        for item in outgoing:
            topic = topics.build(self._site, "camera", item.camera, item.what)
            if isinstance(item.content, bytes):
                self._presence.bus.publish_now(topic, item.content)
            else:
                self._send_stored(topic, item.content)

    def _send_stored(self, topic: str, message: Stored) -> None:
        self._seq += 1
        numbered = msgspec.structs.replace(
            message, device=self._presence.device, boot=self._presence.boot, seq=self._seq
        )
        payload = encode(numbered)
        self._unstored.add(self._seq, topic, payload, time.monotonic())
        self._presence.bus.publish_now(topic, payload, qos=1)

    def _report(self) -> None:
        figures = self._group.figures(time.time()) if self._group else {"cameras": 0.0}
        figures["dropped"] = float(sum(self._frames.dropped.values()))
        figures["received"] = float(sum(self._frames.received.values()))
        figures["shed"] = float(self._shed)
        figures["given_up"] = float(self._unstored.dropped)
        faults = [self._fault] if self._fault else self._group.faults if self._group else []
        health = Health.FAILED if self._fault else Health.DEGRADED if faults else Health.OK
        self._presence.report(
            health,
            "; ".join(faults) or f"{len(self._served)} cameras",
            spooled=len(self._unstored),
            sent=self._seq,
            figures=figures,
        )
