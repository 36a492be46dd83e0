"""Ways and travel times over the road network as it is published: lanes with paths, turns at signals.

Lanes side by side are one road. Where a signal's configuration names its movements, these lead on; elsewhere
a road leads to every road that begins where it ends, but back. Pure.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from citybrain.fields import LonLat
from citybrain.messages import IntersectionConfig, PriorityLeg, RoadSegment
from command.cases.codes import METRES_PER_DEGREE, distance_m, length_m

BESIDE_M = 6.0
"""Both ends of lanes of one road lie so near to each other."""
JOIN_M = 40.0
"""Across a junction, from the end of a road to the begin of the next."""
NEAR_M = 400.0
"""Further from any road than this a place is not on the network."""
BESIDES_M = 40.0
"""A road that is so much further off than the nearest is another street."""
URBAN = 0.6
"""Share of the speed limit that is driven on average, signals and traffic in it."""
WALK_MPS = 1.4
DETOUR = 1.3
CROW_MPS = 7.0
NEAREST = 4
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Road:
    """Lanes side by side in one direction."""

    lanes: frozenset[str]
    path: tuple[LonLat, ...]
    length_m: float
    speed_mps: float
    intersection: str | None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place as seen from a road near it."""

    road: int
    along_m: float
    off_m: float


@dataclass(frozen=True, slots=True)
class Way:
    """A way over roads: its signals, its points, and how long it is and takes at the speed limits."""

    legs: list[PriorityLeg]
    points: list[LonLat]
    length_m: float
    free_s: float


