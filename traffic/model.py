"""One intersection of one decision in compact form, as the search of `traffic/horizon.py` wants it."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np

from traffic.network import PERMISSIVE, PROTECTED, RED, Bytes, Floats, Indices, Ints, Network
from traffic.weights import Weights

F = TypeVar("F", bound=Callable[..., Any])
GAP_S = 3
"""A permissive movement waits for foes that arrive within this time."""


def uncounted(function: F) -> F:
    """Compile without counting references, which takes longer than what inner loops do; nothing may be
    allocated in there.
    """
    options: dict[str, Any] = {"nogil": True, "cache": True, "_nrt": False, "error_model": "numpy"}
    return cast("F", numba.njit(**options)(function))


def inlined(function: F) -> F:
    """The same, compiled into whoever calls it."""
    options: dict[str, Any] = {
        "nogil": True,
        "cache": True,
        "_nrt": False,
        "error_model": "numpy",
        "inline": "always",
    }
    return cast("F", numba.njit(**options)(function))


@inlined
def unsigned(number: int) -> Any:
    """The number as an index: compiled code asks of each signed one whether it counts from the end."""
    return np.uint32(number)


class Model(NamedTuple):
    """Phases p, lanes k, exits e, gap-seeking movements j, all by own numbers.

    `open_[p, k]`: whether lane k may go in phase p; `open_lane[open_ptr[p]:open_ptr[p + 1]]` lists those
    lanes. `fixed[p, k]`: share-weighted headway of what needs no gap, `swift[p, k]` one over it;
    `gap_ptr[p * lanes + k]` points to that lane's gap-seeking movements, `gap_headway[j]` is share times
    headway, and `foe_share[foe_ptr[j]:foe_ptr[j + 1]]` how likely a vehicle of lane `foe_lane` is in the
    way. First index 0 of `fixed`, `swift` and `gap_headway` is for the first vehicle of a lane, 1 for the
    others. `leaves[p, k, e]`: probability that a vehicle served on lane k in phase p leaves by exit e;
    `crowd[p, k]`: what sending one there costs.
    """

    open_: Bytes
    open_ptr: Ints
    open_lane: Indices
    fixed: Floats
    swift: Floats
    gap_ptr: Ints
    gap_headway: Floats
    foe_ptr: Ints
    foe_lane: Indices
    foe_share: Floats
    leaves: Floats
    crowd: Floats


@numba.njit(nogil=True, cache=True)
def model_of(  # noqa: PLR0917 - numba calls by position
    net: Network,
    i: int,
    share: Floats,
    head_share: Floats,
    blocked: Bytes,
    exit_cost: Floats,
    weights: Weights,
) -> Model:
    """Of intersection i; shares and blocked lanes as in `horizon.Demand`, `exit_cost[e]` its `crowd`."""
    first_lane, first = net.lane_ptr[i], net.movement_ptr[i]
    lanes, exits = net.lane_ptr[i + 1] - first_lane, net.exit_ptr[i + 1] - net.exit_ptr[i]
    phases = net.phase_ptr[i + 1] - net.phase_ptr[i]
    movements = net.movement_ptr[i + 1] - first
    size = phases * movements
    open_, open_ptr = np.zeros((phases, lanes), np.uint8), np.zeros(phases + 1, np.int32)
    open_lane = np.empty(phases * lanes, np.uint32)
    fixed = np.zeros((2, phases, lanes))
    gap_ptr, gap_headway = np.zeros(phases * lanes + 1, np.int32), np.empty((2, size))
    foe_ptr = np.zeros(size + 1, np.int32)
    foe_lane, foe_share = np.empty(size * lanes, np.uint32), np.empty(size * lanes)
    foes = np.zeros(lanes)
    leaves, crowd = np.zeros((phases, lanes, exits)), np.zeros((phases, lanes))
    j = at_foe = at_open = 0
    for p in range(phases):
        row = net.indication_ptr[net.phase_ptr[i] + p]
        for k in range(lanes):
            begin, end = net.lane_movement_ptr[first_lane + k], net.lane_movement_ptr[first_lane + k + 1]
            going = 1e-9
            for at in range(begin, end):
                m = net.lane_movement[at] - first
                code = net.indication[row + m]
                if code == RED:
                    fixed[0, p, k] += head_share[m] * weights.wrong_turn_headway
                    fixed[1, p, k] += share[m] * weights.wrong_turn_headway
                    continue
                going += share[m]
                open_[p, k] = 1 - blocked[k]
                if code == PROTECTED:
                    fixed[0, p, k] += head_share[m] * weights.protected_headway
                    fixed[1, p, k] += share[m] * weights.protected_headway
                    continue
                own = weights.permissive_headway if code == PERMISSIVE else weights.on_red_headway
                gap_headway[0, j], gap_headway[1, j] = head_share[m] * own, share[m] * own
                foes[:] = 0.0
                for foe_at in range(net.yield_ptr[first + m], net.yield_ptr[first + m + 1]):
                    foe = net.yield_movement[foe_at]
                    if net.indication[row + foe - first] in (PROTECTED, PERMISSIVE):
                        foes[net.movement_lane[foe] - first_lane] += share[foe - first]
                for other in range(lanes):
                    if foes[other] > 0.0:
                        foe_lane[at_foe], foe_share[at_foe] = other, foes[other]
                        at_foe += 1
                j += 1
                foe_ptr[j] = at_foe
            gap_ptr[p * lanes + k + 1] = j
            if open_[p, k] == 0:
                continue
            open_lane[at_open] = k
            at_open += 1
            for at in range(begin, end):
                m = net.lane_movement[at] - first
                leave = net.movement_exit[first + m]
                if leave >= 0 and net.indication[row + m] != RED:
                    leaves[p, k, leave] += share[m] / going
            for e in range(exits):
                crowd[p, k] += leaves[p, k, e] * exit_cost[e]
        open_ptr[p + 1] = at_open
    return Model(
        open_, open_ptr, open_lane, fixed, 1.0 / fixed,
        gap_ptr, gap_headway, foe_ptr, foe_lane, foe_share, leaves, crowd,
    )  # fmt: skip


@inlined
def write_rates(  # noqa: PLR0917 - numba calls by position
    model: Model,
    p: int,
    gone: Indices,
    entered: Floats,
    row: int,
    come: Floats,
    room: Floats,
    t: int,
    weights: Weights,
    rate: Floats,
    out: int,
) -> None:
    """Write `rate[out, k]`, vehicles per second, of the lanes that may go in phase p.

    `gone[row, k]` vehicles have left, `come[t, k]` have come by second t;
    `entered[row, e]` have left by exit e, which takes `room[e, t]` by now. No exit is watched where
    `entered` has none.
    """
    (
        open_,
        open_ptr,
        open_lane,
        fixed,
        swift,
        gap_ptr,
        gap_headway,
        foe_ptr,
        foe_lane,
        foe_share,
        leaves,
        _,
    ) = model
    lanes, exits = open_.shape[1], entered.shape[1]
    for at_lane in range(open_ptr[p], open_ptr[p + 1]):
        k = open_lane[at_lane]
        head = 1 if gone[row, k] > 0 else 0
        begin, end = gap_ptr[p * lanes + k], gap_ptr[p * lanes + k + 1]
        if begin == end and exits == 0:
            rate[out, k] = swift[head, p, k]
            continue
        headway = fixed[head, p, k]
        for j in range(begin, end):
            busy = 0.0
            for foe in range(foe_ptr[j], foe_ptr[j + 1]):
                other = foe_lane[foe]
                busy += foe_share[foe] * min(1.0, max(0.0, come[t + GAP_S, other] - gone[row, other]))
            headway += gap_headway[head, j] / max(1.0 - busy, weights.least_gap)
        for e in range(exits):
            if leaves[p, k, e] > 0.0 and entered[row, e] + 1.0 > room[e, t]:
                headway += leaves[p, k, e] * weights.full_headway
        rate[out, k] = 1.0 / headway
