"""Who wants to go where in a scenario: SUMO's own routes, counted by turn and from signal to signal.

A mesoscopic run of SUMO without signals or queues resolves trips, flows and distributions to routes in well
under a second; nothing is measured under some signal plan, so a bad plan in force does not hide demand.
"""

import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from simulations.netfile import NetFile
from simulations.network import SignalNetwork
from simulations.scenarios import Scenario
from simulations.sumo import loaded, sumo_command
from traffic.streets import Demand, Link, Turn

FREE_FLOW = 0.95
"""Mean speed of free drivers over the limit: they dawdle (SUMO's sigma of 0.5)."""
_DISCHARGE_MPS = 11.0
_REACTION_S = 0.43
"""Beyond tau; both fitted to queues that leave in SUMO 1.28 (cologne3 1.95 s, grid4x4 2.1 s)."""
_CLEAR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Kind:
    """What a class of vehicles takes of the road: metres in a queue, and its drivers' time gap."""

    space_m: float
    tau_s: float


@dataclass(frozen=True, slots=True)
class Trip:
    """One vehicle's way; no identity."""

    depart_s: float
    kind: Kind
    edges: tuple[str, ...]


def routed_trips(scenario: Scenario) -> list[Trip]:
    """All trips that depart between the scenario's begin and end, routed as SUMO would route them.

    Raises:
        ConfigError: files that SUMO refuses.
    """
    with TemporaryDirectory(prefix="citybrain-flows-") as folder:
        routes = Path(folder) / "routes.xml"
        kinds = _resolve(scenario, routes)
        return [trip for trip in _trips(routes, kinds) if trip.depart_s < scenario.end_s]


def counted(
    network: SignalNetwork, trips: list[Trip], begin_s: float, end_s: float, period_s: float | None = None
) -> Demand:
    """Turns and links of the trips that depart between begin and end, in veh/h.

    period_s: how long such demand lasts; the window's length unless given.
    """
    counter = TurnCounter(network)
    hours = (end_s - begin_s) / 3600.0
    for trip in trips:
        if begin_s <= trip.depart_s < end_s:
            counter.add(trip.edges, trip.kind)
    return counter.demand(hours, period_s or end_s - begin_s)


class TurnCounter:
    """Adds up vehicles by turn at signals, and from signal to signal."""

    def __init__(self, network: SignalNetwork) -> None:
        self._net = network.net
        self._movements: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for id_, config in network.configs.items():
            for index, movement in enumerate(config.movements):
                lanes = self._net.lanes
                if (
                    movement.from_lane in lanes
                    and movement.to_lane in lanes
                    and movement.turn != "pedestrian"
                ):
                    key = (lanes[movement.from_lane].edge, lanes[movement.to_lane].edge)
                    self._movements[key][id_].append(index)
        self._inside = _inside(self._net)
        self._places: dict[tuple[str, str, str], int] = {}
        self._turns: dict[str, list[tuple[int, ...]]] = defaultdict(list)
        self._flows: dict[tuple[str, int], float] = defaultdict(float)
        self._headways: dict[tuple[str, int], float] = defaultdict(float)
        self._links: dict[tuple[tuple[str, int], tuple[str, int]], list[float]] = {}
        self._space_m = self._vehicles = 0.0

    def add(self, edges: Sequence[str], kind: Kind, count: float = 1.0) -> None:
        """Count vehicles that drive these edges one after the other, at every signal on their way."""
        self._vehicles += count
        self._space_m += count * kind.space_m
        for turn, inside_mps in self._along(edges, count):
            self._flows[turn] += count
            self._headways[turn] += count * _headway_s(kind, inside_mps)

    def link(self, edges: Sequence[str], count: float) -> None:
        """These vehicles go from signal to signal on this way; their turns are counted elsewhere."""
        for _ in self._along(edges, count):
            pass

    def _along(self, edges: Sequence[str], count: float) -> Iterator[tuple[tuple[str, int], float]]:
        """Each turn at a signal with the speed across the junction; links between them are added up."""
        last: tuple[str, int] | None = None
        since_s = since_m = 0.0
        for here, there in pairwise(edges):
            length_m, speed_mps = self._road(here)
            inside_m, inside_mps = self._inside.get((here, there), (0.0, 8.0))
            since_s += length_m / speed_mps
            since_m += length_m
            for id_ in self._movements.get((here, there), ()):
                turn = (id_, self._place(id_, here, there))
                yield turn, inside_mps
                if last is not None:
                    link = self._links.setdefault((last, turn), [0.0, 0.0, 0.0])
                    link[0] += count
                    link[1] += count * since_s
                    link[2] += count * since_m
                last, since_s, since_m = turn, 0.0, 0.0
            since_s += inside_m / inside_mps
            since_m += inside_m

    def demand(self, hours: float, period_s: float) -> Demand:
        """What was counted in so many hours, in veh/h."""
        turns = {
            id_: [
                Turn(
                    movements,
                    self._flows[id_, place] / hours,
                    self._headways[id_, place] / max(self._flows[id_, place], 1e-9),
                )
                for place, movements in enumerate(placed)
            ]
            for id_, placed in self._turns.items()
        }
        links = [
            Link(source, target, count / hours, seconds / count)
            for (source, target), (count, seconds, _) in self._links.items()
        ]
        return Demand(
            turns, links, self._storage_m(), self._space_m / max(self._vehicles, 1.0) or 7.0, period_s
        )

    def _place(self, id_: str, here: str, there: str) -> int:
        key = (id_, here, there)
        if key not in self._places:
            self._places[key] = len(self._turns[id_])
            self._turns[id_].append(tuple(self._movements[here, there][id_]))
        return self._places[key]

    def _road(self, edge: str) -> tuple[float, float]:
        lane = self._net.lanes[self._net.edges[edge].lanes[0]]
        return lane.length_m, max(1.0, lane.speed_mps) * FREE_FLOW

    def _storage_m(self) -> dict[str, float]:
        """By approach lane, the way back to the nearest signal that sends it traffic."""
        storage: dict[str, float] = {}
        edge_of = {(id_, place): here for (id_, here, _), place in self._places.items()}
        for (_, target), (count, _, metres) in self._links.items():
            for lane in self._net.edges[edge_of[target]].lanes:
                storage[lane] = min(storage.get(lane, 1e6), metres / count)
        return storage


