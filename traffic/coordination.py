"""The search for fixed plans: splits, offsets and phase sequences of one common cycle, by coordinate descent.

One intersection is changed at a time and judged by its own lanes and by those that its vehicles reach next;
after each sweep through all of them the whole network is followed anew, and the best plans seen are kept.
"""

import numba
import numpy as np

from traffic.network import Ints
from traffic.platoons import (
    MAX_ENTRIES,
    Model,
    Plans,
    State,
    change_s,
    gather,
    queue_up,
    send,
    serve,
    show,
)
from traffic.streets import Streets

OFFSET_STEP_S = 2
_MOVES = (8, 4, 2, 1)
"""Seconds of green that are moved from one phase to another."""


def empty_plans(intersections: int) -> Plans:
    """Room for plans."""
    return Plans(
        np.zeros(intersections, np.int32),
        np.zeros((intersections, MAX_ENTRIES), np.int32),
        np.zeros((intersections, MAX_ENTRIES), np.int32),
        np.zeros(intersections, np.int32),
    )


def copied(plans: Plans) -> Plans:
    return Plans(*(array.copy() for array in plans))


@numba.njit(nogil=True, cache=True)
def lost_s(streets: Streets, i: int, phases: Ints) -> int:
    """Seconds of a cycle that the changes of this sequence take."""
    total = 0
    for e in range(len(phases)):
        total += change_s(streets, i, phases[e], phases[(e + 1) % len(phases)])
    return total


@numba.njit(nogil=True, cache=True)
def alone(  # noqa: PLR0917 - numba calls by position
    streets: Streets, model: Model, i: int, plans: Plans, state: State, spare: State
) -> float:
    """Cost of intersection i under the arrivals in `state`, seen alone; `spare` is overwritten."""
    show(streets, model, i, plans, spare.codes)
    return serve(streets, model, i, spare.codes, state.arrived, spare)


@numba.njit(nogil=True, cache=True)
def around(  # noqa: PLR0917 - numba calls by position
    streets: Streets, model: Model, i: int, plans: Plans, state: State, spare: State
) -> float:
    """Cost of intersection i and of the lanes that its vehicles reach next; the result lies in `spare`."""
    total = alone(streets, model, i, plans, state, spare)
    send(streets, i, spare.out, spare.hop)
    left = np.zeros(state.codes.shape[1])
    first, last = streets.hop_ptr[i], streets.hop_ptr[i + 1]
    for at in range(streets.reach_ptr[i], streets.reach_ptr[i + 1]):
        lane = streets.reach_lane[at]
        spare.arrived[lane] = state.arrived[lane]
        for feed in range(streets.feed_ptr[lane], streets.feed_ptr[lane + 1]):
            h = streets.feed_hop[feed]
            if first <= h < last:
                spare.arrived[lane] += streets.feed_share[feed] * (spare.hop[h] - state.hop[h])
        cost, _, _ = queue_up(streets, model, lane, spare.arrived[lane], state.rate[lane], left)
        total += cost
    return total


@numba.njit(nogil=True, cache=True)
def settle(  # noqa: PLR0917 - numba calls by position
    streets: Streets, model: Model, i: int, plans: Plans, state: State, spare: State
) -> float:
    """Carry intersection i's plan out in `state`; returns the cost around it."""
    for lane in range(streets.lane_ptr[i], streets.lane_ptr[i + 1]):
        gather(streets, lane, state.hop, state.arrived)
    total = around(streets, model, i, plans, state, spare)
    for m in range(streets.movement_ptr[i], streets.movement_ptr[i + 1]):
        state.codes[m] = spare.codes[m]
        state.out[m] = spare.out[m]
    for lane in range(streets.lane_ptr[i], streets.lane_ptr[i + 1]):
        state.rate[lane] = spare.rate[lane]
    for h in range(streets.hop_ptr[i], streets.hop_ptr[i + 1]):
        state.hop[h] = spare.hop[h]
    for at in range(streets.reach_ptr[i], streets.reach_ptr[i + 1]):
        state.arrived[streets.reach_lane[at]] = spare.arrived[streets.reach_lane[at]]
    return total


@numba.njit(nogil=True, cache=True)
def best_offset(  # noqa: PLR0917 - numba calls by position
    streets: Streets, model: Model, i: int, plans: Plans, state: State, spare: State, step: int
) -> float:
    """Try offsets of intersection i all around the cycle, then beside the best; returns the cost."""
    cycle = state.codes.shape[1]
    kept = plans.offset_s[i]
    best = around(streets, model, i, plans, state, spare)
    begin = kept
    for shift in range(step, cycle, step):
        plans.offset_s[i] = (begin + shift) % cycle
        cost = around(streets, model, i, plans, state, spare)
        if cost < best - 1e-9:
            best, kept = cost, plans.offset_s[i]
    begin = kept
    for shift in range(-step + 1, step):
        plans.offset_s[i] = (begin + shift) % cycle
        cost = around(streets, model, i, plans, state, spare)
        if cost < best - 1e-9:
            best, kept = cost, plans.offset_s[i]
    plans.offset_s[i] = kept
    return best


