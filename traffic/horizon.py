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
from traffic.rights import NO_CLAIMS, Claims, Headways, claim_rates, owed, rights_of

HORIZON_S = 60
WIDTH = 6
"""Plans kept per phase at each step."""
TIGHT = 40.0
"""Exits with more room than so many vehicles are not watched."""
HALF = 0.5
"""An expected fraction of a vehicle is served as one from so much on; the next that come make it good."""
GAP_S = 3
"""A permissive movement waits for foes that arrive within this time."""


class Weights(NamedTuple):
    """Constants of the model. Headways in s per vehicle; see docs/optimiser.md for where they come from."""

    protected_headway: float = 1.9
    permissive_headway: float = 2.5
    on_red_headway: float = 4.0
    wrong_turn_headway: float = 60.0
    """Of a vehicle at the head whose own movement is red while another of its lane is green."""
    full_headway: float = 1000.0
    """Of a vehicle whose exit is full."""
    least_gap: float = 0.05
    """Share of time in which a permissive movement finds a gap in saturated foes."""
    stop_cost: float = 2.0
    """Seconds that stopping costs beyond the wait (braking and accelerating)."""
    red_wait: float = 8.0
    """Seconds that a vehicle still queued at the end waits for its phase."""
    crowd_cost: float = 4.0
    """Vehicle-seconds charged for sending a vehicle to a full exit, in proportion where it is less full."""
    change_cost: float = 1.0
    """Vehicle-seconds charged to each change of phase, against dithering."""


DEFAULT_WEIGHTS = Weights()


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
    foe_ptr: Ints
    foe_lane: Ints
    foe_share: Floats
    leaves: Floats


@numba.njit(nogil=True, cache=True)
def _model(net: Network, i: int, demand: Demand, weights: Weights) -> _Model:
    first_lane, first = net.lane_ptr[i], net.movement_ptr[i]
    lanes = net.lane_ptr[i + 1] - first_lane
    phases = net.phase_ptr[i + 1] - net.phase_ptr[i]
    size = phases * (net.movement_ptr[i + 1] - first)
    open_ = np.zeros((phases, lanes), np.uint8)
    fixed, fixed_head = np.zeros((phases, lanes)), np.zeros((phases, lanes))
    gap_ptr = np.zeros(phases * lanes + 1, np.int32)
    gap_headway, gap_headway_head = np.zeros(size), np.zeros(size)
    gap_foe = np.zeros((size, lanes))
    exits = net.exit_ptr[i + 1] - net.exit_ptr[i]
    leaves = np.zeros((phases, lanes, exits))
    j = 0
    for p in range(phases):
        row = net.indication_ptr[net.phase_ptr[i] + p]
        for k in range(lanes):
            lane = first_lane + k
            green = 1e-9
            for at in range(net.lane_movement_ptr[lane], net.lane_movement_ptr[lane + 1]):
                m = net.lane_movement[at] - first
                if net.indication[row + m] != RED:
                    green += demand.share[m]
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
                if code != RED and leave >= 0:
                    leaves[p, k, leave] += demand.share[m] / green
            gap_ptr[p * lanes + k + 1] = j
    foe_ptr, foe_lane, foe_share = _compact(gap_foe[:j])
    return _Model(
        open_, fixed, fixed_head, gap_ptr, gap_headway, gap_headway_head, foe_ptr, foe_lane, foe_share, leaves
    )


