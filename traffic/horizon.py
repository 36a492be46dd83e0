"""The optimiser's core: which phase an intersection should show now, by looking a minute ahead.

A beam search over phase sequences at steps of one second. Vehicles wait in line on their lane, first in,
first out, and are served at the headway of what the phase allows them; yellow, all-red and minimum green
are kept exactly. The cost is vehicle-seconds of waiting plus what the queues left at the end will still
cost. `traffic/reference.py` says the same in plain Python; a property test holds them together.
"""

from typing import NamedTuple

import numba
import numpy as np

from traffic.network import ON_RED, PERMISSIVE, PROTECTED, Bytes, Floats, Ints, Network

HORIZON_S = 60
WIDTH = 6
"""Plans kept per phase at each step."""
GAP_S = 3
"""A permissive movement waits for foes that arrive within this time."""


class Weights(NamedTuple):
    """Constants of the model. Headways in s per vehicle; see docs/optimiser.md for where they come from."""

    protected_headway: float = 1.9
    permissive_headway: float = 2.5
    on_red_headway: float = 4.0
    wrong_turn_headway: float = 60.0
    """Of a vehicle at the head whose own movement is red while another of its lane is green."""
    least_gap: float = 0.05
    """Share of time in which a permissive movement finds a gap in saturated foes."""
    stop_cost: float = 2.0
    """Seconds that stopping costs beyond the wait (braking and accelerating)."""
    red_wait: float = 8.0
    """Seconds that a vehicle still queued at the end waits for its phase."""
    change_cost: float = 1.0
    """Vehicle-seconds charged to each change of phase, against dithering."""


DEFAULT_WEIGHTS = Weights()


class Demand(NamedTuple):
    """What waits and comes at one intersection, by its own lanes k and movements m.

    `arrived[k, t]`: vehicles that could have crossed the stop line by second t without signal or queue,
    cumulative, for t in 0 to horizon + GAP_S. `share[m]`: probability that a vehicle of the lane takes
    movement m; `head_share[m]` the same for the vehicle at the head. `weight[k]` of a second of waiting.
    `unseen[k]`: expected vehicles that wait unseen until the lane is next served. `blocked[k]`: 1 where the
    exit is full. `credit[k]`: service saved up by a lane that is green now, in vehicles.
    """

    arrived: Ints
    share: Floats
    head_share: Floats
    weight: Floats
    unseen: Floats
    blocked: Bytes
    credit: Floats


class Shown(NamedTuple):
    """What the signal shows: its phase and target (own numbers), seconds of green so far or left to change."""

    phase: int
    target: int
    green_s: int
    left_s: int


@numba.njit(nogil=True, cache=True)
def _headways(
    net: Network, i: int, demand: Demand, weights: Weights, fixed: Floats, fixed_head: Floats, open_: Bytes
) -> None:
    """Per phase and lane: share-weighted headway of what needs no gap, and whether anything moves at all."""
    lanes = net.lane_ptr[i + 1] - net.lane_ptr[i]
    first_movement = net.movement_ptr[i]
    for p in range(net.phase_ptr[i + 1] - net.phase_ptr[i]):
        row = net.indication_ptr[net.phase_ptr[i] + p]
        for k in range(lanes):
            lane = net.lane_ptr[i] + k
            for at in range(net.lane_movement_ptr[lane], net.lane_movement_ptr[lane + 1]):
                m = net.lane_movement[at] - first_movement
                code = net.indication[row + m]
                if code == PROTECTED:
                    fixed[p, k] += demand.share[m] * weights.protected_headway
                    fixed_head[p, k] += demand.head_share[m] * weights.protected_headway
                    open_[p, k] = 1
                elif code == PERMISSIVE or code == ON_RED:
                    open_[p, k] = 1
                else:
                    fixed[p, k] += demand.share[m] * weights.wrong_turn_headway
                    fixed_head[p, k] += demand.head_share[m] * weights.wrong_turn_headway
            if demand.blocked[k]:
                open_[p, k] = 0


@numba.njit(nogil=True, cache=True)
def _headway(
    net: Network,
    i: int,
    p: int,
    k: int,
    t: int,
    demand: Demand,
    weights: Weights,
    fixed: float,
    head: bool,
    served: Ints,
) -> float:
    """Headway of lane k under phase p at second t, gaps in the foes' streams included."""
    total = fixed
    lane = net.lane_ptr[i] + k
    first = net.movement_ptr[i]
    row = net.indication_ptr[net.phase_ptr[i] + p]
    for at in range(net.lane_movement_ptr[lane], net.lane_movement_ptr[lane + 1]):
        movement = net.lane_movement[at]
        code = net.indication[row + movement - first]
        if code != PERMISSIVE and code != ON_RED:
            continue
        busy = 0.0
        for foe_at in range(net.yield_ptr[movement], net.yield_ptr[movement + 1]):
            foe = net.yield_movement[foe_at]
            foe_code = net.indication[row + foe - first]
            if foe_code == PROTECTED or foe_code == PERMISSIVE:
                other = net.movement_lane[foe] - net.lane_ptr[i]
                if demand.arrived[other, t + GAP_S] > served[other]:
                    busy += demand.share[foe - first]
        own = weights.permissive_headway if code == PERMISSIVE else weights.on_red_headway
        share = demand.head_share[movement - first] if head else demand.share[movement - first]
        total += share * own / max(1.0 - busy, weights.least_gap)
    return total


