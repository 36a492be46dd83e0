"""What a fixed plan does to traffic: cyclic flow profiles from stop line to stop line, and what they cost.

A macroscopic model after TRANSYT (Robertson 1969): within one common cycle, in steps of one second, each lane
gets a profile of arrivals, keeps a queue, and lets it go as its signal allows; what leaves spreads out on its
way to the next signal. `traffic/platoons_reference.py` says the same in NumPy; a property test holds them
together.
"""

import math
from typing import NamedTuple

import numba
import numpy as np

from traffic.network import ON_RED, PERMISSIVE, PROTECTED, RED, Bytes, Floats, Ints
from traffic.streets import YELLOW, Streets

MAX_ENTRIES = 16
"""Greens in one cycle of one intersection, at most."""


class Model(NamedTuple):
    """Constants of the model; docs/plans.md says where they come from."""

    start_lost_s: int = 3
    """Seconds of green that do not count: start-up, and what a fluid does not know of chance."""
    yellow_used_s: int = 1
    """Seconds of yellow that who cannot stop still uses."""
    permissive_used_s: int = 3
    """Seconds of yellow in which those who waited for a gap inside the intersection clear it."""
    permissive_extra_s: float = 0.5
    """Added to the headway of who looks for a gap."""
    on_red_headway_s: float = 4.0
    wrong_turn_headway_s: float = 60.0
    """Of a vehicle whose movement is red while another of its lane is green: it blocks the lane."""
    gap_s: float = 3.5
    """Foes must leave this much time free."""
    least_gap: float = 0.03
    """Share of time in which a gap is found in saturated foes."""
    stop_s: float = 4.0
    """Seconds that braking and accelerating cost beyond the time in the queue."""
    spill: float = 0.5
    """Vehicle-seconds a second, for each vehicle squared that a queue is longer than its road."""
    period_s: float = 3600.0
    """How long the demand lasts (for the growth of oversaturated queues)."""


class Plans(NamedTuple):
    """Fixed plans of all intersections: phases `phase[i, :entries[i]]`, `green_s` each, from `offset_s`."""

    entries: Ints
    phase: Ints
    green_s: Ints
    offset_s: Ints


class State(NamedTuple):
    """Profiles over a cycle of c seconds, by movement (codes, out), lane (rate, arrived) and hop.

    Flows in vehicles a second. By lane also `cost`: delay and stops in vehicle-seconds a second, `queue`:
    the longest, and the degree of saturation.
    """

    codes: Bytes
    out: Floats
    rate: Floats
    arrived: Floats
    hop: Floats
    cost: Floats
    queue: Floats
    saturation: Floats


def new_state(streets: Streets, cycle_s: int) -> State:
    """Arrivals even, nothing known of the rest."""
    movements, lanes = len(streets.movement_lane), len(streets.flow)
    return State(
        np.zeros((movements, cycle_s), np.uint8),
        np.repeat((streets.share * streets.flow[streets.movement_lane])[:, None], cycle_s, axis=1),
        np.zeros((lanes, cycle_s)),
        np.repeat(streets.flow[:, None], cycle_s, axis=1),
        np.zeros((len(streets.hop_delay_s), cycle_s)),
        np.zeros(lanes),
        np.zeros(lanes),
        np.zeros(lanes),
    )


@numba.njit(nogil=True, cache=True)
def change_s(streets: Streets, i: int, a: int, b: int) -> int:
    """Whole seconds from the end of green of phase a to the start of green of phase b."""
    phases = streets.phase_ptr[i + 1] - streets.phase_ptr[i]
    at = streets.pair_ptr[i] + a * phases + b
    return int(streets.yellow_s[at] + streets.red_s[at])


