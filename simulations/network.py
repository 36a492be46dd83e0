"""A SUMO network in City Brain's terms: signal configurations, camera views and the map of lanes."""

import hashlib
import math
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from citybrain.conflicts import GREEN
from citybrain.errors import ConfigError
from citybrain.messages import (
    ApproachLane,
    Feeder,
    IntersectionConfig,
    Movement,
    Phase,
    RoadNetwork,
    RoadSegment,
)
from citybrain.rules import MAX_RED_S, yellow_s
from simulations.netfile import NetConnection, NetFile, NetLane, NetProgram, read_netfile
from simulations.views import Stretch, feeders_of, views_of
from traffic.phases import with_more_phases

MAX_GREEN_S = 90.0
UNUSED = "unused"
"""Both lanes of a movement that stands for a place in the indications which controls nothing."""
_SEGMENTS_PER_PART = 500
_TURNS = {"s": "through", "l": "left", "L": "left", "r": "right", "R": "right", "t": "u_turn"}
_UNUSED = NetConnection(UNUSED, UNUSED, "", "s", "", -1)


@dataclass(frozen=True, slots=True)
class Protocol:
    """How signals change: minimum green, all-red, yellow (None: by approach speed), and maximum red.

    `ends_greens`: a maximum green ends, whatever is wished, where somebody waits. `has_yellow_traps`: as in
    `IntersectionConfig`.
    """

    name: str
    min_green_s: float
    all_red_s: float
    yellow_s: float | None
    max_red_s: float = math.inf
    ends_greens: bool = False
    has_yellow_traps: bool = False


RESCO = Protocol("resco", 5.0, 0.0, 3.0, has_yellow_traps=True)
STREET = Protocol("street", 7.0, 2.0, None, MAX_RED_S, ends_greens=True)


@dataclass(frozen=True, slots=True)
class SignalNetwork:
    """Everything about one network that the street and the optimiser need.

    `tls`: SUMO's traffic light id by intersection id. `views`: by approach lane, the lanes that a camera
    with a range of `VIEW_M` sees on it, nearest first; each SUMO lane is in one view only.
    """

    net: NetFile
    configs: dict[str, IntersectionConfig]
    tls: dict[str, str]
    views: dict[str, tuple[Stretch, ...]]
    protocol: Protocol = STREET


def intersection_id(tl: str) -> str:
    """SUMO's id of a traffic light as an intersection id: kept where allowed, else cut and hashed."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", tl, re.ASCII):
        return tl
    digest = hashlib.blake2b(tl.encode(), digest_size=4).hexdigest()
    return "s" + re.sub(r"[^A-Za-z0-9_.-]", "-", tl)[:50] + "-" + digest


def read_network(
    path: Path,
    *,
    at: datetime,
    boot: int,
    protocol: Protocol = STREET,
    additional: tuple[Path, ...] = (),
    extends: bool = False,
) -> SignalNetwork:
    """The signalled intersections of a SUMO network, numbered as `(signal/<id>, boot, 1)`.

    `extends`: beside the phases of the network's own programs, offer those of `traffic/phases.py`.

    Raises:
        ConfigError: not a network, or one without a usable traffic light.
    """
    net = read_netfile(path, additional)
    links: dict[str, dict[int, NetConnection]] = defaultdict(dict)
    for connection in net.connections:
        if connection.tl and connection.link >= 0:
            links[connection.tl].setdefault(connection.link, connection)
    reader = _Reader(net, protocol)
    configs, tls = {}, {}
    for tl in sorted(links):
        phases = reader.phases(tl, links[tl])
        if phases and len(phases[0].indications) >= len(links[tl]):
            id_ = intersection_id(tl)
            configs[id_] = reader.config(id_, links[tl], phases, at, boot)
            tls[id_] = tl
    if not configs:
        raise ConfigError(f"{path} has no traffic light with a green phase: name a network with signals")
    approaches = list(dict.fromkeys(lane.lane for config in configs.values() for lane in config.lanes))
    feeders = feeders_of(net, approaches)
    configs = {id_: _fed(config, feeders) for id_, config in configs.items()}
    if extends:
        configs = {id_: with_more_phases(config) for id_, config in configs.items()}
    return SignalNetwork(net, configs, tls, views_of(net, approaches), protocol)


def road_network(network: SignalNetwork, *, version: str, at: datetime, boot: int) -> list[RoadNetwork]:
    """All non-internal lanes as map segments, in parts of at most 500, from `network/<version>`."""
    approach = {lane.lane: id_ for id_, config in network.configs.items() for lane in config.lanes}
    lanes = [lane for lane in network.net.lanes.values() if not lane.id.startswith(":")]
    segments = [
        RoadSegment(
            lane=lane.id,
            path=_path(network.net, lane),
            speed_limit_mps=lane.speed_mps,
            width_m=lane.width_m,
            name=network.net.edges[lane.edge].name[:500],
            to_intersection=approach.get(lane.id),
        )
        for lane in lanes
        if len(lane.shape) > 1
    ]
    chunks = [segments[i : i + _SEGMENTS_PER_PART] for i in range(0, len(segments), _SEGMENTS_PER_PART)]
    return [
        RoadNetwork(
            at=at,
            device=f"network/{version}",
            boot=boot,
            seq=part,
            version=version,
            part=part,
            parts=len(chunks),
            segments=chunk,
        )
        for part, chunk in enumerate(chunks, 1)
    ]


def is_green(state: str) -> bool:
    """Whether a program's phase is one to choose: something is green and nothing clears."""
    return not set(state) & {"y", "u"} and bool(set(state) & {"G", "g"})


