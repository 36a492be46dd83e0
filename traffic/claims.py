"""From a vehicle with priority on its way to a line of the optimiser's demand: which lane, behind whom, when."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from citybrain.messages import LaneReading
from traffic.network import Ints, Network, Site
from traffic.rights import Claims

SPACING_M = 7.0
"""From front to front in a standing queue."""
OWN_M = 5.0
"""What a camera sees within this distance of the vehicle's own position is that vehicle."""
STANDING_MPS = 1.0

Arrival = Callable[[float, float, float], float]
"""Seconds to the stop line by distance (m), speed and speed limit (m/s)."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One vehicle with priority before one intersection.

    `movements`: own numbers of those that lead on along its path; `distance_m` to the stop line; `eta_s`:
    earliest seconds until it is there; `lane` where it is known to be on an approach lane; `lead_s` and
    `weight` as in `horizon.Claims`.
    """

    request: str
    movements: tuple[int, ...]
    distance_m: float
    speed_mps: float
    eta_s: float
    lane: str | None
    lead_s: float
    weight: float


class _Line(NamedTuple):
    """The vehicle's lane (own number), its movement, and the arrivals on that lane, its own at `place`."""

    lane: int
    movement: int
    seconds: list[int]
    place: int


def enter(
    net: Network,
    site: Site,
    claims: Sequence[Claim],
    readings: Sequence[LaneReading],
    arrived: Ints,
    arrival: Arrival,
) -> Claims:
    """The claims as the kernel reads them; the rows of their lanes in `arrived` are written anew.

    `arrived[k, t]`: vehicles that could cross in second t, not yet cumulative. Claims on unknown movements or
    beyond the last second are left out. Where two are on one lane, the first one's line stands for both.
    """
    by_lane = {reading.lane: reading for reading in readings}
    rows: list[tuple[int, ...]] = []
    weights: list[float] = []
    for claim in claims:
        line = _shortest(net, site, claim, by_lane, arrival)
        if line is None or line.seconds[line.place] >= arrived.shape[1]:
            continue
        if all(row[0] != line.lane for row in rows):
            _write(line, arrived)
        second = line.seconds[line.place]
        rows.append((line.lane, line.place + 1, line.movement, second, round(claim.lead_s)))
        weights.append(claim.weight)
    columns = np.array(rows, np.int32).reshape(-1, 5)
    return Claims(*(np.ascontiguousarray(column) for column in columns.T), np.array(weights, np.float64))


def _shortest(
    net: Network, site: Site, claim: Claim, readings: Mapping[str, LaneReading], arrival: Arrival
) -> _Line | None:
    """Its own lane where that leads on; else the lane that does and has the fewest vehicles before it."""
    lanes = {
        site.config.movements[m].from_lane: m
        for m in claim.movements
        if m < len(site.config.movements) and site.config.movements[m].from_lane in site.lane_index
    }
    if claim.lane in lanes:
        lanes = {claim.lane: lanes[claim.lane]}
    lines = [
        _line(net, site, claim, movement, readings.get(lane), arrival) for lane, movement in lanes.items()
    ]
    return min(lines, key=lambda line: line.place, default=None)


def _line(
    net: Network, site: Site, claim: Claim, movement: int, reading: LaneReading | None, arrival: Arrival
) -> _Line:
    lane = site.lane_index[site.config.movements[movement].from_lane]
    limit = float(net.lane_speed[lane])
    others = sorted(reading.observed, key=lambda vehicle: vehicle.distance_m) if reading else []
    own = min(others, key=lambda vehicle: abs(vehicle.distance_m - claim.distance_m), default=None)
    is_here = reading is not None and claim.lane == reading.lane
    if own is not None and abs(own.distance_m - claim.distance_m) <= OWN_M:
        others.remove(own)
    before = [other for other in others if other.distance_m <= claim.distance_m]
    ahead = [int(arrival(other.distance_m, other.speed_mps, limit)) for other in before]
    if is_here and claim.speed_mps < STANDING_MPS:
        ahead += [0] * _unseen(claim.distance_m, before[-1].distance_m if before else -SPACING_M + 1.0)
    second = max([int(claim.eta_s), *ahead])
    behind = [
        max(second, int(arrival(other.distance_m, other.speed_mps, limit))) for other in others[len(before) :]
    ]
    return _Line(lane - int(net.lane_ptr[site.index]), movement, [*ahead, second, *behind], len(ahead))


def _unseen(distance_m: float, next_m: float) -> int:
    """Vehicles that a standing one must have before it and nobody has seen: nothing else fills the gap."""
    return max(0, round((distance_m - next_m) / SPACING_M) - 1)


def _write(line: _Line, arrived: Ints) -> None:
    arrived[line.lane] = 0
    for second in line.seconds:
        if second < arrived.shape[1]:
            arrived[line.lane, second] += 1
