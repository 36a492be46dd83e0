"""A corridor: consecutive signals along one street, both ways, with the movements that follow it."""

import heapq
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from citybrain.errors import ConfigError
from simulations.netfile import NetConnection
from simulations.network import SignalNetwork

MAX_LINK_M = 1500.0
"""Signals further apart than this are not coordinated (a platoon has dispersed; MUTCD: half a mile)."""
ENTRY_M = 300.0
"""How much of the way to the first signal of a direction belongs to the corridor, at most."""


@dataclass(frozen=True, slots=True)
class Leg:
    """The way to one signal of a corridor: `edges` end at `signal`, `movements` go on along the corridor.

    `length_m` and `travel_s` (at the speed limits) run from stop line to stop line; on the first leg of a
    direction from where the corridor begins.
    """

    signal: str
    edges: tuple[str, ...]
    length_m: float
    travel_s: float
    movements: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Corridor:
    """Signals in the order of the outbound direction; `inbound` is empty where the way back is missing.

    `name` is the street's, empty where the network gives none.
    """

    name: str
    signals: tuple[str, ...]
    outbound: tuple[Leg, ...]
    inbound: tuple[Leg, ...]


def find_corridor(network: SignalNetwork, wanted: Sequence[str] = ()) -> Corridor | None:
    """The corridor through the `wanted` intersections, else the network's longest straight one.

    The longest is that with the most signals; of those the one with the most lanes, then with the most
    metres. None where no two signals follow each other along a street.

    Raises:
        ConfigError: an unknown intersection, or two that no road joins without another signal between.
    """
    streets = _Streets(network)
    if not wanted:
        chains = [streets.chain(edge) for edge in streets.signal_at]
        chains = [chain for chain in chains if len(chain) > 1]
        if not chains:
            return None
        return streets.corridor(max(chains, key=streets.weight))
    if unknown := [id_ for id_ in wanted if id_ not in network.configs]:
        known = ", ".join(list(network.configs)[:20])
        raise ConfigError(f"--corridor names {unknown[0]!r}, which is no signal here; there are {known}")
    if len(set(wanted)) < max(2, len(wanted)):
        raise ConfigError("--corridor needs two or more different intersections, in the order of the street")
    return streets.corridor(streets.through(wanted))


_Path = tuple[str, ...]
"""Edges from behind one signal to the stop line of the next."""