@numba.njit(nogil=True, cache=True)
def show(streets: Streets, model: Model, i: int, plans: Plans, codes: Bytes) -> None:
    """Write what each movement of intersection i may do in each second of the cycle into `codes`."""
    first, last = streets.movement_ptr[i], streets.movement_ptr[i + 1]
    count = last - first
    phases = streets.phase_ptr[i + 1] - streets.phase_ptr[i]
    cycle = codes.shape[1]
    t = plans.offset_s[i]
    for e in range(plans.entries[i]):
        a = plans.phase[i, e]
        b = plans.phase[i, (e + 1) % plans.entries[i]]
        row = streets.code_ptr[i] + a * count
        for _ in range(plans.green_s[i, e]):
            for m in range(count):
                codes[first + m, t % cycle] = streets.green_code[row + m]
            t += 1
        pair = a * phases + b
        clear = streets.clear_ptr[i] + pair * count
        for s in range(streets.yellow_s[streets.pair_ptr[i] + pair]):
            for m in range(count):
                code = streets.yellow_code[clear + m]
                if code == YELLOW:
                    gap_seeking = streets.green_code[row + m] == PERMISSIVE
                    used = model.permissive_used_s if gap_seeking else model.yellow_used_s
                    code = PROTECTED if s < used else RED
                codes[first + m, t % cycle] = code
            t += 1
        for _ in range(streets.red_s[streets.pair_ptr[i] + pair]):
            for m in range(count):
                codes[first + m, t % cycle] = streets.red_code[clear + m]
            t += 1


@numba.njit(nogil=True, cache=True)
def _rates(  # noqa: PLR0917 - numba calls by position
    streets: Streets, model: Model, lane: int, codes: Bytes, out: Floats, rate: Floats
) -> None:
    """How many vehicles a second could leave the lane in each second of the cycle."""
    cycle = codes.shape[1]
    lost = model.start_lost_s
    for t in range(cycle):
        headway = 0.0
        is_open = False
        for at in range(streets.lane_movement_ptr[lane], streets.lane_movement_ptr[lane + 1]):
            m = streets.lane_movement[at]
            code = codes[m, t]
            share = streets.share[m]
            if share <= 0.0:
                continue
            if code == RED:
                headway += share * model.wrong_turn_headway_s
                continue
            is_open = True
            if code == PROTECTED:
                headway += share * streets.headway[m]
                continue
            busy = 0.0
            for foe_at in range(streets.yield_ptr[m], streets.yield_ptr[m + 1]):
                foe = streets.yield_movement[foe_at]
                if codes[foe, t] == PROTECTED or codes[foe, t] == PERMISSIVE:
                    busy += out[foe, t]
            own = model.on_red_headway_s if code == ON_RED else streets.headway[m] + model.permissive_extra_s
            headway += share * own / max(math.exp(-busy * model.gap_s), model.least_gap)
        rate[lane, t] = 1.0 / headway if is_open else 0.0
    closed = -1
    for t in range(cycle):
        if rate[lane, t] <= 0.0:
            closed = t
            break
    if closed < 0:
        return
    opened = 0
    for step in range(1, cycle):
        t = (closed + step) % cycle
        if rate[lane, t] <= 0.0:
            opened = 0
        else:
            opened += 1
            if opened <= lost:
                rate[lane, t] = 0.0


@numba.njit(nogil=True, cache=True)
def queue_up(  # noqa: PLR0917 - numba calls by position
    streets: Streets, model: Model, lane: int, arrived: Floats, rate: Floats, left: Floats
) -> tuple[float, float, float]:
    """Serve the lane's arrivals; `left[t]` gets what leaves. Returns (cost, longest queue, saturation)."""
    cycle = len(arrived)
    demand, capacity = 0.0, 0.0
    for t in range(cycle):
        demand += arrived[t]
        capacity += rate[t]
    left[:] = 0.0
    if demand <= 1e-12:
        return 0.0, 0.0, 0.0
    capacity = max(capacity, 1e-3)
    saturation = demand / capacity
    scale = min(1.0, 0.99 / saturation)
    queue, total, stops, longest = 0.0, 0.0, 0.0, 0.0
    for turn in range(3):
        total, stops, longest = 0.0, 0.0, 0.0
        begin = queue
        for t in range(cycle):
            fresh = arrived[t] * scale
            gone = min(queue + fresh, rate[t])
            queue += fresh - gone
            left[t] = gone
            total += queue
            stops += min(queue, fresh)
            longest = max(longest, queue)
        if turn > 0 and abs(queue - begin) < 1e-6:
            break
    flow = demand / cycle
    excess = saturation - 1.0
    hours = model.period_s / 3600.0
    root = math.sqrt(
        excess * excess + 4.0 * streets.filtering[lane] * saturation / (capacity / cycle * 3600.0 * hours)
    )
    overflow = flow * 900.0 * hours * (excess + root)
    too_long = max(0.0, longest + overflow - streets.storage[lane])
    stopped = min(flow, stops / cycle / scale + overflow / cycle)
    cost = total / cycle / scale + overflow + model.stop_s * stopped + model.spill * min(too_long, 100.0) ** 2
    return cost, longest + overflow, saturation


