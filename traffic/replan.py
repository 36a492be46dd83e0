"""From what is known of many intersections to a phase for each, in one compiled call."""

import numba
import numpy as np

from traffic.horizon import Demand, plan
from traffic.inflow import Exchange, add_inflow, find_room
from traffic.model import GAP_S
from traffic.network import Bytes, Floats, Ints, Network
from traffic.record import Record, shown_at
from traffic.rights import Claims
from traffic.weights import Weights

REASONS = ("clearing", "minimum green", "extend", "change")
"""Why a phase is wanted, by the number that `replan` gives; the first two leave nothing to plan."""
CLEARING, MINIMUM_GREEN, EXTEND, CHANGE = range(4)
START_S = 3.0
"""A head that still stands after so long has saved up no service."""
LONG_WAIT_S = 90.0
"""A lane whose head has waited so long counts twice."""
MISSED_SHARE = 0.03
"""Share of vehicles that a camera is expected to miss; they wait unseen."""


@numba.njit(nogil=True, cache=True)
def arrivals(net: Network, i: int, record: Record, late_s: int) -> Floats:
    """`arrived[k, t]`, not yet cumulative: who is in view, for so many seconds as a plan looks at."""
    seen = record.fresh[net.lane_ptr[i] : net.lane_ptr[i + 1]]
    arrived = np.zeros((seen.shape[0], seen.shape[1] + GAP_S + late_s))
    arrived[:, : seen.shape[1]] = seen
    return arrived


@numba.njit(nogil=True, cache=True)
def demand_of(  # noqa: PLR0917 - numba calls by position
    net: Network,
    i: int,
    record: Record,
    shared: Exchange,
    share: Floats,
    head: Floats,
    arrived: Floats,
    blocked: Bytes,
    claims: Claims,
    weights: Weights,
) -> Demand:
    """The demand at intersection i. `arrived` as from `arrivals` becomes cumulative and takes in what comes
    from neighbours and what waits on blind lanes.
    """
    first, last = net.lane_ptr[i], net.lane_ptr[i + 1]
    moves = slice(net.movement_ptr[i], net.movement_ptr[i + 1])
    second = record.second[i]
    lanes, seconds = arrived.shape
    add_inflow(net, i, second, shared, record.blind[first:last], arrived)
    for k in range(lanes):
        if record.blind[first + k]:
            arrived[k, 0] += record.queue[first + k]
            for t in range(seconds):
                arrived[k, t] += record.flow[first + k]
        for t in range(1, seconds):
            arrived[k, t] += arrived[k, t - 1]
    exits = net.exit_ptr[i + 1] - net.exit_ptr[i]
    room, crowd = np.zeros((exits, record.fresh.shape[1])), np.zeros(exits)
    find_room(net, i, second, shared, room, crowd)
    crowd *= weights.crowd_cost
    credit, weight, unseen = np.zeros(lanes), np.empty(lanes), np.empty(lanes)
    for k in range(lanes):
        lane = first + k
        if record.wait_s[lane] <= START_S:
            flowing = min(record.green_s[lane], record.since_crossing_s[lane])
            credit[k] = min(flowing / weights.protected_headway, 1.0)
        long_waits = record.wait_s[lane] / LONG_WAIT_S
        weight[k] = 1.0 + min(long_waits * long_waits, 4.0)
        unseen[k] = MISSED_SHARE * shared.rate[lane] * record.red_s[lane]
    return Demand(arrived, share[moves], head[moves], weight, unseen, blocked, credit, room, crowd, claims)


@numba.njit(nogil=True, cache=True)
def replan(  # noqa: PLR0917 - numba calls by position
    net: Network,
    record: Record,
    shared: Exchange,
    share: Floats,
    head: Floats,
    sites: Ints,
    claims: Claims,
    weights: Weights,
    horizon: int,
    width: int,
    reason: Bytes,
    cost: Floats,
) -> Ints:
    """The phase for each intersection of `sites`, one after the other; `reason[n]` (see `REASONS`) and
    `cost[n]` in vehicle-seconds are written, and what each plan lets go into `shared`.

    `claims` has none in it: intersections where somebody has priority are not planned here.
    """
    wanted = np.empty(len(sites), np.int32)
    for n in range(len(sites)):
        i = sites[n]
        shown = shown_at(record, i, record.clock_s[i])
        cost[n] = 0.0
        if shown.left_s > 0 or shown.green_s < net.min_green[net.phase_ptr[i] + shown.phase]:
            wanted[n], reason[n] = shown.target, CLEARING if shown.left_s > 0 else MINIMUM_GREEN
            continue
        first, last = net.lane_ptr[i], net.lane_ptr[i + 1]
        blocked = (record.aside_s[first:last] > 0.0).astype(np.uint8)
        arrived = arrivals(net, i, record, 0)
        demand = demand_of(net, i, record, shared, share, head, arrived, blocked, claims, weights)
        wish, cost[n], leaving, record.course[i] = plan(net, i, demand, shown, weights, horizon, width)
        wanted[n], reason[n] = wish, EXTEND if wish == shown.phase else CHANGE
        shared.sending[net.movement_ptr[i] : net.movement_ptr[i + 1]] = leaving
        shared.planned_s[i] = record.second[i]
    return wanted
