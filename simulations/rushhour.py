"""Demand of a rush hour for any network: trips, routes and the file of vehicles that SUMO reads."""

import math
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from citybrain.errors import ConfigError
from simulations.assignment import Load, assign, saturation
from simulations.citytrips import Trips, make_trips
from simulations.roads import Roads, read_roads

STEPS = 10
MAX_VEHICLES = 200_000
_MEAN, _P95 = 0.35, 0.85
"""Degrees of saturation at signals in the peak, weighted by vehicles, of which the first reached ends the
loading: found by simulation of generated cities and of Luxembourg, queues at the peak and no gridlock."""
_MOST_PER_LANE = 90
"""Vehicles an hour for each signalled lane, whatever their ways: more than any network carries."""
_DRIVER = {"lcStrategic": "3", "lcAssertive": "1.5"}
"""City drivers sort themselves into lanes early and take small gaps; else two who must swap lanes wait on."""
CLASSES = {
    "car": (0.91, {"vClass": "passenger", "length": "4.6", "speedFactor": "normc(1.0,0.1,0.7,1.3)"}),
    "van": (0.06, {"vClass": "delivery", "length": "6.0", "speedFactor": "normc(0.98,0.08,0.7,1.2)"}),
    "truck": (0.03, {"vClass": "truck", "length": "9.5", "speedFactor": "normc(0.95,0.05,0.7,1.1)"}),
    "bus": (0.0, {"vClass": "bus", "length": "12.0", "speedFactor": "normc(0.95,0.05,0.7,1.1)"}),
    "motorcycle": (0.0, {"vClass": "motorcycle"}),
    "bicycle": (0.0, {"vClass": "bicycle"}),
}
"""Share of all vehicles of a made rush hour, and what SUMO is told of them."""


def vehicle_type(name: str) -> dict[str, str]:
    """The attributes of a vehicle type of `CLASSES`, its id included."""
    return {"id": name, **CLASSES[name][1], **_DRIVER}


@dataclass(frozen=True, slots=True)
class RushHour:
    """What was made: vehicles, those that found no way, and the degrees of saturation at signals."""

    vehicles: int
    unroutable: int
    saturation_mean: float
    saturation_p95: float


def make_rush_hour(
    net: Path,
    routes: Path,
    *,
    seed: int,
    per_hour: int | None = None,
    lasts_s: float = 3600.0,
    progress: Callable[[float], None] = lambda _: None,
) -> RushHour:
    """Write the vehicles of a rush hour on `net` to `routes`; `per_hour` None loads the signals sensibly.

    Raises:
        ConfigError: the network has no roads that hang together, or SUMO's programs are missing.
    """
    roads = read_roads(net)
    hours = lasts_s / 3600.0
    if per_hour is None and not roads.is_signalled.any():
        raise ConfigError(f"{net} has no signals whose load could set the demand: give --demand-per-hour")
    count = _enough(roads, hours) if per_hour is None else round(per_hour * hours)
    if not 0 < count <= MAX_VEHICLES:
        raise ConfigError(f"demand of {count} vehicles: use 1 to {MAX_VEHICLES}")
    trips = make_trips(roads, count, lasts_s, seed)
    load = assign(
        net,
        roads,
        trips,
        lasts_s=lasts_s,
        ends=_growing(count) if per_hour is None else [count * k // STEPS for k in range(1, STEPS + 1)],
        seed=seed,
        until=lambda loaded: per_hour is None and _is_loaded(roads, loaded, lasts_s),
        progress=progress,
    )
    if not load.routes:
        raise ConfigError(f"no trip finds a way through {net}: demand cannot be made for it")
    _write(routes, trips, load, seed)
    return RushHour(len(load.routes), load.unroutable, *_saturations(roads, load, lasts_s))


def _enough(roads: Roads, hours: float) -> int:
    """More vehicles than the signals can carry, of which as many are taken as load them."""
    lanes = float(roads.lanes[roads.is_signalled].sum())
    return min(MAX_VEHICLES, max(400, round(_MOST_PER_LANE * hours * lanes)))


def _growing(count: int) -> list[int]:
    """Ends of parts, each end 8 % above the last: large networks are loaded after few parts."""
    ends = [count * k // 100 for k in range(1, 5)]
    while ends[-1] < count:
        ends.append(min(count, math.ceil(ends[-1] * 1.08)))
    return ends


def _is_loaded(roads: Roads, load: Load, lasts_s: float) -> bool:
    mean, p95 = _saturations(roads, load, lasts_s)
    return mean >= _MEAN or p95 >= _P95


def _saturations(roads: Roads, load: Load, lasts_s: float) -> tuple[float, float]:
    """Mean and 95th percentile of the peak degree of saturation that a vehicle meets at a signal."""
    vehicles = load.edge_vehicles[roads.is_signalled]
    if vehicles.sum() <= 0:
        return 0.0, 0.0
    met = saturation(roads, load, lasts_s)[roads.is_signalled]
    order = np.argsort(met, kind="stable")
    share = np.cumsum(vehicles[order]) / vehicles.sum()
    return float(np.average(met, weights=vehicles)), float(met[order][np.searchsorted(share, 0.95)])


def _write(path: Path, trips: Trips, load: Load, seed: int) -> None:
    random = np.random.default_rng([seed, 13])
    root = ET.Element("routes")
    names = [name for name, (share, _) in CLASSES.items() if share > 0]
    for name in names:
        ET.SubElement(root, "vType", vehicle_type(name))
    kinds = random.choice(len(names), len(trips.depart_s), p=[CLASSES[name][0] for name in names])
    for trip in sorted(load.routes):
        vehicle = ET.SubElement(
            root,
            "vehicle",
            {
                "id": str(trip),
                "type": names[kinds[trip]],
                "depart": f"{trips.depart_s[trip]:.2f}",
                "departLane": "best",
                "departSpeed": "max",
                "departPos": "base" if trips.starts_outside[trip] else "random_free",
                "arrivalPos": "max" if trips.ends_outside[trip] else "random",
            },
        )
        ET.SubElement(vehicle, "route", edges=" ".join(load.routes[trip]))
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
