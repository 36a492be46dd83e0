"""A camera group: frames of several cameras in, counts, events and blurred pictures out. Knows no network."""

import time
import zlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import structlog
from numpy.typing import NDArray

from citybrain.calibration import Calibration, read_calibration
from citybrain.codec import pack_frame, unpack_frame
from citybrain.config import Camera, Vision
from citybrain.errors import ConfigError, ContractError
from citybrain.messages import FrameMeta, Severity, Stored, TrafficEvent
from vision.boxes import boxes_of
from vision.condition import Change, Condition
from vision.figures import measured
from vision.happenings import Happening
from vision.jpeg import decode_jpeg, encode_jpeg
from vision.load import Load
from vision.pipeline import Finder, Pipeline, Seen
from vision.tally import Tally
from vision.watch import annotate

log = structlog.get_logger()

FORGET_S = 600.0
"""A camera that has been silent this long starts anew."""
REMEMBERED = 500
RATE_SLACK = 0.95
DEFAULT_PRIORITY = 5
"""Of a camera that announced itself and is not in the configuration."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Something to publish on `camera/<camera>/<what>`: a message to be numbered, or the bytes of a frame."""

    camera: str
    what: str
    content: Stored | bytes


@dataclass(slots=True)
class _CameraState:
    pipeline: Pipeline
    tally: Tally
    known: Calibration
    measured_s: float
    condition: Condition = field(default_factory=Condition)
    sums: dict[str, int] = field(default_factory=dict)
    frames: int = 0
    last_s: float = 0.0
    picture_s: float = 0.0
    fault: str = ""


