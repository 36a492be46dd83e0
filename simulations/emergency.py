"""Emergency vehicles in a simulated city: one run, with or without priority, trips and everybody else scored.

libsumo holds one simulation per process, so a process runs one of these at a time.
"""

import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from citybrain.errors import ConfigError
from simulations.emergency_signals import OwnSignals, PlannedSignals, PreemptedSignals, Signals
from simulations.emergency_trips import Trip, draw_trips
from simulations.emergency_watch import Profile, TripResult, Watch
from simulations.epoch import instant
from simulations.fleet import Fleet
from simulations.lanes import CAMERA
from simulations.network import SignalNetwork
from simulations.observation import observer_of
from simulations.scenarios import Scenario
from simulations.scoring import score_trips
from simulations.sensing import Sensing
from simulations.sumo import loaded, sumo_command, trip_options
from traffic.network import Ints

CONTROLLERS = ("fixed", "adaptive")
FREE_GAP_S = 900.0
"""Between departures on the empty network, so that no trip meets another."""


@dataclass(frozen=True, slots=True)
class EmergencyRun:
    """What to run; `priority` lets the emergency vehicles ask for it. `speed_factor` of their speed limit."""

    scenario: Scenario
    controller: str = "adaptive"
    priority: bool = True
    seed: int = 1
    trips: int = 12
    duration_s: float | None = None
    protocol: str = "resco"
    speed_factor: float = 1.0
    missed: float = CAMERA.missed

    @property
    def seconds(self) -> float:
        return self.duration_s or self.scenario.end_s - self.scenario.begin_s

    @property
    def name(self) -> str:
        return self.controller + ("+priority" if self.priority else "")


@dataclass(frozen=True, slots=True)
class Others:
    """Everybody else: delay is time loss plus departure delay, a mean over all scheduled vehicles."""

    vehicles: int
    delay_s: float
    unfinished: int
    never_departed: int


@dataclass(frozen=True, slots=True)
class EmergencyResult:
    """One run's trips and the rest of the traffic; `queued[i, t]`: vehicles at signal i in second t."""

    controller: str
    priority: bool
    seed: int
    trips: tuple[TripResult, ...]
    others: Others
    signals: tuple[str, ...]
    queued: Ints


def run_emergency(run: EmergencyRun, progress: Callable[[float], None] | None = None) -> EmergencyResult:
    """Simulate the trips on the empty network and then in traffic; `progress` gets the seconds done.

    Raises:
        ConfigError: an unknown controller or protocol, files that SUMO refuses, no way past a signal.
    """
    if run.controller not in CONTROLLERS:
        raise ConfigError(f"controller {run.controller!r} is unknown: use one of {', '.join(CONTROLLERS)}")
    # A schedule would take a signal away from whoever drives it.
    run = replace(run, scenario=run.scenario.pinned())
    network = run.scenario.network(run.protocol)
    trips = draw_trips(network, run.trips, run.seconds, run.seed, run.speed_factor)
    with TemporaryDirectory(prefix="citybrain-emergency-") as folder:
        free = _free_run(run, network, trips, Path(folder))
        return _busy_run(run, network, trips, free, Path(folder), progress)


def _free_run(
    run: EmergencyRun, network: SignalNetwork, trips: Sequence[Trip], folder: Path
) -> dict[str, Profile]:
    """Each trip alone on the network with green signals."""
    alone = [(trip, number * FREE_GAP_S) for number, trip in enumerate(trips)]
    routes = _write_routes(folder / "free.rou.xml", alone, run)
    command = sumo_command(run.scenario, run.seed, len(trips) * FREE_GAP_S)
    command[command.index("--route-files") + 1] = str(routes)
    with loaded(run.scenario, command) as sumo:
        for tl in network.tls.values():
            size = len(sumo.trafficlight.getRedYellowGreenState(tl))
            sumo.trafficlight.setRedYellowGreenState(tl, "G" * size)
        watch = Watch(sumo, network, trips, {})
        while not watch.is_over:
            sumo.simulationStep()
            watch.step(sumo.simulation.getTime() - run.scenario.begin_s)
            if sumo.simulation.getTime() >= run.scenario.begin_s + len(trips) * FREE_GAP_S:
                raise ConfigError(f"an emergency trip on {run.scenario.name} never ends on the empty network")
        return watch.profiles()


def _busy_run(  # noqa: PLR0917 - one run has as many parts
    run: EmergencyRun,
    network: SignalNetwork,
    trips: Sequence[Trip],
    free: dict[str, Profile],
    folder: Path,
    progress: Callable[[float], None] | None,
) -> EmergencyResult:
    routes = _write_routes(folder / "trips.rou.xml", [(trip, trip.depart_s) for trip in trips], run)
    infos = folder / "infos.xml"
    command = [*sumo_command(run.scenario, run.seed, run.seconds), *trip_options(infos)]
    command[command.index("--route-files") + 1] += f",{routes}"
    with loaded(run.scenario, command) as sumo:
        fleet, observer = Fleet(sumo), observer_of(network, Sensing(missed=run.missed), run.seed)
        observer.start(fleet, sumo)
        signals = _signals(run, network, sumo)
        watch = Watch(sumo, network, trips, free)
        queued: list[list[int]] = []
        for second in range(int(run.seconds)):
            clock_s = run.scenario.begin_s + second
            fleet.read()
            readings = observer.observe().readings
            queued.append([
                sum(readings[lane.lane].queued for lane in config.lanes)
                for config in network.configs.values()
            ])  # fmt: skip
            signals.step(clock_s, readings, watch.messages(instant(clock_s)) if run.priority else [])
            sumo.simulationStep()
            watch.step(second + 1.0)
            if progress is not None:
                progress(second + 1.0)
    return EmergencyResult(
        run.controller,
        run.priority,
        run.seed,
        watch.results(),
        _others(infos, run, {trip.id for trip in trips}),
        tuple(network.configs),
        np.array(queued, np.int32).T,
    )


def _signals(run: EmergencyRun, network: SignalNetwork, sumo: Any) -> Signals:
    if run.controller == "adaptive":
        return PlannedSignals(network, sumo)
    return PreemptedSignals(network, sumo) if run.priority else OwnSignals()


def _write_routes(path: Path, trips: Sequence[tuple[Trip, float]], run: EmergencyRun) -> Path:
    """Trips with their departures as SUMO reads them; the vehicles obey red and nobody makes way for them."""
    root = ET.Element("routes")
    ET.SubElement(
        root, "vType", id="emergency", vClass="emergency", length="6.5",
        speedFactor=str(run.speed_factor), speedDev="0",
    )  # fmt: skip
    for trip, depart_s in trips:
        vehicle = ET.SubElement(
            root, "vehicle", id=trip.id, type="emergency", depart=str(run.scenario.begin_s + depart_s),
            departLane="best", departSpeed="max",
        )  # fmt: skip
        ET.SubElement(vehicle, "route", edges=" ".join(trip.edges))
    ET.ElementTree(root).write(path)
    return path


def _others(infos: Path, run: EmergencyRun, emergency: set[str]) -> Others:
    figures = score_trips(infos, run.seconds, emergency)
    return Others(figures.vehicles, figures.delay_s, figures.unfinished, figures.never_departed)
