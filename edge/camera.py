"""The agent beside a camera: pictures in, what moves out as JPEG frames, never stored, never late."""

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from citybrain import topics
from citybrain.codec import MAX_FRAME_BYTES, decode, pack_frame
from citybrain.config import Camera, Settings
from citybrain.errors import ConfigError, ContractError, Unavailable
from citybrain.gate import MotionGate
from citybrain.messages import Box, FrameMeta, Health, IngestAck
from citybrain.paths import data_dir
from citybrain.presence import HEARTBEAT_S, Presence
from citybrain.sources import Frame, Image, open_source, paced
from edge.allowance import Allowance
from edge.clock import ClockOffset
from edge.eye import Eye
from edge.machine import Machine
from edge.picture import jpeg_of, scaled
from edge.privacy import Privacy

log = structlog.get_logger()

STILL_S = 5.0
"""A camera that sees nothing move sends a picture so often."""
MIN_MOTION = 0.001
"""Share of the picture that must move: a person 20 px tall in a picture 640 px wide."""
BACKOFF_S = (1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(slots=True)
class Figures:
    """Since the boot."""

    captured: int = 0
    sent: int = 0
    gated: int = 0
    dropped: int = 0
    bytes: int = 0
    motion: float = 0.0


class CameraAgent:
    """One camera's agent; `run` until told to stop."""

    def __init__(self, settings: Settings, name: str, camera: Camera) -> None:
        self.device = f"camera/{name}"
        self._name = name
        self._camera = camera
        self._topic = topics.for_device(settings.site.name, self.device, "frame")
        self._presence = Presence(settings, self.device, camera.position)
        self._gate = MotionGate()
        self._privacy = Privacy(camera)
        self._eye = Eye(model=settings.vision.model) if camera.detector else None
        self._allowance = Allowance(camera.max_bytes_per_s, time.monotonic())
        self._machine = Machine(data_dir())
        self._clock = ClockOffset()
        self._presence.bus.subscribe(topics.for_device(settings.site.name, self.device, "ack"), self._on_ack)
        self._figures = Figures()
        self._found: tuple[int, int, float] | None = None
        self._last_sent = 0.0
        self._reported_at = time.monotonic()
        self._reported = Figures()
        self._log = log.bind(device=self.device)

    def run(self, stop: threading.Event) -> None:
        """Serve the camera until `stop`; one that is away is tried again after 1 to 30 s."""
        self._presence.bus.start(timeout_s=None)
        attempt = 0
        while not stop.is_set():
            captured = self._figures.captured
            try:
                self._play(stop)
                if not self._camera.loop:
                    self._report(Health.OK, "the source has ended", at_once=True)
                    self._idle(stop)
                continue
            except (ConfigError, Unavailable) as error:
                health = Health.FAILED if isinstance(error, ConfigError) else Health.DEGRADED
                self._log.warning("camera_lost", reason=str(error))
                self._report(health, str(error), at_once=True)
            except Exception as error:
                self._log.exception("camera_failed")
                self._report(Health.FAILED, f"{type(error).__name__}: {error}", at_once=True)
            attempt = 0 if self._figures.captured > captured else attempt + 1
            stop.wait(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
        if self._eye is not None:
            self._eye.close()
        self._presence.leave()

    def _play(self, stop: threading.Event) -> None:
        with open_source(self._camera.source) as source:
            found = (source.width, source.height, source.fps)
            if found != self._found:  # a clip that starts again is no news
                self._log.info("camera_found", width=source.width, height=source.height, fps=source.fps)
                self._found = found
            self._report(Health.OK, "", at_once=True)
            due_s = 0.0
            for frame, late in paced(source):
                self._figures.captured += 1 + late
                self._figures.dropped += late
                if stop.is_set():
                    return
                # Half a frame early is on time, or 30 frames a second would become 3 where 5 are wanted.
                if frame.media_s + 0.5 / source.fps >= due_s:
                    due_s = max(due_s + 1.0 / self._camera.fps, frame.media_s)
                    self._take(frame)
                self._report(Health.OK, "")

    def _take(self, frame: Frame) -> None:
        image = scaled(frame.image_bgr, self._camera.width)
        motion = self._gate.look(image, regions=True)
        self._figures.motion = motion.share
        now = time.monotonic()
        is_due = now >= self._last_sent + STILL_S
        if self._figures.motion < MIN_MOTION and not is_due:
            # Privacy follows what moves in every picture, also in those that are not sent.
            self._privacy.hide(image, motion, now)
            self._figures.gated += 1
            return
        boxes = self._eye.look(image) if self._eye is not None else None
        image = self._privacy.hide(image, motion, now, boxes or ())
        if boxes == () and not is_due:
            self._figures.gated += 1
            return
        left = self._allowance.left(now)
        payload = self._packed(image, frame, left, boxes or ())
        if left is not None and len(payload) > left:
            self._figures.dropped += 1
            return
        self._allowance.spend(len(payload))
        if self._presence.bus.publish_now(self._topic, payload):
            self._last_sent = now
            self._figures.sent += 1
            self._figures.bytes += len(payload)
        else:
            self._figures.dropped += 1

    def _packed(self, image: Image, frame: Frame, left: float | None, boxes: tuple[Box, ...]) -> bytes:
        meta = FrameMeta(
            at=frame.captured_at,
            camera=self._name,
            boot=self._presence.boot,
            frame=self._figures.captured,
            width=image.shape[1],
            height=image.shape[0],
            media_s=frame.media_s,
            motion=self._figures.motion,
            dropped=self._figures.dropped,
            boxes=boxes,
        )
        most = MAX_FRAME_BYTES if left is None else round(left)
        return pack_frame(meta, jpeg_of(image, self._camera.jpeg_quality, most))

    def _report(self, health: Health, detail: str, *, at_once: bool = False) -> None:
        now = time.monotonic()
        passed_s = now - self._reported_at
        if not at_once and passed_s < HEARTBEAT_S:
            return
        done, before = self._figures, self._reported
        per_s = 1.0 / passed_s if passed_s > 0 else 0.0
        figures = {
            "sent": float(done.sent),
            "fps": round((done.sent - before.sent) * per_s, 2),
            "captured_fps": round((done.captured - before.captured) * per_s, 2),
            "bytes_per_s": round((done.bytes - before.bytes) * per_s),
            "motion": round(done.motion, 4),
            "dropped": float(done.dropped),
            "gated": float(done.gated),
            "blurred": round(self._privacy.share, 4),
            **self._machine.figures(),
        }
        self._reported_at = now
        self._reported = Figures(done.captured, done.sent, done.gated, done.dropped, done.bytes, done.motion)
        offset_s = self._clock.offset_s
        if offset_s is not None:
            figures["clock_offset_s"] = round(offset_s, 3)
        faults = [self._clock.fault, self._eye.fault if self._eye is not None else ""]
        if health is Health.OK and any(faults):
            health = Health.DEGRADED
        told = "; ".join(part for part in (self._privacy.notice, *faults, detail) if part)
        self._presence.report(health, told, figures=figures)

    def _on_ack(self, _topic: str, payload: bytes, _retained: bool) -> None:
        with suppress(ContractError):
            message = decode(payload)
            if isinstance(message, IngestAck) and message.device == self.device:
                self._clock.hear(message.at, datetime.now(UTC))

    def _idle(self, stop: threading.Event) -> None:
        while not stop.wait(1.0):
            self._report(Health.OK, "the source has ended")
