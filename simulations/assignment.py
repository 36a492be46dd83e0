"""Routes for trips: loaded step by step, each step on the travel times that the earlier ones leave."""

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from simulations.citytrips import MORNING, Trips
from simulations.roads import Floats, Ints, Roads
from simulations.sumotools import run_program
from simulations.sumoxml import elements

CYCLE_S = 90.0
_PERIOD_H = 0.25
_SPREAD = 1.3
"""Drivers misjudge travel times by up to this factor (duarouter's random factor)."""
_PEAK = max(MORNING) * len(MORNING) / sum(MORNING)


@dataclass(slots=True)
class Load:
    """What the routed trips put on the roads: vehicles by edge and by turn, and each trip's route."""

    edge_vehicles: Floats
    turn_vehicles: Floats
    routes: dict[int, list[str]] = field(default_factory=dict)
    """Edge ids by trip; trips without a way are left out."""
    unroutable: int = 0


def assign(
    net: Path,
    roads: Roads,
    trips: Trips,
    *,
    lasts_s: float,
    ends: Sequence[int],
    seed: int,
    until: Callable[[Load], bool] = lambda _: False,
    progress: Callable[[float], None] = lambda _: None,
) -> Load:
    """Route the trips in random parts that end at `ends` of their number; stops early where `until` holds.

    Raises:
        ConfigError: duarouter is missing or refuses.
    """
    load = Load(np.zeros(len(roads.ids)), np.zeros(len(roads.turns)))
    places = {roads.ids[a] + " " + roads.ids[b]: k for k, (a, b) in enumerate(roads.turns.tolist())}
    number = {id_: index for index, id_ in enumerate(roads.ids)}
    order = np.random.default_rng([seed, 11]).permutation(len(trips.depart_s))
    with TemporaryDirectory(prefix="citybrain-assignment-") as folder:
        for step, part in enumerate(np.split(order, list(ends))[: len(ends)], 1):
            router = _Router(net, roads, trips, Path(folder))
            found = list(router.routes(np.sort(part), travel_times(roads, load, lasts_s), seed + step))
            load.unroutable += len(part) - len(found)
            for trip, route in found:
                load.routes[trip] = route
                load.edge_vehicles[[number[id_] for id_ in route if id_ in number]] += 1
                for one, other in pairwise(route):
                    if (place := places.get(f"{one} {other}")) is not None:
                        load.turn_vehicles[place] += 1
            progress(step / len(ends))
            if until(load):
                break
    return load


def saturation(roads: Roads, load: Load, lasts_s: float) -> Floats:
    """Peak degree of saturation by edge: of all its lanes, or of its worst turn where that is higher."""
    per_hour = 3600.0 / lasts_s * _PEAK
    by_edge = load.edge_vehicles * per_hour / np.maximum(roads.capacity_veh_h, 1.0)
    if len(roads.turns):
        by_turn = load.turn_vehicles * per_hour / np.maximum(roads.turn_veh_h, 1.0)
        np.maximum.at(by_edge, roads.turns[:, 0], by_turn)
    return by_edge


def travel_times(roads: Roads, load: Load, lasts_s: float) -> Floats:
    """Seconds for each edge under the load.

    Free travel, and at its end the control delay of HCM 2000 (equations 16-9 to 16-12: uniform delay of a
    cycle of 90 s, and incremental delay over a quarter of an hour).
    """
    x = saturation(roads, load, lasts_s)
    free = roads.length_m / np.maximum(roads.speed_mps, 1.0)
    green = roads.green
    uniform = 0.5 * CYCLE_S * (1 - green) ** 2 / np.maximum(1 - np.minimum(x, 1.0) * green, 0.05)
    room = np.maximum(roads.capacity_veh_h, 1.0) * _PERIOD_H
    extra = 900.0 * _PERIOD_H * ((x - 1) + np.sqrt((x - 1) ** 2 + 4.0 * x / room))
    return np.asarray(free + uniform + extra)


@dataclass(frozen=True, slots=True)
class _Router:
    """duarouter on given travel times."""

    net: Path
    roads: Roads
    trips: Trips
    folder: Path

    def routes(self, part: Ints, times: Floats, seed: int) -> Iterator[tuple[int, list[str]]]:
        """The edge ids of each trip of `part` that has a way."""
        asked, weights, found = (self.folder / name for name in ("asked.xml", "weights.xml", "found.rou.xml"))
        ET.ElementTree(self._ask(part)).write(asked)
        ET.ElementTree(self._weigh(times)).write(weights)
        arguments: list[str | Path] = [
            "--net-file", self.net, "--route-files", asked, "--weight-files", weights,
            "--output-file", found, "--weights.random-factor", str(_SPREAD), "--seed", str(seed),
            "--ignore-errors", "--no-warnings", "--no-step-log",
        ]  # fmt: skip
        run_program("duarouter", arguments, "the trips cannot be routed")
        for vehicle in elements(found, {"vehicle"}):
            route = vehicle.find("route")
            if route is not None:
                yield int(vehicle.get("id", "0")), route.get("edges", "").split()

    def _ask(self, part: Ints) -> ET.Element:
        root, ids = ET.Element("routes"), self.roads.ids
        for trip in part.tolist():
            origin, destination = ids[self.trips.origin[trip]], ids[self.trips.destination[trip]]
            depart = f"{self.trips.depart_s[trip]:.2f}"
            ET.SubElement(
                root, "trip", {"id": str(trip), "depart": depart, "from": origin, "to": destination}
            )
        return root

    def _weigh(self, times: Floats) -> ET.Element:
        root = ET.Element("meandata")
        interval = ET.SubElement(root, "interval", begin="0", end="1000000", id="times")
        for id_, seconds in zip(self.roads.ids, times, strict=True):
            ET.SubElement(interval, "edge", id=id_, traveltime=f"{seconds:.2f}")
        return root