class CameraGroup:
    """Everything that is known of the group's cameras; one thread at a time.

    A frame that breaks the contract raises nothing: it is counted, and said in `faults`.
    """

    def __init__(self, finder: Finder, vision: Vision, cameras: Mapping[str, Camera]) -> None:
        self._finder = finder
        self._vision = vision
        self._settings = cameras
        self._cameras: dict[str, _CameraState] = {}
        self._load = Load()
        self._drawn: dict[str, Calibration] = {}
        self._latency_s: deque[float] = deque(maxlen=REMEMBERED)
        self._detect_s: deque[float] = deque(maxlen=REMEMBERED)
        self._reported_s: float | None = None
        self.refused = 0

    def look(self, camera: str, payload: bytes, now_s: float, dropped: int = 0) -> list[Outgoing]:
        """Take a frame as packed by `pack_frame`; `now_s` in seconds since 1970, `dropped` frames of this
        camera since the last one that was taken.
        """
        began = time.perf_counter()
        state = self._state(camera, now_s)
        state.last_s = now_s
        state.tally.miss(dropped)
        self._load.note(1, dropped)
        state.pipeline.spare(self._load.effort)
        try:
            meta, jpeg = _unpack(camera, payload)
            picture = decode_jpeg(jpeg)
        except ContractError as error:
            self.refused += 1
            state.tally.miss()
            state.fault = str(error)
            return []
        state.fault = ""
        at_s = meta.at.timestamp()
        seen = state.pipeline.process(picture, at_s)
        state.frames += 1
        movements = (*seen.movements, *(crossing.movement for crossing in seen.crossings))
        state.tally.add(movements, seen.crossings, now_s)
        for movement in movements:
            state.sums.setdefault(movement, 0)
        for crossing in seen.crossings:
            state.sums[crossing.movement] += 1
        # `now_s` is when the frame was taken up; what it then cost belongs to the way from capture to count.
        self._latency_s.append(max(now_s - at_s, 0.0) + time.perf_counter() - began)
        self._detect_s.append(seen.detect_s)
        changes = state.condition.look(jpeg, picture, at_s)
        outgoing = [Outgoing(camera, "event", _event(camera, change)) for change in changes]
        outgoing += [Outgoing(camera, "event", _happening(camera, event)) for event in seen.happenings]
        return outgoing + self._picture(state, meta, picture, seen, now_s)

    @property
    def resting(self) -> frozenset[str]:
        """Cameras that are not to be looked at now, for want of time."""
        return self._load.resting

    def draw(self, camera: str, known: Calibration | None) -> list[Outgoing]:
        """Measure `camera` by `known` from now on, or by its file where that is None; what was counted until
        now is handed out.
        """
        if self._drawn.get(camera) == known:
            return []
        if known is None:
            del self._drawn[camera]
        else:
            self._drawn[camera] = known
        return self.forget(camera)

    def collect(self, now_s: float) -> list[Outgoing]:
        """Measurements that are due; also judges the load, and forgets cameras that have long been silent."""
        self._load.judge(now_s, {camera: self._priority(camera) for camera in self._cameras})
        for camera in self._load.resting:
            self._cameras[camera].last_s = now_s
        for camera in [name for name, state in self._cameras.items() if now_s - state.last_s > FORGET_S]:
            self.forget(camera)
        outgoing = []
        for camera, state in self._cameras.items():
            quality = state.tally.quality if state.condition.is_well else 0.0
            outgoing += [
                Outgoing(camera, "measurement", count)
                for count in state.tally.collect(now_s, well=state.condition.is_well)
            ]
            if now_s - state.measured_s >= self._vision.period_s:
                outgoing += self._measure(camera, state, now_s, quality)
        return outgoing

    def _measure(self, camera: str, state: _CameraState, now_s: float, quality: float) -> list[Outgoing]:
        """Lanes and zones since the last time; nothing is said of a time without frames."""
        period_s, state.measured_s = now_s - state.measured_s, now_s
        if now_s - state.last_s > period_s or camera in self._load.resting:
            return []
        figures = state.pipeline.collect()
        return [
            Outgoing(camera, "measurement", message)
            for message in measured(
                camera, state.known, figures, period_s=period_s, now_s=now_s, quality=quality
            )
        ]

    def forget(self, camera: str) -> list[Outgoing]:
        """Stop serving a camera; what it counted until now is handed out."""
        state = self._cameras.pop(camera, None)
        if state is None:
            return []
        now_s = state.last_s + self._vision.period_s
        return [Outgoing(camera, "measurement", count) for count in state.tally.collect(now_s, well=True)]

    def _priority(self, camera: str) -> int:
        return self._settings[camera].priority if camera in self._settings else DEFAULT_PRIORITY

    @property
    def faults(self) -> list[str]:
        """One sentence for each camera whose last frame was refused, or that does not see."""
        told = [f"{name}: {state.fault}" for name, state in self._cameras.items() if state.fault]
        told += [
            f"{name}: {state.condition.unwell}"
            for name, state in self._cameras.items()
            if state.condition.unwell
        ]
        told += [
            f"{name}: the detector sees nobody, what moves is followed"
            for name, state in self._cameras.items()
            if state.pipeline.follows_blobs
        ]
        return self._load.faults + told

    def figures(self, now_s: float) -> dict[str, float]:
        """Rates since the last call, latencies and detector times of the last frames, in seconds."""
        passed_s = max(now_s - self._reported_s, 1e-3) if self._reported_s is not None else 0.0
        self._reported_s = now_s
        figures = {"cameras": float(len(self._cameras)), "refused": float(self.refused)}
        figures["overloaded"] = float(self._load.is_high)
        figures["resting"] = float(len(self._load.resting))
        for name, state in self._cameras.items():
            figures[f"fps.{name}"[:64]] = round(state.frames / passed_s, 2) if passed_s else 0.0
            state.frames = 0
        for name, values in (("latency", self._latency_s), ("detect", self._detect_s)):
            if values:
                p50, p99 = np.percentile(values, (50, 99))
                figures |= {f"{name}_p50_s": round(float(p50), 4), f"{name}_p99_s": round(float(p99), 4)}
        return figures

    def _state(self, camera: str, now_s: float) -> _CameraState:
        state = self._cameras.get(camera)
        if state is None:
            line = self._settings[camera].line if camera in self._settings else None
            known = self._calibration(camera)
            pipeline = Pipeline(
                self._finder,
                line,
                min_confidence=self._vision.min_confidence,
                windows=self._vision.windows,
                calibration=known,
            )
            state = self._cameras[camera] = _CameraState(
                pipeline, Tally(camera, self._vision.period_s), known, now_s
            )
        return state

    def _calibration(self, camera: str) -> Calibration:
        """What was drawn for the camera, or its file; one that is wrong is said in the log, and nothing is
        measured by it.
        """
        if camera in self._drawn:
            return self._drawn[camera]
        path = self._settings[camera].calibration if camera in self._settings else ""
        if not path:
            return Calibration()
        try:
            return read_calibration(Path(path))
        except ConfigError as error:
            log.error("calibration_unusable", camera=camera, reason=str(error))  # noqa: TRY400 - the sentence says it
            return Calibration()

    def _picture(
        self, state: _CameraState, meta: FrameMeta, picture: NDArray[np.uint8], seen: Seen, now_s: float
    ) -> list[Outgoing]:
        if now_s - state.picture_s < RATE_SLACK / self._vision.picture_fps:
            return []
        state.picture_s = now_s
        height, width = picture.shape[:2]
        shown = msgspec.structs.replace(
            meta, width=width, height=height, boxes=boxes_of(seen.tracks.found, width, height)
        )
        jpeg = encode_jpeg(annotate(picture, seen, state.sums))
        return [Outgoing(meta.camera, "picture", pack_frame(shown, jpeg))]


def _unpack(camera: str, payload: bytes) -> tuple[FrameMeta, bytes]:
    meta, jpeg = unpack_frame(payload)
    if meta.camera != camera:
        raise ContractError(f"a frame of {meta.camera!r} on the topic of {camera!r}", "$.camera")
    return meta, jpeg


def _happening(camera: str, happening: Happening) -> TrafficEvent:
    """As `_event`; its lane or zone is in the name, so that two lanes have two events."""
    event = _event(camera, Change(happening.kind, happening.since_s, happening.until_s))
    place = f"{zlib.crc32(f'{camera}|{happening.place}'.encode()):08x}"
    return msgspec.structs.replace(
        event,
        event=f"{event.event[:-8]}{place}",
        detail=f"on {happening.place}",
        quality=happening.quality,
    )


def _event(camera: str, change: Change) -> TrafficEvent:
    start = datetime.fromtimestamp(change.since_s, UTC)
    end = None if change.until_s is None else datetime.fromtimestamp(change.until_s, UTC)
    # The camera's id may be as long as an event's may.
    name = f"{change.kind.value}-{round(1000 * change.since_s)}-{zlib.crc32(camera.encode()):08x}"
    return TrafficEvent(
        at=end or datetime.now(UTC),
        device=f"camera/{camera}",
        boot=1,
        seq=1,
        event=name,
        kind=change.kind,
        severity=Severity.WARNING,
        start_at=start,
        end_at=end,
        camera=camera,
    )
