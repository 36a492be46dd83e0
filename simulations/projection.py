"""Where a SUMO network lies on the globe: network metres to WGS 84 longitude and latitude and back."""

import math
import re
from dataclasses import dataclass

from citybrain.errors import ConfigError

PLANE_ORIGIN = (10.0, 50.0)
"""Longitude and latitude at which networks without a projection are laid down."""

_RADIUS_M = 6_371_008.8
_SEMI_MAJOR_M = 6_378_137.0
_FLATTENING = 1 / 298.257223563
_SCALE = 0.9996
_FALSE_EASTING_M = 500_000.0
_FALSE_NORTHING_M = 10_000_000.0
_N = _FLATTENING / (2 - _FLATTENING)
_RECTIFYING_M = _SEMI_MAJOR_M / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
_ALPHA = (
    _N / 2 - 2 * _N**2 / 3 + 5 * _N**3 / 16,
    13 * _N**2 / 48 - 3 * _N**3 / 5,
    61 * _N**3 / 240,
)
_BETA = (
    _N / 2 - 2 * _N**2 / 3 + 37 * _N**3 / 96,
    _N**2 / 48 + _N**3 / 15,
    17 * _N**3 / 480,
)
_DELTA = (2 * _N - 2 * _N**2 / 3 - 2 * _N**3, 7 * _N**2 / 3 - 8 * _N**3 / 5, 56 * _N**3 / 15)


@dataclass(frozen=True, slots=True)
class Plane:
    """A network without a projection: an equirectangular plane around `PLANE_ORIGIN`."""

    offset: tuple[float, float] = (0.0, 0.0)

    def to_lon_lat(self, x_m: float, y_m: float) -> tuple[float, float]:
        lon0, lat0 = PLANE_ORIGIN
        lat = lat0 + math.degrees((y_m - self.offset[1]) / _RADIUS_M)
        lon = lon0 + math.degrees((x_m - self.offset[0]) / (_RADIUS_M * math.cos(math.radians(lat0))))
        return lon, lat

    def to_xy(self, lon: float, lat: float) -> tuple[float, float]:
        lon0, lat0 = PLANE_ORIGIN
        x_m = math.radians(lon - lon0) * _RADIUS_M * math.cos(math.radians(lat0))
        return x_m + self.offset[0], math.radians(lat - lat0) * _RADIUS_M + self.offset[1]


@dataclass(frozen=True, slots=True)
class Geographic:
    """A network whose coordinates are degrees already (`+proj=longlat`)."""

    offset: tuple[float, float]

    def to_lon_lat(self, x_m: float, y_m: float) -> tuple[float, float]:
        return x_m - self.offset[0], y_m - self.offset[1]

    def to_xy(self, lon: float, lat: float) -> tuple[float, float]:
        return lon + self.offset[0], lat + self.offset[1]


@dataclass(frozen=True, slots=True)
class Utm:
    """A network in UTM metres, by Krueger's series to the third order (about 1 mm within a zone).

    Source: Karney (2011), Transverse Mercator with an accuracy of a few nanometers, J. Geodesy 85.
    """

    zone: int
    south: bool
    offset: tuple[float, float]

    @property
    def _meridian(self) -> float:
        return math.radians(6 * self.zone - 183)

    def to_lon_lat(self, x_m: float, y_m: float) -> tuple[float, float]:
        easting = x_m - self.offset[0] - _FALSE_EASTING_M
        northing = y_m - self.offset[1] - (_FALSE_NORTHING_M if self.south else 0.0)
        xi, eta = northing / (_SCALE * _RECTIFYING_M), easting / (_SCALE * _RECTIFYING_M)
        xi1, eta1 = xi, eta
        for j, beta in enumerate(_BETA, 1):
            xi1 -= beta * math.sin(2 * j * xi) * math.cosh(2 * j * eta)
            eta1 -= beta * math.cos(2 * j * xi) * math.sinh(2 * j * eta)
        chi = math.asin(math.sin(xi1) / math.cosh(eta1))
        lat = chi + sum(delta * math.sin(2 * j * chi) for j, delta in enumerate(_DELTA, 1))
        lon = self._meridian + math.atan2(math.sinh(eta1), math.cos(xi1))
        return math.degrees(lon), math.degrees(lat)

    def to_xy(self, lon: float, lat: float) -> tuple[float, float]:
        phi, lam = math.radians(lat), math.radians(lon) - self._meridian
        e = 2 * math.sqrt(_N) / (1 + _N)
        t = math.sinh(math.atanh(math.sin(phi)) - e * math.atanh(e * math.sin(phi)))
        xi1, eta1 = math.atan2(t, math.cos(lam)), math.atanh(math.sin(lam) / math.hypot(1, t))
        xi, eta = xi1, eta1
        for j, alpha in enumerate(_ALPHA, 1):
            xi += alpha * math.sin(2 * j * xi1) * math.cosh(2 * j * eta1)
            eta += alpha * math.cos(2 * j * xi1) * math.sinh(2 * j * eta1)
        x_m = _SCALE * _RECTIFYING_M * eta + _FALSE_EASTING_M + self.offset[0]
        y_m = _SCALE * _RECTIFYING_M * xi + self.offset[1] + (_FALSE_NORTHING_M if self.south else 0.0)
        return x_m, y_m


Projection = Plane | Geographic | Utm


def projection_of(parameter: str, offset: tuple[float, float]) -> Projection:
    """The projection named by a SUMO network's `projParameter`, with its `netOffset`.

    Raises:
        ConfigError: a projection other than UTM, degrees or none.
    """
    if parameter in {"", "!", "-"}:
        return Plane(offset)
    if "+proj=longlat" in parameter:
        return Geographic(offset)
    zone = re.search(r"\+proj=utm\b.*\+zone=(\d{1,2})", parameter)
    if zone is None:
        raise ConfigError(
            f"projection {parameter!r} is not supported: import the network with netconvert --proj.utm"
        )
    return Utm(int(zone[1]), "+south" in parameter, offset)
