"""The beam search of `traffic/horizon.py`: plans grow by a second at a time, the best go on.

Who does not move costs by lane what a price list of the second says, so that a plan costs a few additions;
only lanes that may go are looked at closely, and only plans that are kept are written down. Nothing here
allocates, and no reference is counted (`model.uncounted`): both would take longer than the search itself.
"""

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from traffic.model import GAP_S, Model, inlined, uncounted, unsigned, write_rates
from traffic.network import Bytes, Floats, Indices, Ints, Longs, Network
from traffic.rights import Claims, Rights, claim_rates, owed
from traffic.weights import Weights

PLANS = 36
"""Plans kept at each step in all, beside the best of each phase: the best of all, whatever their phase."""
LEAST = 2
"""Of them for each phase, where there are many phases."""
TICK = 1e-6
"""Vehicle-seconds; plans whose values differ by less are as good as each other."""
PARENT_BITS = 10
PARENT = (1 << PARENT_BITS) - 1
"""Of a key, the bits that hold the number of the parent."""
NO_WISH = 2**32 - 1
"""In place of the phase that a plan first wished."""

Shorts = NDArray[np.int16]
HALF = 0.5
"""An expected fraction of a vehicle is served as one from so much on; the next that come make it good."""


class Plans(NamedTuple):
    """Where the search stands. Two generations of plans take turns; a plan is number q * width + place.

    Of a plan, `state`: the phase shown and for how many seconds, seconds left of its change, the phase that
    it first wished, and the `row` of what holds by lane, which are `gone` vehicles, `credit` and `ghost` (who
    waits unseen), and by exit `entered`; its `cost` and the sum of its ghosts, `unseen`; its `rate[plan, k]`
    (the last row is spare); `total[plan, q]`: the cost of its child that wishes phase q. Of a place in the
    next generation: its `value`, a `_key` of the cost, what is still to come, and the parent. `uses`,
    `taken` and `free` keep count of rows. `went[t, plan, k]`, `parents[t, plan]` and `shows[t, plan]` tell
    afterwards what was done.
    """

    state: Indices
    cost: Floats
    unseen: Floats
    alive: Ints
    gone: Indices
    credit: Floats
    ghost: Floats
    entered: Floats
    rate: Floats
    total: Floats
    value: Longs
    uses: Ints
    taken: Bytes
    free: Indices
    went: Bytes
    parents: Shorts
    shows: Bytes


class Changes(NamedTuple):
    """Of each pair of phases a * phases + b: how long the change is and for how much of it only crossings
    clear, which lanes go on (`kept[pair * lanes + k]`), and 1 where any does.
    """

    length: Ints
    walk: Ints
    kept: Bytes
    keeps: Bytes
    min_green: Ints
    max_green: Ints


class Work(NamedTuple):
    """What one second needs.

    `come[t, k]` arrivals, the `lanes` to which anybody comes, and the price list `wait` (see `_price`) up to
    `most[k]` gone. Of the plan at hand, by lane: who is `queued` if nothing moves, how likely a foe is
    `active`, and what moving changes of its cost, of what its queue will cost with green, and of its queue
    (`more`). Of its child: `gone` and `credit`.
    """

    come: Floats
    wait: Floats
    most: Ints
    lanes: Indices
    queued: Floats
    active: Floats
    more: Floats
    gone: Ints
    credit: Floats


@numba.njit(nogil=True, cache=True)
def new_plans(phases: int, lanes: int, exits: int, horizon: int, width: int) -> Plans:
    slots = phases * width
    return Plans(
        np.empty((2, slots, 5), np.uint32), np.empty((2, slots)), np.empty((2, slots)),
        np.zeros((2, phases), np.int32),
        np.zeros((slots, lanes), np.uint32), np.empty((slots, lanes)), np.empty((slots, lanes)),
        np.zeros((slots, exits)), np.empty((slots + 1, lanes)),
        np.empty((slots, phases)), np.empty((phases, width), np.int64),
        np.empty(slots, np.int32), np.empty(slots, np.uint8), np.empty(slots, np.uint32),
        np.empty((horizon, slots, lanes), np.uint8),
        np.empty((horizon, slots), np.int16), np.empty((horizon, slots), np.uint8),
    )  # fmt: skip


