"""Codes of the unit grid (15 digits) and of components (16 digits), and the cells of an area. Pure.

Source of the coding: China's urban-grid practice (county 6, sub-district 3, community 3, sequence 3 digits;
component: county 6, major class 2, minor class 3, sequence 5).
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from citybrain.errors import ConfigError
from citybrain.fields import LonLat

CELL_M = 100.0
MOST_CELLS = 999
"""In one community: its sequence has three digits."""
METRES_PER_DEGREE = 111_320.0
_CELL = re.compile(r"\d{15}", re.ASCII)
_COMMUNITY = re.compile(r"\d{12}", re.ASCII)
_COMPONENT = re.compile(r"\d{16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: degrees, its south-west corner in it, its north-east corner not."""

    code: str
    west: float
    south: float
    east: float
    north: float

    @property
    def center(self) -> LonLat:
        return (self.west + self.east) / 2, (self.south + self.north) / 2


def check_cell(code: str) -> str:
    """The code; ConfigError where it is none of a cell."""
    if not _CELL.fullmatch(code):
        raise ConfigError(f"{code[:40]!r} is no code of a cell: 15 digits are needed")
    return code


def component_code(county: str, class_: str, sequence: int) -> str:
    """The code of a component of class `cMMNNN`; ConfigError where it cannot be one."""
    code = f"{county}{class_[1:]}{sequence:05d}"
    if class_[:1] != "c" or not _COMPONENT.fullmatch(code):
        raise ConfigError(f"{code[:40]!r} is no code of a component: county 6, class 5, sequence 5 digits")
    return code


def cells(community: str, west: float, south: float, east: float, north: float) -> list[Cell]:
    """Cells of about 100 m x 100 m that cover the area, numbered west to east, then north to south.

    Raises:
        ConfigError: `community` is not 12 digits, the area is empty, or it needs more than 999 cells.
    """
    if not _COMMUNITY.fullmatch(community):
        raise ConfigError(f"{community[:40]!r} is no code of a community: 12 digits are needed")
    if not (-180 <= west < east <= 180 and -85 <= south < north <= 85):
        raise ConfigError("the area must be west, south, east, north in degrees, and not empty")
    columns, rows = shape(west, south, east, north)
    if columns * rows > MOST_CELLS:
        raise ConfigError(
            f"the area needs {columns} x {rows} cells, a community has at most {MOST_CELLS}: split it"
        )
    width, height = (east - west) / columns, (north - south) / rows
    return [
        Cell(
            f"{community}{row * columns + column + 1:03d}",
            west + column * width,
            north - (row + 1) * height,
            west + (column + 1) * width,
            north - row * height,
        )
        for row in range(rows)
        for column in range(columns)
    ]


def communities(
    sub_district: str, west: float, south: float, east: float, north: float
) -> list[tuple[str, tuple[float, float, float, float]]]:
    """An area of any size as communities of 30 x 30 cells at most: (12 digits, west, south, east, north)."""
    columns, rows = shape(west, south, east, north)
    across, down = math.ceil(columns / 30), math.ceil(rows / 30)
    if across * down > 999:
        raise ConfigError("the area is too large for one sub-district: split it")
    width, height = (east - west) / across, (north - south) / down
    return [
        (
            f"{sub_district}{row * across + column + 1:03d}",
            (
                west + column * width,
                north - (row + 1) * height,
                west + (column + 1) * width,
                north - row * height,
            ),
        )
        for row in range(down)
        for column in range(across)
    ]


def shape(west: float, south: float, east: float, north: float) -> tuple[int, int]:
    """How many cells of about 100 m lie across and down."""
    middle = math.cos(math.radians((south + north) / 2))
    across_m = (east - west) * METRES_PER_DEGREE * middle
    down_m = (north - south) * METRES_PER_DEGREE
    # A hair below a whole number is that number: an area of 300 m has three cells.
    return (
        max(1, math.ceil(across_m / CELL_M - 0.01)),
        max(1, math.ceil(down_m / CELL_M - 0.01)),
    )


def distance_m(a: LonLat, b: LonLat) -> float:
    """Metres between two near places (equirectangular: exact to 0.1 % within a city)."""
    east = (b[0] - a[0]) * math.cos(math.radians((a[1] + b[1]) / 2))
    return math.hypot(east, b[1] - a[1]) * METRES_PER_DEGREE


def box(center: LonLat, radius_m: float) -> tuple[float, float, float, float]:
    """West, south, east, north of a box that holds the circle."""
    high = radius_m / METRES_PER_DEGREE
    wide = high / max(0.05, math.cos(math.radians(center[1])))
    return center[0] - wide, center[1] - high, center[0] + wide, center[1] + high


def length_m(path: Sequence[LonLat]) -> float:
    return sum(distance_m(a, b) for a, b in pairwise(path))
