"""Closed forms of fixed-time control against worked examples and each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.errors import ConfigError
from traffic.webster import (
    equisaturation_s,
    least_cycle_s,
    overflow_delay_s,
    uniform_delay_s,
    webster_cycle_s,
)


def test_websters_cycle_of_the_classical_example() -> None:
    # Two phases, 10 s lost, critical ratios 0.25 and 0.375 (a textbook case): (15 + 5) / 0.375.
    assert webster_cycle_s(10.0, [0.25, 0.375]) == pytest.approx(53.33, abs=0.01)


def test_no_cycle_serves_more_than_the_saturation_flow() -> None:
    with pytest.raises(ConfigError, match="no cycle"):
        webster_cycle_s(10.0, [0.6, 0.45])


def test_the_least_cycle_saturates_the_critical_lanes() -> None:
    cycle = least_cycle_s(10.0, [0.3, 0.3], 0.9)
    green = sum(equisaturation_s(cycle - 10.0, [0.3, 0.3], [0.0, 0.0]))
    assert 0.6 * cycle / green == pytest.approx(0.9)


ratios = st.lists(st.floats(0.01, 0.3), min_size=1, max_size=4)


@given(ratios, st.floats(40.0, 120.0))
def test_splits_add_up_and_saturate_all_phases_alike_unless_a_minimum_binds(
    flows: list[float], green_s: float
) -> None:
    minimum = [5.0] * len(flows)
    greens = equisaturation_s(green_s, flows, minimum)
    assert sum(greens) == pytest.approx(green_s)
    free = [flow / green for flow, green in zip(flows, greens, strict=True) if green > 5.0 + 1e-6]
    assert all(ratio == pytest.approx(free[0]) for ratio in free)
    assert min(greens) >= 5.0 - 1e-9


def test_minimum_greens_that_do_not_fit_are_said() -> None:
    with pytest.raises(ConfigError, match="do not fit"):
        equisaturation_s(9.0, [0.2, 0.2], [5.0, 5.0])


def test_without_flow_half_the_red_squared_is_lost() -> None:
    # Delay of a lone vehicle: r^2 / 2C.
    assert uniform_delay_s(60.0, 20.0, 0.0) == pytest.approx(40.0**2 / 120.0)


def test_oversaturation_grows_with_half_the_period() -> None:
    # Far above capacity the mean delay tends to (x - 1) T / 2.
    assert overflow_delay_s(1.5, 1800.0, 3600.0) == pytest.approx(0.5 * 1800.0, rel=0.01)