@numba.njit(nogil=True, cache=True)
def new_work(arrived: Floats, horizon: int) -> Work:
    lanes = arrived.shape[0]
    most, busy, count = np.empty(lanes, np.int32), np.empty(lanes, np.uint32), 0
    for k in range(lanes):
        total = arrived[k].max()
        most[k] = int(total + HALF)
        if total > 0.0:
            busy[count] = k
            count += 1
    return Work(
        np.ascontiguousarray(arrived.T), np.zeros((lanes, horizon + 2, 3)), most, busy[:count],
        np.zeros(lanes), np.empty(lanes), np.empty((3, lanes)), np.empty(lanes, np.int32), np.empty(lanes),
    )  # fmt: skip


@numba.njit(nogil=True, cache=True)
def changes_of(net: Network, i: int, phases: int, lanes: int) -> Changes:
    pairs = slice(net.pair_ptr[i], net.pair_ptr[i] + phases * phases)
    kept = net.kept[net.kept_ptr[i] : net.kept_ptr[i] + phases * phases * lanes]
    keeps = np.zeros(phases * phases, np.uint8)
    for at in range(len(kept)):
        if kept[at]:
            keeps[at // lanes] = 1
    own = slice(net.phase_ptr[i], net.phase_ptr[i] + phases)
    return Changes(
        net.change_s[pairs], net.walk_s[pairs], kept, keeps, net.min_green[own], net.max_green[own]
    )


@inlined
def _price(  # noqa: PLR0917 - numba calls by position
    t: int, arrived: Floats, busy: Indices, most: Ints, weight: Floats, weights: Weights, wait: Floats
) -> None:
    """`wait[k, g]`: what lane k costs in second t once g have left, what its queue will cost as long as it
    has green, and what each further second of red does.
    """
    half_headway = weights.protected_headway * 0.5
    for at in range(len(busy)):
        k = busy[at]
        fresh = arrived[k, t] - arrived[k, t - 1] if t > 0 else 0.0
        for g in range(min(t + 1, most[k]) + 1):
            queue = max(arrived[k, t] - g, 0.0)
            weighed = weight[k] * queue
            wait[k, g, 0] = weighed + weights.stop_cost * min(queue, fresh)
            wait[k, g, 1] = weighed * half_headway * (queue + 1.0)
            wait[k, g, 2] = weighed


@inlined
def _key(value: float, begins: bool, parent: int) -> Any:
    """The value in ticks, so that sums in another order rank the same; of equals who changed before is ahead,
    then whose parent comes first.

    Else the latest to change would drive out of the beam all that are about to have the same green.
    """
    return ((int(np.rint(value / TICK)) * 2 + int(begins)) << PARENT_BITS) + np.int64(parent)


@inlined
def _thin(value: Longs, count: Ints, then: int, most: int) -> None:
    """Keep the best plan of each phase, and of the others the best of all, `most` plans together."""
    phases = value.shape[0]
    kept = 0
    for q in range(phases):
        kept += count[then, q]
    while kept > most:
        worst, most_value = -1, -1
        for q in range(phases):
            last = count[then, q] - 1
            if last > 0 and value[q, last] >> PARENT_BITS > most_value:
                worst, most_value = q, value[q, last] >> PARENT_BITS
        if worst < 0:
            return
        count[then, worst] -= 1
        kept -= 1


@inlined
def _take(  # noqa: PLR0917 - numba calls by position
    plans: Plans,
    work: Work,
    model: Model,
    changes: Changes,
    t: int,
    now: int,
    room: Floats,
    claims: Claims,
    rights: Rights,
    weights: Weights,
    has_claims: bool,
) -> None:
    """Make the best plans of the next generation; the last child of a plan takes over its row."""
    then = 1 - now
    state, gone, credit, ghost = plans.state, plans.gone, plans.credit, plans.ghost
    rate, entered, uses, free_row = plans.rate, plans.entered, plans.uses, plans.free
    spent, hidden, count, total, value = plans.cost, plans.unseen, plans.alive, plans.total, plans.value
    went, parents, shown = plans.went, plans.parents, plans.shows
    open_, open_ptr, open_lane, leaves = model.open_, model.open_ptr, model.open_lane, model.leaves
    length_of, walk_of, kept, keeps, _, _ = changes
    phases, lanes = open_.shape
    width, exits = value.shape[1], entered.shape[1]
    free = _free_rows(count, value, state, now, uses, plans.taken, free_row)
    for q in range(phases):
        for place in range(count[then, q]):
            slot, node = unsigned(q * width + place), unsigned(value[q, place] & PARENT)
            phase, green, left = state[now, node, 0], state[now, node, 1], state[now, node, 2]
            row = state[now, node, 4]
            if uses[node] > 1:
                uses[node] -= 1
                free -= 1
                fresh = free_row[free]
                for k in range(lanes):
                    gone[fresh, k] = gone[row, k]
                    credit[fresh, k] = credit[row, k]
                    ghost[fresh, k] = ghost[row, k]
                for e in range(exits):
                    entered[fresh, e] = entered[row, e]
                row = fresh
            begins = left == 0 and q != phase
            pair = phase * phases + q
            change = length_of[pair] if begins else left
            clears = change > 0
            shows = phase if clears else unsigned(q)
            goes_on = not clears or change > length_of[pair] - walk_of[pair]
            unseen = hidden[now, node]
            out = node
            if shows != phase:
                out = unsigned(phases * width)
                write_rates(model, shows, gone, entered, row, work.come, room, t, weights, rate, out)
                if has_claims:
                    for k in range(lanes):
                        work.active[k] = min(1.0, max(0.0, work.come[t + GAP_S, k] - gone[row, k]))
                    claim_rates(rate[out], claims, rights, shows, gone[row], work.active, weights.least_gap)
            if t == 0 or shows != shown[t - 1, node]:
                for k in range(lanes):
                    if open_[shows, k] == 0:
                        credit[row, k] = 0.0
            moves = goes_on or keeps[pair] == 1
            for at in range(open_ptr[shows], open_ptr[shows + 1]):
                k = open_lane[at]
                went[t, slot, k] = 0
                if not moves or not (goes_on or kept[pair * lanes + k]) or rate[out, k] <= 0.0:
                    credit[row, k] = 0.0
                    continue
                saved = credit[row, k] + rate[out, k]
                if saved >= 1.0:
                    unseen -= ghost[row, k]
                    ghost[row, k] = 0.0
                    if work.come[t, k] - gone[row, k] >= HALF:
                        gone[row, k] += 1
                        saved -= 1.0
                        went[t, slot, k] = 1
                        for e in range(exits):
                            entered[row, e] += leaves[shows, k, e]
                credit[row, k] = min(saved, 1.0)
            hidden[then, slot], spent[then, slot] = unseen, total[node, q]
            parents[t, slot], shown[t, slot] = node, shows
            state[then, slot, 0] = q if change <= 1 else phase
            state[then, slot, 1] = 0 if clears else (green + 1 if q == phase else 1)
            state[then, slot, 2] = max(change - 1, 0)
            state[then, slot, 3] = q if state[now, node, 3] == NO_WISH else state[now, node, 3]
            state[then, slot, 4] = row


@uncounted
def _move(  # noqa: PLR0917 - numba calls by position
    plans: Plans,
    model: Model,
    changes: Changes,
    row: int,
    out: int,
    shows: int,
    pair: int,
    goes_on: bool,
    coming: Floats,
    t: int,
    gone: Ints,
    credit: Floats,
) -> None:
    """Write what holds by lane after a second of a plan."""
    lanes = model.open_.shape[1]
    for k in range(lanes):
        gone[k], credit[k] = plans.gone[row, k], 0.0
    for at in range(model.open_ptr[shows], model.open_ptr[shows + 1]):
        k = model.open_lane[at]
        if (goes_on or changes.kept[pair * lanes + k]) and plans.rate[out, k] > 0.0:
            credit[k] = plans.credit[row, k] + plans.rate[out, k]
            if credit[k] >= 1.0 and coming[t, k] - gone[k] >= HALF:
                gone[k] += 1
                credit[k] -= 1.0
            credit[k] = min(credit[k], 1.0)


@inlined
def _free_rows(  # noqa: PLR0917 - numba calls by position
    count: Ints, value: Longs, state: Indices, now: int, uses: Ints, taken: Bytes, free_row: Indices
) -> int:
    """Count into `uses` the children of each plan; list the rows that no plan with children has."""
    phases = value.shape[0]
    for node in range(len(uses)):
        uses[node] = taken[node] = 0
    for q in range(phases):
        for place in range(count[1 - now, q]):
            node = unsigned(value[q, place] & PARENT)
            uses[node] += 1
            taken[state[now, node, 4]] = 1
    free = 0
    for row in range(len(taken)):
        if taken[row] == 0:
            free_row[free] = row
            free += 1
    return free


def _grower(has_claims: bool) -> Any:
    """`grow` with or without what claims need, which would slow down the many decisions without any."""

    @uncounted
    def grow(  # noqa: PLR0917 - numba calls by position
        plans: Plans,
        work: Work,
        model: Model,
        changes: Changes,
        arrived: Floats,
        weight: Floats,
        room: Floats,
        claims: Claims,
        rights: Rights,
        weights: Weights,
        horizon: int,
    ) -> int:
        """Let plans grow second by second; returns which of the two generations is the last."""
        open_, open_ptr, open_lane, crowd = model.open_, model.open_ptr, model.open_lane, model.crowd
        length_of, walk_of, kept, keeps, min_green, max_green = changes
        red_wait, change_cost, least_gap = weights.red_wait, weights.change_cost, weights.least_gap
        phases, lanes = open_.shape
        width = plans.value.shape[1]
        spare = unsigned(phases * width)

        now = 0
        for t in range(horizon):
            then = 1 - now
            plans.alive[then] = 0
            _price(t, arrived, work.lanes, work.most, weight, weights, work.wait)
            for target in range(phases):
                for place in range(plans.alive[now, target]):
                    node = unsigned(target * width + place)
                    phase, green, left = (
                        plans.state[now, node, 0],
                        plans.state[now, node, 1],
                        plans.state[now, node, 2],
                    )
                    row = plans.state[now, node, 4]
                    is_free = left == 0 and green >= min_green[phase]
                    # What a second costs in which no lane moves, and what its queues cost after it.
                    still = plans.cost[now, node] + plans.unseen[now, node]
                    rest = all_queued = 0.0
                    for busy in range(len(work.lanes)):
                        k = work.lanes[busy]
                        g = plans.gone[row, k]
                        still += work.wait[k, g, 0]
                        rest += work.wait[k, g, 1]
                        all_queued += work.wait[k, g, 2]
                        work.queued[k] = work.wait[k, g, 2]
                    must_go = False
                    if is_free and green >= max_green[phase] and phases > 1:
                        for k in range(lanes):
                            if open_[phase, k] == 0 and work.come[t, k] - plans.gone[row, k] >= HALF:
                                must_go = True
                    if has_claims:
                        for k in range(lanes):
                            work.active[k] = min(1.0, max(0.0, work.come[t + GAP_S, k] - plans.gone[row, k]))
                    looked = -1
                    for q in range(phases):
                        if (q != target and not is_free) or (q == target and must_go):
                            continue
                        begins = left == 0 and q != phase
                        pair = phase * phases + q
                        length = length_of[pair]
                        if begins and length < 0:
                            continue
                        # What this second shows: a phase, or the change between two.
                        change = length if begins else left
                        clears = change > 0
                        shows = phase if clears else unsigned(q)
                        open_wait = change - 1.0 if clears else 0.0
                        # While only crossings clear, every lane of the phase goes on.
                        goes_on = not clears or change > length - walk_of[pair]
                        cost = still + change_cost if begins else still
                        later = rest + red_wait * all_queued
                        served = 0.0
                        for at in range(open_ptr[q], open_ptr[q + 1]):
                            served += work.queued[open_lane[at]]
                        later += (open_wait - red_wait) * served
                        if (goes_on or keeps[pair]) and looked != shows:
                            # What becomes less, by lane, where it moves in what is shown.
                            out = node if shows == phase else spare
                            looked = shows
                            write_rates(
                                model,
                                shows,
                                plans.gone,
                                plans.entered,
                                row,
                                work.come,
                                room,
                                t,
                                weights,
                                plans.rate,
                                out,
                            )
                            if has_claims:
                                claim_rates(
                                    plans.rate[out],
                                    claims,
                                    rights,
                                    shows,
                                    plans.gone[row],
                                    work.active,
                                    least_gap,
                                )
                            for at in range(open_ptr[shows], open_ptr[shows + 1]):
                                k = open_lane[at]
                                work.more[0, k] = work.more[1, k] = work.more[2, k] = 0.0
                                if (
                                    plans.rate[out, k] > 0.0
                                    and plans.credit[row, k] + plans.rate[out, k] >= 1.0
                                ):
                                    work.more[0, k] = -plans.ghost[row, k]
                                    g = plans.gone[row, k]
                                    if work.come[t, k] - g >= HALF:
                                        work.more[0, k] += crowd[shows, k] + (
                                            work.wait[k, g + 1, 0] - work.wait[k, g, 0]
                                        )
                                        work.more[1, k] = work.wait[k, g + 1, 1] - work.wait[k, g, 1]
                                        work.more[2, k] = work.wait[k, g + 1, 2] - work.wait[k, g, 2]
                        if goes_on or keeps[pair]:
                            for at in range(open_ptr[shows], open_ptr[shows + 1]):
                                k = open_lane[at]
                                if goes_on or kept[pair * lanes + k]:
                                    own_wait = open_wait if open_[q, k] else red_wait
                                    cost += work.more[0, k]
                                    later += work.more[1, k] + work.more[2, k] * own_wait
                        if has_claims:
                            _move(
                                plans, model, changes, row, spare if shows != phase else node, shows, pair,
                                goes_on, work.come, t, work.gone, work.credit,
                            )  # fmt: skip
                            late, ahead = owed(
                                claims, rights, t, work.gone, work.credit, arrived,
                                kept[pair * lanes : (pair + 1) * lanes], shows, q, change, weights,
                            )  # fmt: skip
                            cost += late
                            later += ahead
                        plans.total[node, q] = cost
                        key = _key(cost + later, begins, node)
                        # Sorted in, if it is among the best of its phase.
                        size = plans.alive[then, q]
                        spot = size
                        while spot > 0 and plans.value[q, spot - 1] > key:
                            spot -= 1
                        if spot >= width:
                            continue
                        last = min(size, width - 1)
                        plans.alive[then, q] = last + 1
                        for at in range(last, spot, -1):
                            plans.value[q, at] = plans.value[q, at - 1]
                        plans.value[q, spot] = key
            _thin(plans.value, plans.alive, then, max(PLANS, LEAST * phases))
            _take(plans, work, model, changes, t, now, room, claims, rights, weights, has_claims)
            now = then
        return now

    return grow


grow, grow_with_claims = _grower(has_claims=False), _grower(has_claims=True)
