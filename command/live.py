"""What is live: applies decoded messages, answers what is now, and remembers what changed since asked.

Pure state: no MQTT, no clock, no asyncio. A message that is older than what is known changes nothing, so
that what an agent sends late from its spool does not turn the map back.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from citybrain.fields import LonLat
from citybrain.messages import (
    AgentStatus,
    AnyMessage,
    ControlMode,
    Health,
    IntersectionConfig,
    LaneMeasurement,
    RoadNetwork,
    SignalReasons,
    SignalState,
    Stored,
    TrafficEvent,
    TurningCount,
)
from citybrain.presence import SILENT_AFTER_S
from command import views
from command.cameras import CameraBoard
from command.geometry import bounds, network_geojson
from command.models import AgentView, CameraNow, EventView, LaneNow, SignalNow, SiteView, View
from command.network import NetworkBoard
from command.window import TrafficFigures, TrafficWindow

FRESH_S = 30.0
MAX_PENDING_EVENTS = 1_000


class Live:
    """The state of the site as told over MQTT, keyed by ids."""

    def __init__(self, cameras: Mapping[str, LonLat | None] | None = None) -> None:
        self.configs: dict[str, IntersectionConfig] = {}
        self.states: dict[str, SignalState] = {}
        self._reasons: dict[str, SignalReasons] = {}
        self.lanes: dict[str, LaneNow] = {}
        self.statuses: dict[str, AgentStatus] = {}
        self.network = NetworkBoard()
        self.cameras = CameraBoard(cameras or {})
        self.layout = 0
        """Grows when intersections or the network changed: what a map draws once must be drawn anew."""
        self._window = TrafficWindow()
        self._observed: dict[str, str] = {}
        self._health: dict[str, str] = {}
        self._last: dict[tuple[str, str], tuple[int, int]] = {}
        self._events: list[EventView] = []
        self._pending: dict[str, set[str]] = {"signals": set(), "lanes": set(), "agents": set()}

    def apply(self, message: AnyMessage, now: datetime) -> None:
        """Take in one message; `now` is the wall clock, aware UTC."""
        match message:
            case SignalState():
                self._apply_state(message)
            case LaneMeasurement():
                self._apply_lanes(message, now)
            case AgentStatus():
                self._apply_status(message, now)
            case TurningCount():
                self.cameras.count(message, now)
            case SignalReasons():
                told = self._reasons.get(message.intersection)
                if told is None or message.at >= told.at:
                    self._reasons[message.intersection] = message
            case TrafficEvent():
                if not message.is_historical and len(self._events) < MAX_PENDING_EVENTS:
                    self._events.append(views.event(message))
            case IntersectionConfig():
                self._apply_config(message)
            case RoadNetwork():
                if self.network.apply(message):
                    self.layout += 1
            case _:
                pass  # commands, acknowledgements and observations are history only

    def pending(self) -> list[str]:
        """Channels that have something to tell."""
        channels = [channel for channel, keys in self._pending.items() if keys]
        if self._events:
            channels.append("events")
        if self.cameras.changed:
            channels.append("cameras")
        if self.cameras.pictured:
            channels.append("pictures")
        return channels

    def drain(self, channel: str, now: datetime) -> list[View]:
        """What changed on `channel` since the last call, latest state of each item once."""
        if channel == "events":
            events, self._events = self._events, []
            return list(events)
        if channel == "pictures":
            return list(self.cameras.drain_pictured())
        if channel == "cameras":
            return [self.camera(camera, now) for camera in self.cameras.drain_changed()]
        keys = self._pending[channel]
        self._pending[channel] = set()
        if channel == "signals":
            return [self.signal(key) for key in sorted(keys)]
        if channel == "lanes":
            return [self.lanes[key] for key in sorted(keys)]
        return [self.agent(key, now) for key in sorted(keys)]

    def sweep(self, now: datetime) -> None:
        """Notice who fell silent; call it about once a second."""
        for device in self.statuses:
            self._judge(device, now)

    def signal(self, intersection: str) -> SignalNow:
        """The live signal; KeyError where nothing was heard of it."""
        config = self.configs.get(intersection)
        return views.signal(self.states[intersection], config.position if config else None)

    def signals(self) -> list[SignalNow]:
        return [self.signal(key) for key in sorted(self.states)]

    def state_of(self, intersection: str) -> SignalNow | None:
        return self.signal(intersection) if intersection in self.states else None

    def reasons_of(self, intersection: str, now: datetime) -> SignalReasons | None:
        """Why its latest command was given; None where nobody said so within `FRESH_S`."""
        told = self._reasons.get(intersection)
        return told if told is not None and (now - told.at).total_seconds() <= FRESH_S else None

    def camera(self, camera: str, now: datetime) -> CameraNow:
        status = self.statuses.get(f"camera/{camera}")
        health = views.health(status, now, SILENT_AFTER_S) if status else "starting"
        return self.cameras.view(camera, status, health, self._beside_first_intersection())

    def all_cameras(self, now: datetime) -> list[CameraNow]:
        return [self.camera(camera, now) for camera in sorted(self.cameras.known())]

    def agent(self, device: str, now: datetime) -> AgentView:
        status = self.statuses[device]
        return views.agent(status, views.health(status, now, SILENT_AFTER_S), self._position_of(status))

    def agents(self, now: datetime) -> list[AgentView]:
        return [self.agent(device, now) for device in sorted(self.statuses)]

    def vehicles(self, now: datetime) -> int:
        """On all lanes that reported within `FRESH_S`."""
        return sum(
            lane.vehicles for lane in self.lanes.values() if (now - lane.at).total_seconds() <= FRESH_S
        )

    def traffic(self, now: datetime) -> TrafficFigures:
        return self._window.figures(now.timestamp())

    def commanded(self) -> int:
        return sum(state.mode is ControlMode.COMMANDED for state in self.states.values())

    def silent(self, now: datetime) -> int:
        """Agents that fell silent or went offline."""
        gone = ("silent", "offline")
        return sum(views.health(status, now, SILENT_AFTER_S) in gone for status in self.statuses.values())

    def figure(self, name: str, now: datetime, kind: str = "service/ingest") -> list[float]:
        """Figure `name` of each device whose name starts with `kind` and that is heard of now."""
        gone = ("silent", "offline")
        return [
            status.figures[name]
            for device, status in sorted(self.statuses.items())
            if device.startswith(kind)
            and name in status.figures
            and views.health(status, now, SILENT_AFTER_S) not in gone
        ]

    def site(self, name: str, version: str, speed: float) -> SiteView:
        corners = bounds(self._points())
        center = None
        if corners:
            (west, south), (east, north) = corners
            center = ((west + east) / 2, (south + north) / 2)
        return SiteView(site=name, center=center, bounds=corners, version=version, speed=speed)

    def geojson(self) -> bytes:
        return network_geojson(self.network.segments(), self._observed)

    def _points(self) -> Iterable[LonLat]:
        for config in self.configs.values():
            yield config.position
        for segment in self.network.segments():
            yield from segment.path

    def _apply_state(self, state: SignalState) -> None:
        known = self.states.get(state.intersection)
        if self._is_new(state, state.intersection) and (known is None or state.at >= known.at):
            self.states[state.intersection] = state
            self._pending["signals"].add(state.intersection)

    def _apply_lanes(self, measurement: LaneMeasurement, now: datetime) -> None:
        if not self._is_new(measurement, measurement.intersection):
            return
        self._window.add(measurement, now.timestamp())
        for reading in measurement.lanes:
            known = self.lanes.get(reading.lane)
            if known is not None and measurement.at < known.at:
                continue
            lane = views.lane(reading, measurement, self._limit_of(reading.lane))
            self.lanes[reading.lane] = lane
            if known is None or views.differs(lane, known):
                self._pending["lanes"].add(reading.lane)

    def _apply_status(self, status: AgentStatus, now: datetime) -> None:
        known = self.statuses.get(status.device)
        # A last will carries the boot of the agent that died: it must not bury the one that followed.
        if known is not None and status.boot < known.boot:
            return
        if status.health is Health.OFFLINE and known is not None:
            if known.health is Health.OFFLINE and status.boot == known.boot:
                return
            # The will was written at birth; what is worth knowing is what the agent said last.
            status = views.buried(status, known, now)
        self.statuses[status.device] = status
        self._judge(status.device, now)
        self._pending["agents"].add(status.device)
        kind, _, id_ = status.device.partition("/")
        if kind == "camera":
            self.cameras.touch(id_)

    def _apply_config(self, config: IntersectionConfig) -> None:
        known = self.configs.get(config.intersection)
        if not self._is_new(config, f"config {config.intersection}"):
            return
        self.configs[config.intersection] = config
        for lane in config.lanes:
            self._observed[lane.lane] = config.intersection
        if known is None or views.layout_of(known) != views.layout_of(config):
            self.layout += 1

    def _is_new(self, message: Stored, about: str) -> bool:
        """Whether this device has not sent this, or something later, before."""
        key, number = (message.device, about), (message.boot, message.seq)
        if number <= self._last.get(key, (0, 0)):
            return False
        self._last[key] = number
        return True

    def _judge(self, device: str, now: datetime) -> None:
        health = views.health(self.statuses[device], now, SILENT_AFTER_S)
        if self._health.get(device) != health:
            self._health[device] = health
            self._pending["agents"].add(device)
            if device.startswith("camera/"):
                self.cameras.touch(device.removeprefix("camera/"))

    def _limit_of(self, lane: str) -> float | None:
        return self.network.speed_limit(lane) or self._config_limit(lane)

    def _config_limit(self, lane: str) -> float | None:
        config = self.configs.get(self._observed.get(lane, ""))
        if config is None:
            return None
        return next((own.speed_limit_mps for own in config.lanes if own.lane == lane), None)

    def _position_of(self, status: AgentStatus) -> LonLat | None:
        if status.position:
            return status.position
        kind, _, id_ = status.device.partition("/")
        if kind == "camera":
            return self.cameras.position(id_, None, self._beside_first_intersection())
        if kind in {"signal", "lanes"} and id_ in self.configs:
            return self.configs[id_].position
        return None

    def _beside_first_intersection(self) -> LonLat | None:
        if not self.configs:
            return None
        longitude, latitude = self.configs[min(self.configs)].position
        return longitude + 0.0004, latitude + 0.0003
