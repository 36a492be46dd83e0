"""Green bands against what can be worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.bandwidth import USABLE_S, Intervals, bandwidth, clip, intersect, lengths

CYCLES = 40


def fixed_plan(cycle_s: float, green_s: float, offset_s: float) -> Intervals:
    """Greens from well before zero to well after the end."""
    begins = offset_s % cycle_s + cycle_s * np.arange(-3, CYCLES + 3)
    return np.stack([begins, begins + green_s], axis=1)


def closed_form_s(cycle_s: float, green_1_s: float, green_2_s: float, shift_s: float) -> list[float]:
    """Pieces of the overlap of [0, g1) with [shift, shift + g2) repeated every cycle."""
    pieces = [
        min(green_1_s, begin + green_2_s) - max(0.0, begin)
        for begin in (shift_s % cycle_s, shift_s % cycle_s - cycle_s)
    ]
    return [piece for piece in pieces if piece > 0]


@given(
    cycle=st.integers(40, 120),
    shares=st.tuples(st.floats(0.1, 0.9), st.floats(0.1, 0.9)),
    offset=st.floats(0, 120),
    travel=st.floats(0, 60),
)
def test_two_signals_with_one_cycle_have_the_textbook_bandwidth(
    cycle: int, shares: tuple[float, float], offset: float, travel: float
) -> None:
    one, two = (share * cycle for share in shares)
    greens = [fixed_plan(cycle, one, 0.0), fixed_plan(cycle, two, offset)]
    found = bandwidth(greens, [0.0, travel], 0.0, float(CYCLES * cycle))
    pieces = closed_form_s(cycle, one, two, offset - travel)
    if any(abs(piece - USABLE_S) < 1e-6 for piece in pieces):
        return
    expected = sum(piece for piece in pieces if piece >= USABLE_S)
    assert found.efficiency * cycle == pytest.approx(expected, abs=1e-6)
    assert found.attainability == pytest.approx(expected / min(one, two), abs=1e-6)


def test_signals_in_step_with_the_platoon_give_their_whole_green() -> None:
    greens = [fixed_plan(90.0, 30.0, offset) for offset in (0.0, 20.0, 45.0)]
    found = bandwidth(greens, [0.0, 20.0, 45.0], 0.0, 90.0 * CYCLES)
    assert found.bandwidth_s == pytest.approx(30.0)
    assert found.per_hour == pytest.approx(40.0)
    assert found.efficiency == pytest.approx(1 / 3)
    assert found.attainability == pytest.approx(1.0)


def test_opposed_signals_give_no_band() -> None:
    found = bandwidth([fixed_plan(90.0, 40.0, 0.0), fixed_plan(90.0, 40.0, 45.0)], [0.0, 0.0], 0.0, 900.0)
    assert (found.bandwidth_s, found.per_hour, found.efficiency, found.attainability) == (0.0, 0.0, 0.0, 0.0)


def test_every_signal_needs_a_travel_time() -> None:
    with pytest.raises(ValueError, match="travel time"):
        bandwidth([fixed_plan(90.0, 30.0, 0.0)], [0.0, 1.0], 0.0, 900.0)


greens = st.lists(st.tuples(st.floats(0.1, 20), st.floats(0.1, 20)), max_size=12).map(
    lambda gaps: np.array(
        [
            (sum(a + b for a, b in gaps[:i]) + gap, sum(a + b for a, b in gaps[: i + 1]))
            for i, (gap, _) in enumerate(gaps)
        ]
    ).reshape(-1, 2)
)


@given(greens, greens)
def test_an_intersection_lies_in_both_and_does_not_care_for_order(one: Intervals, other: Intervals) -> None:
    both = intersect(one, other)
    assert np.array_equal(both, intersect(other, one))
    total = float(lengths(both).sum())
    assert total <= min(float(lengths(one).sum()), float(lengths(other).sum())) + 1e-9
    for begin, end in both:
        assert float(lengths(clip(one, begin, end)).sum()) == pytest.approx(end - begin)
        assert float(lengths(clip(other, begin, end)).sum()) == pytest.approx(end - begin)
