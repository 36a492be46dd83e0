"""The optimiser's core: which phase an intersection should show now, by looking a minute ahead.

A beam search over phase sequences at steps of one second. Vehicles wait in line on their lane, first in,
first out, and are served at the headway of what the phase allows them; yellow, all-red and minimum green
are kept exactly. The cost is vehicle-seconds of waiting plus what the queues left at the end will still
cost. `traffic/reference.py` says the same in plain Python; a property test holds them together.
"""

from typing import NamedTuple

import numba
import numpy as np

from traffic.network import PERMISSIVE, PROTECTED, RED, Bytes, Floats, Ints, Network
from traffic.rights import NO_CLAIMS, Claims, claim_rates, owed, rights_of
from traffic.turns import spread
from traffic.weights import Weights

HORIZON_S = 60
WIDTH = 6
"""Plans kept per phase at each step."""
TIGHT = 40.0
"""Exits with more room than so many vehicles are not watched."""
HALF = 0.5
"""An expected fraction of a vehicle is served as one from so much on; the next that come make it good."""
GAP_S = 3
"""A permissive movement waits for foes that arrive within this time."""


class Demand(NamedTuple):
    """What waits and comes at one intersection, by its own lanes k and movements m.

    `arrived[k, t]`: vehicles that could have crossed the stop line by second t without signal or queue,
    cumulative, for t in 0 to horizon + GAP_S; expected ones may be fractions. `share[m]`: probability that
    a vehicle of the lane takes movement m; `head_share[m]` the same for the vehicle at the head. `weight[k]`
    of a second of waiting. `unseen[k]`: expected vehicles that wait unseen until the lane is next served.
    `blocked[k]`: 1 where the exit is full. `credit[k]`: service saved up by a lane that is green now, in
    vehicles. `room[e, t]`: vehicles that may have left by exit e by second t before it is full; `crowd[e]`:
    cost of sending one more there. `claims`: those of vehicles with priority.
    """

    arrived: Floats
    share: Floats
    head_share: Floats
    weight: Floats
    unseen: Floats
    blocked: Bytes
    credit: Floats
    room: Floats
    crowd: Floats
    claims: Claims = NO_CLAIMS


class Shown(NamedTuple):
    """Phase shown and phase wanted (own numbers), seconds of green so far, seconds left of a change."""

    phase: int
    target: int
    green_s: int
    left_s: int


class _Model(NamedTuple):
    """The intersection of one call in compact form; p phases, k lanes, j gap-seeking movements.

    `fixed[p, k]`: share-weighted headway of what needs no gap; `gap_ptr[p * lanes + k]` points to that lane's
    gap-seeking movements, `gap_headway[j]` is share times headway, `gap_foe[j, k]` how likely a vehicle of
    lane k is in the way; `_head` is for the first vehicle of a lane. `leaves[p, k, e]`: probability that a
    vehicle served on lane k in phase p leaves by exit e.
    """

    open_: Bytes
    fixed: Floats
    fixed_head: Floats
    gap_ptr: Ints
    gap_headway: Floats
    gap_headway_head: Floats
    gap_foe: Floats
    leaves: Floats


