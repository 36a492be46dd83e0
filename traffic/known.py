"""Each vehicle's own next turn, where it is known, in place of learned shares; only a simulation tells it."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from traffic.horizon import Demand
from traffic.network import Floats, Network, Site
from traffic.rights import Claims

Known = Mapping[str, Sequence[int]]
"""By lane: the own number of each seen vehicle's next movement, nearest first, -1 where it has none."""


def with_turns(net: Network, site: Site, known: Known, demand: Demand) -> Demand:
    """The demand in which every vehicle needs its own movement's green, and none is guessed.

    The turn of each place in a lane is told to the kernel as a claim without a price; shares become those of
    the vehicles in view, the head's its own. Lanes where somebody has priority keep their claims.
    """
    taken = set(demand.claims.lane.tolist())
    lines = {k: turns for k, turns in _lines(net, site, known) if k not in taken}
    share, head = demand.share.copy(), demand.head_share.copy()
    for k, turns in lines.items():
        own = _movements(net, site, k)
        seen = [m for m in turns if m >= 0]
        if seen:
            _replace(share, own, seen)
        if turns and turns[0] >= 0:
            _replace(head, own, turns[:1])
    rows = [(k, place, m) for k, turns in lines.items() for place, m in enumerate(turns, 1) if m >= 0]
    return demand._replace(share=share, head_share=head, claims=_told(demand.claims, rows))


def _lines(net: Network, site: Site, known: Known) -> Iterator[tuple[int, list[int]]]:
    """By lane's own number; a movement that is none of the lane's counts as not known."""
    first = int(net.lane_ptr[site.index])
    for lane, turns in known.items():
        if lane in site.lane_index:
            k = site.lane_index[lane] - first
            own = _movements(net, site, k)
            yield k, [m if m in own else -1 for m in turns]


def _movements(net: Network, site: Site, k: int) -> list[int]:
    """Own numbers of the lane's movements."""
    lane = int(net.lane_ptr[site.index]) + k
    begin, end = net.lane_movement_ptr[lane : lane + 2]
    return [int(m - net.movement_ptr[site.index]) for m in net.lane_movement[begin:end]]


def _replace(shares: Floats, own: list[int], seen: Sequence[int]) -> None:
    shares[own] = [seen.count(m) / len(seen) for m in own]


def _told(claims: Claims, rows: Sequence[tuple[int, int, int]]) -> Claims:
    """The claims, and rows (lane, place, movement) that cost nothing while they wait."""
    told = np.array(rows, np.int32).reshape(-1, 3)
    none = np.zeros(len(rows), np.int32)
    return Claims(
        np.concatenate((claims.lane, told[:, 0])),
        np.concatenate((claims.place, told[:, 1])),
        np.concatenate((claims.movement, told[:, 2])),
        np.concatenate((claims.second, none)),
        np.concatenate((claims.lead, none)),
        np.concatenate((claims.weight, np.zeros(len(rows)))),
    )
