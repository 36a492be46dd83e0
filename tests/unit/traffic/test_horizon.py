"""Closed-form checks and agreement, each on the compiled kernel and on the plain reference."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fixtures.crossing import crossing
from tests.fixtures.demand import demand
from traffic.horizon import Demand, Shown, plan
from traffic.network import Network, build_network
from traffic.reference import Reference
from traffic.rights import Claims
from traffic.weights import DEFAULT_WEIGHTS, Weights

Planner = Callable[[Network, Demand, Shown, Weights, int, int], tuple[int, float]]
PHASE_SETS = (
    ("GgrrGgrr", "rrGgrrGg"),
    ("GgrrGgrr", "rGrrrGrr", "rrGgrrGg", "rrrGrrrG"),
    ("GGrrrrrr", "rrGGrrrr", "rrrrGGrr", "rrrrrrGG"),
    ("GsrrGsrr", "rsGgrsGg"),
)
PLAIN = DEFAULT_WEIGHTS._replace(stop_cost=0.0, red_wait=0.0, change_cost=0.0)


def kernel(
    net: Network, demand: Demand, shown: Shown, weights: Weights, horizon: int, width: int
) -> tuple[int, float]:
    phase, cost, _, _ = plan(net, 0, demand, shown, weights, horizon, width)
    return phase, cost


def reference(
    net: Network, demand: Demand, shown: Shown, weights: Weights, horizon: int, width: int
) -> tuple[int, float]:
    return Reference(net, 0, demand, weights).plan(shown, horizon, width)


both = pytest.mark.parametrize("planner", [kernel, reference])


def claims_of(rows: list[tuple[int, int, int, int, float]]) -> Claims:
    """Movement, place in the lane, second, lead and weight of each vehicle with priority."""
    columns = [np.array([row[column] for row in rows], np.int32) for column in range(4)]
    movement, place, second, lead = columns
    weight = np.array([row[4] for row in rows], np.float64)
    return Claims((movement // 2).astype(np.int32), place, movement, second, lead, weight)


@both
def test_nothing_to_do_costs_nothing_and_stays(planner: Planner) -> None:
    net, _ = build_network([crossing()])
    assert planner(net, demand({}, 20), Shown(0, 0, 30, 0), DEFAULT_WEIGHTS, 20, 4) == (0, 0.0)


@both
def test_a_single_queue_on_green_waits_as_long_as_headways_say(planner: Planner) -> None:
    # Vehicle n of a queue leaves in the second in which n headways are over: sum of waits in whole seconds.
    net, _ = build_network([crossing()])
    weights = PLAIN._replace(protected_headway=2.0)
    expected = sum(2 * n - 1 for n in range(1, 6))
    _, cost = planner(net, demand({0: [0] * 5}, 30), Shown(0, 0, 30, 0), weights, 30, 4)
    assert cost == expected


@both
def test_a_queue_on_red_waits_for_the_change_first(planner: Planner) -> None:
    net, _ = build_network([crossing()])
    weights = PLAIN._replace(protected_headway=2.0)
    phase, cost = planner(net, demand({1: [0]}, 30), Shown(0, 0, 30, 0), weights, 30, 4)
    assert phase == 1
    assert cost == 3 + 1 + 1  # yellow, all-red, and the first of the two seconds of its headway


@both
def test_a_saturated_approach_keeps_its_green(planner: Planner) -> None:
    net, _ = build_network([crossing()])
    arrivals = demand({0: [2 * n for n in range(20)], 1: [5]}, 40)
    assert planner(net, arrivals, Shown(0, 0, 8, 0), DEFAULT_WEIGHTS, 40, 4)[0] == 0


@both
def test_minimum_green_is_never_cut(planner: Planner) -> None:
    net, _ = build_network([crossing()])
    waiting = demand({1: [0] * 9}, 20)
    assert planner(net, waiting, Shown(0, 0, 4, 0), DEFAULT_WEIGHTS, 20, 4)[0] == 0
    assert planner(net, waiting, Shown(0, 0, 5, 0), DEFAULT_WEIGHTS, 20, 4)[0] == 1


@both
def test_a_change_under_way_is_finished(planner: Planner) -> None:
    net, _ = build_network([crossing()])
    waiting = demand({0: [0] * 9}, 20)
    assert planner(net, waiting, Shown(0, 1, 0, 3), DEFAULT_WEIGHTS, 20, 4)[0] == 1


@both
def test_maximum_green_ends_where_somebody_waits(planner: Planner) -> None:
    net, _ = build_network([crossing(max_green_s=30.0)])
    stream = {0: list(range(0, 40, 2))}
    assert planner(net, demand(stream, 40), Shown(0, 0, 30, 0), DEFAULT_WEIGHTS, 40, 4)[0] == 0
    waiting = demand({**stream, 1: [0]}, 40)
    assert planner(net, waiting, Shown(0, 0, 30, 0), DEFAULT_WEIGHTS, 40, 4)[0] == 1


@both
def test_a_left_turner_at_the_head_waits_for_a_gap_or_its_own_phase(planner: Planner) -> None:
    net, _ = build_network([crossing(phases=PHASE_SETS[1])])
    arrivals = demand({0: [0], 2: list(range(0, 40, 2))}, 40, head_through=0.0)
    arrivals.head_share[4:6] = (1.0, 0.0)  # the opposite head goes straight on
    _, blocked = planner(net, arrivals, Shown(0, 0, 1, 0), PLAIN, 40, 4)
    arrivals.head_share[0:2] = (1.0, 0.0)
    _, free = planner(net, arrivals, Shown(0, 0, 1, 0), PLAIN, 40, 4)
    assert blocked > free + 3


@both
def test_a_full_exit_gets_no_service(planner: Planner) -> None:
    net, _ = build_network([crossing()])
    waiting = demand({1: [0] * 3, 0: [8]}, 30)
    waiting.blocked[1] = 1
    assert planner(net, waiting, Shown(0, 0, 30, 0), DEFAULT_WEIGHTS, 30, 4)[0] == 0


@both
def test_a_lane_that_may_hold_somebody_unseen_is_served_when_nobody_else_comes(planner: Planner) -> None:
    net, _ = build_network([crossing()])
    quiet = demand({}, 30)
    quiet.unseen[1] = 0.2
    assert planner(net, quiet, Shown(0, 0, 30, 0), DEFAULT_WEIGHTS, 30, 4)[0] == 1


@settings(max_examples=60, deadline=None)
@given(
    phases=st.sampled_from(PHASE_SETS),
    arrivals=st.dictionaries(st.integers(0, 3), st.lists(st.integers(0, 15), max_size=6)),
    shares=st.tuples(st.floats(0.05, 0.95), st.floats(0.05, 0.95)),
    weights=st.lists(st.floats(0.5, 4), min_size=4, max_size=4),
    unseen=st.lists(st.floats(0, 0.5), min_size=4, max_size=4),
    blocked=st.lists(st.booleans(), min_size=4, max_size=4),
    shown=st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 70), st.integers(1, 4)),
    claims=st.lists(
        st.tuples(
            st.integers(0, 7), st.integers(1, 4), st.integers(0, 12), st.integers(0, 6), st.floats(1, 300)
        ),
        max_size=2,
    ),
)
def test_kernel_and_reference_agree(
    phases: tuple[str, ...],
    arrivals: dict[int, list[int]],
    shares: tuple[float, float],
    weights: list[float],
    unseen: list[float],
    blocked: list[bool],
    shown: tuple[int, int, int, int],
    claims: list[tuple[int, int, int, int, float]],
) -> None:
    net, _ = build_network([crossing(phases=phases)])
    asked = demand(arrivals, 12, *shares)._replace(claims=claims_of(claims))
    asked.weight[:] = weights
    asked.unseen[:] = unseen
    asked.blocked[:] = blocked
    phase, target, green_s, left_s = shown
    now = Shown(phase, target, 0, left_s) if phase != target else Shown(phase, phase, green_s, 0)
    got, got_cost = kernel(net, asked, now, DEFAULT_WEIGHTS, 12, 6)
    wanted, wanted_cost = reference(net, asked, now, DEFAULT_WEIGHTS, 12, 6)
    assert got_cost == pytest.approx(wanted_cost, rel=1e-9, abs=1e-9)
    assert got == wanted


def test_the_second_intersection_of_a_region_is_planned_like_the_first() -> None:
    alone, _ = build_network([crossing("a")])
    pair, _ = build_network([crossing("b", phases=PHASE_SETS[1]), crossing("a")])
    asked, now = demand({1: [0, 1, 2], 2: [4]}, 30, 0.8, 0.6), Shown(0, 0, 9, 0)
    assert (
        plan(alone, 0, asked, now, DEFAULT_WEIGHTS, 30, 4)[:2]
        == plan(pair, 1, asked, now, DEFAULT_WEIGHTS, 30, 4)[:2]
    )