@numba.njit(nogil=True, cache=True)
def plan(
    net: Network, i: int, demand: Demand, shown: Shown, weights: Weights, horizon: int, width: int
) -> tuple[int, float]:
    """The phase (own number) that intersection i should show or change to now, and the plan's cost.

    While a change or the minimum green is under way the answer is what is under way. `arrived` must reach
    to `horizon + GAP_S`.
    """
    lanes = net.lane_ptr[i + 1] - net.lane_ptr[i]
    first_phase = net.phase_ptr[i]
    phases = net.phase_ptr[i + 1] - first_phase
    fixed = np.zeros((phases, lanes))
    fixed_head = np.zeros((phases, lanes))
    open_ = np.zeros((phases, lanes), np.uint8)
    _headways(net, i, demand, weights, fixed, fixed_head, open_)

    slots = phases * (width + 1)
    served = np.zeros((2, slots, lanes), np.int32)
    credit = np.zeros((2, slots, lanes))
    ghost = np.zeros((2, slots, lanes))
    cost = np.zeros((2, slots))
    phase_of = np.zeros((2, slots), np.int32)
    green_of = np.zeros((2, slots), np.int32)
    left_of = np.zeros((2, slots), np.int32)
    wish_of = np.zeros((2, slots), np.int32)
    value = np.zeros((phases, width + 1))
    order = np.zeros((2, phases, width + 1), np.int32)
    count = np.zeros((2, phases), np.int32)

    now = 0
    start = shown.target * (width + 1)
    for q in range(phases):
        for s in range(width + 1):
            order[0, q, s] = q * (width + 1) + s
            order[1, q, s] = q * (width + 1) + s
    credit[0, start] = demand.credit
    ghost[0, start] = demand.unseen
    phase_of[0, start] = shown.phase
    green_of[0, start] = shown.green_s
    left_of[0, start] = shown.left_s
    wish_of[0, start] = -1
    count[0, shown.target] = 1

    for t in range(horizon):
        then = 1 - now
        for q in range(phases):
            count[then, q] = 0
        for target in range(phases):
            for place in range(count[now, target]):
                node = order[now, target, place]
                phase = phase_of[now, node]
                left = left_of[now, node]
                green = green_of[now, node]
                free = left == 0 and green >= net.min_green[first_phase + phase]
                must_go = False
                if free and green >= net.max_green[first_phase + phase]:
                    for k in range(lanes):
                        if open_[phase, k] == 0 and demand.arrived[k, t] > served[now, node, k]:
                            must_go = phases > 1
                for q in range(phases):
                    if q != target and not free:
                        continue
                    if q == target and must_go:
                        continue
                    slot = order[then, q, width]
                    # What this second shows: a phase, or the change between two.
                    change = left
                    if left == 0 and q != phase:
                        change = net.change_s[net.pair_ptr[i] + phase * phases + q]
                    clears = change > 0
                    shows = phase if clears else q
                    phase_of[then, slot] = shows
                    left_of[then, slot] = max(change - 1, 0)
                    green_of[then, slot] = 0 if clears else (green + 1 if q == phase else 1)
                    if change == 1:
                        phase_of[then, slot] = q
                    wish_of[then, slot] = q if wish_of[now, node] < 0 else wish_of[now, node]
                    total = cost[now, node]
                    if q != phase and left == 0:
                        total += weights.change_cost
                    kept_row = net.kept_ptr[i] + (phase * phases + q) * lanes
                    rest = 0.0
                    for k in range(lanes):
                        gone = served[now, node, k]
                        saved = credit[now, node, k]
                        hidden = ghost[now, node, k]
                        arrived = demand.arrived[k, t]
                        moves = open_[shows, k] == 1 and (not clears or net.kept[kept_row + k] == 1)
                        if moves:
                            head = gone == 0
                            headway = _headway(
                                net, i, shows, k, t, demand, weights,
                                fixed_head[shows, k] if head else fixed[shows, k], head, served[now, node],
                            )  # fmt: skip
                            saved += 1.0 / headway
                            if saved >= 1.0:
                                hidden = 0.0
                                if arrived > gone:
                                    gone += 1
                                    saved -= 1.0
                                saved = min(saved, 1.0)
                        else:
                            saved = 0.0
                        served[then, slot, k] = gone
                        credit[then, slot, k] = saved
                        ghost[then, slot, k] = hidden
                        queue = arrived - gone
                        before = demand.arrived[k, t - 1] if t > 0 else arrived
                        stopped = min(queue, arrived - before)
                        total += demand.weight[k] * queue + hidden
                        total += weights.stop_cost * stopped
                        if queue > 0:
                            wait = weights.protected_headway * 0.5 * (queue + 1)
                            if open_[q, k] == 0:
                                wait += weights.red_wait
                            elif clears:
                                wait += change - 1
                            rest += demand.weight[k] * queue * wait
                    cost[then, slot] = total
                    _insert(value[q], order[then, q], count[then], q, total + rest, width)
        now = then

    best = -1
    best_value = np.inf
    for q in range(phases):
        if count[now, q] > 0:
            node = order[now, q, 0]
            if value[q, 0] < best_value:
                best_value = value[q, 0]
                best = wish_of[now, node]
    return best, best_value


@numba.njit(nogil=True, cache=True)
def _insert(value: Floats, order: Ints, count: Ints, q: int, new: float, width: int) -> None:
    """Sort the spare slot in by value, after its equals; what falls off the end becomes the spare."""
    slot = order[width]
    size = count[q]
    place = size
    while place > 0 and value[place - 1] > new:
        place -= 1
    if place >= width:
        return
    if size < width:
        order[width] = order[size]
        last = size
        count[q] = size + 1
    else:
        order[width] = order[width - 1]
        last = width - 1
    for at in range(last, place, -1):
        order[at] = order[at - 1]
        value[at] = value[at - 1]
    order[place] = slot
    value[place] = new