def green_order(program: NetProgram) -> list[str]:
    """The green states of a program in its own order; phases are numbered as they first come."""
    return [state for _, state, _, _ in program.phases if is_green(state)]


class _Requests:
    """Right of way between the connections of each junction, from the network's request matrices."""

    def __init__(self, net: NetFile) -> None:
        self._net = net
        self._via = {c.from_lane: c.via for c in net.connections if c.from_lane.startswith(":") and c.via}
        by_from: dict[str, list[NetConnection]] = defaultdict(list)
        for connection in net.connections:
            by_from[connection.from_lane].append(connection)
        self._index: dict[NetConnection, int] = {}
        for junction in net.junctions.values():
            inside = {lane: index for index, lane in enumerate(junction.internal)}
            ordered = [c for lane in junction.incoming for c in by_from[lane]]
            for place, connection in enumerate(ordered):
                self._index[connection] = self._place(connection, inside, place)

    def _place(self, connection: NetConnection, inside: dict[str, int], place: int) -> int:
        """Its row: that of the last internal lane it uses, or its order where there are none."""
        lane = connection.via or connection.to_lane
        while lane and lane not in inside:
            lane = self._via.get(lane, "")
        return inside.get(lane, place)

    def between(self, one: NetConnection, other: NetConnection) -> tuple[bool, bool]:
        """Whether the paths conflict, and whether `one` must yield to `other`."""
        junction = self.junction(one)
        if one not in self._index or other not in self._index or junction != self.junction(other):
            return False, False
        response, foes = self._net.junctions[junction].requests.get(self._index[one], ("", ""))
        bit = -1 - self._index[other]
        if -bit > len(foes):
            return False, False
        return foes[bit] == "1", response[bit] == "1"

    def junction(self, connection: NetConnection) -> str:
        """The junction a connection crosses; crossings carry its name in their own."""
        if connection.from_lane.startswith(":"):
            return connection.from_lane[1:].rsplit("_", 2)[0]
        return self._net.edges[self._net.lanes[connection.from_lane].edge].to_junction


