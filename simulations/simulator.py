"""SUMO in this process: one scenario that never ends, read and driven in the network's own ids."""

from dataclasses import dataclass
from typing import NamedTuple

import libsumo
import structlog

from citybrain.errors import ConfigError
from citybrain.messages import RoadUser
from simulations.lanes import ROAD_USERS
from simulations.network import SignalNetwork
from simulations.scenarios import Scenario
from traffic.network import VIEW_M

log = structlog.get_logger()

STEP_S = 1.0


class Sighting(NamedTuple):
    """A vehicle on an approach; `distance_m` from its front to the stop line. `vehicle` is SUMO's id."""

    vehicle: str
    distance_m: float
    speed_mps: float
    length_m: float
    road_user: RoadUser


@dataclass(slots=True)
class Figures:
    """What has happened since the start."""

    vehicles: int = 0
    arrived: int = 0
    teleports: int = 0
    collisions: int = 0


class Simulator:
    """The running simulation. `clock_s` grows for ever; `run` counts how often the demand began anew.

    Raises:
        ConfigError: SUMO cannot load the scenario.
    """

    def __init__(self, scenario: Scenario, network: SignalNetwork, seed: int) -> None:
        self._scenario = scenario
        self._tls = network.tls
        self._views = network.views
        self._approaches = {id_: [lane.lane for lane in c.lanes] for id_, c in network.configs.items()}
        self._arguments = _arguments(scenario, seed)
        self._kinds: dict[str, tuple[float, RoadUser]] = {}
        self._programs: dict[str, str] = {}
        self._offset_s = 0.0
        self.run = 1
        self.clock_s = 0.0
        self.figures = Figures()
        try:
            libsumo.start(["sumo", *self._arguments])
        except Exception as error:  # libsumo raises its own kinds, also plain RuntimeError
            raise ConfigError(f"SUMO cannot load the scenario {scenario.name}: {error}") from error
        self._programs = {tl: libsumo.trafficlight.getProgram(tl) for tl in self._tls.values()}

    def step(self) -> bool:
        """One step of `STEP_S`; True when the demand was over and the street began anew instead."""
        if libsumo.simulation.getTime() >= self._scenario.end_s:
            self._begin_anew()
            return True
        libsumo.simulationStep()
        self.clock_s = self._offset_s + libsumo.simulation.getTime() - self._scenario.begin_s
        self.figures.vehicles = libsumo.vehicle.getIDCount()
        self.figures.arrived += libsumo.simulation.getArrivedNumber()
        self.figures.teleports += libsumo.simulation.getStartingTeleportNumber()
        self.figures.collisions += libsumo.simulation.getCollidingVehiclesNumber()
        for vehicle in libsumo.simulation.getArrivedIDList():
            self._kinds.pop(vehicle, None)
        return False

    def indications(self, intersection: str) -> str:
        """What the signal shows."""
        return str(libsumo.trafficlight.getRedYellowGreenState(self._tls[intersection]))

    def show(self, intersection: str, indications: str) -> None:
        """Show this from the next step on."""
        libsumo.trafficlight.setRedYellowGreenState(self._tls[intersection], indications)

    def release(self, intersection: str) -> None:
        """Let the network's own program show what it wants."""
        tl = self._tls[intersection]
        libsumo.trafficlight.setProgram(tl, self._programs[tl])

    def sightings(self, intersection: str) -> dict[str, list[Sighting]]:
        """The vehicles on each approach lane's view, nearest first."""
        return {lane: self._on_approach(lane) for lane in self._approaches[intersection]}

    def close(self) -> None:
        libsumo.close()

    def _on_approach(self, lane: str) -> list[Sighting]:
        found = []
        for stretch in self._views[lane]:
            for vehicle in libsumo.lane.getLastStepVehicleIDs(stretch.lane):
                position_m = libsumo.vehicle.getLanePosition(vehicle)
                distance_m = stretch.offset_m + max(0.0, stretch.length_m - position_m)
                if distance_m <= VIEW_M:
                    speed_mps = max(0.0, libsumo.vehicle.getSpeed(vehicle))
                    found.append(Sighting(vehicle, distance_m, speed_mps, *self._kind(vehicle)))
        found.sort(key=lambda sighting: sighting.distance_m)
        return found

    def _kind(self, vehicle: str) -> tuple[float, RoadUser]:
        kind = self._kinds.get(vehicle)
        if kind is None:
            class_ = libsumo.vehicle.getVehicleClass(vehicle)
            kind = (libsumo.vehicle.getLength(vehicle), ROAD_USERS.get(class_, RoadUser.CAR))
            self._kinds[vehicle] = kind
        return kind

    def _begin_anew(self) -> None:
        libsumo.load(self._arguments)
        self._offset_s = self.clock_s
        self._kinds.clear()
        self.run += 1
        log.info("street_begins_anew", scenario=self._scenario.name, run=self.run, clock_s=self.clock_s)


def _arguments(scenario: Scenario, seed: int) -> list[str]:
    return [
        *scenario.arguments(),
        "--begin", str(scenario.begin_s),
        "--step-length", str(STEP_S),
        "--seed", str(seed),
        # A vehicle that cannot go on waits, as on a street; none is taken away.
        "--time-to-teleport", "-1",
        "--no-step-log", "--no-warnings", "--duration-log.disable",
    ]  # fmt: skip
