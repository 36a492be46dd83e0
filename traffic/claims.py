"""From a vehicle with priority to a line of the optimiser's demand: which lane, behind whom, when."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from citybrain.fields import LonLat
from citybrain.messages import LaneReading
from citybrain.queues import QUEUE_MPS
from traffic.driving import STANDING_MPS, arrival_s
from traffic.network import Floats, Network, Site
from traffic.rights import Claims

SPACING_M = 7.0
"""From front to front in a standing queue."""
OWN_M = 5.0
"""What a camera sees within this distance of the vehicle's own position is that vehicle."""
BESIDE_M = 25.0
JAMMED_SHARE, JAMMED_M = 0.6, 150.0
"""A road is full when somebody stands so far back: as a share of it, and at most."""
CROSSING_M = 20.0
"""Of a road between two stop lines, what lies inside the first intersection."""
CLEARING = 0.3
"""Share of a claim's price for a road that keeps its vehicle from coming."""
DEGREE_M = 111_320.0
"""Of latitude."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One vehicle with priority before one intersection.

    `movements`: own numbers of those that lead on along its path; `distance_m` to the stop line; `eta_s`:
    earliest seconds until it is there, and `stood_s` more where it stands at an intersection before;
    `link_m`: from the stop line before; `lane` where it is known to be on an approach lane; `lead_s` and
    `weight` as in `rights.Claims`.
    """

    request: str
    movements: tuple[int, ...]
    distance_m: float
    speed_mps: float
    eta_s: float
    stood_s: float
    link_m: float
    lane: str | None
    lead_s: float
    weight: float


class _Line(NamedTuple):
    """The vehicle's lane (own number), its movement, and the arrivals on that lane, its own at `place`."""

    lane: int
    movement: int
    seconds: list[int]
    place: int


class Sight(NamedTuple):
    """What is seen at one intersection: readings by lane, and how arrivals are told from them."""

    net: Network
    site: Site
    readings: Mapping[str, LaneReading]


def enter(sight: Sight, claims: Sequence[Claim], arrived: Floats) -> Claims:
    """The claims as the kernel reads them; the rows of their lanes in `arrived` are written anew.

    `arrived[k, t]`: vehicles that could cross in second t, not yet cumulative. Claims on unknown movements or
    beyond the last second are left out. Where two are on one lane, the first one's line stands for both.
    """
    rows: list[tuple[int, ...]] = []
    weights: list[float] = []
    for asked in claims:
        claim = _in_view_of_jams(sight, asked)
        line = _shortest(sight, claim)
        if line is None or line.seconds[line.place] >= arrived.shape[1]:
            continue
        if all(row[0] != line.lane for row in rows):
            _write(line, arrived)
        second, lead = line.seconds[line.place], round(claim.lead_s)
        rows.append((line.lane, line.place + 1, line.movement, second, lead))
        rows += [(lane, place, m, second, lead) for lane, place, m in _beside(sight, claim, line)]
        weights += [claim.weight] * (len(rows) - len(weights))
    columns = [np.array([row[column] for row in rows], np.int32) for column in range(5)]
    prices = np.array(weights, np.float64)
    return Claims(columns[0], columns[1], columns[2], columns[3], columns[4], prices)


def _in_view_of_jams(sight: Sight, claim: Claim) -> Claim:
    """The claim of a vehicle that stands further back: as it will come, or as what keeps it from coming.

    A road to this intersection that is full may be why it stands. It is cleared, at a lower price.
    """
    if claim.stood_s <= 0:
        return claim
    lanes = sight.site.config.lanes
    names = {sight.site.config.movements[m].from_lane for m in claim.movements if m < _count(sight)}
    own = [lane.path for lane in lanes if lane.lane in names]
    reach_m = min(JAMMED_SHARE * max(claim.link_m - CROSSING_M, 0.0), JAMMED_M)
    for lane in lanes:
        reading = sight.readings.get(lane.lane)
        if reading and any(_is_beside(lane.path, path) for path in own) and _reaches(reading, reach_m):
            return replace(claim, weight=claim.weight * CLEARING)
    return replace(claim, eta_s=claim.eta_s + claim.stood_s)


def _reaches(reading: LaneReading, distance_m: float) -> bool:
    """Whether somebody stands so far back or further."""
    return any(
        vehicle.distance_m >= distance_m and vehicle.speed_mps < QUEUE_MPS for vehicle in reading.observed
    )


def _count(sight: Sight) -> int:
    return len(sight.site.config.movements)


