"""A small street that publishes real messages: two signals, their lanes, a camera, agents, one event."""

import math
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Self

import cv2
import numpy as np

from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import encode, pack_frame
from citybrain.config import Settings
from citybrain.fields import LonLat
from citybrain.messages import (
    AgentStatus,
    ApproachLane,
    Binding,
    Box,
    ControlMode,
    EventKind,
    FrameMeta,
    Health,
    IntersectionConfig,
    Interval,
    LaneMeasurement,
    LaneOutlook,
    LaneReading,
    Message,
    Movement,
    Phase,
    PlannedPhase,
    RoadNetwork,
    RoadSegment,
    RoadUser,
    Severity,
    SignalReasons,
    SignalState,
    TrafficEvent,
    TurningCount,
)
from citybrain.presence import new_boot

CENTRES: dict[str, LonLat] = {"market": (6.9500, 50.9400), "harbour": (6.9536, 50.9406)}
NAMES = {"market": "Market Street", "harbour": "Harbour Road"}
ARMS = {"north": (0.0, 1.0), "east": (1.0, 0.0), "south": (0.0, -1.0), "west": (-1.0, 0.0)}
ARM_M = 110.0
JUNCTION_M = 11.0
STEP_S = 0.5
TELL_S = 3.0
GREEN_S = 5.0
YELLOW_S = 2.0
VEHICLES_PER_LANE = 4
ROUND = ("north", "east", "south", "west")
PHASES = ({"north", "south"}, {"east", "west"})


def _place(centre: LonLat, x_m: float, y_m: float) -> LonLat:
    return (
        centre[0] + x_m / (111_320 * math.cos(math.radians(centre[1]))),
        centre[1] + y_m / 111_320,
    )


def _lane(name: str, arm: str, *, inbound: bool) -> list[LonLat]:
    """Right-hand traffic: the lane lies 1.8 m to the right of the road's middle."""
    x, y = ARMS[arm]
    side = 1.8 if inbound else -1.8
    offset = (-y * side, x * side)
    far, near = (_place(CENTRES[name], x * d + offset[0], y * d + offset[1]) for d in (ARM_M, JUNCTION_M))
    return [far, near] if inbound else [near, far]


def _turn(from_arm: str, to_arm: str) -> str:
    return {1: "left", 2: "through", 3: "right"}[(ROUND.index(to_arm) - ROUND.index(from_arm)) % 4]