@numba.njit(nogil=True, cache=True)
def best_splits(  # noqa: PLR0917 - numba calls by position
    streets: Streets, model: Model, i: int, plans: Plans, state: State, spare: State, is_alone: bool
) -> float:
    """Move seconds of green between the phases of intersection i while that helps; returns the cost."""
    best = (
        alone(streets, model, i, plans, state, spare)
        if is_alone
        else around(streets, model, i, plans, state, spare)
    )
    n = plans.entries[i]
    for move in _MOVES:
        for _ in range(12):
            found, from_, to = False, 0, 0
            for a in range(n):
                minimum = streets.min_green[streets.phase_ptr[i] + plans.phase[i, a]]
                if plans.green_s[i, a] - move < minimum:
                    continue
                for b in range(n):
                    if a == b:
                        continue
                    plans.green_s[i, a] -= move
                    plans.green_s[i, b] += move
                    cost = (
                        alone(streets, model, i, plans, state, spare)
                        if is_alone
                        else around(streets, model, i, plans, state, spare)
                    )
                    plans.green_s[i, a] += move
                    plans.green_s[i, b] -= move
                    if cost < best - 1e-7:
                        best, found, from_, to = cost, True, a, b
            if not found:
                break
            plans.green_s[i, from_] -= move
            plans.green_s[i, to] += move
    return best


@numba.njit(nogil=True, cache=True)
def fit(  # noqa: PLR0917 - numba calls by position
    streets: Streets, model: Model, i: int, sequence: Ints, plans: Plans, state: State, spare: State
) -> float:
    """Give intersection i this sequence with the best splits for the arrivals in `state`, seen alone.

    Returns the cost, or infinity where the minimum greens do not fit into the cycle.
    """
    n = len(sequence)
    rest = state.codes.shape[1] - lost_s(streets, i, sequence)
    for e in range(n):
        minimum = streets.min_green[streets.phase_ptr[i] + sequence[e]]
        plans.phase[i, e] = sequence[e]
        plans.green_s[i, e] = minimum
        rest -= minimum
    if rest < 0:
        return np.inf
    plans.entries[i] = n
    share = rest // n
    for e in range(n):
        plans.green_s[i, e] += share
    plans.green_s[i, 0] += rest - share * n
    return best_splits(streets, model, i, plans, state, spare, True)


@numba.njit(nogil=True, cache=True)
def best_sequence(  # noqa: PLR0917 - numba calls by position
    streets: Streets,
    model: Model,
    i: int,
    sequences: Ints,
    plans: Plans,
    state: State,
    spare: State,
) -> float:
    """Try other sequences of intersection i (rows filled up with -1), each with its own splits and offset."""
    best = around(streets, model, i, plans, state, spare)
    n, offset = plans.entries[i], plans.offset_s[i]
    phase, green = plans.phase[i].copy(), plans.green_s[i].copy()
    for row in range(len(sequences)):
        size = 0
        while size < sequences.shape[1] and sequences[row, size] >= 0:
            size += 1
        if not np.isfinite(fit(streets, model, i, sequences[row, :size], plans, state, spare)):
            plans.entries[i] = n
            plans.phase[i], plans.green_s[i] = phase, green
            continue
        cost = best_offset(streets, model, i, plans, state, spare, 4)
        if cost < best * 0.99:
            cost = best_splits(streets, model, i, plans, state, spare, False)
        if cost < best - 1e-7:
            best = cost
            n, offset = plans.entries[i], plans.offset_s[i]
            phase, green = plans.phase[i].copy(), plans.green_s[i].copy()
        plans.entries[i], plans.offset_s[i] = n, offset
        plans.phase[i], plans.green_s[i] = phase, green
    return best


@numba.njit(nogil=True, cache=True)
def sweep(  # noqa: PLR0917 - numba calls by position
    streets: Streets, model: Model, order: Ints, plans: Plans, state: State, spare: State, with_splits: bool
) -> None:
    """Improve offsets, and splits if asked, of the intersections in this order, each given the others."""
    for i in order:
        settle(streets, model, i, plans, state, spare)
        best_offset(streets, model, i, plans, state, spare, OFFSET_STEP_S)
        if with_splits:
            best_splits(streets, model, i, plans, state, spare, False)
        settle(streets, model, i, plans, state, spare)