class _Reader:
    """Builds the configuration of one traffic light after the other."""

    def __init__(self, net: NetFile, protocol: Protocol) -> None:
        self._net = net
        self._protocol = protocol
        self._requests = _Requests(net)

    def config(
        self, id_: str, links: dict[int, NetConnection], phases: list[Phase], at: datetime, boot: int
    ) -> IntersectionConfig:
        net = self._net
        connections = [links.get(index, _UNUSED) for index in range(len(phases[0].indications))]
        movements = [self._movement(connection, connections) for connection in connections]
        driven = [c for c in connections if c.from_lane in net.lanes and not c.to_lane.startswith(":")]
        approaches = list(dict.fromkeys(c.from_lane for c in driven))
        names = [net.edges[net.lanes[lane].edge].name for lane in approaches]
        return IntersectionConfig(
            at=at,
            device=f"signal/{id_}",
            boot=boot,
            seq=1,
            intersection=id_,
            name=" / ".join(dict.fromkeys(name for name in names if name))[:500],
            position=_centre(net, {self._requests.junction(c) for c in links.values()}),
            lanes=[_approach(net, net.lanes[lane]) for lane in approaches],
            movements=movements,
            phases=[replace(phase, indications=_yielding(phase.indications, movements)) for phase in phases],
            all_red_s=self._protocol.all_red_s,
            has_yellow_traps=self._protocol.has_yellow_traps,
            downstream={c.to_lane: net.lanes[c.to_lane].length_m for c in driven},
        )

    def phases(self, tl: str, links: dict[int, NetConnection]) -> list[Phase]:
        """The green phases of the network's own program; one shown more than once keeps its first place.

        One in which only the crossings of the phase before have turned red is no phase of its own: the
        rules let vehicles go on while crossings clear.
        """
        crossings = {index for index, link in links.items() if link.to_lane.startswith(":")}
        program = self._net.programs.get(tl)
        splits: dict[str, float] = {}
        limits: dict[str, float] = {}
        before = ""
        for seconds, state, _, maximum in program.phases if program else ():
            only_clears, before = _only_clears(before, state, crossings), state
            if only_clears or not is_green(state):
                continue
            splits[state] = splits.get(state, 0.0) + seconds
            limits[state] = max(limits.get(state, MAX_GREEN_S), maximum, splits[state])
        minimum = self._protocol.min_green_s
        return [
            Phase(
                indications=state,
                min_green_s=minimum,
                max_green_s=limits[state],
                local_green_s=max(split, minimum),
            )
            for state, split in splits.items()
        ]

    def _movement(self, connection: NetConnection, connections: list[NetConnection]) -> Movement:
        if connection is _UNUSED:
            return Movement(from_lane=UNUSED, to_lane=UNUSED)
        rows = [self._requests.between(connection, other) for other in connections]
        crossing = connection.to_lane.startswith(":")
        inside = self._net.lanes.get(connection.to_lane if crossing else connection.via)
        fixed = self._protocol.yellow_s
        return Movement(
            from_lane=connection.from_lane,
            to_lane=connection.to_lane,
            foes=[index for index, (conflict, _) in enumerate(rows) if conflict],
            yields_to=[index for index, (conflict, yields) in enumerate(rows) if conflict and yields],
            turn="pedestrian" if crossing else _TURNS.get(connection.direction, "through"),
            length_m=inside.length_m if inside else 0.0,
            yellow_s=yellow_s(self._net.lanes[connection.from_lane].speed_mps) if fixed is None else fixed,
        )


def _only_clears(before: str, state: str, crossings: set[int]) -> bool:
    """Whether `state` is what was shown before, but with crossings red that were green."""
    changed = {index for index, (old, new) in enumerate(zip(before, state, strict=False)) if old != new}
    vehicles_go = any(shown in GREEN for index, shown in enumerate(state) if index not in crossings)
    return vehicles_go and bool(changed) and changed <= crossings and {state[i] for i in changed} == {"r"}


def _yielding(indications: str, movements: list[Movement]) -> str:
    """Some networks give a movement and one that it yields to protected green together: it is permissive."""
    shown = list(indications)
    for index, movement in enumerate(movements):
        if shown[index] == "G" and any(indications[foe] == "G" for foe in movement.yields_to):
            shown[index] = "g"
    return "".join(shown)


def _approach(net: NetFile, lane: NetLane) -> ApproachLane:
    return ApproachLane(
        lane=lane.id, length_m=lane.length_m, speed_limit_mps=lane.speed_mps, path=_path(net, lane)
    )


def _path(net: NetFile, lane: NetLane) -> list[tuple[float, float]]:
    points = [net.projection.to_lon_lat(x, y) for x, y in lane.shape]
    return [(round(lon, 7), round(lat, 7)) for lon, lat in points]


def _centre(net: NetFile, junctions: set[str]) -> tuple[float, float]:
    points = [net.junctions[junction].position for junction in junctions if junction in net.junctions]
    x = sum(point[0] for point in points) / len(points)
    y = sum(point[1] for point in points) / len(points)
    lon, lat = net.projection.to_lon_lat(x, y)
    return round(lon, 7), round(lat, 7)


def _fed(config: IntersectionConfig, feeders: dict[str, list[Feeder]]) -> IntersectionConfig:
    return replace(config, lanes=[replace(lane, feeders=feeders.get(lane.lane, [])) for lane in config.lanes])