class Streets:
    """The network as a graph of roads."""

    def __init__(
        self, segments: Iterable[RoadSegment], configs: Mapping[str, IntersectionConfig] | None = None
    ) -> None:
        self._configs = dict(configs or {})
        signals = {
            movement.from_lane: id_ for id_, config in self._configs.items() for movement in config.movements
        }
        self.roads = _roads(list(segments), signals)
        self._of_lane = {lane: at for at, road in enumerate(self.roads) for lane in road.lanes}
        self._follows = self._joined()
        self._graph = self._matrix()
        self._points, self._piece_road, self._piece_along = self._pieces()

    def __len__(self) -> int:
        return len(self.roads)

    def near(self, place: LonLat, most: int = NEAREST) -> list[Spot]:
        """The nearest roads within 400 m, nearest first."""
        if not len(self._points):
            return []
        scale = np.array([math.cos(math.radians(place[1])), 1.0]) * METRES_PER_DEGREE
        a = (self._points[:, 0:2] - np.array(place)) * scale
        b = (self._points[:, 2:4] - np.array(place)) * scale
        d = b - a
        squared = np.maximum(np.einsum("ij,ij->i", d, d), 1e-9)
        share = np.clip(-np.einsum("ij,ij->i", a, d) / squared, 0.0, 1.0)
        off = np.hypot(*(a + d * share[:, None]).T)
        spots: list[Spot] = []
        seen: set[int] = set()
        for piece in np.argsort(off)[: 40 * most]:
            road = int(self._piece_road[piece])
            beyond = NEAR_M if not spots else min(NEAR_M, spots[0].off_m + BESIDES_M)
            if off[piece] > beyond or len(spots) >= most:
                break
            if road not in seen:
                seen.add(road)
                along = float(self._piece_along[piece] + share[piece] * math.sqrt(squared[piece]))
                spots.append(Spot(road, along, float(off[piece])))
        return spots

    def within(self, west: float, south: float, east: float, north: float) -> list[Road]:
        """The roads that come into a box (degrees)."""
        lon, lat = self._points[:, 0::2], self._points[:, 1::2]
        inside = (lon.max(axis=1, initial=-np.inf) >= west) & (lon.min(axis=1, initial=np.inf) <= east)
        inside &= (lat.max(axis=1, initial=-np.inf) >= south) & (lat.min(axis=1, initial=np.inf) <= north)
        return [self.roads[at] for at in np.unique(self._piece_road[inside])]

    def times_to(self, place: LonLat) -> "TimesTo":
        """Travel times to one place from anywhere."""
        return TimesTo(self, place)

    def way(self, start: LonLat, end: LonLat) -> Way | None:
        """The quickest way at the speed limits; None where there is none, or a place is off the network."""
        best: tuple[float, list[int], Spot, Spot] | None = None
        for a in self.near(start):
            seconds, before = dijkstra(self._graph, indices=a.road, return_predecessors=True)
            for b in self.near(end):
                if not np.isfinite(seconds[b.road]) or (a.road == b.road and b.along_m < a.along_m):
                    continue
                cost = float(seconds[b.road]) - self._rest_s(b) - self._seconds(a.road, a.along_m)
                cost += self._seconds(a.road) + (a.off_m + b.off_m) / WALK_MPS
                if best is None or cost < best[0]:
                    best = cost, self._chain(before, a.road, b.road), a, b
        return self._way(*best[1:]) if best else None

    def times_back(self, road: int) -> Floats:
        """Seconds at the speed limits from the end of each road to the end of `road`."""
        found: Floats = dijkstra(self._graph.T, indices=road)
        return found

    def _chain(self, before: NDArray[np.int32], first: int, last: int) -> list[int]:
        chain = [last]
        while chain[-1] != first:
            chain.append(int(before[chain[-1]]))
        return chain[::-1]

    def _way(self, chain: list[int], a: Spot, b: Spot) -> Way:
        legs: list[PriorityLeg] = []
        points: list[LonLat] = []
        metres, seconds = -a.along_m, -self._seconds(a.road, a.along_m)
        for here, following in zip(chain, [*chain[1:], None], strict=True):
            road = self.roads[here]
            points += road.path
            metres += road.length_m
            seconds += self._seconds(here)
            if following is None:
                continue
            movements = self._movements(road, self.roads[following])
            if movements and road.intersection and metres >= 0:
                legs.append(
                    PriorityLeg(road.intersection, movements, round(metres, 1), round(max(seconds, 0.0), 1))
                )
            gap = distance_m(road.path[-1], self.roads[following].path[0])
            metres += gap
            seconds += gap / self.roads[following].speed_mps
        rest_m = self.roads[b.road].length_m - b.along_m
        cut = cut_path(points, a.along_m, rest_m)
        return Way(legs, cut, max(0.0, metres - rest_m), max(0.0, seconds - self._rest_s(b)))

    def _movements(self, road: Road, following: Road) -> list[int]:
        config = self._configs.get(road.intersection or "")
        if config is None:
            return []
        return [
            index
            for index, movement in enumerate(config.movements)
            if movement.from_lane in road.lanes and movement.to_lane in following.lanes
        ]

    def _seconds(self, road: int, metres: float | None = None) -> float:
        one = self.roads[road]
        return (one.length_m if metres is None else metres) / one.speed_mps

    def _rest_s(self, spot: Spot) -> float:
        return self._seconds(spot.road, self.roads[spot.road].length_m - spot.along_m)

    def _joined(self) -> list[set[int]]:
        """Which roads follow each road."""
        begins = defaultdict(list)
        for at, road in enumerate(self.roads):
            begins[_bin(road.path[0])].append(at)
        follows: list[set[int]] = []
        for at, road in enumerate(self.roads):
            config = self._configs.get(road.intersection or "")
            named = {
                self._of_lane[movement.to_lane]
                for movement in (config.movements if config else ())
                if movement.from_lane in road.lanes and movement.to_lane in self._of_lane
            }
            follows.append(named or set(self._by_place(at, road, begins)))
        return follows

    def _by_place(self, at: int, road: Road, begins: Mapping[tuple[int, int], list[int]]) -> Iterable[int]:
        x, y = _bin(road.path[-1])
        for cell in ((x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)):
            for other in begins.get(cell, ()):
                following = self.roads[other]
                is_back = distance_m(following.path[-1], road.path[0]) < JOIN_M
                is_near = distance_m(road.path[-1], following.path[0]) <= JOIN_M
                if other != at and is_near and not is_back:
                    yield other

    def _matrix(self) -> csr_array:
        """Seconds from the end of a road to the end of the next."""
        rows, columns, seconds = [], [], []
        for row, following in enumerate(self._follows):
            for column in following:
                gap = distance_m(self.roads[row].path[-1], self.roads[column].path[0])
                rows.append(row)
                columns.append(column)
                seconds.append((gap + self.roads[column].length_m) / self.roads[column].speed_mps)
        size = len(self.roads)
        return csr_array((seconds, (rows, columns)), shape=(size, size))

    def _pieces(self) -> tuple[Floats, NDArray[np.int64], Floats]:
        """Straight pieces of all roads: (n, 4) lon, lat, lon, lat; their road; metres along it."""
        pieces, roads, alongs = [], [], []
        for at, road in enumerate(self.roads):
            along = 0.0
            for a, b in pairwise(road.path):
                pieces.append((*a, *b))
                roads.append(at)
                alongs.append(along)
                along += distance_m(a, b)
        return np.array(pieces, float).reshape(-1, 4), np.array(roads, np.int64), np.array(alongs, float)


