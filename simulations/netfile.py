"""What is written in a SUMO network file, as plain values; see network.py for what it means to us."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path

from citybrain.errors import ConfigError
from simulations.projection import Projection, projection_of
from simulations.sumoxml import read_root

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class NetLane:
    """One lane; `shape` in network metres."""

    id: str
    edge: str
    index: int
    length_m: float
    speed_mps: float
    width_m: float
    shape: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class NetEdge:
    """One edge; `to_junction` is empty for internal ones."""

    id: str
    function: str
    name: str
    to_junction: str
    lanes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NetJunction:
    """One junction; `requests` holds (response, foes) bit strings by link index, last character first."""

    id: str
    type: str
    position: Point
    incoming: tuple[str, ...]
    internal: tuple[str, ...]
    requests: dict[int, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NetConnection:
    """From lane to lane; `tl` and `link` are empty and -1 where no signal controls it."""

    from_lane: str
    to_lane: str
    via: str
    direction: str
    tl: str
    link: int


@dataclass(frozen=True, slots=True)
class NetProgram:
    """One signal program: (seconds, indications, minimum, maximum) by phase; 0 where none is given."""

    tl: str
    phases: tuple[tuple[float, str, float, float], ...]


@dataclass(frozen=True, slots=True)
class NetFile:
    """One network file."""

    path: Path
    projection: Projection
    lanes: dict[str, NetLane]
    edges: dict[str, NetEdge]
    junctions: dict[str, NetJunction]
    connections: tuple[NetConnection, ...]
    programs: dict[str, NetProgram]


def read_netfile(path: Path, additional: tuple[Path, ...] = ()) -> NetFile:
    """The network at `path` (plain or .gz); programs in `additional` files replace its own, as in SUMO.

    Raises:
        ConfigError: a file that cannot be read or is not a SUMO network.
    """
    root = read_root(path)
    location = root.find("location")
    if root.tag != "net" or location is None:
        raise ConfigError(f"{path} is not a SUMO network: it has no <net> with a <location>")
    x, y = location.get("netOffset", "0,0").split(",")
    projection = projection_of(location.get("projParameter", "!"), (float(x), float(y)))
    lanes: dict[str, NetLane] = {}
    edges = {edge.id: edge for edge in (_edge(element, lanes) for element in root.iter("edge"))}
    junctions = {e.get("id", ""): _junction(e) for e in root.iter("junction") if e.get("type") != "internal"}
    connections = tuple(_connection(element) for element in root.iter("connection"))
    programs = _programs(root)
    for extra in additional:
        programs |= _programs(read_root(extra))
    return NetFile(path, projection, lanes, edges, junctions, connections, programs)


def _edge(element: ET.Element, lanes: dict[str, NetLane]) -> NetEdge:
    edge = element.get("id", "")
    ids = []
    for lane in element.iter("lane"):
        id_ = lane.get("id", "")
        ids.append(id_)
        lanes[id_] = NetLane(
            id_,
            edge,
            int(lane.get("index", "0")),
            float(lane.get("length", "0")),
            float(lane.get("speed", "13.89")),
            float(lane.get("width", "3.2")),
            _shape(lane.get("shape", "")),
        )
    return NetEdge(
        edge, element.get("function", "normal"), element.get("name", ""), element.get("to", ""), tuple(ids)
    )


def _shape(text: str) -> tuple[Point, ...]:
    points = (point.split(",") for point in text.split())
    return tuple((float(point[0]), float(point[1])) for point in points)


def _junction(element: ET.Element) -> NetJunction:
    requests = {
        int(request.get("index", "0")): (request.get("response", ""), request.get("foes", ""))
        for request in element.iter("request")
    }
    return NetJunction(
        element.get("id", ""),
        element.get("type", ""),
        (float(element.get("x", "0")), float(element.get("y", "0"))),
        tuple(element.get("incLanes", "").split()),
        tuple(element.get("intLanes", "").split()),
        requests,
    )


def _connection(element: ET.Element) -> NetConnection:
    return NetConnection(
        f"{element.get('from')}_{element.get('fromLane')}",
        f"{element.get('to')}_{element.get('toLane')}",
        element.get("via", ""),
        element.get("dir", "s"),
        element.get("tl", ""),
        int(element.get("linkIndex", "-1")),
    )


def _programs(root: ET.Element) -> dict[str, NetProgram]:
    return {
        logic.get("id", ""): NetProgram(
            logic.get("id", ""),
            tuple(
                (
                    float(phase.get("duration", "0")),
                    phase.get("state", ""),
                    float(phase.get("minDur", "0")),
                    float(phase.get("maxDur", "0")),
                )
                for phase in logic.iter("phase")
            ),
        )
        for logic in root.iter("tlLogic")
    }
