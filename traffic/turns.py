"""Where vehicles turn, learned online from what a camera sees: when heads of queues go and when they do not.

No route is known. Who crosses while only one movement is green took that one; a head that stands while a
movement has protected green is not there for it. Both are weighed by Bayes' rule, per vehicle at the head,
and each crossing adds to its lane's shares (a Dirichlet prior by kind of turn, slowly forgotten).
"""

from typing import NamedTuple

import numba
import numpy as np

from traffic.network import CODES, PERMISSIVE, RED, Bytes, Floats, Network, Site

PRIOR = {"through": 4.0, "right": 1.5, "left": 1.5, "u_turn": 0.05, "pedestrian": 0.0}
"""Crossings that a movement is believed to have had before the first is seen."""
MEMORY = 0.995
"""Weight that past crossings keep with each new one: about 200 crossings count."""
SETTLE_S = 3.0
"""A head is expected to move this long after its green began."""
_STAYS = (1.0, 0.45, 0.8, 0.8)
"""Likelihood that a head stands one more second, by what its movement is shown (RED to ON_RED)."""
_GOES = (0.01, 1.0, 0.5, 0.3)
"""Likelihood, up to a factor, that a crossing vehicle took a movement, by what it was shown."""


SHOWN = CODES | {"y": PERMISSIVE}
"""What an indication lets a movement do while it is watched; yellow still lets through who cannot stop."""


class Seen(NamedTuple):
    """One second at one intersection, by its own movements m and lanes k.

    `codes[m]`: what was shown, `green_s[m]`: for how long; `crossed[k]` vehicles; `standing[k]`: 1 where one
    stood still at the stop line.
    """

    codes: Bytes
    green_s: Floats
    crossed: Floats
    standing: Bytes


class Turns:
    """Turn shares of all lanes of a region: `share[m]` and `head[m]` sum to 1 over each lane's movements."""

    def __init__(self, net: Network, sites: dict[str, Site]) -> None:
        movements = [m for site in sites.values() for m in site.config.movements]
        self.count = np.array([PRIOR[movement.turn] for movement in movements])
        self.count = np.maximum(self.count, 1e-3)
        self.share = np.zeros(len(movements))
        self.head = np.zeros(len(movements))
        for lane in range(len(net.lane_speed)):
            _normalise(net, lane, self.count, self.share)
            _normalise(net, lane, self.count, self.head)

    def observe(self, net: Network, i: int, seen: Seen) -> None:
        """Learn from one second at intersection i."""
        _observe(net, i, seen, self.count, self.share, self.head)


@numba.njit(nogil=True, cache=True)
def _normalise(net: Network, lane: int, source: Floats, result: Floats) -> None:
    total = 0.0
    for at in range(net.lane_movement_ptr[lane], net.lane_movement_ptr[lane + 1]):
        total += source[net.lane_movement[at]]
    for at in range(net.lane_movement_ptr[lane], net.lane_movement_ptr[lane + 1]):
        result[net.lane_movement[at]] = source[net.lane_movement[at]] / total


@numba.njit(nogil=True, cache=True)
def _observe(  # noqa: PLR0917 - numba calls by position
    net: Network, i: int, seen: Seen, count: Floats, share: Floats, head: Floats
) -> None:
    codes, green_s, crossed, standing = seen
    first_lane, first = net.lane_ptr[i], net.movement_ptr[i]
    for k in range(net.lane_ptr[i + 1] - first_lane):
        lane = first_lane + k
        begin, end = net.lane_movement_ptr[lane], net.lane_movement_ptr[lane + 1]
        if end - begin < 2:
            continue
        if crossed[k] > 0:
            total = 0.0
            for at in range(begin, end):
                m = net.lane_movement[at]
                head[m] *= _GOES[codes[m - first]]
                total += head[m]
            for at in range(begin, end):
                m = net.lane_movement[at]
                count[m] = count[m] * MEMORY ** crossed[k] + head[m] / total
                count[m] += share[m] * (crossed[k] - 1.0)
            _normalise(net, lane, count, share)
            for at in range(begin, end):
                head[net.lane_movement[at]] = share[net.lane_movement[at]]
        elif standing[k]:
            for at in range(begin, end):
                m = net.lane_movement[at]
                code = codes[m - first]
                if code != RED and green_s[m - first] > SETTLE_S:
                    head[m] = max(head[m] * _STAYS[code], 1e-4)
            _normalise(net, lane, head, head)


@numba.njit(nogil=True, cache=True)
def spread(  # noqa: PLR0917 - numba calls by position
    net: Network, lane: int, first: int, codes: Bytes, share: Floats, count: float, taken: Floats
) -> None:
    """Add `count` vehicles that left a lane to `taken[m]`, by the shares of the movements that may go.

    Movements are those of the lane's intersection, whose first is `first`: `codes[m]`, `share[m]`.
    """
    begin, end = net.lane_movement_ptr[lane], net.lane_movement_ptr[lane + 1]
    total = 1e-9
    for at in range(begin, end):
        m = net.lane_movement[at] - first
        if codes[m] != RED:
            total += share[m]
    for at in range(begin, end):
        m = net.lane_movement[at] - first
        if codes[m] != RED:
            taken[m] += count * share[m] / total
