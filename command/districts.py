"""Which district a place lies in, and what of the live city a principal may see."""

from collections.abc import Iterable, Mapping, Sequence

from citybrain.config import District
from citybrain.fields import LonLat


class Districts:
    """The districts of the configuration; a place may lie in several, or in none."""

    def __init__(self, configured: Mapping[str, District]) -> None:
        self._areas = {name: tuple(district.area) for name, district in configured.items()}

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._areas)

    def of(self, position: LonLat | None) -> frozenset[str]:
        """The districts that a place (longitude, latitude) lies in."""
        if position is None:
            return frozenset()
        return frozenset(name for name, area in self._areas.items() if _holds(area, position))


def _holds(area: Sequence[tuple[float, float]], position: LonLat) -> bool:
    """Even-odd rule: a ray to the east crosses the border an odd number of times."""
    x, y = position
    inside = False
    for (x1, y1), (x2, y2) in _edges(area):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            inside = not inside
    return inside


def _edges(
    area: Sequence[tuple[float, float]],
) -> Iterable[tuple[tuple[float, float], tuple[float, float]]]:
    return zip(area, [*area[1:], area[0]], strict=True)