@numba.njit(nogil=True, cache=True)
def _model(net: Network, i: int, demand: Demand, weights: Weights) -> _Model:
    first_lane, first = net.lane_ptr[i], net.movement_ptr[i]
    lanes = net.lane_ptr[i + 1] - first_lane
    phases = net.phase_ptr[i + 1] - net.phase_ptr[i]
    movements = net.movement_ptr[i + 1] - first
    size = phases * movements
    open_ = np.zeros((phases, lanes), np.uint8)
    fixed, fixed_head = np.zeros((phases, lanes)), np.zeros((phases, lanes))
    gap_ptr = np.zeros(phases * lanes + 1, np.int32)
    gap_headway, gap_headway_head = np.zeros(size), np.zeros(size)
    gap_foe = np.zeros((size, lanes))
    exits = net.exit_ptr[i + 1] - net.exit_ptr[i]
    leaves, goes = np.zeros((phases, lanes, exits)), np.zeros(movements)
    j = 0
    for p in range(phases):
        row = net.indication_ptr[net.phase_ptr[i] + p]
        for k in range(lanes):
            lane = first_lane + k
            goes[:] = 0.0
            spread(net, lane, first, net.indication[row : row + movements], demand.share, 1.0, goes)
            for at in range(net.lane_movement_ptr[lane], net.lane_movement_ptr[lane + 1]):
                m = net.lane_movement[at] - first
                code = net.indication[row + m]
                if code == PROTECTED:
                    fixed[p, k] += demand.share[m] * weights.protected_headway
                    fixed_head[p, k] += demand.head_share[m] * weights.protected_headway
                elif code == RED:
                    fixed[p, k] += demand.share[m] * weights.wrong_turn_headway
                    fixed_head[p, k] += demand.head_share[m] * weights.wrong_turn_headway
                else:
                    own = weights.permissive_headway if code == PERMISSIVE else weights.on_red_headway
                    gap_headway[j] = demand.share[m] * own
                    gap_headway_head[j] = demand.head_share[m] * own
                    for foe_at in range(net.yield_ptr[first + m], net.yield_ptr[first + m + 1]):
                        foe = net.yield_movement[foe_at]
                        if net.indication[row + foe - first] in (PROTECTED, PERMISSIVE):
                            gap_foe[j, net.movement_lane[foe] - first_lane] += demand.share[foe - first]
                    j += 1
                if code != RED and not demand.blocked[k]:
                    open_[p, k] = 1
                leave = net.movement_exit[first + m]
                if leave >= 0:
                    leaves[p, k, leave] += goes[m]
            gap_ptr[p * lanes + k + 1] = j
    return _Model(open_, fixed, fixed_head, gap_ptr, gap_headway, gap_headway_head, gap_foe, leaves)


