"""Turning counts as demand: candidate routes over the counted turns, sampled by SUMO's routeSampler."""

import math
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from citybrain.errors import ConfigError
from simulations.citytrips import make_trips
from simulations.counts import Count
from simulations.roads import Floats, Roads, read_roads
from simulations.rushhour import vehicle_type
from simulations.sumotools import run_program, run_tool
from simulations.sumoxml import elements

ROUTES_PER_TURN = 24
USUAL_ROUTES = 5000
MAX_DETOUR = 1.8
"""Driven against straight-line distance of a route over a counted turn."""
MENDED = 10
"""By how many vehicles the fit may change a route's sampled use."""
GEH_GOOD = 5.0
Pair = tuple[str, str]
Progress = Callable[[float], None]


class Fit(NamedTuple):
    """One count against the demand; GEH on hourly volumes, below 5 is good (UK DMRB, FHWA guidance)."""

    counted: Count
    made: int
    geh: float


@dataclass(frozen=True, slots=True)
class FittedDemand:
    """Vehicles in the file, and how each count is met."""

    vehicles: int
    fits: tuple[Fit, ...]

    @property
    def good_share(self) -> float:
        """Of the counts, those with a GEH below 5."""
        return sum(fit.geh < GEH_GOOD for fit in self.fits) / max(len(self.fits), 1)


class _Vehicle(NamedTuple):
    depart_s: float
    road_user: str
    edges: tuple[str, ...]


def geh(made_veh_h: float, counted_veh_h: float) -> float:
    """The GEH statistic of two hourly volumes: sqrt(2 (M - C)^2 / (M + C))."""
    total = made_veh_h + counted_veh_h
    return math.sqrt(2.0 * (made_veh_h - counted_veh_h) ** 2 / total) if total > 0 else 0.0


def fit_counts(
    net: Path, counts: Sequence[Count], out: Path, *, seed: int, progress: Progress = lambda _: None
) -> FittedDemand:
    """Write vehicles that meet the counts to `out`; they depart within the counts' periods.

    Raises:
        ConfigError: no count, roads that do not hang together, or SUMO's programs are missing.
    """
    if not counts:
        raise ConfigError("no count is left: mend the rows that are named")
    roads = read_roads(net)
    groups: dict[tuple[float, float, str], list[Count]] = defaultdict(list)
    for count in counts:
        groups[count.begin_s, count.end_s, count.road_user].append(count)
    vehicles: list[_Vehicle] = []
    with TemporaryDirectory(prefix="citybrain-counts-") as name:
        folder = Path(name)
        candidates = _candidates(net, roads, counts, seed, folder)
        for number, key in enumerate(sorted(groups), 1):
            vehicles += _sample(groups[key], candidates, seed + number, folder)
            progress(number / len(groups))
    vehicles.sort()
    _write(out, vehicles)
    return FittedDemand(len(vehicles), tuple(_fits(counts, vehicles)))


def _candidates(net: Path, roads: Roads, counts: Sequence[Count], seed: int, folder: Path) -> Path:
    """Ways of a rush hour, and for each counted turn ways over it from and to where the network ends."""
    turns = sorted({(count.from_edge, count.to_edge) for count in counts})
    asked, found = folder / "asked.xml", folder / "candidates.rou.xml"
    root = ET.Element("routes")
    usual = make_trips(roads, min(USUAL_ROUTES, 2 * ROUTES_PER_TURN * len(turns)), 3600.0, seed)
    for number, (origin, goal) in enumerate(zip(usual.origin, usual.destination, strict=True)):
        _ask(root, f"usual.{number}", roads.ids[origin], roads.ids[goal])
    random = np.random.default_rng([seed, 17])
    starts, ends = _weights(roads, is_start=True), _weights(roads, is_start=False)
    for place, turn in enumerate(turns):
        picked = zip(
            random.choice(len(roads.ids), ROUTES_PER_TURN, p=starts),
            random.choice(len(roads.ids), ROUTES_PER_TURN, p=ends),
            strict=True,
        )
        for number, (origin, goal) in enumerate(picked):
            _ask(root, f"{place}.{number}", roads.ids[origin], roads.ids[goal], turn)
    ET.ElementTree(root).write(asked)
    arguments: list[str | Path] = [
        "--net-file", net, "--route-files", asked, "--output-file", found, "--ignore-errors", "--no-warnings",
        "--no-step-log", "--weights.random-factor", "1.3", "--seed", str(seed),
    ]  # fmt: skip
    run_program("duarouter", arguments, "no routes over the counted turns")
    return _distinct(found, roads, turns, folder / "distinct.rou.xml")


def _ask(root: ET.Element, name: str, origin: str, goal: str, turn: Pair = ("", "")) -> None:
    told = {"id": name, "depart": "0", "from": origin, "to": goal}
    if via := " ".join(edge for edge in turn if edge and edge not in {origin, goal}):
        told["via"] = via
    ET.SubElement(root, "trip", told)


