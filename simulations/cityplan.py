"""The plan of a generated city: a bent lattice of arterials and streets with blocks missing; no files."""

import math
from collections import defaultdict
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

SPACING_M = (95.0, 175.0)
"""Between neighbouring lines of the lattice."""
ARTERIAL_EVERY = (3, 4)
BEND_M = 45.0
JITTER_M = 14.0
MISSING = 0.17
"""Share of street segments that are not built, so that blocks merge."""
ENTRY_M = 320.0


class Road(IntEnum):
    """Classes of road, by rank."""

    STREET = 1
    COLLECTOR = 2
    ARTERIAL = 3
    MAJOR = 4


LANES = {Road.STREET: 1, Road.COLLECTOR: 1, Road.ARTERIAL: 2, Road.MAJOR: 3}
SPEED_MPS = {Road.STREET: 30 / 3.6, Road.COLLECTOR: 50 / 3.6, Road.ARTERIAL: 50 / 3.6, Road.MAJOR: 60 / 3.6}

Cell = tuple[int, int]
Segment = tuple[Cell, Cell]


@dataclass(frozen=True, slots=True)
class CityPlan:
    """Nodes by lattice cell with their place in metres, segments with their class, and the signalled nodes.

    Each segment is a road in both directions. `entries` are the outer ends of roads that leave the city.
    """

    place_m: dict[Cell, tuple[float, float]]
    roads: dict[Segment, Road]
    signals: frozenset[Cell]
    entries: frozenset[Cell]


def plan_city(signals: int, seed: int) -> CityPlan:
    """A city with exactly `signals` signalled intersections; the same for the same arguments."""
    side = max(3, math.ceil(math.sqrt(signals / 0.85)))
    columns, rows = side, side
    while True:
        plan = _Planner(columns, rows, seed).plan(signals)
        if len(plan.signals) == signals:
            return plan
        columns, rows = (columns + 1, rows) if columns <= rows else (columns, rows + 1)


class _Planner:
    def __init__(self, columns: int, rows: int, seed: int) -> None:
        self._random = np.random.default_rng([seed, columns, rows])
        self._columns, self._rows = columns, rows
        self._x = _lines(self._random, columns)
        self._y = _lines(self._random, rows)
        self._vertical = self._classes(columns)
        self._horizontal = self._classes(rows)

    def plan(self, signals: int) -> CityPlan:
        roads = self._lattice()
        self._thin(roads)
        entries = self._extend(roads)
        used = {cell for segment in roads for cell in segment}
        return CityPlan(
            self._places(used), roads, self._signalled(roads, entries, signals), frozenset(entries)
        )

    def _classes(self, count: int) -> list[Road]:
        """The class of each line: the middle one is major, every third or fourth an arterial."""
        classes = [Road.COLLECTOR if self._random.random() < 0.3 else Road.STREET for _ in range(count)]
        middle = count // 2
        classes[middle] = Road.MAJOR
        for step in (-1, 1):
            line = middle
            while True:
                line += step * int(self._random.integers(ARTERIAL_EVERY[0], ARTERIAL_EVERY[1] + 1))
                if not 0 <= line < count:
                    break
                classes[line] = Road.ARTERIAL
        return classes

    def _lattice(self) -> dict[Segment, Road]:
        roads: dict[Segment, Road] = {}
        for i in range(self._columns):
            for j in range(self._rows):
                if i + 1 < self._columns:
                    roads[(i, j), (i + 1, j)] = self._horizontal[j]
                if j + 1 < self._rows:
                    roads[(i, j), (i, j + 1)] = self._vertical[i]
        return roads

    def _thin(self, roads: dict[Segment, Road]) -> None:
        """Leave streets out, one after the other, where the city stays in one piece without dead ends."""
        minor = [segment for segment, road in roads.items() if road <= Road.COLLECTOR]
        wanted = round(MISSING * len(roads))
        for index in self._random.permutation(len(minor)):
            if wanted == 0:
                return
            segment = minor[index]
            road = roads.pop(segment)
            if _is_whole(roads, segment):
                wanted -= 1
            else:
                roads[segment] = road

    def _extend(self, roads: dict[Segment, Road]) -> set[Cell]:
        """Carry arterials, and some collectors, out of the city; the outer ends."""
        ends: list[tuple[Cell, Cell, Road]] = []
        for i, road in enumerate(self._vertical):
            ends += [((i, 0), (i, -1), road), ((i, self._rows - 1), (i, self._rows), road)]
        for j, road in enumerate(self._horizontal):
            ends += [((0, j), (-1, j), road), ((self._columns - 1, j), (self._columns, j), road)]
        entries = set()
        for inner, outer, road in ends:
            if road >= Road.ARTERIAL or (road == Road.COLLECTOR and self._random.random() < 0.4):
                roads[inner, outer] = road
                entries.add(outer)
        return entries

    def _places(self, cells: set[Cell]) -> dict[Cell, tuple[float, float]]:
        """Bent by two waves, then moved at random; entries lie straight out."""
        waves = self._random.uniform(0, 2 * math.pi, 4)
        width, height = max(self._x[-1], 1.0), max(self._y[-1], 1.0)
        place = {}
        for i, j in sorted(cells):
            x, y = _at(self._x, i), _at(self._y, j)
            bend_x = (
                BEND_M * math.sin(2 * math.pi * y / height + waves[0]) * math.sin(x / width * 3 + waves[1])
            )
            bend_y = (
                BEND_M * math.sin(2 * math.pi * x / width + waves[2]) * math.sin(y / height * 3 + waves[3])
            )
            jitter = self._random.uniform(-JITTER_M, JITTER_M, 2)
            place[i, j] = (round(x + bend_x + jitter[0], 2), round(y + bend_y + jitter[1], 2))
        return place

    def _signalled(self, roads: dict[Segment, Road], entries: set[Cell], count: int) -> frozenset[Cell]:
        """The most important intersections of three or more roads."""
        meeting: dict[Cell, list[Road]] = defaultdict(list)
        for segment, road in roads.items():
            for cell in segment:
                meeting[cell].append(road)
        crossings = sorted(cell for cell, met in meeting.items() if len(met) >= 3 and cell not in entries)
        rank = {cell: sum(meeting[cell]) + self._random.random() for cell in crossings}
        return frozenset(sorted(crossings, key=lambda cell: -rank[cell])[:count])


def _lines(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    gaps = random.uniform(*SPACING_M, count - 1)
    return np.concatenate([[0.0], np.cumsum(gaps)])


def _at(lines: NDArray[np.float64], index: int) -> float:
    if index < 0:
        return -ENTRY_M
    return float(lines[index]) if index < len(lines) else float(lines[-1]) + ENTRY_M


def _is_whole(roads: dict[Segment, Road], removed: Segment) -> bool:
    """Whether both ends of a removed segment still have two roads and a way to each other."""
    near: dict[Cell, list[Cell]] = defaultdict(list)
    for one, other in roads:
        near[one].append(other)
        near[other].append(one)
    start, goal = removed
    if len(near[start]) < 2 or len(near[goal]) < 2:
        return False
    seen, todo = {start}, [start]
    while todo:
        for cell in near[todo.pop()]:
            if cell not in seen:
                seen.add(cell)
                todo.append(cell)
    return goal in seen
