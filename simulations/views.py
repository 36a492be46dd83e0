"""What lies before each approach lane of a SUMO network: the lanes in a camera's view, and who feeds it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from citybrain.messages import Feeder
from simulations.netfile import NetConnection, NetFile
from traffic.network import VIEW_M

FEED_M = 800.0
"""How far upstream another signal is told of what it will send here."""
CHANGE_M = 40.0
"""On a shorter edge nobody changes lanes."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A SUMO lane seen by a camera; `offset_m` from the lane's end to the stop line, along the road."""

    lane: str
    length_m: float
    offset_m: float


def views_of(net: NetFile, lanes: Iterable[str]) -> dict[str, tuple[Stretch, ...]]:
    """Follow each approach lane upstream to `VIEW_M`, past junctions without signals.

    An upstream lane belongs to the lane it leads to most directly (straight on, same index first).
    """
    before = _lanes_before(net)
    return {
        lane: tuple(sorted(_upstream(net, lane, before, VIEW_M), key=lambda stretch: stretch.offset_m))
        for lane in lanes
    }


def _lanes_before(net: NetFile) -> dict[str, list[NetConnection]]:
    """By lane, the connections without a signal that lead to it as the most direct way on."""
    heir: dict[str, NetConnection] = {}
    for connection in net.connections:
        if not connection.tl and connection.direction != "t" and not connection.from_lane.startswith(":"):
            best = heir.get(connection.from_lane)
            if best is None or _directness(net, connection) < _directness(net, best):
                heir[connection.from_lane] = connection
    before: dict[str, list[NetConnection]] = defaultdict(list)
    for connection in heir.values():
        before[connection.to_lane].append(connection)
    return before


def feeders_of(net: NetFile, lanes: Iterable[str]) -> dict[str, list[Feeder]]:
    """By approach lane, the exit lanes of signals upstream from which vehicles come to it.

    On an edge of `CHANGE_M` or more they may change to any of its lanes.
    """
    exits = {c.to_lane for c in net.connections if c.tl and not c.from_lane.startswith(":")}
    before = _lanes_before(net)
    fed: dict[str, dict[str, float]] = {lane: {} for lane in lanes}
    for lane in lanes:
        edge = net.edges[net.lanes[lane].edge]
        changes = net.lanes[lane].length_m >= CHANGE_M
        for stretch in _upstream(net, lane, before, FEED_M):
            if stretch.lane in exits:
                for other in edge.lanes if changes else (lane,):
                    if other in fed:
                        fed[other].setdefault(stretch.lane, stretch.offset_m + stretch.length_m)
    return {lane: [Feeder(exit_, round(d, 2)) for exit_, d in found.items()] for lane, found in fed.items()}


def _directness(net: NetFile, connection: NetConnection) -> tuple[int, int]:
    shift = net.lanes[connection.from_lane].index - net.lanes[connection.to_lane].index
    return int(connection.direction != "s"), abs(shift)


def _upstream(
    net: NetFile, lane: str, feeders: dict[str, list[NetConnection]], range_m: float
) -> list[Stretch]:
    found: dict[str, Stretch] = {}
    todo = [(lane, 0.0)]
    while todo:
        id_, offset = todo.pop()
        length = net.lanes[id_].length_m
        if id_ in found or offset >= range_m:
            continue
        found[id_] = Stretch(id_, length, offset)
        for feeder in feeders[id_]:
            inside = net.lanes[feeder.via].length_m if feeder.via else 0.0
            if feeder.via and offset + length < range_m:
                found[feeder.via] = Stretch(feeder.via, inside, offset + length)
            todo.append((feeder.from_lane, offset + length + inside))
    return list(found.values())