class Street:
    """Publishes from `start` to `stop`; what it is built of once, its state twice a second."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bus = Bus(settings.broker, f"{settings.site.name}-street")
        self._boot = new_boot()
        self._sequence = count(1)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="street")
        self._started = self._told = time.monotonic()
        now = datetime.now(UTC)
        self._event, self._count = self._make_event(now), self._make_count(now)

    def __enter__(self) -> Self:
        self._bus.start()
        self._introduce()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._bus.stop()

    def _run(self) -> None:
        while not self._ended.wait(STEP_S):
            now = datetime.now(UTC)
            for name in CENTRES:
                self._send("state", self._state(name, now))
                self._send("measurement", self._measurement(name, now))
            self._explain(now)
            self._picture(now)
            if time.monotonic() - self._told > TELL_S:
                self._tell(now)

    def _send(self, what: str, message: Message, *, retain: bool = False) -> None:
        device = str(getattr(message, "device", ""))
        topic = topics.for_device(self._settings.site.name, device, what)
        self._bus.publish(topic, encode(message), retain=retain)

    def _introduce(self) -> None:
        now = datetime.now(UTC)
        self._send("part1", self._network(now), retain=True)
        for name in CENTRES:
            self._send("config", self._config(name, now), retain=True)
            self._send("state", self._state(name, now))
        self._tell(now)

    def _tell(self, now: datetime) -> None:
        self._told = time.monotonic()
        for device in (*(f"signal/{name}" for name in CENTRES), "camera/demo"):
            self._send("status", self._status(device, Health.OK, now), retain=True)
        self._send("status", self._status("sensor/air-7", Health.OFFLINE, now), retain=True)
        # As from a spool: the same numbers again, until whoever stores them has heard.
        self._send("event", self._event)
        self._send("measurement", self._count)

    def _config(self, name: str, at: datetime) -> IntersectionConfig:
        movements = [
            Movement(f"{name}_{a}_in", f"{name}_{b}_out", turn=_turn(a, b))
            for a in ROUND
            for b in ROUND
            if a != b
        ]
        return IntersectionConfig(
            at=at, device=f"signal/{name}", boot=self._boot, seq=next(self._sequence),
            intersection=name, name=NAMES[name], position=CENTRES[name],
            lanes=[
                ApproachLane(f"{name}_{arm}_in", ARM_M - JUNCTION_M, 13.9, _lane(name, arm, inbound=True))
                for arm in ROUND
            ],
            movements=movements,
            phases=[Phase(_indications(arms), 5.0, 40.0, 20.0) for arms in PHASES],
            all_red_s=1.0,
        )  # fmt: skip

    def _network(self, at: datetime) -> RoadNetwork:
        segments = [
            RoadSegment(f"{name}_{arm}_{way}", _lane(name, arm, inbound=way == "in"), 13.9, 3.4, NAMES[name])
            for name in CENTRES
            for arm in ROUND
            for way in ("in", "out")
        ]
        return RoadNetwork(
            at=at, device="network/small", boot=self._boot, seq=next(self._sequence),
            version="small-1", part=1, parts=1, segments=segments,
        )  # fmt: skip

    def _state(self, name: str, at: datetime) -> SignalState:
        """Market follows commands, phase after phase; Harbour keeps to its own plan, half a cycle later."""
        running_s = time.monotonic() - self._started + (GREEN_S if name == "harbour" else 0.0)
        part, elapsed_s = divmod(running_s, GREEN_S + YELLOW_S)
        phase = int(part) % 2
        is_green = elapsed_s < GREEN_S
        shown = _indications(PHASES[phase])
        left_s = (GREEN_S if is_green else GREEN_S + YELLOW_S) - elapsed_s
        return SignalState(
            at=at, device=f"signal/{name}", boot=self._boot, seq=next(self._sequence),
            intersection=name, clock_s=running_s,
            indications=shown if is_green else shown.replace("G", "y").replace("g", "y"),
            phase=phase, next_phase=phase if is_green else 1 - phase,
            interval=Interval.GREEN if is_green else Interval.YELLOW,
            elapsed_s=elapsed_s if is_green else elapsed_s - GREEN_S,
            min_remaining_s=left_s, max_remaining_s=left_s,
            mode=ControlMode.COMMANDED if name == "market" else ControlMode.LOCAL,
        )  # fmt: skip

    def _measurement(self, name: str, at: datetime) -> LaneMeasurement:
        running_s = time.monotonic() - self._started
        readings = []
        for place, arm in enumerate(ROUND):
            queue_m = 40.0 + 30.0 * math.sin(running_s / 5 + place)
            readings.append(
                LaneReading(
                    lane=f"{name}_{arm}_in", vehicles=VEHICLES_PER_LANE,
                    queued=int(queue_m // 25), queue_m=queue_m, mean_speed_mps=3.0 + 2.0 * place,
                    occupancy=0.3, crossed=1, stops=1, delay_s=STEP_S * 2,
                )
            )  # fmt: skip
        return LaneMeasurement(
            at=at, device=f"lanes/{name}", boot=self._boot, seq=next(self._sequence),
            intersection=name, period_s=STEP_S, clock_s=running_s, lanes=readings,
        )  # fmt: skip

    def _explain(self, at: datetime) -> None:
        """As the region that commands Market; Harbour was given to its own plan by an order."""
        market = SignalReasons(
            at=at, device="traffic/region-1", intersection="market", phase=1, binding=Binding.MINIMUM_GREEN,
            plan=[PlannedPhase(1, 0.0), PlannedPhase(0, 25.0)],
            lanes=[LaneOutlook("market_north_in", 3.0, 12.0), LaneOutlook("market_east_in", 2.0, None)],
        )  # fmt: skip
        harbour = SignalReasons(
            at=at, device="traffic/region-1", intersection="harbour", phase=1, binding=Binding.ORDER,
            plan=[PlannedPhase(1, 0.0)], lanes=[],
        )  # fmt: skip
        for reasons in (market, harbour):
            topic = topics.build(self._settings.site.name, "signal", reasons.intersection, "reasons")
            self._bus.publish(topic, encode(reasons), qos=0)

    def _status(self, device: str, health: Health, at: datetime) -> AgentStatus:
        position = _place(CENTRES["market"], 30.0, 30.0) if device.startswith("camera") else None
        return AgentStatus(
            at=at,
            device=device,
            boot=self._boot,
            health=health,
            version="0.1.0",
            started_at=at,
            position=position,
            # The sensor went while three of its seven messages lay on its disk, and none has come.
            sent=7 if device.startswith("sensor") else 0,
            spooled=3 if device.startswith("sensor") else 0,
        )

    def _make_event(self, at: datetime) -> TrafficEvent:
        return TrafficEvent(
            at=at, device="traffic/region-1", boot=self._boot, seq=next(self._sequence),
            event="spill-1", kind=EventKind.QUEUE_SPILLBACK, severity=Severity.WARNING, start_at=at,
            intersection="market", lane="market_north_in", position=CENTRES["market"], detail="over 60 m",
        )  # fmt: skip

    def _make_count(self, at: datetime) -> TurningCount:
        return TurningCount(
            at=at, device="camera/demo", boot=self._boot, seq=next(self._sequence), camera="demo",
            movement="line:forward", start_at=at - timedelta(seconds=5), end_at=at,
            counts={RoadUser.CAR: 17, RoadUser.BUS: 2},
        )  # fmt: skip

    def _picture(self, at: datetime) -> None:
        picture = np.full((180, 320, 3), 90, np.uint8)
        x = int((time.monotonic() - self._started) * 40) % 260
        cv2.rectangle(picture, (x, 90), (x + 50, 120), (60, 200, 120), 2)
        _, jpeg = cv2.imencode(".jpg", picture)
        meta = FrameMeta(
            at=at, camera="demo", boot=self._boot, frame=next(self._sequence), width=320, height=180,
            boxes=(Box(x / 320, 0.5, 50 / 320, 30 / 180, RoadUser.CAR, 0.9),),
        )  # fmt: skip
        topic = topics.build(self._settings.site.name, "camera", "demo", "picture")
        self._bus.publish(topic, pack_frame(meta, jpeg.tobytes()), qos=0)


def _indications(green: set[str]) -> str:
    """Through and right protected, left permissive, for the arms in `green`."""

    def characters() -> Iterator[str]:
        for a in ROUND:
            for b in ROUND:
                if a != b:
                    yield "r" if a not in green else "g" if _turn(a, b) == "left" else "G"

    return "".join(characters())
