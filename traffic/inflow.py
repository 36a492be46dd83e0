"""What neighbours exchange: what signals upstream have sent and will send, and the room downstream."""

from typing import NamedTuple

import numba
import numpy as np

from traffic.network import Bytes, Floats, Ints, Network
from traffic.turns import spread

PAST_S = 64
"""Seconds for which crossings are remembered, until the vehicles come into view downstream."""
START_AGE = 2
"""Seconds beyond the way through the intersection for which a vehicle is taken to be inside."""
LEAST_RATE = 0.02
"""Vehicles a second that every lane is believed to have, so that no lane is ruled out."""


class Exchange(NamedTuple):
    """Of all intersections of a region, by movement m, lane k and intersection i, numbered through it.

    `sent[m, s % PAST_S]`: expected vehicles that movement m let through in second s; `sending[m, d]`: those
    planned for the d-th second after `planned_s[i]`. `rate[k]`: crossings per second of late; `held[k]`:
    vehicles seen on the lane; `seen_s[i]`: the second of the last look.
    """

    sent: Floats
    sending: Floats
    planned_s: Ints
    seen_s: Ints
    rate: Floats
    held: Floats


def exchange(net: Network, horizon: int) -> Exchange:
    """Nothing sent and nothing planned yet."""
    movements, lanes, signals = len(net.movement_lane), len(net.lane_speed), len(net.lane_ptr) - 1
    return Exchange(
        np.zeros((movements, PAST_S)),
        np.zeros((movements, horizon)),
        np.full(signals, -(10**6), np.int32),
        np.full(signals, -(10**6), np.int32),
        np.full(lanes, LEAST_RATE),
        np.zeros(lanes),
    )


@numba.njit(nogil=True, cache=True)
def note(  # noqa: PLR0917 - numba calls by position
    net: Network, i: int, second: int, codes: Bytes, crossed: Floats, share: Floats, shared: Exchange
) -> None:
    """Remember the crossings of intersection i in `second`; `codes[m]` was shown, turn shares are `share`."""
    first, last, first_lane = net.movement_ptr[i], net.movement_ptr[i + 1], net.lane_ptr[i]
    missed = min(second - shared.seen_s[i], PAST_S)
    for m in range(first, last):
        for back in range(missed):
            shared.sent[m, (second - back) % PAST_S] = 0.0
    shared.seen_s[i] = max(second, shared.seen_s[i])
    taken = shared.sent[first:last, second % PAST_S]
    for k in range(len(crossed)):
        if crossed[k] > 0:
            spread(net, first_lane + k, first, codes, share[first:last], crossed[k], taken)


@numba.njit(nogil=True, cache=True)
def add_inflow(  # noqa: PLR0917 - numba calls by position
    net: Network, i: int, second: int, shared: Exchange, blind: Bytes, arriving: Floats
) -> None:
    """Add to `arriving[k, t]` (not cumulative) what neighbours send to intersection i, not yet in view.

    Nobody comes into view on a lane where `blind[k]`: there it is what has not yet come to the stop line.
    """
    first_lane, last = net.lane_ptr[i], arriving.shape[1] - 1
    horizon = shared.sending.shape[1]
    for k in range(arriving.shape[0]):
        lane = first_lane + k
        for at in range(net.feed_ptr[lane], net.feed_ptr[lane + 1]):
            m = net.feed_movement[at]
            share = _share(net, lane, m, shared.rate)
            travel, hidden = net.feed_s[at], net.feed_seen_s[at]
            if blind[k]:
                hidden = int(travel + 0.5) - 1.0
            sender = net.movement_site[m]
            age = max(0, second - shared.seen_s[sender])
            while age < min(PAST_S, int(hidden) + 1):
                gone = shared.sent[m, (second - age) % PAST_S]
                if gone > 0.0 and second - age > shared.seen_s[sender] - PAST_S:
                    t = max(0, int(travel - age + 0.5))
                    if t <= last:
                        arriving[k, t] += share * gone
                age += 1
            begin = second - shared.planned_s[sender]
            for d in range(max(0, begin), horizon):
                gone = shared.sending[m, d]
                if gone > 0.0:
                    t = int(travel + d - begin + 0.5)
                    if t > last:
                        break
                    arriving[k, t] += share * gone


