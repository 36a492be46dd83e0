"""Trips of a rush hour between the roads of a city: into the centre, through, within and out."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from citybrain.errors import ConfigError
from simulations.roads import Floats, Ints, Roads

MORNING = (0.75, 0.95, 1.15, 1.25, 1.2, 1.05, 0.9, 0.75)
"""Departures by eighth of the demand's time, against their mean: a morning peak."""
_FAST_MPS = 17.0
"""Nobody lives on faster roads."""
_ENTRY_REACH = 0.55
"""Ends of the network nearer to its centre than this share of its radius are cul-de-sacs, not entries."""


class Kind(Enum):
    """What a trip is for: (from outside, to outside)."""

    COMMUTE = (True, False)
    THROUGH = (True, True)
    INNER = (False, False)
    OUTWARD = (False, True)


SHARES = {Kind.COMMUTE: 0.30, Kind.THROUGH: 0.25, Kind.INNER: 0.33, Kind.OUTWARD: 0.12}


class Trips(NamedTuple):
    """`origin` and `destination`: indices of roads; `depart_s` ascending, from 0."""

    origin: Ints
    destination: Ints
    depart_s: Floats
    starts_outside: NDArray[np.bool_]
    ends_outside: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Attraction:
    """How much each road sends and draws (weights, not normalised) and how large the city is."""

    homes: Floats
    jobs: Floats
    entries: Floats
    exits: Floats
    radius_m: float


def attraction(roads: Roads) -> Attraction:
    """Homes thin out towards the centre, jobs towards the edge; wide, fast ends of the network carry most.

    Raises:
        ConfigError: no road can be a home or a job.
    """
    local = roads.speed_mps < _FAST_MPS
    lived = np.where(local & roads.is_core & ~roads.is_entry & ~roads.is_exit, roads.length_m, 0.0)
    if lived.sum() <= 0:
        raise ConfigError("the network has no streets where trips could begin: no demand can be made")
    centre = np.average(roads.place_m, axis=0, weights=lived)
    far_m = np.linalg.norm(roads.place_m - centre, axis=1)
    radius = float(np.percentile(far_m, 95))
    size = roads.lanes * roads.speed_mps**2 * np.where(far_m >= _ENTRY_REACH * radius, 1.0, 0.0)
    return Attraction(
        lived * (0.3 + np.minimum(far_m / radius, 1.0)),
        lived * np.exp(-((far_m / (0.45 * radius)) ** 2)) + 0.08 * lived,
        np.where(roads.is_entry, size, 0.0),
        np.where(roads.is_exit, size, 0.0),
        radius,
    )


def make_trips(roads: Roads, count: int, lasts_s: float, seed: int) -> Trips:
    """`count` trips that depart over `lasts_s` seconds with a morning peak; seeded.

    A network without ends (or cut off from them) has inner trips only.
    """
    random = np.random.default_rng([seed, 7])
    place = attraction(roads)
    shares = {
        kind: share
        for kind, share in SHARES.items()
        if (place.entries.any() or not kind.value[0]) and (place.exits.any() or not kind.value[1])
    }
    chosen = random.choice(len(shares), count, p=np.array(list(shares.values())) / sum(shares.values()))
    kinds = [list(shares)[index] for index in chosen]
    starts = np.array([kind.value[0] for kind in kinds], dtype=np.bool_)
    ends = np.array([kind.value[1] for kind in kinds], dtype=np.bool_)
    origin = np.where(starts, _draw(random, place.entries, count), _draw(random, place.homes, count))
    destination = np.zeros(count, dtype=np.int64)
    # All trips of one origin and purpose at once: there are far fewer of these than trips.
    _, group = np.unique(origin * 4 + starts * 2 + ends, return_inverse=True)
    for together in np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1]):
        first = int(together[0])
        near = _distance_weight(
            roads, place, int(origin[first]), is_through=bool(starts[first] & ends[first])
        )
        weights = place.exits if ends[first] else place.jobs
        destination[together] = _draw(random, weights * near, len(together))
    return Trips(origin, destination, _departures(random, count, lasts_s), starts, ends)


def _distance_weight(roads: Roads, place: Attraction, origin: int, *, is_through: bool) -> Floats:
    """Nobody drives round the corner; most stay within reach; who only passes leaves on another side."""
    far_m = np.linalg.norm(roads.place_m - roads.place_m[origin], axis=1)
    if is_through:
        return np.asarray(np.where(far_m > 0.6 * place.radius_m, far_m, 0.0))
    reach = np.exp(-far_m / (1.2 * place.radius_m))
    return np.asarray(np.where(far_m > 0.25 * place.radius_m, reach, 1e-9))


def _draw(random: np.random.Generator, weights: Floats, count: int) -> Ints:
    total = np.cumsum(weights)
    if total[-1] <= 0:
        return random.integers(0, len(weights), count)
    return np.asarray(np.searchsorted(total, random.random(count) * total[-1], side="right"), dtype=np.int64)


def _departures(random: np.random.Generator, count: int, lasts_s: float) -> Floats:
    share = np.array(MORNING) / sum(MORNING)
    slot = random.choice(len(MORNING), count, p=share)
    return np.sort((slot + random.random(count)) * lasts_s / len(MORNING))
