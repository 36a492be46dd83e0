"""The model of a fixed plan: the closed forms it must reproduce, and the plain reference it must equal."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.traffic.arterial import EAST, row, signal, turns
from traffic.coordination import empty_plans
from traffic.platoons import Model, Plans, new_state, run
from traffic.platoons_reference import reference_cost
from traffic.streets import Demand, build_streets
from traffic.webster import overflow_delay_s, uniform_delay_s

FLUID = Model(start_lost_s=0, yellow_used_s=0, permissive_used_s=0, stop_s=0.0)
YELLOW_S = 3


def plans_of(greens: list[tuple[int, int]], offsets: list[int]) -> Plans:
    plans = empty_plans(len(greens))
    for i, (pair, offset) in enumerate(zip(greens, offsets, strict=True)):
        plans.entries[i] = 2
        plans.phase[i, :2] = (0, 1)
        plans.green_s[i, :2] = pair
        plans.offset_s[i] = offset
    return plans


@pytest.mark.parametrize(("green_s", "vph"), [(30, 300.0), (24, 500.0), (40, 900.0)])
def test_a_single_queue_waits_as_long_as_the_uniform_delay_says(green_s: int, vph: float) -> None:
    cycle = 60
    streets = build_streets([signal("a")], Demand({"a": turns(vph, 0.0, 0.0)}, []))
    state = new_state(streets, cycle)
    run(streets, FLUID, plans_of([(green_s, cycle - green_s - 2 * YELLOW_S)], [0]), state, 2)
    capacity = 1800.0 * green_s / cycle
    wanted = uniform_delay_s(cycle, green_s, vph / 1800.0) + overflow_delay_s(
        vph / capacity, capacity, 3600.0
    )
    assert state.cost[EAST] / (vph / 3600.0) == pytest.approx(wanted, rel=0.04)
    assert state.saturation[EAST] == pytest.approx(vph / capacity)


def test_vehicles_that_leave_are_those_that_came() -> None:
    streets = build_streets([signal(name) for name in "ab"], row("ab", 20.0, 500.0, 300.0, 200.0))
    state = new_state(streets, 60)
    run(streets, FLUID, plans_of([(34, 20), (30, 24)], [0, 13]), state, 6)
    assert state.out.sum(axis=1) == pytest.approx(state.arrived.sum(axis=1), rel=1e-3)
    assert state.arrived.sum(axis=1) / 60 == pytest.approx(streets.flow, rel=1e-3)


def test_a_saturated_approach_sends_no_more_than_its_capacity_on() -> None:
    streets = build_streets([signal(name) for name in "ab"], row("ab", 20.0, 1500.0, 0.0, 100.0))
    state = new_state(streets, 60)
    run(streets, FLUID, plans_of([(24, 30), (30, 24)], [0, 0]), state, 6)
    assert state.out[EAST].sum() == pytest.approx(24 / 2.0, rel=0.011)
    assert state.saturation[EAST] > 1.8
    assert state.saturation[3 + EAST] < 0.9


def test_a_queue_longer_than_its_road_costs_more() -> None:
    costs = []
    for storage_m in (1000.0, 21.0):
        demand = Demand({"a": turns(800.0, 0.0, 0.0)}, [], {"a_w": storage_m})
        streets = build_streets([signal("a")], demand)
        costs.append(run(streets, FLUID, plans_of([(30, 24)], [0]), new_state(streets, 60), 2))
    assert costs[1] > costs[0] + 1.0


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_the_kernel_and_the_plain_reference_agree(data: st.DataObject) -> None:
    flow = st.floats(0.0, 1200.0)
    demand = row("abc", data.draw(st.floats(5.0, 90.0)), data.draw(flow), data.draw(flow), data.draw(flow))
    streets = build_streets([signal(name, all_red_s=1.0) for name in "abc"], demand)
    cycle = 48
    greens = [data.draw(st.integers(5, cycle - 2 * (YELLOW_S + 1) - 5)) for _ in "abc"]
    pairs = [(green, cycle - 2 * (YELLOW_S + 1) - green) for green in greens]
    plans = plans_of(pairs, [data.draw(st.integers(0, cycle - 1)) for _ in "abc"])
    fast = run(streets, Model(), plans, new_state(streets, cycle), 3)
    assert np.isfinite(fast)
    assert fast == pytest.approx(reference_cost(streets, Model(), plans, cycle, 3), rel=1e-6, abs=1e-9)
