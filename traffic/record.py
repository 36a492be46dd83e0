"""What is known of all intersections of a region at their latest message: one structure of arrays."""

from typing import NamedTuple

import numba
import numpy as np

from traffic.driving import arrival_s
from traffic.horizon import Shown
from traffic.network import Bytes, Floats, Ints, Longs, Network

STEADY = -1
"""In place of the length of a change where none is under way."""
_arrival_s = numba.njit(nogil=True, cache=True)(arrival_s)


class Record(NamedTuple):
    """By intersection i and lane k, numbered through the region; instants on the field's clock.

    Of the signal's state: `phase[i]` shown, `target[i]` wanted, `elapsed_s[i]` since its interval began,
    `steps[i]`: whole seconds from that beginning to the new green (STEADY where none comes), said at
    `state_s[i]`. Of the measurement: `clock_s[i]`, the street's `second[i]`, and `fresh[k, t]`: vehicles in
    view that could cross the stop line in second t. By lane, in seconds: `green_s` shown, `red_s` shown,
    `since_crossing_s`, `wait_s` of the head, `aside_s` for which it is still set aside. Of lanes where
    `blind[k]`: the `queue` that is thought to wait and the `flow` that comes, as in `reckoning.Reckoning`.
    Of the latest plan: `course[i, t]`, the phase wished in its second t (see `Exchange.planned_s`).
    """

    phase: Longs
    target: Longs
    steps: Longs
    elapsed_s: Floats
    state_s: Floats
    clock_s: Floats
    second: Ints
    fresh: Ints
    green_s: Floats
    red_s: Floats
    since_crossing_s: Floats
    wait_s: Floats
    aside_s: Floats
    blind: Bytes
    queue: Floats
    flow: Floats
    course: Bytes


def new_record(net: Network, horizon: int) -> Record:
    """Nothing heard yet; it is long ago that anybody crossed."""
    signals, lanes = len(net.lane_ptr) - 1, len(net.lane_speed)
    return Record(
        np.zeros(signals, np.int64), np.zeros(signals, np.int64), np.full(signals, STEADY, np.int64),
        np.zeros(signals), np.zeros(signals), np.full(signals, -np.inf), np.zeros(signals, np.int32),
        np.zeros((lanes, horizon + 1), np.int32),
        np.zeros(lanes), np.zeros(lanes), np.full(lanes, 60.0), np.zeros(lanes), np.zeros(lanes),
        np.zeros(lanes, np.uint8), np.zeros(lanes), np.zeros(lanes),
        np.zeros((signals, horizon), np.uint8),
    )  # fmt: skip


@numba.njit(nogil=True, cache=True)
def see(  # noqa: PLR0917 - numba calls by position
    net: Network, i: int, record: Record, lane: Ints, distance_m: Floats, speed_mps: Floats
) -> None:
    """Write down the vehicles in view of intersection i, one in each place of the three arrays."""
    fresh = record.fresh
    fresh[net.lane_ptr[i] : net.lane_ptr[i + 1]] = 0
    for n in range(len(lane)):
        second = int(_arrival_s(distance_m[n], speed_mps[n], net.lane_speed[lane[n]]))
        if second < fresh.shape[1]:
            fresh[lane[n], second] += 1


@numba.njit(nogil=True, cache=True)
def shown_at(record: Record, i: int, clock_s: float) -> Shown:
    """What signal i shows at `clock_s`, from what it last said."""
    elapsed = int(np.rint(record.elapsed_s[i] + max(0.0, clock_s - record.state_s[i])))
    phase, target, steps = int(record.phase[i]), int(record.target[i]), int(record.steps[i])
    if steps == STEADY:
        return Shown(phase, phase, elapsed, 0)
    if steps <= elapsed:
        return Shown(target, target, elapsed - steps, 0)
    return Shown(phase, target, 0, steps - elapsed)
