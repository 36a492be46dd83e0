"""The optimiser's core: which phase an intersection should show now, by looking a minute ahead.

A beam search over phase sequences at steps of one second (`traffic/beam.py`). Vehicles wait in line on their
lane, first in, first out, and are served at the headway of what the phase allows them; yellow, all-red and
minimum green are kept exactly. The cost is vehicle-seconds of waiting plus what the queues left at the end
will still cost. `traffic/reference.py` says the same in plain Python; a property test holds them together.
"""

from typing import NamedTuple

import numba
import numpy as np

from traffic.beam import (
    NO_WISH,
    PARENT_BITS,
    TICK,
    Plans,
    changes_of,
    grow,
    grow_with_claims,
    new_plans,
    new_work,
)
from traffic.model import Model, model_of
from traffic.network import Bytes, Floats, Network
from traffic.rights import NO_CLAIMS, Claims, rights_of
from traffic.turns import spread
from traffic.weights import Weights

HORIZON_S = 60
WIDTH = 6
"""Plans kept per phase at each step, `beam.PLANS` of them together."""
TIGHT = 40.0
"""Exits with more room than so many vehicles are not watched."""


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


@numba.njit(nogil=True, cache=True)
def plan(  # noqa: PLR0917 - numba calls by position
    net: Network, i: int, demand: Demand, shown: Shown, weights: Weights, horizon: int, width: int
) -> tuple[int, float, Floats, Bytes]:
    """The phase (own number) that intersection i should show or change to now, the plan's cost,
    `leaving[m, t]`: the vehicles that movement m is expected to let through in second t of the plan, and
    `course[t]`: the phase that it then wishes.

    While a change or the minimum green is under way the answer is what is under way. `arrived` must reach
    to `horizon + GAP_S`.
    """
    model = model_of(net, i, demand.share, demand.head_share, demand.blocked, demand.crowd, weights)
    phases, lanes = model.open_.shape
    rights = rights_of(net, i, demand.claims, demand.share, demand.head_share, weights)
    changes = changes_of(net, i, phases, lanes)
    plans = new_plans(phases, lanes, _watched(demand.room), horizon, width)
    start = shown.target * width
    plans.state[0, start] = (shown.phase, shown.green_s, shown.left_s, NO_WISH, 0)
    plans.cost[0, start], plans.unseen[0, start] = 0.0, demand.unseen.sum()
    plans.alive[0, shown.target] = 1
    plans.credit[0], plans.ghost[0] = demand.credit, demand.unseen
    work = new_work(demand.arrived, horizon)
    if len(demand.claims.lane) > 0:
        last = grow_with_claims(
            plans, work, model, changes, demand.arrived, demand.weight, demand.room, demand.claims, rights,
            weights, horizon,
        )  # fmt: skip
    else:
        last = grow(
            plans, work, model, changes, demand.arrived, demand.weight, demand.room, demand.claims, rights,
            weights, horizon,
        )  # fmt: skip
    best, least = -1, 0
    for q in range(phases):
        ticks = plans.value[q, 0] >> PARENT_BITS
        if plans.alive[last, q] > 0 and (best < 0 or ticks < least):
            best, least = q * width, ticks
    leaving, course = _leaving(net, i, demand.share, plans, model, best)
    return int(plans.state[last, best, 3]), (least >> 1) * TICK, leaving, course


@numba.njit(nogil=True, cache=True)
def _watched(room: Floats) -> int:
    """How many exits are watched: all where one is tight, else none."""
    for e in range(room.shape[0]):
        if room[e, 0] < TIGHT:
            return len(room)
    return 0


@numba.njit(nogil=True, cache=True)
def _leaving(  # noqa: PLR0917 - numba calls by position
    net: Network, i: int, share: Floats, plans: Plans, model: Model, best: int
) -> tuple[Floats, Bytes]:
    """By movement and second, what the plan lets through; by second, the phase that it wishes."""
    first, first_lane = net.movement_ptr[i], net.lane_ptr[i]
    movements = net.movement_ptr[i + 1] - first
    horizon = plans.went.shape[0]
    leaving, course = np.zeros((movements, horizon)), np.empty(horizon, np.uint8)
    width = plans.value.shape[1]
    node = best
    for t in range(horizon - 1, -1, -1):
        shows, course[t] = plans.shows[t, node], node // width
        row = net.indication_ptr[net.phase_ptr[i] + shows]
        codes = net.indication[row : row + movements]
        for at in range(model.open_ptr[shows], model.open_ptr[shows + 1]):
            k = model.open_lane[at]
            if plans.went[t, node, k]:
                spread(net, first_lane + k, first, codes, share, 1.0, leaving[:, t])
        node = plans.parents[t, node]
    return leaving, course
