"""What a region remembers between measurements, as one structure of arrays, and what it makes of it.

The same as `traffic/region.py` does for one intersection in Python, compiled, for regions of any size; a test
holds the two together. Vehicles with priority are not known here: who has any is decided by the region.
"""

from typing import NamedTuple

import numba
import numpy as np

from traffic.horizon import GAP_S, Demand, Shown, Weights
from traffic.inflow import Exchange, add_inflow, find_room, note
from traffic.network import PROTECTED, RED, Bytes, Floats, Ints, Network
from traffic.region import (
    AT_LINE_M,
    LONG_WAIT_S,
    MISSED_SHARE,
    SET_ASIDE_S,
    SLOW_MPS,
    START_S,
    STUCK_S,
    arrival_s,
)
from traffic.rights import Claims
from traffic.turns import Seen, learn

_arrival_s = numba.njit(nogil=True)(arrival_s)


class Memory(NamedTuple):
    """By movement: `codes` last watched and for how long (`green_s`); all others by lane of the region."""

    codes: Bytes
    green_s: Floats
    lane_green_s: Floats
    full_green: Bytes
    red_s: Floats
    since_crossing_s: Floats
    rate: Floats
    stuck_s: Floats
    aside_s: Floats
    wait_s: Floats
    standing: Bytes


class Signals(NamedTuple):
    """What signals last said, by intersection; `codes` by movement.

    `steps`: whole seconds from the begin of the interval to the new green, 0 while a phase is green;
    `elapsed_s` of that interval at `clock_s`; `known`: 1 where anything was said.
    """

    phase: Ints
    target: Ints
    steps: Ints
    elapsed_s: Floats
    clock_s: Floats
    known: Bytes
    codes: Bytes


class Sighted(NamedTuple):
    """The latest measurements: lane k holds vehicles `vehicle_ptr[k]:vehicle_ptr[k + 1]`.

    `reported[k]`: 1 where the lane was in the measurement, `crossed[k]` vehicles since the one before;
    `held[k]` vehicles on it. By intersection: `clock_s`, `elapsed_s`, `second` (`traffic.region.second_of`).
    """

    vehicle_ptr: Ints
    distance_m: Floats
    speed_mps: Floats
    reported: Bytes
    crossed: Floats
    held: Floats
    clock_s: Floats
    elapsed_s: Floats
    second: Ints


class Learned(NamedTuple):
    """Turn shares by movement of the region (`traffic.turns.Turns`)."""

    crossings: Floats
    share: Floats
    head: Floats


def new_memory(net: Network) -> Memory:
    """Nothing seen yet."""
    lanes, movements = len(net.lane_speed), len(net.movement_lane)
    return Memory(
        np.zeros(movements, np.uint8), np.zeros(movements), np.zeros(lanes), np.zeros(lanes, np.uint8),
        np.zeros(lanes), np.full(lanes, 60.0), np.full(lanes, 0.02), np.zeros(lanes), np.zeros(lanes),
        np.zeros(lanes), np.zeros(lanes, np.uint8),
    )  # fmt: skip


def new_signals(net: Network) -> Signals:
    """Nothing said yet."""
    count = len(net.lane_ptr) - 1
    return Signals(
        np.zeros(count, np.int32), np.zeros(count, np.int32), np.zeros(count, np.int32), np.zeros(count),
        np.zeros(count), np.zeros(count, np.uint8), np.zeros(len(net.movement_lane), np.uint8),
    )  # fmt: skip


@numba.njit(nogil=True, cache=True)
def shown_at(i: int, clock_s: float, signals: Signals) -> Shown:
    """Signal i at `clock_s`, reckoned from what it last said."""
    since = max(0.0, clock_s - signals.clock_s[i])
    elapsed = int(np.rint(signals.elapsed_s[i] + since))
    phase, target, steps = signals.phase[i], signals.target[i], signals.steps[i]
    if steps == 0 and phase == target:
        return Shown(phase, phase, elapsed, 0)
    left = steps - elapsed
    if left <= 0:
        return Shown(target, target, -left, 0)
    return Shown(phase, target, 0, left)


@numba.njit(nogil=True, cache=True)
def remember(  # noqa: PLR0917 - numba calls by position
    net: Network,
    i: int,
    sighted: Sighted,
    signals: Signals,
    memory: Memory,
    learned: Learned,
    shared: Exchange,
) -> None:
    """Take the latest measurement of intersection i in, and learn from it."""
    elapsed = sighted.elapsed_s[i]
    first, end = net.movement_ptr[i], net.movement_ptr[i + 1]
    if signals.known[i]:
        for m in range(first, end):
            code = signals.codes[m]
            goes_on = code == memory.codes[m] and code != RED
            memory.green_s[m] = memory.green_s[m] + elapsed if goes_on else 0.0
            memory.codes[m] = code
    first_lane, end_lane = net.lane_ptr[i], net.lane_ptr[i + 1]
    crossed, standing = np.zeros(end_lane - first_lane), np.zeros(end_lane - first_lane, np.uint8)
    for lane in range(first_lane, end_lane):
        _watch_signal(net, lane, elapsed, memory)
        memory.standing[lane] = 0
        if sighted.reported[lane]:
            _watch_lane(lane, sighted, elapsed, memory)
            crossed[lane - first_lane] = sighted.crossed[lane]
            shared.held[lane] = sighted.held[lane]
        standing[lane - first_lane] = memory.standing[lane]
        shared.rate[lane] = memory.rate[lane]
    note(net, i, sighted.second[i], memory.codes[first:end], crossed, learned.share, shared)
    seen = Seen(memory.codes[first:end], memory.green_s[first:end], crossed, standing)
    learn(net, i, seen, learned.crossings, learned.share, learned.head)


