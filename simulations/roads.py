"""The car roads of a network for making demand: where they lie, what they carry, where the city ends."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from citybrain.errors import ConfigError
from simulations.sumoxml import elements

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SATURATION_VEH_H = 1800.0
"""Of one lane of green or of free road (HCM: 1,900 passenger cars per hour of ideal green)."""
_PRIORITY = {"M": 0.9, "m": 0.2, "=": 0.3, "s": 0.2, "w": 0.2, "Z": 0.5}
"""Share of the saturation flow that a link without signals passes, by its state in the network file."""
_PERMISSIVE = {"l": 0.3, "L": 0.3, "t": 0.2}
"""Share of it in permissive green, by direction; others give way less."""


@dataclass(frozen=True, slots=True)
class Roads:
    """Edges for cars that hang together, as one structure of arrays.

    `place_m`: (n, 2) the middle of each edge. `is_entry` and `is_exit` mark edges at which the network
    begins and ends, `is_core` those that all reach each other. `turns` holds (from, to) edge indices with
    `turn_veh_h`, what the turn's own lanes carry; `capacity_veh_h` is what all lanes of an edge carry at its
    end, and `green` the share of green there (1 without signals).
    """

    ids: tuple[str, ...]
    place_m: Floats
    length_m: Floats
    speed_mps: Floats
    lanes: Floats
    is_entry: NDArray[np.bool_]
    is_exit: NDArray[np.bool_]
    is_core: NDArray[np.bool_]
    turns: Ints
    turn_veh_h: Floats
    capacity_veh_h: Floats
    green: Floats
    is_signalled: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Edge:
    id: str
    begin: str
    end: str
    lanes: dict[int, tuple[float, float]]
    """Length and speed limit of each lane for cars."""
    place_m: tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Link:
    lane: int
    to: str
    state: str
    direction: str
    tl: str
    index: int


def read_roads(net: Path) -> Roads:
    """The car roads of the network at `net`.

    Raises:
        ConfigError: it cannot be read, or has no roads for cars that hang together.
    """
    edges: dict[str, _Edge] = {}
    links: dict[str, list[_Link]] = defaultdict(list)
    programs: dict[str, list[tuple[float, str]]] = {}
    for element in elements(net, {"edge", "connection", "tlLogic"}):
        if element.tag == "edge" and element.get("function", "normal") == "normal":
            edge = _edge(element)
            if edge.lanes:
                edges[edge.id] = edge
        elif element.tag == "connection":
            links[element.get("from", "")].append(_link(element))
        elif element.tag == "tlLogic":
            programs[element.get("id", "")] = [
                (float(phase.get("duration", "0")), phase.get("state", "")) for phase in element.iter("phase")
            ]
    usable = {
        id_: [k for k in links[id_] if k.to in edges and k.lane in edge.lanes] for id_, edge in edges.items()
    }
    core, kept = _hang_together(edges, usable)
    if len(kept) < 2:
        raise ConfigError(f"{net} has no roads for cars that hang together: demand cannot be made for it")
    return _roads([edges[id_] for id_ in kept], core, usable, programs)


def _edge(element: Element) -> _Edge:
    lanes = {
        int(lane.get("index", "0")): (float(lane.get("length", "0")), float(lane.get("speed", "13.89")))
        for lane in element.iter("lane")
        if _is_for_cars(lane)
    }
    shape = [
        tuple(float(value) for value in point.split(",")[:2])
        for lane in element.iter("lane")
        for point in lane.get("shape", "0,0").split()
    ]
    middle = np.mean(shape, axis=0) if shape else np.zeros(2)
    return _Edge(
        element.get("id", ""),
        element.get("from", ""),
        element.get("to", ""),
        lanes,
        (float(middle[0]), float(middle[1])),
    )


def _is_for_cars(lane: Element) -> bool:
    allowed, barred = lane.get("allow"), lane.get("disallow", "").split()
    if allowed is not None:
        return bool({"passenger", "all"} & set(allowed.split()))
    return not {"passenger", "all"} & set(barred)


def _link(element: Element) -> _Link:
    return _Link(
        int(element.get("fromLane", "0")),
        element.get("to", ""),
        element.get("state", "M"),
        element.get("dir", "s"),
        element.get("tl", ""),
        int(element.get("linkIndex", "-1")),
    )


def _hang_together(edges: dict[str, _Edge], links: dict[str, list[_Link]]) -> tuple[set[str], list[str]]:
    """The largest set of edges that all reach each other; and that with the ways into and out of it."""
    ids = list(edges)
    number = {id_: index for index, id_ in enumerate(ids)}
    pairs = np.array(
        [(number[id_], number[link.to]) for id_ in ids for link in links[id_]], dtype=np.int64
    ).reshape(-1, 2)
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(ids), len(ids)))
    _, group = connected_components(graph, connection="strong")
    core = set(np.flatnonzero(group == np.bincount(group).argmax()).tolist())
    into = _reach(core, pairs[:, ::-1])
    out = _reach(core, pairs)
    return {ids[index] for index in core}, [ids[index] for index in sorted(core | into | out)]


def _reach(start: set[int], pairs: Ints) -> set[int]:
    ahead: dict[int, list[int]] = defaultdict(list)
    for one, other in pairs.tolist():
        ahead[one].append(other)
    seen, todo = set(start), list(start)
    while todo:
        for index in ahead[todo.pop()]:
            if index not in seen:
                seen.add(index)
                todo.append(index)
    return seen


def _roads(
    edges: list[_Edge],
    core: set[str],
    links: dict[str, list[_Link]],
    programs: dict[str, list[tuple[float, str]]],
) -> Roads:
    number = {edge.id: index for index, edge in enumerate(edges)}
    fed, feeding = set(), set()
    turns: dict[tuple[int, int], float] = {}
    capacity, green = np.zeros(len(edges)), np.ones(len(edges))
    signalled = np.zeros(len(edges), dtype=np.bool_)
    for index, edge in enumerate(edges):
        own = [link for link in links[edge.id] if link.to in number]
        share = {link: _share(link, programs) for link in own}
        by_lane: dict[int, list[float]] = defaultdict(list)
        for link, part in share.items():
            by_lane[link.lane].append(part)
            pair = (index, number[link.to])
            turns[pair] = turns.get(pair, 0.0) + SATURATION_VEH_H * part
            if edges[number[link.to]].end != edge.begin:
                feeding.add(edge.id)
                fed.add(link.to)
        parts = [float(np.mean(shares)) for shares in by_lane.values()]
        capacity[index] = SATURATION_VEH_H * (sum(parts) if parts else len(edge.lanes))
        signalled[index] = any(link.tl in programs for link in own)
        if signalled[index]:
            green[index] = max(max(shares) for shares in by_lane.values())
    pairs = sorted(turns)
    return Roads(
        tuple(number),
        np.array([edge.place_m for edge in edges]),
        np.array([max(length for length, _ in edge.lanes.values()) for edge in edges]),
        np.array([max(speed for _, speed in edge.lanes.values()) for edge in edges]),
        np.array([float(len(edge.lanes)) for edge in edges]),
        np.array([edge.id not in fed for edge in edges]),
        np.array([edge.id not in feeding for edge in edges]),
        np.array([edge.id in core for edge in edges]),
        np.array(pairs, dtype=np.int64).reshape(-1, 2),
        np.array([turns[pair] for pair in pairs]),
        capacity,
        green,
        signalled,
    )


def _share(link: _Link, programs: dict[str, list[tuple[float, str]]]) -> float:
    """Of the saturation flow, in the network's own program."""
    phases = programs.get(link.tl, ())
    cycle_s = sum(seconds for seconds, _ in phases)
    if not link.tl or cycle_s <= 0:
        return _PRIORITY.get(link.state, 0.5)
    return sum(seconds * _of_green(link, state) for seconds, state in phases) / cycle_s


def _of_green(link: _Link, state: str) -> float:
    shown = state[link.index] if 0 <= link.index < len(state) else "r"
    return {"G": 1.0, "g": _PERMISSIVE.get(link.direction, 0.7)}.get(shown, 0.0)