class _Streets:
    """The network's edges as a graph in which signals are the nodes that end a path."""

    def __init__(self, network: SignalNetwork) -> None:
        self._network = network
        self._net = network.net
        self.signal_at: dict[str, str] = {
            self._net.lanes[lane.lane].edge: id_
            for id_, config in network.configs.items()
            for lane in config.lanes
        }
        self._next: dict[str, dict[str, NetConnection]] = defaultdict(dict)
        for connection in self._net.connections:
            if not connection.from_lane.startswith(":") and not connection.to_lane.startswith(":"):
                one, other = self._edge(connection.from_lane), self._edge(connection.to_lane)
                kept = self._next[one].get(other)
                if kept is None or (connection.direction == "s" and kept.direction != "s"):
                    self._next[one][other] = connection
        self._before: dict[str, list[str]] = defaultdict(list)
        for edge, following in self._next.items():
            for other in following:
                self._before[other].append(edge)

    def chain(self, edge: str) -> list[_Path]:
        """The approach edge, then the path to each next signal straight on."""
        found: list[_Path] = [(edge,)]
        seen = {self.signal_at[edge]}
        while (path := self._straight_on(found[-1][-1])) and self.signal_at[path[-1]] not in seen:
            found.append(path)
            seen.add(self.signal_at[path[-1]])
        return found

    def weight(self, chain: list[_Path]) -> tuple[int, int, float, str]:
        edges = [edge for path in chain for edge in path]
        lanes = sum(len(self._net.edges[path[-1]].lanes) for path in chain)
        return len(chain), lanes, sum(self._length_m(edge) for edge in edges), edges[0]

    def through(self, signals: Sequence[str]) -> list[_Path]:
        """The shortest paths from each of the signals to the next, and the best way to the first."""
        first, second = signals[0], signals[1]
        link = self._shortest(first, second)
        entries = [edge for edge in self._before[link[0]] if self.signal_at.get(edge) == first]
        straight = [edge for edge in entries if self._next[edge][link[0]].direction == "s"]
        entry = max(straight or entries, key=lambda edge: (len(self._net.edges[edge].lanes), edge))
        paths: list[_Path] = [(entry,), link]
        for one, other in pairwise(signals[1:]):
            paths.append(self._shortest(one, other))
        return paths

    def corridor(self, chain: list[_Path]) -> Corridor:
        signals = tuple(self.signal_at[path[-1]] for path in chain)
        outbound = self._legs(signals, chain)
        try:
            inbound = self._legs(signals[::-1], self.through(signals[::-1]))
        except ConfigError:
            inbound = ()
        if not all(leg.movements for leg in inbound):
            inbound = ()
        return Corridor(self._name(chain), signals, outbound, inbound)

    def _legs(self, signals: tuple[str, ...], chain: list[_Path]) -> tuple[Leg, ...]:
        chain = [self._entry(chain[0][-1]), *chain[1:]]
        legs = []
        for index, (signal, path) in enumerate(zip(signals, chain, strict=True)):
            onward = chain[index + 1][0] if index + 1 < len(chain) else self._ahead(path[-1])
            inside = [chain[index - 1][-1]] if index else []
            length, travel = self._measure((*inside, *path), len(inside))
            legs.append(Leg(signal, path, length, travel, self._movements(signal, path[-1], onward)))
        return tuple(legs)

    def _measure(self, edges: _Path, skipped: int) -> tuple[float, float]:
        """Metres and seconds along the edges but the first `skipped`, with the junctions between them."""
        length = travel = 0.0
        for one, other in pairwise(edges):
            connection = self._next[one].get(other)
            inside = self._net.lanes.get(connection.via) if connection else None
            if inside is not None:
                length += inside.length_m
                travel += inside.length_m / max(self._limit_mps(other), 1.0)
        for edge in edges[skipped:]:
            length += self._length_m(edge)
            travel += self._length_m(edge) / max(self._limit_mps(edge), 1.0)
        return length, travel

    def _entry(self, edge: str) -> _Path:
        """The approach edge and what leads straight to it, up to a signal or `ENTRY_M`."""
        path, length = [edge], self._length_m(edge)
        while length < ENTRY_M:
            straight = [
                before
                for before in self._before[path[0]]
                if self._next[before][path[0]].direction == "s" and before not in self.signal_at
            ]
            if not straight or (before := max(straight, key=self._length_m)) in path:
                break
            path.insert(0, before)
            length += self._length_m(before)
        return tuple(path)

    def _movements(self, signal: str, edge: str, onward: str | None) -> tuple[int, ...]:
        return tuple(
            index
            for index, movement in enumerate(self._network.configs[signal].movements)
            if movement.from_lane in self._net.lanes
            and self._edge(movement.from_lane) == edge
            and movement.to_lane in self._net.lanes
            and self._edge(movement.to_lane) == onward
        )

    def _ahead(self, edge: str) -> str | None:
        """The edge straight on; of several, that with the most lanes."""
        straight = [o for o, connection in self._next[edge].items() if connection.direction == "s"]
        return max(straight, key=lambda other: (len(self._net.edges[other].lanes), other), default=None)

    def _straight_on(self, edge: str) -> _Path:
        """The path from behind the signal at the end of `edge` to the next signal; empty without one."""
        path: list[str] = []
        length = 0.0
        ahead = self._ahead(edge)
        while ahead is not None and ahead not in path and length <= MAX_LINK_M:
            path.append(ahead)
            length += self._length_m(ahead)
            if ahead in self.signal_at:
                return tuple(path) if length <= MAX_LINK_M else ()
            ahead = self._ahead(ahead)
        return ()

    def _shortest(self, one: str, other: str) -> _Path:
        movements = self._network.configs[one].movements
        exits = {self._edge(m.to_lane) for m in movements if m.to_lane in self._net.lanes}
        todo: list[tuple[float, _Path]] = [
            (self._length_m(edge), (edge,)) for edge in exits if not edge.startswith(":")
        ]
        heapq.heapify(todo)
        done: set[str] = set()
        while todo:
            length, path = heapq.heappop(todo)
            edge = path[-1]
            if edge in done:
                continue
            done.add(edge)
            if edge in self.signal_at:
                if self.signal_at[edge] == other:
                    return path
                continue
            for onward in self._next[edge]:
                heapq.heappush(todo, (length + self._length_m(onward), (*path, onward)))
        raise ConfigError(
            f"--corridor: no road leads from {one} to {other} without another signal between; name that too"
        )

    def _name(self, chain: list[_Path]) -> str:
        names = [self._net.edges[edge].name for path in chain for edge in path]
        named = [name for name in names if name]
        return max(sorted(set(named)), key=named.count, default="")

    def _edge(self, lane: str) -> str:
        return self._net.lanes[lane].edge

    def _length_m(self, edge: str) -> float:
        return self._net.lanes[self._net.edges[edge].lanes[0]].length_m

    def _limit_mps(self, edge: str) -> float:
        return self._net.lanes[self._net.edges[edge].lanes[0]].speed_mps
