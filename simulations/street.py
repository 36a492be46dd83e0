"""The simulated street: a SUMO city in real time whose cabinets and cameras real edge agents drive."""

import threading
import time
from datetime import UTC, datetime

import structlog

from citybrain import topics
from citybrain.codec import MAX_MESSAGE_BYTES, encode
from citybrain.config import Settings
from citybrain.messages import Health, RoadNetwork
from citybrain.presence import HEARTBEAT_S, Presence, new_boot
from citybrain.stopping import stop_on_signals
from simulations.cabinet import SILENT_S, Cabinet
from simulations.exchange import Exchange
from simulations.network import intersection_id, read_network, road_network
from simulations.scenarios import find_scenario
from simulations.simulator import STEP_S, Simulator

log = structlog.get_logger()

SERVICE = "service/street"
MIN_SILENT_WALL_S = 1.0
MIN_REPORT_S = 1.0
MAX_LAG_S = 1.0
"""A street further behind its time than this gives the lost time up."""
ENOUGH = 0.9
"""Share of the wanted speed below which the street says that it is too slow."""


def main(settings: Settings) -> None:
    """Run the street until SIGTERM or Ctrl-C.

    Raises:
        ConfigError: unknown scenario, a file of it is missing, or the port is taken.
    """
    stop = stop_on_signals()
    street = Street(settings)
    try:
        street.run(stop)
    finally:
        street.close()


class Street:
    """The simulation, its cabinets, and its presence on the broker; build, `run`, `close`."""

    def __init__(self, settings: Settings) -> None:
        wanted = settings.street
        scenario = find_scenario(wanted.scenario).pinned()
        boot, at = new_boot(), datetime.now(UTC)
        network = read_network(scenario.net, at=at, boot=boot, additional=scenario.additional, extends=True)
        self._name = intersection_id(scenario.name)
        self._site = settings.site.name
        self._speed = wanted.speed
        self._parts = road_network(network, version=self._name, at=at, boot=boot)
        self._simulator = Simulator(scenario, network, wanted.seed)
        # Faster than real time, five street seconds may be less than a process needs to be scheduled.
        silent_s = max(SILENT_S, MIN_SILENT_WALL_S * wanted.speed)
        self._cabinets = {
            id_: Cabinet(self._simulator, config, silent_s) for id_, config in network.configs.items()
        }
        self._exchange = Exchange((wanted.host, wanted.port), self._simulator, network, self._cabinets)
        self._presence = Presence(settings, SERVICE, boot=boot)
        self._presence.bus.on_connected(self._publish_network)
        self._meter = Meter()
        self._reported_at = -HEARTBEAT_S
        self._own = -1
        self._was_slow = False

    def run(self, stop: threading.Event) -> None:
        """Step in time until `stop`; the street goes on while the broker is away."""
        self._presence.bus.start(timeout_s=None)
        log.info(
            "street_open",
            scenario=self._name,
            signals=len(self._cabinets),
            speed=self._speed,
            port=self._exchange.port,
        )
        due = time.monotonic()
        while not stop.is_set():
            self.step()
            due += STEP_S / self._speed
            now = time.monotonic()
            if now - due > MAX_LAG_S:
                due = now
            self._exchange.serve(due)
            own = sum(cabinet.is_own for cabinet in self._cabinets.values())
            quiet_s = HEARTBEAT_S if own == self._own else MIN_REPORT_S
            if now >= self._reported_at + quiet_s:
                self._own, self._reported_at = own, now
                self._report()

    def step(self) -> None:
        """One step of the simulation, shown to the agents."""
        for cabinet in self._cabinets.values():
            cabinet.tick()
        if self._simulator.step():
            for cabinet in self._cabinets.values():
                cabinet.begin_anew()
        else:
            self._exchange.tick()

    def close(self) -> None:
        self._presence.leave()
        self._exchange.close()
        self._simulator.close()

    def _report(self) -> None:
        speed, cpu_share = self._meter.read(self._simulator.clock_s)
        figures = self._simulator.figures
        detail = f"{self._name}, run {self._simulator.run}"
        is_slow = speed is not None and speed < ENOUGH * self._speed
        if is_slow:
            detail = f"{detail}: achieves speed {speed:.1f} of {self._speed:.1f}; lower street.speed"
        if is_slow and not self._was_slow:
            log.warning("street_slow", achieved=speed, wanted=self._speed)
        self._was_slow = is_slow
        self._presence.report(
            Health.DEGRADED if is_slow else Health.OK,
            detail,
            figures={
                "clock_s": self._simulator.clock_s,
                "speed": self._speed if speed is None else round(speed, 2),
                "cpu_share": round(cpu_share, 4),
                "vehicles": float(figures.vehicles),
                "arrived": float(figures.arrived),
                "teleports": float(figures.teleports),
                "collisions": float(figures.collisions),
                "agents": float(self._exchange.agents),
                "signals": float(len(self._cabinets)),
                "signals_on_own_program": float(self._own),
            },
        )

    def _publish_network(self) -> None:
        for part in self._parts:
            _publish_part(self._presence, self._site, part)


class Meter:
    """Achieved speed and CPU share, over at least `WINDOW_S` of wall time."""

    WINDOW_S = 5.0

    def __init__(self) -> None:
        self._begin = (time.monotonic(), 0.0, time.process_time())
        self._read: tuple[float | None, float] = (None, 0.0)

    def read(self, clock_s: float) -> tuple[float | None, float]:
        """Street seconds per wall second, None at first, and this process' share of one core."""
        now = (time.monotonic(), clock_s, time.process_time())
        wall_s = now[0] - self._begin[0]
        if wall_s >= self.WINDOW_S:
            self._read = ((clock_s - self._begin[1]) / wall_s, (now[2] - self._begin[2]) / wall_s)
            self._begin = now
        return self._read


def _publish_part(presence: Presence, site: str, part: RoadNetwork) -> None:
    payload = encode(part)
    assert len(payload) <= MAX_MESSAGE_BYTES
    topic = topics.for_device(site, part.device, f"part{part.part}")
    presence.bus.publish(topic, payload, retain=True)