@numba.njit(nogil=True, cache=True)
def plan(  # noqa: PLR0917 - numba calls by position
    net: Network, i: int, demand: Demand, shown: Shown, weights: Weights, horizon: int, width: int
) -> tuple[int, float, Floats]:
    """The phase (own number) that intersection i should show or change to now, the plan's cost, and
    `leaving[m, t]`: the vehicles that movement m is expected to let through in second t of the plan.

    While a change or the minimum green is under way the answer is what is under way. `arrived` must reach
    to `horizon + GAP_S`.
    """
    model = _model(net, i, demand, weights)
    open_, fixed, fixed_head = model.open_, model.fixed, model.fixed_head
    gap_ptr, gap_foe = model.gap_ptr, model.gap_foe
    gap_headway, gap_headway_head = model.gap_headway, model.gap_headway_head
    phases, lanes = open_.shape
    arrived, weight, claims = demand.arrived, demand.weight, demand.claims
    rights = rights_of(net, i, claims, demand.share, demand.head_share, weights)
    pairs = net.change_s[net.pair_ptr[i] : net.pair_ptr[i] + phases * phases]
    walks = net.walk_s[net.pair_ptr[i] : net.pair_ptr[i] + phases * phases]
    kept = net.kept[net.kept_ptr[i] : net.kept_ptr[i] + phases * phases * lanes]
    min_green = net.min_green[net.phase_ptr[i] : net.phase_ptr[i + 1]]
    max_green = net.max_green[net.phase_ptr[i] : net.phase_ptr[i + 1]]
    least_gap, stop_cost, red_wait = weights.least_gap, weights.stop_cost, weights.red_wait
    change_cost, half_headway = weights.change_cost, weights.protected_headway * 0.5

    leaves, room = model.leaves, demand.room
    exits = leaves.shape[2]
    crowd = np.zeros((phases, lanes))
    is_tight = False
    for e in range(exits):
        is_tight = is_tight or room[e, 0] < TIGHT
        for q in range(phases):
            for k in range(lanes):
                crowd[q, k] += leaves[q, k, e] * demand.crowd[e]

    slots = phases * (width + 1)
    served = np.empty((horizon + 1, slots, lanes), np.int32)
    served[0] = 0
    parent = np.empty((horizon + 1, slots), np.int32)
    shows_of = np.empty((horizon + 1, slots), np.int32)
    entered = np.zeros((2, slots, exits))
    credit = np.zeros((2, slots, lanes))
    ghost = np.zeros((2, slots, lanes))
    cost = np.zeros((2, slots))
    phase_of, green_of = np.zeros((2, slots), np.int32), np.zeros((2, slots), np.int32)
    left_of, wish_of = np.zeros((2, slots), np.int32), np.zeros((2, slots), np.int32)
    value = np.zeros((phases, width + 1))
    order = np.zeros((2, phases, width + 1), np.int32)
    count = np.zeros((2, phases), np.int32)
    active = np.zeros(lanes)
    rate = np.zeros((phases, lanes))
    rated = np.zeros(phases, np.uint8)
    waiting = np.zeros(phases)

    for q in range(phases):
        for s in range(width + 1):
            order[0, q, s] = q * (width + 1) + s
            order[1, q, s] = q * (width + 1) + s
    start = shown.target * (width + 1)
    credit[0, start] = demand.credit
    ghost[0, start] = demand.unseen
    phase_of[0, start] = shown.phase
    green_of[0, start] = shown.green_s
    left_of[0, start] = shown.left_s
    wish_of[0, start] = -1
    count[0, shown.target] = 1

    now = 0
    for t in range(horizon):
        then = 1 - now
        count[then] = 0
        for target in range(phases):
            for place in range(count[now, target]):
                node = order[now, target, place]
                phase, left, green = phase_of[now, node], left_of[now, node], green_of[now, node]
                gone_now, saved_now, ghost_now = served[t, node], credit[now, node], ghost[now, node]
                in_now = entered[now, node]
                free = left == 0 and green >= min_green[phase]
                must_go = False
                if free and green >= max_green[phase] and phases > 1:
                    for k in range(lanes):
                        if open_[phase, k] == 0 and arrived[k, t] - gone_now[k] >= HALF:
                            must_go = True
                # Least that any child can cost, so that hopeless ones are not worked out.
                floor = cost[now, node]
                waiting[:] = 0.0
                for k in range(lanes):
                    active[k] = min(1.0, max(0.0, arrived[k, t + GAP_S] - gone_now[k]))
                    queue = arrived[k, t] - gone_now[k]
                    if queue > 1:
                        floor += weight[k] * (queue - 1) * (1.0 + half_headway * queue)
                    if queue > 0:
                        for q in range(phases):
                            if open_[q, k] == 0:
                                waiting[q] += weight[k] * (queue - 1) * red_wait
                rated[:] = 0
                for q in range(phases):
                    if (q != target and not free) or (q == target and must_go):
                        continue
                    begins = left == 0 and q != phase
                    pair = phase * phases + q
                    if begins and pairs[pair] < 0:
                        continue
                    if count[then, q] == width:
                        least = floor + waiting[q] + (change_cost if begins else 0.0)
                        if least > value[q, width - 1] + 1e-6:
                            continue
                    # What this second shows: a phase, or the change between two.
                    change = pairs[pair] if begins else left
                    clears = change > 0
                    shows = phase if clears else q
                    if rated[shows] == 0:
                        rated[shows] = 1
                        for k in range(lanes):
                            if open_[shows, k] == 0:
                                continue
                            first = gone_now[k] == 0
                            headway = fixed_head[shows, k] if first else fixed[shows, k]
                            for j in range(gap_ptr[shows * lanes + k], gap_ptr[shows * lanes + k + 1]):
                                busy = 0.0
                                for other in range(lanes):
                                    busy += gap_foe[j, other] * active[other]
                                own = gap_headway_head[j] if first else gap_headway[j]
                                headway += own / max(1.0 - busy, least_gap)
                            if is_tight:
                                for e in range(exits):
                                    if leaves[shows, k, e] > 0.0 and in_now[e] + 1.0 > room[e, t]:
                                        headway += leaves[shows, k, e] * weights.full_headway
                            rate[shows, k] = 1.0 / headway
                        claim_rates(rate[shows], claims, rights, shows, gone_now, active, least_gap)
                    slot = order[then, q, width]
                    total = cost[now, node] + (change_cost if begins else 0.0)
                    rest = 0.0
                    kept_row = pair * lanes
                    # While only crossings clear, every lane of the phase goes on.
                    goes_on = not clears or change > pairs[pair] - walks[pair]
                    if is_tight:
                        entered[then, slot] = in_now
                    for k in range(lanes):
                        gone, saved, hidden = gone_now[k], saved_now[k], ghost_now[k]
                        moves = open_[shows, k] == 1 and (goes_on or kept[kept_row + k] == 1)
                        if moves and rate[shows, k] > 0.0:
                            saved += rate[shows, k]
                            if saved >= 1.0:
                                hidden = 0.0
                                if arrived[k, t] - gone >= HALF:
                                    gone += 1
                                    saved -= 1.0
                                    total += crowd[shows, k]
                                saved = min(saved, 1.0)
                        else:
                            saved = 0.0
                        served[t + 1, slot, k] = gone
                        if is_tight and gone > gone_now[k]:
                            for e in range(exits):
                                entered[then, slot, e] += leaves[shows, k, e]
                        credit[then, slot, k] = saved
                        ghost[then, slot, k] = hidden
                        total += hidden
                        queue = arrived[k, t] - gone
                        if queue > 0:
                            fresh = arrived[k, t] - arrived[k, t - 1] if t > 0 else 0.0
                            total += weight[k] * queue + stop_cost * min(queue, fresh)
                            wait = half_headway * (queue + 1)
                            if open_[q, k] == 0:
                                wait += red_wait
                            elif clears:
                                wait += change - 1
                            rest += weight[k] * queue * wait
                    if len(claims.lane) > 0:
                        late, later = owed(
                            claims, rights, t, served[t + 1, slot], credit[then, slot], arrived,
                            kept[kept_row : kept_row + lanes], shows, q, change, weights,
                        )  # fmt: skip
                        total += late
                        rest += later
                    cost[then, slot] = total
                    parent[t + 1, slot] = node
                    shows_of[t + 1, slot] = shows
                    phase_of[then, slot] = q if change <= 1 else phase
                    left_of[then, slot] = max(change - 1, 0)
                    green_of[then, slot] = 0 if clears else (green + 1 if q == phase else 1)
                    wish_of[then, slot] = q if wish_of[now, node] < 0 else wish_of[now, node]
                    _insert(value[q], order[then, q], count[then], q, total + rest, width)
        now = then

    best, best_value, node = -1, np.inf, 0
    for q in range(phases):
        if count[now, q] > 0 and value[q, 0] < best_value:
            node = order[now, q, 0]
            best, best_value = wish_of[now, node], value[q, 0]
    first, first_lane = net.movement_ptr[i], net.lane_ptr[i]
    movements = net.movement_ptr[i + 1] - first
    leaving = np.zeros((movements, horizon))
    for t in range(horizon, 0, -1):
        before, row = parent[t, node], net.indication_ptr[net.phase_ptr[i] + shows_of[t, node]]
        codes = net.indication[row : row + movements]
        for k in range(lanes):
            gone = served[t, node, k] - served[t - 1, before, k]
            if gone > 0:
                spread(net, first_lane + k, first, codes, demand.share, gone, leaving[:, t - 1])
        node = before
    return best, best_value, leaving


@numba.njit(nogil=True, cache=True)
def _insert(  # noqa: PLR0917 - numba calls by position
    value: Floats, order: Ints, count: Ints, q: int, new: float, width: int
) -> None:
    """Sort the spare slot in by value, after its equals; what falls off the end becomes the spare."""
    size = count[q]
    place = size
    while place > 0 and value[place - 1] > new:
        place -= 1
    if place >= width:
        return
    slot = order[width]
    last = min(size, width - 1)
    order[width] = order[last]
    count[q] = last + 1
    for at in range(last, place, -1):
        order[at] = order[at - 1]
        value[at] = value[at - 1]
    order[place] = slot
    value[place] = new