@numba.njit(nogil=True, cache=True)
def serve(  # noqa: PLR0917 - numba calls by position
    streets: Streets, model: Model, i: int, codes: Bytes, arrived: Floats, into: State
) -> float:
    """Serve all lanes of intersection i; fills out, rate, cost, queue and saturation of `into`.

    Twice, because who seeks a gap depends on what the others let go. Returns the cost of its lanes.
    """
    total = 0.0
    left = np.zeros(codes.shape[1])
    for _ in range(2):
        total = 0.0
        for lane in range(streets.lane_ptr[i], streets.lane_ptr[i + 1]):
            _rates(streets, model, lane, codes, into.out, into.rate)
            cost, queue, saturation = queue_up(streets, model, lane, arrived[lane], into.rate[lane], left)
            into.cost[lane], into.queue[lane], into.saturation[lane] = cost, queue, saturation
            total += cost
            for at in range(streets.lane_movement_ptr[lane], streets.lane_movement_ptr[lane + 1]):
                m = streets.lane_movement[at]
                for t in range(codes.shape[1]):
                    into.out[m, t] = streets.share[m] * left[t]
    return total


@numba.njit(nogil=True, cache=True)
def send(streets: Streets, i: int, out: Floats, hop: Floats) -> None:
    """What leaves intersection i as it arrives at the ends of its hops (Robertson's platoon dispersion)."""
    cycle = out.shape[1]
    source = np.zeros(cycle)
    for h in range(streets.hop_ptr[i], streets.hop_ptr[i + 1]):
        source[:] = 0.0
        for at in range(streets.hop_movement_ptr[h], streets.hop_movement_ptr[h + 1]):
            source += out[streets.hop_movement[at]]
        delay, smooth = streets.hop_delay_s[h], streets.hop_smooth[h]
        last = source.mean()
        for _ in range(2):
            for t in range(cycle):
                last = smooth * source[(t - delay) % cycle] + (1.0 - smooth) * last
                hop[h, t] = last


@numba.njit(nogil=True, cache=True)
def gather(streets: Streets, lane: int, hop: Floats, arrived: Floats) -> None:
    """Arrivals of a lane: what enters from outside, evenly, and its shares of the hops."""
    arrived[lane, :] = streets.entering[lane]
    for at in range(streets.feed_ptr[lane], streets.feed_ptr[lane + 1]):
        arrived[lane] += streets.feed_share[at] * hop[streets.feed_hop[at]]


@numba.njit(nogil=True, cache=True)
def run(streets: Streets, model: Model, plans: Plans, state: State, rounds: int) -> float:
    """Follow the flows through all intersections until they settle; the total cost in vehicle-s a second."""
    count = len(streets.lane_ptr) - 1
    for i in range(count):
        show(streets, model, i, plans, state.codes)
        send(streets, i, state.out, state.hop)
    total = 0.0
    for _ in range(rounds):
        total = 0.0
        for i in range(count):
            for lane in range(streets.lane_ptr[i], streets.lane_ptr[i + 1]):
                gather(streets, lane, state.hop, state.arrived)
            total += serve(streets, model, i, state.codes, state.arrived, state)
            send(streets, i, state.out, state.hop)
    return total