@numba.njit(nogil=True, cache=True)
def _compact(rows: Floats) -> tuple[Ints, Ints, Floats]:
    """The entries of each row that are not 0: row j holds `ptr[j]:ptr[j + 1]` of columns and values."""
    ptr = np.zeros(rows.shape[0] + 1, np.int32)
    column, value = np.empty(rows.size, np.int32), np.empty(rows.size)
    at = 0
    for j in range(rows.shape[0]):
        for k in range(rows.shape[1]):
            if rows[j, k] != 0.0:
                column[at], value[at] = k, rows[j, k]
                at += 1
        ptr[j + 1] = at
    return ptr, column, value


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})
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
    gap_ptr, foe_ptr = model.gap_ptr, model.foe_ptr
    foe_lane, foe_share = model.foe_lane, model.foe_share
    gap_headway, gap_headway_head = model.gap_headway, model.gap_headway_head
    phases, lanes = open_.shape
    arrived, weight, claims = demand.arrived, demand.weight, demand.claims
    headways = Headways(
        weights.protected_headway,
        weights.permissive_headway,
        weights.on_red_headway,
        weights.wrong_turn_headway,
    )
    rights = rights_of(net, i, claims, demand.share, demand.head_share, headways)
    pairs = net.change_s[net.pair_ptr[i] : net.pair_ptr[i] + phases * phases]
    walks = net.walk_s[net.pair_ptr[i] : net.pair_ptr[i] + phases * phases]
    kept = net.kept[net.kept_ptr[i] : net.kept_ptr[i] + phases * phases * lanes]
    min_green = net.min_green[net.phase_ptr[i] : net.phase_ptr[i + 1]]
    max_green = net.max_green[net.phase_ptr[i] : net.phase_ptr[i + 1]]
    least_gap, stop_cost, red_wait = weights.least_gap, weights.stop_cost, weights.red_wait
    change_cost, half_headway = weights.change_cost, weights.protected_headway * 0.5

    leaves, room = model.leaves, demand.room
    exits = leaves.shape[2]
    has_claims = len(claims.lane) > 0
    closed = np.empty((lanes, phases))
    for k in range(lanes):
        for q in range(phases):
            closed[k, q] = 0.0 if open_[q, k] else 1.0
    coming = np.ascontiguousarray(arrived.T)
    fresh = np.zeros((horizon, lanes))
    fresh[1:] = np.maximum(coming[1:horizon] - coming[: horizon - 1], 0.0)
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
                free = left == 0 and green >= min_green[phase]
                must_go = False
                if free and green >= max_green[phase] and phases > 1:
                    for k in range(lanes):
                        if open_[phase, k] == 0 and coming[t, k] - served[t, node, k] >= HALF:
                            must_go = True
                is_full = False
                if is_tight:
                    for e in range(exits):
                        is_full = is_full or entered[now, node, e] + 1.0 > room[e, t]
                # Least that any child can cost, so that hopeless ones are not worked out.
                floor = cost[now, node]
                for q in range(phases):
                    waiting[q] = 0.0
                    rated[q] = 0
                for k in range(lanes):
                    active[k] = min(1.0, max(0.0, coming[t + GAP_S, k] - served[t, node, k]))
                    queue = coming[t, k] - served[t, node, k]
                    if queue > 1:
                        floor += weight[k] * (queue - 1) * (1.0 + half_headway * queue)
                    if queue > 0 and free:
                        red = weight[k] * (queue - 1) * red_wait
                        for q in range(phases):
                            waiting[q] += red * closed[k, q]
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
                                rate[shows, k] = 0.0
                                continue
                            first = served[t, node, k] == 0
                            headway = fixed_head[shows, k] if first else fixed[shows, k]
                            for j in range(gap_ptr[shows * lanes + k], gap_ptr[shows * lanes + k + 1]):
                                busy = 0.0
                                for at in range(foe_ptr[j], foe_ptr[j + 1]):
                                    busy += foe_share[at] * active[foe_lane[at]]
                                own = gap_headway_head[j] if first else gap_headway[j]
                                headway += own / max(1.0 - busy, least_gap)
                            if is_full:
                                for e in range(exits):
                                    if leaves[shows, k, e] > 0.0 and entered[now, node, e] + 1.0 > room[e, t]:
                                        headway += leaves[shows, k, e] * weights.full_headway
                            rate[shows, k] = 1.0 / headway
                        if has_claims:
                            claim_rates(rate[shows], claims, rights, shows, served[t, node], active, least_gap)
                    slot = order[then, q, width]
                    total = cost[now, node] + (change_cost if begins else 0.0)
                    rest = 0.0
                    kept_row = pair * lanes
                    # While only crossings clear, every lane of the phase goes on.
                    goes_on = not clears or change > pairs[pair] - walks[pair]
                    clearing_s = change - 1.0 if clears else 0.0
                    # Without branches: what a lane does not do adds 0.
                    for k in range(lanes):
                        gone, hidden = served[t, node, k], ghost[now, node, k]
                        step = rate[shows, k] if goes_on or kept[kept_row + k] == 1 else 0.0
                        saved = credit[now, node, k] + step if step > 0.0 else 0.0
                        serves = saved >= 1.0
                        goes = 1 if serves and coming[t, k] - gone >= HALF else 0
                        hidden = 0.0 if serves else hidden
                        gone += goes
                        served[t + 1, slot, k] = gone
                        credit[then, slot, k] = min(saved - goes, 1.0)
                        ghost[then, slot, k] = hidden
                        queue = max(coming[t, k] - gone, 0.0)
                        own = weight[k] * queue + stop_cost * min(queue, fresh[t, k])
                        total += own + (hidden + crowd[shows, k] * goes)
                        wait = half_headway * (queue + 1)
                        wait += red_wait if closed[k, q] > 0.0 else clearing_s
                        rest += weight[k] * queue * wait
                    if is_tight:
                        for e in range(exits):
                            entered[then, slot, e] = entered[now, node, e]
                        for k in range(lanes):
                            if served[t + 1, slot, k] > served[t, node, k]:
                                for e in range(exits):
                                    entered[then, slot, e] += leaves[shows, k, e]
                    if has_claims:
                        late, later = owed(
                            claims, rights, t, served[t + 1, slot], credit[then, slot], arrived,
                            kept[kept_row : kept_row + lanes], shows, q, change,
                            weights.protected_headway, red_wait,
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
                    _insert(value, order, count, then, q, total + rest, width)
        now = then

    best, best_value, node = -1, np.inf, 0
    for q in range(phases):
        if count[now, q] > 0 and value[q, 0] < best_value:
            node = order[now, q, 0]
            best, best_value = wish_of[now, node], value[q, 0]
    first, first_lane = net.movement_ptr[i], net.lane_ptr[i]
    leaving = np.zeros((net.movement_ptr[i + 1] - first, horizon))
    for t in range(horizon, 0, -1):
        before, row = parent[t, node], net.indication_ptr[net.phase_ptr[i] + shows_of[t, node]]
        for k in range(lanes):
            gone = served[t, node, k] - served[t - 1, before, k]
            if gone > 0:
                _leave(net, first_lane + k, first, row, demand.share, gone, leaving[:, t - 1])
        node = before
    return best, best_value, leaving


@numba.njit(nogil=True, cache=True)
def _leave(  # noqa: PLR0917 - numba calls by position
    net: Network, lane: int, first: int, row: int, share: Floats, gone: float, leaving: Floats
) -> None:
    """Spread vehicles that left a lane over the movements that the indications in `row` let go."""
    begin, end = net.lane_movement_ptr[lane], net.lane_movement_ptr[lane + 1]
    total = 1e-9
    for at in range(begin, end):
        m = net.lane_movement[at] - first
        if net.indication[row + m] != RED:
            total += share[m]
    for at in range(begin, end):
        m = net.lane_movement[at] - first
        if net.indication[row + m] != RED:
            leaving[m] += gone * share[m] / total


@numba.njit(nogil=True, cache=True)
def _insert(  # noqa: PLR0917 - numba calls by position
    value: Floats, order: Ints, count: Ints, then: int, q: int, new: float, width: int
) -> None:
    """Sort q's spare slot in by value, after its equals; what falls off the end becomes the spare."""
    size = count[then, q]
    place = size
    while place > 0 and value[q, place - 1] > new:
        place -= 1
    if place >= width:
        return
    slot = order[then, q, width]
    last = min(size, width - 1)
    order[then, q, width] = order[then, q, last]
    count[then, q] = last + 1
    for at in range(last, place, -1):
        order[then, q, at] = order[then, q, at - 1]
        value[q, at] = value[q, at - 1]
    order[then, q, place] = slot
    value[q, place] = new
