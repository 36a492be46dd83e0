"""Which emergency trips are driven: long ways through a network, drawn by seed, spread over the run."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import sumolib
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from citybrain.errors import ConfigError
from citybrain.messages import EmergencyClass, PriorityLeg
from simulations.netfile import NetLane
from simulations.network import SignalNetwork

LEAST_SIGNALS = 3
"""Signals that a long route crosses, or as many as the network has."""
LONGEST_SHARE = 0.2
"""Of all ways through the network by free travel time, those that trips are drawn from."""
FIRST_SHARE, LAST_SHARE = 0.08, 0.75
"""Trips depart between these shares of the run: the street is filled before, and they arrive within it."""


@dataclass(frozen=True, slots=True)
class Trip:
    """One emergency trip: `depart_s` after the run's begin, over `edges`, past the signals of `path`.

    `leg_edges[j]`: place in `edges` of the edge that ends at the stop line of `path[j]`.
    """

    id: str
    kind: EmergencyClass
    depart_s: float
    edges: tuple[str, ...]
    path: tuple[PriorityLeg, ...]
    leg_edges: tuple[int, ...]


class Ways:
    """The quickest ways on a free road from where vehicles enter a network to where they leave it."""

    def __init__(self, network: SignalNetwork) -> None:
        self._net: Any = sumolib.net.readNet(str(network.net.path))
        self._edges = [edge for edge in self._net.getEdges() if edge.allows("passenger")]
        self._index = {edge.getID(): i for i, edge in enumerate(self._edges)}
        self._signals = _movements(network)
        self._inside = _inside(network)

    def longest(self) -> list[tuple[str, ...]]:
        """Edges of the ways that cross enough signals, the longest by free travel time first."""
        entries = [i for i, edge in enumerate(self._edges) if self._ends(edge, edge.getIncoming())]
        exits = [i for i, edge in enumerate(self._edges) if self._ends(edge, edge.getOutgoing())]
        seconds, before = dijkstra(self._graph(), indices=entries, return_predecessors=True)
        ways = [
            (float(seconds[row, exit_]), self._way(before[row], exit_))
            for row in range(len(entries))
            for exit_ in exits
            if np.isfinite(seconds[row, exit_]) and exit_ != entries[row]
        ]
        crossed = {way: len(self.legs(way, 1.0)) for _, way in ways}
        least = min(LEAST_SIGNALS, max(crossed.values(), default=0))
        found = sorted((-time_s, way) for time_s, way in ways if crossed[way] >= max(least, 1))
        return [way for _, way in found]

    def legs(self, way: tuple[str, ...], speed_factor: float) -> dict[int, PriorityLeg]:
        """The signals on a way by place of their edge, with distances and times by speed limits."""
        legs = {}
        metres = seconds = 0.0
        for place, (edge_id, next_id) in enumerate(zip(way, (*way[1:], ""), strict=True)):
            edge = self._edges[self._index[edge_id]]
            metres += edge.getLength()
            seconds += edge.getLength() / (edge.getSpeed() * speed_factor)
            crossing = self._signals.get((edge_id, next_id))
            if crossing is not None:
                id_, movements = crossing
                legs[place] = PriorityLeg(id_, list(movements), round(metres, 1), round(seconds, 1))
            inside = self._inside.get((edge_id, next_id))
            if inside is not None:
                metres += inside.length_m
                seconds += inside.length_m / (min(inside.speed_mps, edge.getSpeed()) * speed_factor)
        return legs

    def _graph(self) -> csr_array:
        """Seconds from the end of one edge to the end of the next, by turns that a car may take."""
        rows, columns, seconds = [], [], []
        for row, edge in enumerate(self._edges):
            for follower, connections in edge.getOutgoing().items():
                turns = [c for c in connections if c.getDirection() != "t" and _carries(c)]
                column = self._index.get(follower.getID())
                if turns and column is not None:
                    rows.append(row)
                    columns.append(column)
                    seconds.append(follower.getLength() / follower.getSpeed())
        size = len(self._edges)
        return csr_array((seconds, (rows, columns)), shape=(size, size))

    def _ends(self, edge: Any, neighbours: Any) -> bool:
        """Whether an edge's neighbours on one side are none but its own opposite direction."""
        here = {edge.getFromNode().getID(), edge.getToNode().getID()}
        return all({other.getFromNode().getID(), other.getToNode().getID()} == here for other in neighbours)

    def _way(self, before: Any, last: int) -> tuple[str, ...]:
        way = [last]
        while before[way[-1]] >= 0:
            way.append(int(before[way[-1]]))
        return tuple(self._edges[i].getID() for i in reversed(way))


def draw_trips(
    network: SignalNetwork, count: int, seconds: float, seed: int, speed_factor: float = 1.0
) -> list[Trip]:
    """`count` trips on long ways within a run of `seconds`; the same seed draws the same trips.

    Raises:
        ConfigError: no way through the network crosses a signal.
    """
    ways = Ways(network)
    longest = ways.longest()
    if not longest:
        raise ConfigError(f"{network.net.path} has no way past a signal: name a network with longer roads")
    random = np.random.default_rng(seed)
    pool = longest[: max(count, round(len(longest) * LONGEST_SHARE))]
    chosen = random.choice(len(pool), count, replace=len(pool) < count)
    slot_s = seconds * (LAST_SHARE - FIRST_SHARE) / count
    starts = seconds * FIRST_SHARE + slot_s * (np.arange(count) + random.uniform(0.0, 0.5, count))
    kinds = random.choice(list(EmergencyClass), count)
    trips = []
    for number, (choice, start_s, kind) in enumerate(zip(chosen, starts, kinds, strict=True), 1):
        legs = ways.legs(pool[choice], speed_factor)
        trips.append(
            Trip(
                f"priority-{number}",
                EmergencyClass(kind),
                float(round(start_s)),
                pool[choice],
                tuple(legs.values()),
                tuple(legs),
            )
        )
    return trips


def _carries(connection: Any) -> bool:
    return bool(connection.getFromLane().allows("passenger") and connection.getToLane().allows("passenger"))


def _movements(network: SignalNetwork) -> dict[tuple[str, str], tuple[str, tuple[int, ...]]]:
    """By edge and next edge: the intersection between them and its movements that lead on."""
    lanes = network.net.lanes
    found: dict[tuple[str, str], tuple[str, tuple[int, ...]]] = {}
    for id_, config in network.configs.items():
        for m, movement in enumerate(config.movements):
            if movement.from_lane in lanes and movement.to_lane in lanes:
                key = lanes[movement.from_lane].edge, lanes[movement.to_lane].edge
                found[key] = id_, (*found.get(key, (id_, ()))[1], m)
    return found


def _inside(network: SignalNetwork) -> dict[tuple[str, str], NetLane]:
    """By edge and next edge: the lane through the junction between them."""
    lanes = network.net.lanes
    return {
        (lanes[connection.from_lane].edge, lanes[connection.to_lane].edge): lanes[connection.via]
        for connection in network.net.connections
        if connection.from_lane in lanes and connection.to_lane in lanes and connection.via in lanes
    }
