from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.citynet import node_id
from simulations.cityplan import CityPlan, Road, plan_city


def roads_at(plan: CityPlan) -> Counter[tuple[int, int]]:
    return Counter(cell for segment in plan.roads for cell in segment)


@given(signals=st.integers(1, 60), seed=st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_a_city_has_its_signals_where_roads_cross_and_is_in_one_piece(signals: int, seed: int) -> None:
    plan = plan_city(signals, seed)
    met = roads_at(plan)
    assert len(plan.signals) == signals
    assert all(met[cell] >= 3 for cell in plan.signals)
    # Only the ends of roads that leave the city are dead ends.
    assert {cell for cell, count in met.items() if count == 1} == set(plan.entries)
    reached, todo = set(), [next(iter(met))]
    while todo:
        cell = todo.pop()
        if cell not in reached:
            reached.add(cell)
            todo += [end for segment in plan.roads if cell in segment for end in segment]
    assert reached == set(met) == set(plan.place_m)


def test_the_same_seed_makes_the_same_city_and_another_seed_another() -> None:
    assert plan_city(160, 1) == plan_city(160, 1)
    assert plan_city(160, 1).place_m != plan_city(160, 2).place_m


def test_a_large_city_has_arterials_that_leave_it_and_blocks_of_many_sizes() -> None:
    plan = plan_city(160, 1)
    kinds = Counter(plan.roads.values())
    assert kinds[Road.MAJOR] > 20
    assert kinds[Road.ARTERIAL] > 60
    assert kinds[Road.STREET] > 60
    assert len(plan.entries) >= 12
    columns = len({i for i, _ in plan.place_m}) - 2
    rows = len({j for _, j in plan.place_m}) - 2
    whole = columns * (rows - 1) + rows * (columns - 1)
    assert len(plan.roads) - len(plan.entries) < 0.9 * whole


@pytest.mark.parametrize(
    ("cell", "name"), [((0, 0), "A1"), ((25, 3), "Z4"), ((26, 0), "AA1"), ((-1, 2), "x3")]
)
def test_an_intersection_is_named_by_column_and_row(cell: tuple[int, int], name: str) -> None:
    assert node_id(cell) == name
