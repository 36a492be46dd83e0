"""Means over seeds, their intervals, and one controller against another."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.intervals import estimate, estimates, versus
from tests.unit.simulations.runs import figures


def test_the_interval_is_students_with_one_degree_less_than_seeds() -> None:
    # t(0.975, 2) = 4.3027 from any printed table; the standard error of 1, 2, 3 is 1 / sqrt(3).
    found = estimate([1.0, 2.0, 3.0])
    assert found.mean == 2.0
    assert found.high == pytest.approx(2.0 + 4.3027 / math.sqrt(3), abs=1e-4)
    assert found.low == pytest.approx(2.0 - 4.3027 / math.sqrt(3), abs=1e-4)


def test_one_seed_gives_no_interval() -> None:
    found = estimate([7.0])
    assert (found.mean, found.low, found.high) == (7.0, None, None)


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=20))
def test_the_mean_lies_within_its_interval(values: list[float]) -> None:
    found = estimate(values)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.mean <= found.high


def test_all_numbers_of_a_run_are_estimated_but_its_seed() -> None:
    found = estimates([figures("fixed", 1, 40.0), figures("fixed", 2, 44.0)])
    assert found["delay_s"].mean == 42.0
    assert found["unfinished"].mean == 9
    assert "seed" not in found
    assert "controller" not in found


def test_pairs_by_seed_make_a_steady_gain_certain_where_seeds_differ_much() -> None:
    fixed = {seed: figures("fixed", seed, 40.0 * seed) for seed in (1, 2, 3)}
    ours = {seed: figures("adaptive", seed, 40.0 * seed - 10.0) for seed in (1, 2, 3)}
    found = versus(ours, "fixed", fixed)
    assert found is not None
    assert found.difference_s.mean == pytest.approx(-10.0)
    assert found.difference_s.high == pytest.approx(-10.0)
    assert found.delay_ratio == pytest.approx(210 / 240)
    assert found.trip_time_ratio == pytest.approx(390 / 420)


def test_only_seeds_that_both_ran_are_compared() -> None:
    found = versus(
        {1: figures("adaptive", 1, 10.0), 2: figures("adaptive", 2, 99.0)},
        "fixed",
        {1: figures("fixed", 1, 20.0), 3: figures("fixed", 3, 1.0)},
    )
    assert found is not None
    assert (found.seeds, found.delay_ratio) == (1, 0.5)
    assert versus({1: figures("adaptive", 1, 10.0)}, "fixed", {}) is None