def _headway_s(kind: Kind, speed_mps: float) -> float:
    return kind.tau_s + _REACTION_S + kind.space_m / min(_DISCHARGE_MPS, max(3.0, speed_mps))


def _inside(net: NetFile) -> dict[tuple[str, str], tuple[float, float]]:
    """Length and speed of the way across a junction, from edge to edge."""
    inside: dict[tuple[str, str], tuple[float, float]] = {}
    for connection in net.connections:
        lane = net.lanes.get(connection.via)
        if lane is not None and connection.from_lane in net.lanes and connection.to_lane in net.lanes:
            key = (net.lanes[connection.from_lane].edge, net.lanes[connection.to_lane].edge)
            inside.setdefault(key, (lane.length_m, max(1.0, lane.speed_mps)))
    return inside


def _resolve(scenario: Scenario, routes: Path) -> dict[str, Kind]:
    """Let SUMO write every vehicle's route; what each type of vehicle takes of the road."""
    until_s = scenario.end_s + _CLEAR_S
    command = sumo_command(scenario, 1, until_s - scenario.begin_s)
    command += ["--mesosim", "true", "--meso-junction-control", "false", "--meso-tls-penalty", "0"]
    command += ["--meso-jam-threshold", "-1", "--meso-overtaking", "true"]
    command += ["--vehroute-output", str(routes), "--vehroute-output.last-route"]
    command += ["--vehroute-output.write-unfinished"]
    with loaded(scenario, command) as sumo:
        while sumo.simulation.getMinExpectedNumber() > 0 and sumo.simulation.getTime() < until_s:
            sumo.simulationStep()
        types = sumo.vehicletype
        return {
            kind: Kind(types.getLength(kind) + types.getMinGap(kind), types.getTau(kind))
            for kind in types.getIDList()
        }


def _trips(routes: Path, kinds: dict[str, Kind]) -> Iterator[Trip]:
    usual = kinds.get("DEFAULT_VEHTYPE", Kind(7.5, 1.0))
    for _, element in ET.iterparse(routes):  # noqa: S314 - SUMO has just written it
        if element.tag != "vehicle":
            continue
        route = element.find("route")
        if route is not None:
            yield Trip(
                float(element.get("depart", "0")),
                kinds.get(element.get("type", ""), usual),
                tuple(route.get("edges", "").split()),
            )
        element.clear()
