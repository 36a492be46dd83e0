"""What a vehicle with priority costs a plan that keeps it waiting, compiled beside `traffic/horizon.py`.

Nothing is locked. Each second in which it waits, or would have to brake, has a price far above that of other
waiting, so that the search clears the queue before it in time, whatever the queue's head needs for it, and
takes the cheapest way for everybody else.
"""

from typing import NamedTuple

import numba
import numpy as np

from traffic.network import PERMISSIVE, PROTECTED, RED, Bytes, Floats, Ints, Network
from traffic.weights import Weights


class Claims(NamedTuple):
    """Vehicles with priority at one intersection; one row each.

    `lane[n]` own number, `place[n]`: its place in the lane's cumulative arrivals (1 is the head),
    `movement[n]` own number, `second[n]`: earliest at the stop line, `lead[n]`: seconds before it from which
    nobody may wait in front of it and its movement must be green, so that it need not brake, `weight[n]` in
    vehicle-seconds per second without that.
    """

    lane: Ints
    place: Ints
    movement: Ints
    second: Ints
    lead: Ints
    weight: Floats


_NONE = np.zeros(0, np.int32)
NO_CLAIMS = Claims(_NONE, _NONE, _NONE, _NONE, _NONE, np.zeros(0))


MOST_HEADWAY_S = 20.0
"""In what is still to come: who cannot go in a phase needs another one, which does not take for ever."""


class Rights(NamedTuple):
    """What each claim n is shown in phase p, its own headway there, and how likely lane k is in its way.

    `head_s[n, p]`, `next_s[n, p]`: headways of the head of its lane, and of those behind; 0 where it is red.
    """

    code: Bytes
    headway: Floats
    foe: Floats
    head_s: Floats
    next_s: Floats


@numba.njit(nogil=True, cache=True)
def rights_of(  # noqa: PLR0917 - numba calls by position
    net: Network, i: int, claims: Claims, share: Floats, head_share: Floats, weights: Weights
) -> Rights:
    """For the claims at intersection i; shares as in `horizon.Demand`."""
    first_lane, first = net.lane_ptr[i], net.movement_ptr[i]
    phases = net.phase_ptr[i + 1] - net.phase_ptr[i]
    size = len(claims.lane)
    code = np.zeros((size, phases), np.uint8)
    headway = np.zeros((size, phases))
    foes = np.zeros((size, phases, net.lane_ptr[i + 1] - first_lane))
    head_s, next_s = np.zeros((size, phases)), np.zeros((size, phases))
    for n in range(size):
        m, lane = claims.movement[n], first_lane + claims.lane[n]
        for p in range(phases):
            row = net.indication_ptr[net.phase_ptr[i] + p]
            is_open = False
            for at in range(net.lane_movement_ptr[lane], net.lane_movement_ptr[lane + 1]):
                other = net.lane_movement[at] - first
                shown = net.indication[row + other]
                is_open = is_open or shown != RED
                own = weights.on_red_headway
                if shown == PROTECTED:
                    own = weights.protected_headway
                elif shown == PERMISSIVE:
                    own = weights.permissive_headway
                elif shown == RED:
                    own = weights.wrong_turn_headway
                head_s[n, p] += head_share[other] * own
                next_s[n, p] += share[other] * own
            head_s[n, p] = min(head_s[n, p], MOST_HEADWAY_S) if is_open else 0.0
            next_s[n, p] = min(next_s[n, p], MOST_HEADWAY_S) if is_open else 0.0
            code[n, p] = net.indication[row + m]
            if code[n, p] in (PROTECTED, RED):
                headway[n, p] = weights.protected_headway
                continue
            headway[n, p] = weights.permissive_headway if code[n, p] == PERMISSIVE else weights.on_red_headway
            for at in range(net.yield_ptr[first + m], net.yield_ptr[first + m + 1]):
                foe = net.yield_movement[at]
                if net.indication[row + foe - first] in (PROTECTED, PERMISSIVE):
                    foes[n, p, net.movement_lane[foe] - first_lane] += share[foe - first]
    return Rights(code, headway, foes, head_s, next_s)


@numba.njit(nogil=True, cache=True)
def claim_rates(  # noqa: PLR0917 - numba calls by position
    rate: Floats, claims: Claims, rights: Rights, p: int, gone: Ints, active: Floats, least_gap: float
) -> None:
    """Write into `rate[k]` (vehicles per s in phase p) what holds where the next of lane k has a claim.

    Its turn is known, unlike that of others. `gone[k]` vehicles have left, `active[k]` is 1 with traffic.
    """
    for n in range(len(claims.lane)):
        if gone[claims.lane[n]] != claims.place[n] - 1:
            continue
        busy = 0.0
        for k in range(len(active)):
            busy += rights.foe[n, p, k] * active[k]
        headway = rights.headway[n, p] / max(1.0 - busy, least_gap)
        rate[claims.lane[n]] = 0.0 if rights.code[n, p] == RED else 1.0 / headway


@numba.njit(nogil=True, cache=True)
def owed(  # noqa: PLR0917 - numba calls by position
    claims: Claims,
    rights: Rights,
    t: int,
    gone: Ints,
    credit: Floats,
    arrived: Floats,
    kept: Bytes,
    shows: int,
    q: int,
    left: int,
    weights: Weights,
) -> tuple[float, float]:
    """What the claims cost in second t, and what they will still cost from there.

    `gone[k]`: left by the end of t, `credit[k]`: share of the next one's headway that is over; `shows`: the
    phase shown, changing to q for `left` more seconds (0: it is q), in which lanes with `kept[k]` go on.
    """
    headway, red_wait = weights.protected_headway, weights.red_wait
    total = rest = 0.0
    for n in range(len(claims.lane)):
        k, place, second = claims.lane[n], claims.place[n], claims.second[n]
        if gone[k] >= place:
            continue
        is_green = rights.code[n, shows] in (PROTECTED, PERMISSIVE) and (left == 0 or kept[k] == 1)
        ready = t < second and is_green and gone[k] >= min(place - 1, arrived[k, t])
        if t >= second - claims.lead[n]:
            # Who has to yield is ready as far as nobody is in the way; who may go on red must stop first.
            busy = 0.0
            for other in range(len(gone)):
                if arrived[other, t] > gone[other]:
                    busy += rights.foe[n, shows, other]
            total += claims.weight[n] * (min(busy, 1.0) if ready else 1.0)
        wait = headway * (place - 1 - gone[k])
        if place - 1 > gone[k] and rights.head_s[n, q] > 0.0:
            first = rights.head_s[n, q] if gone[k] == 0 else rights.next_s[n, q]
            wait += first * (1.0 - credit[k]) - headway
        elif place - 1 > gone[k]:
            wait += red_wait
        if rights.code[n, q] not in (PROTECTED, PERMISSIVE):
            wait += red_wait
        elif left > 0:
            wait += left - 1
        if wait > 0.0:
            rest += claims.weight[n] * max(0.0, t + wait + claims.lead[n] - second)
    return total, rest
