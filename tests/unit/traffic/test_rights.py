"""What vehicles with priority get from the planner, on the compiled kernel and on the plain reference."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fixtures.crossing import crossing
from tests.fixtures.demand import demand as unclaimed
from traffic.horizon import Demand, Shown, plan
from traffic.model import GAP_S
from traffic.network import Network, build_network
from traffic.reference import Reference
from traffic.rights import Claims
from traffic.weights import DEFAULT_WEIGHTS

Planner = Callable[[Network, Demand, Shown, int], int]
LEFTS_APART = ("GrrrGrrr", "rGrrrGrr", "rrGgrrGg")
"""Through from west and east, their lefts, and both from north and south."""
WEST, NORTH, EAST = 0, 1, 2
WEIGHT = 200.0


def kernel(net: Network, demand: Demand, shown: Shown, horizon: int) -> int:
    return plan(net, 0, demand, shown, DEFAULT_WEIGHTS, horizon, 6)[0]


def reference(net: Network, demand: Demand, shown: Shown, horizon: int) -> int:
    return Reference(net, 0, demand, DEFAULT_WEIGHTS).plan(shown, horizon, 6)[0]


both = pytest.mark.parametrize("planner", [kernel, reference])


def claim(lane: int, place: int, movement: int, second: int, lead: int = 4, weight: float = WEIGHT) -> Claims:
    whole = [np.array([value], np.int32) for value in (lane, place, movement, second, lead)]
    return Claims(whole[0], whole[1], whole[2], whole[3], whole[4], np.array([weight]))


def demand(arrivals: dict[int, list[int]], horizon: int, claims: Claims, head_through: float = 0.9) -> Demand:
    return unclaimed(arrivals, horizon, 0.9, head_through)._replace(claims=claims)


def first_change(planner: Planner, net: Network, asked: Demand, horizon: int, phase: int) -> int:
    """The first second in which the planner leaves `phase`, had it been asked each second of green."""
    for second in range(horizon - 10):
        later = asked.arrived[:, second:]
        claims = asked.claims._replace(second=asked.claims.second - second)
        shifted = asked._replace(arrived=np.ascontiguousarray(later), claims=claims)
        if planner(net, shifted, Shown(phase, phase, 10 + second, 0), later.shape[1] - GAP_S - 1) != phase:
            return second
    return horizon


@both
def test_the_queue_in_front_is_cleared_before_the_vehicle_comes(planner: Planner) -> None:
    net, _ = build_network([crossing(max_green_s=120.0)])
    stream = [2 * n for n in range(30)]
    waiting = {WEST: stream, NORTH: [0] * 4 + [36]}
    change = first_change(planner, net, demand(waiting, 60, claim(NORTH, 5, 2, 36)), 60, 0)
    # 4 s of change and 4 headways of 1.9 s must be over 4 s before second 36.
    assert change <= 36 - 4 - 8 - 4


@both
def test_others_keep_their_green_until_it_must_end(planner: Planner) -> None:
    net, _ = build_network([crossing(max_green_s=120.0)])
    waiting = {WEST: [2 * n for n in range(30)], NORTH: [36]}
    change = first_change(planner, net, demand(waiting, 60, claim(NORTH, 1, 2, 36)), 60, 0)
    assert 36 - 4 - 4 - 12 <= change <= 36 - 4 - 4


@both
def test_a_green_is_held_for_the_vehicle_though_many_others_wait(planner: Planner) -> None:
    net, _ = build_network([crossing(max_green_s=120.0)])
    waiting = {WEST: [9], NORTH: [0] * 8}
    assert planner(net, demand(waiting, 40, claim(WEST, 1, 0, 9)), Shown(0, 0, 20, 0), 40) == 0
    nobody = claim(WEST, 1, 0, 9, weight=0.0)
    assert planner(net, demand(waiting, 40, nobody), Shown(0, 0, 20, 0), 40) == 1


@both
def test_the_phase_of_its_own_turn_is_chosen_whatever_its_lane_usually_does(planner: Planner) -> None:
    net, _ = build_network([crossing(phases=LEFTS_APART)])
    waiting = {WEST: [0], EAST: [0, 0]}
    assert planner(net, demand(waiting, 40, claim(WEST, 1, 0, 0)), Shown(2, 2, 20, 0), 40) == 0
    assert planner(net, demand(waiting, 40, claim(WEST, 1, 1, 0)), Shown(2, 2, 20, 0), 40) == 1


@both
def test_a_head_that_cannot_use_the_vehicles_phase_is_let_go_first(planner: Planner) -> None:
    # Seen once: the phase of the emergency vehicle was locked while a left-turner stood before it for ever.
    net, _ = build_network([crossing(phases=LEFTS_APART)])
    asked = demand({WEST: [0, 0]}, 40, claim(WEST, 2, 0, 0), head_through=0.02)
    assert planner(net, asked, Shown(0, 0, 20, 0), 40) == 1
    asked = demand({WEST: [0, 0]}, 40, claim(WEST, 2, 0, 0), head_through=0.98)
    assert planner(net, asked, Shown(1, 1, 20, 0), 40) == 0


@both
def test_the_first_of_two_is_served_first(planner: Planner) -> None:
    net, _ = build_network([crossing()])
    both_claim = Claims(
        np.array([NORTH, EAST], np.int32),
        np.array([1, 1], np.int32),
        np.array([2, 4], np.int32),
        np.array([8, 8], np.int32),
        np.array([4, 4], np.int32),
        np.array([WEIGHT, WEIGHT * 0.1]),
    )
    waiting = {NORTH: [8], EAST: [8]}
    assert planner(net, demand(waiting, 40, both_claim), Shown(0, 0, 20, 0), 40) == 1
    turned = both_claim._replace(weight=both_claim.weight[::-1].copy())
    assert planner(net, demand(waiting, 40, turned), Shown(0, 0, 20, 0), 40) == 0


@settings(max_examples=50, deadline=None)
@given(
    movement=st.integers(0, 7),
    place=st.integers(1, 5),
    second=st.integers(0, 20),
    weight=st.floats(0, 1e5),
    green_s=st.integers(0, 4),
    left_s=st.integers(1, 4),
)
def test_no_claim_cuts_a_minimum_green_or_a_change(
    movement: int, place: int, second: int, weight: float, green_s: int, left_s: int
) -> None:
    net, _ = build_network([crossing()])
    asked = demand(
        {movement // 2: [0] * place}, 30, claim(movement // 2, place, movement, second, weight=weight)
    )
    assert kernel(net, asked, Shown(0, 0, green_s, 0), 30) == 0
    assert kernel(net, asked, Shown(0, 1, 0, left_s), 30) == 1