@numba.njit(nogil=True, cache=True)
def arrived_by(net: Network, lane: int, second: int, shared: Exchange) -> float:
    """Vehicles from neighbours that come to the stop line of a lane, or to its queue, in `second`."""
    found = 0.0
    for at in range(net.feed_ptr[lane], net.feed_ptr[lane + 1]):
        m, age = net.feed_movement[at], int(net.feed_s[at] + 0.5)
        seen_s = shared.seen_s[net.movement_site[m]]
        if age < PAST_S and seen_s - PAST_S < second - age <= seen_s:
            found += _share(net, lane, m, shared.rate) * shared.sent[m, (second - age) % PAST_S]
    return found


@numba.njit(nogil=True, cache=True)
def find_room(  # noqa: PLR0917 - numba calls by position
    net: Network, i: int, second: int, shared: Exchange, room: Floats, crowd: Floats
) -> None:
    """Fill `room[e, t]`: vehicles that exit e can take by second t, from what is on it and what will leave.

    `crowd[e]` becomes the share of its storage that is taken.
    """
    horizon, first_exit = shared.sending.shape[1], net.exit_ptr[i]
    for e in range(room.shape[0]):
        held = 0.0
        begin, end = net.exit_lane_ptr[first_exit + e], net.exit_lane_ptr[first_exit + e + 1]
        storage = net.exit_storage[first_exit + e]
        for at in range(begin, end):
            lane = net.exit_lane[at]
            held += shared.held[lane] + _between(net, i, lane, second, shared)
        crowd[e] = held / max(storage, 1.0)
        room[e] = storage - held
        wave = int(net.exit_wave_s[first_exit + e])
        for at in range(begin, end):
            lane = net.exit_lane[at]
            for at_m in range(net.lane_movement_ptr[lane], net.lane_movement_ptr[lane + 1]):
                m = net.lane_movement[at_m]
                ahead = second - shared.planned_s[net.movement_site[m]]
                gone = 0.0
                for d in range(max(0, ahead), horizon):
                    t = d - ahead + wave
                    gone += shared.sending[m, d]
                    if t < room.shape[1]:
                        room[e, t] += gone
                for t in range(max(0, horizon - ahead + wave), room.shape[1]):
                    room[e, t] += gone


@numba.njit(nogil=True, cache=True)
def _between(net: Network, i: int, lane: int, second: int, shared: Exchange) -> float:
    """Vehicles that intersection i has let go and that are not yet in view on the lane."""
    found = 0.0
    for at in range(net.feed_ptr[lane], net.feed_ptr[lane + 1]):
        m = net.feed_movement[at]
        if net.movement_ptr[i] <= m < net.movement_ptr[i + 1]:
            share = _share(net, lane, m, shared.rate)
            for age in range(min(PAST_S, int(net.feed_seen_s[at]) + START_AGE)):
                found += share * shared.sent[m, (second - age) % PAST_S]
    return found


@numba.njit(nogil=True, cache=True)
def _share(net: Network, lane: int, m: int, rate: Floats) -> float:
    """Share of the vehicles of movement m that come to this lane rather than to another that it feeds."""
    own, total = 0.0, 0.0
    i = net.lane_site[lane]
    for other in range(net.lane_ptr[i], net.lane_ptr[i + 1]):
        for at in range(net.feed_ptr[other], net.feed_ptr[other + 1]):
            if net.feed_movement[at] == m:
                total += rate[other] + LEAST_RATE
                if other == lane:
                    own += rate[other] + LEAST_RATE
    return own / total