def _shortest(sight: Sight, claim: Claim) -> _Line | None:
    """Its own lane where that leads on; else the lane that does and has the fewest vehicles before it."""
    movements, known = sight.site.config.movements, sight.site.lane_index
    lanes = {
        movements[m].from_lane: m
        for m in claim.movements
        if m < _count(sight) and movements[m].from_lane in known
    }
    if claim.lane in lanes:
        lanes = {claim.lane: lanes[claim.lane]}
    lines = [_line(sight, claim, movement) for movement in lanes.values()]
    return min(lines, key=lambda line: line.place, default=None)


def _line(sight: Sight, claim: Claim, movement: int) -> _Line:
    name = sight.site.config.movements[movement].from_lane
    lane, reading = sight.site.lane_index[name], sight.readings.get(name)
    others = sorted(reading.observed, key=lambda vehicle: vehicle.distance_m) if reading else []
    own = min(others, key=lambda vehicle: abs(vehicle.distance_m - claim.distance_m), default=None)
    if own is not None and abs(own.distance_m - claim.distance_m) <= OWN_M:
        others.remove(own)
    limit = float(sight.net.lane_speed[lane])
    seconds = [int(arrival_s(other.distance_m, other.speed_mps, limit)) for other in others]
    before = [other for other in others if other.distance_m <= claim.distance_m]
    ahead, behind = seconds[: len(before)], seconds[len(before) :]
    if claim.lane == name and claim.speed_mps < STANDING_MPS:
        ahead += [0] * _unseen(claim.distance_m, before[-1].distance_m if before else 1.0 - SPACING_M)
    second = max([int(claim.eta_s), *ahead])
    # Nobody overtakes on a lane, however early they could come.
    line = [*ahead, second, *(max(second, later) for later in behind)]
    return _Line(lane - int(sight.net.lane_ptr[sight.site.index]), movement, line, len(ahead))


def _beside(sight: Sight, claim: Claim, line: _Line) -> list[tuple[int, int, int]]:
    """Lanes beside its own whose queues stand in its way before the lanes part: lane, vehicles, movement.

    Who stands on the road with nobody between it and its lane's stop line waits for another lane: all queues
    beside it are let go.
    """
    lanes = sight.site.config.lanes
    near = [k for k, lane in enumerate(lanes) if _is_beside(lane.path, lanes[line.lane].path)]
    readings = [sight.readings.get(lanes[k].lane) for k in near]
    if not any(reading and _has_stray(reading, claim.distance_m) for reading in readings):
        return []
    movements = {movement.from_lane: m for m, movement in enumerate(sight.site.config.movements)}
    return [
        (k, reading.queued, movements[reading.lane])
        for k, reading in zip(near, readings, strict=True)
        if reading and reading.queued and k != line.lane
    ]


def _has_stray(reading: LaneReading, within_m: float) -> bool:
    """Whether somebody stands apart from the queue at the stop line, nearer than `within_m`."""
    seen = sorted(reading.observed, key=lambda vehicle: vehicle.distance_m)
    return any(
        vehicle.speed_mps < QUEUE_MPS and vehicle.distance_m < within_m - OWN_M
        for vehicle in seen[reading.queued :]
    )


def _is_beside(one: Sequence[LonLat], other: Sequence[LonLat]) -> bool:
    """Whether two lanes end side by side in the same direction."""
    east_m = (one[-1][0] - other[-1][0]) * DEGREE_M * math.cos(math.radians(one[-1][1]))
    north_m = (one[-1][1] - other[-1][1]) * DEGREE_M
    return math.hypot(east_m, north_m) < BESIDE_M and _turn(one, other) < math.pi / 6


def _turn(one: Sequence[LonLat], other: Sequence[LonLat]) -> float:
    """The angle between the last stretches of two paths, in radians."""
    scale = math.cos(math.radians(one[-1][1]))
    angles = [math.atan2(p[-1][1] - p[-2][1], (p[-1][0] - p[-2][0]) * scale) for p in (one, other)]
    return abs(math.remainder(angles[0] - angles[1], 2 * math.pi))


def _unseen(distance_m: float, next_m: float) -> int:
    """Vehicles that a standing one must have before it and nobody has seen: nothing else fills the gap."""
    return max(0, round((distance_m - next_m) / SPACING_M) - 1)


def _write(line: _Line, arrived: Floats) -> None:
    arrived[line.lane] = 0
    for second in line.seconds:
        if second < arrived.shape[1]:
            arrived[line.lane, second] += 1