@numba.njit(nogil=True, cache=True)
def _watch_signal(net: Network, lane: int, elapsed: float, memory: Memory) -> None:
    longest, is_green, is_full = 0.0, False, True
    for at in range(net.lane_movement_ptr[lane], net.lane_movement_ptr[lane + 1]):
        m = net.lane_movement[at]
        longest = max(longest, memory.green_s[m])
        is_green = is_green or memory.codes[m] != RED
        is_full = is_full and memory.codes[m] == PROTECTED
    memory.full_green[lane] = 1 if is_full else 0
    memory.lane_green_s[lane] = longest if is_green else 0.0
    memory.red_s[lane] = 0.0 if is_green else memory.red_s[lane] + elapsed


@numba.njit(nogil=True, cache=True)
def _watch_lane(lane: int, sighted: Sighted, elapsed: float, memory: Memory) -> None:
    crossed = sighted.crossed[lane]
    memory.since_crossing_s[lane] = 0.0 if crossed > 0 else memory.since_crossing_s[lane] + elapsed
    if elapsed > 0:
        memory.rate[lane] += min(1.0, elapsed / 300.0) * (crossed / elapsed - memory.rate[lane])
    nearest, speed = np.inf, 0.0
    for v in range(sighted.vehicle_ptr[lane], sighted.vehicle_ptr[lane + 1]):
        if sighted.distance_m[v] < nearest:
            nearest, speed = sighted.distance_m[v], sighted.speed_mps[v]
    stands = nearest < AT_LINE_M and speed < SLOW_MPS and crossed == 0
    memory.standing[lane] = 1 if stands else 0
    memory.wait_s[lane] = memory.wait_s[lane] + elapsed if stands else 0.0
    memory.aside_s[lane] = max(0.0, memory.aside_s[lane] - elapsed)
    memory.stuck_s[lane] = memory.stuck_s[lane] + elapsed if stands and memory.full_green[lane] else 0.0
    if memory.stuck_s[lane] >= STUCK_S:
        memory.stuck_s[lane], memory.aside_s[lane] = 0.0, SET_ASIDE_S


@numba.njit(nogil=True, cache=True)
def demand_at(  # noqa: PLR0917 - numba calls by position
    net: Network,
    i: int,
    sighted: Sighted,
    memory: Memory,
    learned: Learned,
    shared: Exchange,
    weights: Weights,
    horizon: int,
    claims: Claims,
) -> Demand:
    """What waits and comes at intersection i."""
    first_lane, end_lane = net.lane_ptr[i], net.lane_ptr[i + 1]
    first, end = net.movement_ptr[i], net.movement_ptr[i + 1]
    lanes = end_lane - first_lane
    arrived = np.zeros((lanes, horizon + GAP_S + 1))
    weight, unseen, credit = np.zeros(lanes), np.zeros(lanes), np.zeros(lanes)
    blocked = np.zeros(lanes, np.uint8)
    for k in range(lanes):
        lane = first_lane + k
        for v in range(sighted.vehicle_ptr[lane], sighted.vehicle_ptr[lane + 1]):
            second = int(_arrival_s(sighted.distance_m[v], sighted.speed_mps[v], net.lane_speed[lane]))
            if second <= horizon:
                arrived[k, second] += 1
        weight[k] = 1.0 + min((memory.wait_s[lane] / LONG_WAIT_S) ** 2, 4.0)
        unseen[k] = MISSED_SHARE * memory.rate[lane] * memory.red_s[lane]
        blocked[k] = 1 if memory.aside_s[lane] > 0 else 0
        flowing = min(memory.lane_green_s[lane], memory.since_crossing_s[lane])
        if memory.wait_s[lane] > START_S:
            flowing = 0.0
        credit[k] = min(max(flowing / weights.protected_headway, 0.0), 1.0)
    add_inflow(net, i, sighted.second[i], shared, arrived)
    for k in range(lanes):
        for t in range(1, arrived.shape[1]):
            arrived[k, t] += arrived[k, t - 1]
    exits = net.exit_ptr[i + 1] - net.exit_ptr[i]
    room, crowd = np.full((exits, horizon + 1), 1e9), np.zeros(exits)
    find_room(net, i, sighted.second[i], shared, room, crowd)
    crowd *= weights.crowd_cost
    return Demand(
        arrived,
        learned.share[first:end],
        learned.head[first:end],
        weight,
        unseen,
        blocked,
        credit,
        room,
        crowd,
        claims,
    )
