"""Shapes for the map: the network as GeoJSON, and the way of a movement through its intersection."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from citybrain.fields import LonLat
from citybrain.messages import IntersectionConfig, RoadSegment
from command.models import GeoLine, LaneFeature, LaneProperties, MovementView, NetworkView

CURVE_POINTS = 8


def network_geojson(segments: Iterable[RoadSegment], observed: dict[str, str]) -> bytes:
    """All lanes as GeoJSON (UTF-8); `observed`: lane, the intersection that observes it."""
    features = [
        LaneFeature(
            geometry=GeoLine(coordinates=segment.path),
            properties=LaneProperties(
                lane=segment.lane,
                name=segment.name,
                speed_limit_mps=segment.speed_limit_mps,
                width_m=segment.width_m,
                intersection=observed.get(segment.lane),
            ),
        )
        for segment in segments
    ]
    return msgspec.json.encode(NetworkView(features=features))


def bounds(points: Iterable[LonLat]) -> tuple[LonLat, LonLat] | None:
    """South-west and north-east corners of `points` (longitude, latitude); None without any."""
    found = list(points)
    if not found:
        return None
    longitudes = [point[0] for point in found]
    latitudes = [point[1] for point in found]
    return (min(longitudes), min(latitudes)), (max(longitudes), max(latitudes))


def movement_views(
    config: IntersectionConfig, paths: Mapping[str, Sequence[LonLat]]
) -> tuple[MovementView, ...]:
    """The movements with their ways; `paths`: lane, its points in driving direction."""
    known = dict(paths) | {lane.lane: lane.path for lane in config.lanes}
    return tuple(
        MovementView(
            index=index,
            from_lane=movement.from_lane,
            to_lane=movement.to_lane,
            turn=movement.turn,
            path=_way(known.get(movement.from_lane), known.get(movement.to_lane)),
        )
        for index, movement in enumerate(config.movements)
    )


def _way(entry: Sequence[LonLat] | None, leave: Sequence[LonLat] | None) -> tuple[LonLat, ...]:
    """A quadratic curve from the end of `entry` to the start of `leave`, along both directions."""
    if not entry or not leave:
        return ()
    start, end = entry[-1], leave[0]
    corner = _crossing(entry[-2], start, end, leave[1]) or _middle(start, end)
    shares = [step / (CURVE_POINTS - 1) for step in range(CURVE_POINTS)]
    return tuple(
        (
            (1 - t) ** 2 * start[0] + 2 * t * (1 - t) * corner[0] + t**2 * end[0],
            (1 - t) ** 2 * start[1] + 2 * t * (1 - t) * corner[1] + t**2 * end[1],
        )
        for t in shares
    )


def _middle(a: LonLat, b: LonLat) -> LonLat:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


def _crossing(before: LonLat, start: LonLat, end: LonLat, after: LonLat) -> LonLat | None:
    """Where the way in, prolonged, meets the way out, prolonged backwards; None if they do not."""
    ux, uy = start[0] - before[0], start[1] - before[1]
    vx, vy = end[0] - after[0], end[1] - after[1]
    cross = ux * vy - uy * vx
    # Nearly parallel lanes meet far away; a straight line is the honest picture of them.
    if abs(cross) <= 0.05 * (ux * ux + uy * uy) ** 0.5 * (vx * vx + vy * vy) ** 0.5:
        return None
    dx, dy = end[0] - start[0], end[1] - start[1]
    ahead = (dx * vy - dy * vx) / cross
    back = (dx * uy - dy * ux) / cross
    if ahead < 0 or back < 0:
        return None
    return start[0] + ahead * ux, start[1] + ahead * uy