class TimesTo:
    """Seconds from anywhere to one place, by the network where both lie on it, else as the crow flies."""

    def __init__(self, streets: Streets, place: LonLat) -> None:
        self._streets = streets
        self._place = place
        self._ends = [(spot, streets.times_back(spot.road)) for spot in streets.near(place)]

    @property
    def is_by_network(self) -> bool:
        return bool(self._ends)

    def __call__(self, start: LonLat) -> float | None:
        """None where no way leads there."""
        starts = self._streets.near(start) if self._ends else []
        if not starts:
            return distance_m(start, self._place) * DETOUR / CROW_MPS
        on_foot = distance_m(start, self._place) / WALK_MPS
        found = min(
            (self._by(one, end, times) for one in starts for end, times in self._ends), default=math.inf
        )
        best = min(on_foot if on_foot < 600 else math.inf, found)
        return best if math.isfinite(best) else None

    def _by(self, start: Spot, end: Spot, times: Floats) -> float:
        roads = self._streets.roads
        walk = (start.off_m + end.off_m) / WALK_MPS
        road, last = roads[start.road], roads[end.road]
        if start.road == end.road and start.along_m <= end.along_m:
            return walk + (end.along_m - start.along_m) / (road.speed_mps * URBAN)
        rest = (road.length_m - start.along_m) / road.speed_mps
        beyond = (last.length_m - end.along_m) / last.speed_mps
        return walk + max(0.0, rest + float(times[start.road]) - beyond) / URBAN


def cut_path(points: list[LonLat], begin_m: float, end_m: float) -> list[LonLat]:
    """The path without its first and last metres; its end point alone where nothing would be left."""
    last = length_m(points) - end_m
    kept: list[LonLat] = []
    along = 0.0
    for a, b in pairwise(points):
        step = distance_m(a, b)
        low, high = max(begin_m, along), min(last, along + step)
        if low <= high and step > 0:
            ends = (_between(a, b, (low - along) / step), _between(a, b, (high - along) / step))
            kept += [point for point in ends if not kept or kept[-1] != point]
        along += step
    return kept or points[-1:]


def _between(a: LonLat, b: LonLat, share: float) -> LonLat:
    return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])


def _roads(segments: list[RoadSegment], signals: Mapping[str, str]) -> list[Road]:
    """Lanes whose both ends lie side by side, together; `signals`: lane, the signal that it leads to."""
    by_begin: dict[tuple[int, int], list[list[RoadSegment]]] = defaultdict(list)
    groups: list[list[RoadSegment]] = []
    for segment in sorted(segments, key=lambda one: one.lane):
        group = next((one for one in _around(by_begin, segment) if _is_beside(one, segment)), None)
        if group is None:
            group = []
            groups.append(group)
            by_begin[_bin(segment.path[0])].append(group)
        group.append(segment)
    return [_road(group, signals) for group in groups]


def _around(
    by_begin: Mapping[tuple[int, int], list[list[RoadSegment]]], segment: RoadSegment
) -> Iterable[list[RoadSegment]]:
    x, y = _bin(segment.path[0])
    for dx in (0, -1, 1):
        for dy in (0, -1, 1):
            yield from by_begin.get((x + dx, y + dy), ())


def _is_beside(group: list[RoadSegment], segment: RoadSegment) -> bool:
    return any(
        distance_m(other.path[0], segment.path[0]) <= BESIDE_M
        and distance_m(other.path[-1], segment.path[-1]) <= BESIDE_M
        for other in group
    )


def _road(group: list[RoadSegment], signals: Mapping[str, str]) -> Road:
    named = (signals.get(one.lane) or one.to_intersection for one in group)
    path = tuple((float(x), float(y)) for x, y in group[len(group) // 2].path)
    return Road(
        lanes=frozenset(one.lane for one in group),
        path=path,
        length_m=max(0.1, length_m(path)),
        speed_mps=max(1.0, *(one.speed_limit_mps for one in group)),
        intersection=next((one for one in named if one), None),
        name=next((one.name for one in group if one.name), ""),
    )


def _bin(place: LonLat) -> tuple[int, int]:
    """Bins of 45 m or more on both axes, up to 60 degrees of latitude."""
    size = 45.0 / METRES_PER_DEGREE
    return math.floor(place[0] / (2 * size)), math.floor(place[1] / size)