def _weights(roads: Roads, *, is_start: bool) -> Floats:
    """Where routes begin or end: at the network's ends if it has any, else anywhere."""
    mark = roads.is_entry if is_start else roads.is_exit
    weights = np.where(mark, roads.lanes * roads.speed_mps, 0.0)
    if not weights.any():
        weights = np.where(roads.is_core, roads.length_m, 0.0)
    return np.asarray(weights / weights.sum())


def _distinct(found: Path, roads: Roads, turns: Sequence[Pair], out: Path) -> Path:
    """Each route once, without great detours; a turn that none passes becomes a route by itself."""
    place = dict(zip(roads.ids, roads.place_m, strict=True))
    length = dict(zip(roads.ids, roads.length_m, strict=True))
    routes: set[tuple[str, ...]] = set()
    for vehicle in elements(found, {"vehicle"}):
        route = vehicle.find("route")
        edges = tuple(route.get("edges", "").split()) if route is not None else ()
        if edges and len(set(edges)) == len(edges):
            driven = sum(length.get(edge, 0.0) for edge in edges)
            direct = float(np.linalg.norm(place[edges[0]] - place[edges[-1]]))
            if vehicle.get("id", "").startswith("usual") or driven <= MAX_DETOUR * direct:
                routes.add(edges)
    passed = {pair for edges in routes for pair in [*pairwise(edges), *((edge, "") for edge in edges)]}
    routes |= {tuple(edge for edge in turn if edge) for turn in turns if turn not in passed}
    root = ET.Element("routes")
    for number, way in enumerate(sorted(routes)):
        ET.SubElement(root, "route", id=str(number), edges=" ".join(way))
    ET.ElementTree(root).write(out)
    return out


def _sample(counts: Sequence[Count], candidates: Path, seed: int, folder: Path) -> list[_Vehicle]:
    """Vehicles of one class in one period."""
    begin, end, road_user = counts[0].begin_s, counts[0].end_s, counts[0].road_user
    if not any(count.vehicles for count in counts):
        return []
    turns, edges, out = folder / "turns.xml", folder / "edges.xml", folder / "sampled.rou.xml"
    turn_data, edge_data = ET.Element("data"), ET.Element("data")
    span = {"id": "counts", "begin": str(begin), "end": str(end)}
    of_turns, of_edges = (
        ET.SubElement(turn_data, "interval", span),
        ET.SubElement(edge_data, "interval", span),
    )
    for count in counts:
        number = str(count.vehicles)
        if count.to_edge:
            told = {"from": count.from_edge, "to": count.to_edge, "count": number}
            ET.SubElement(of_turns, "edgeRelation", told)
        else:
            ET.SubElement(of_edges, "edge", id=count.from_edge, entered=number)
    arguments: list[str | Path] = [
        "--route-files", candidates, "--output-file", out, "--seed", str(seed),
        # Sampled as drivers are, then mended within bounds: a free optimum is made of odd routes.
        "--optimize", str(MENDED),
        "--begin", str(begin), "--end", str(end), "--interval", str(end - begin),
    ]  # fmt: skip
    for option, data, filled, path in (
        ("--turn-files", turn_data, of_turns, turns),
        ("--edgedata-files", edge_data, of_edges, edges),
    ):
        if len(filled):
            ET.ElementTree(data).write(path)
            arguments += [option, path]
    run_tool("routeSampler.py", arguments, "the counts cannot be sampled")
    return [
        _Vehicle(float(vehicle.get("depart", "0")), road_user, tuple(route.get("edges", "").split()))
        for vehicle in elements(out, {"vehicle"})
        if (route := vehicle.find("route")) is not None
    ]


def _fits(counts: Sequence[Count], vehicles: Sequence[_Vehicle]) -> list[Fit]:
    """Vehicles are counted in the period in which they depart, as the sampler does."""
    passed: dict[tuple[str, Pair], list[float]] = defaultdict(list)
    for vehicle in vehicles:
        for edge in vehicle.edges:
            passed[vehicle.road_user, (edge, "")].append(vehicle.depart_s)
        for pair in pairwise(vehicle.edges):
            passed[vehicle.road_user, pair].append(vehicle.depart_s)
    fits = []
    for count in counts:
        at = passed[count.road_user, (count.from_edge, count.to_edge)]
        made = sum(count.begin_s <= depart < count.end_s for depart in at)
        hourly = 3600.0 / (count.end_s - count.begin_s)
        fits.append(Fit(count, made, geh(made * hourly, count.vehicles * hourly)))
    return fits


def _write(out: Path, vehicles: Sequence[_Vehicle]) -> None:
    root = ET.Element("routes")
    for road_user in sorted({vehicle.road_user for vehicle in vehicles}):
        ET.SubElement(root, "vType", vehicle_type(road_user))
    for number, (depart, road_user, edges) in enumerate(vehicles):
        told = {"id": str(number), "type": road_user, "depart": f"{depart:.2f}"}
        vehicle = ET.SubElement(root, "vehicle", told | {"departLane": "best", "departSpeed": "max"})
        ET.SubElement(vehicle, "route", edges=" ".join(edges))
    ET.indent(root)
    ET.ElementTree(root).write(out, encoding="utf-8", xml_declaration=True)
