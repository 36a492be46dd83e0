"""Fixed-time design: what the search finds where the best is known, and what every plan must keep."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citybrain.errors import ConfigError
from citybrain.messages import IntersectionConfig
from citybrain.rules import rules_of
from tests.unit.traffic.arterial import row, signal, turns
from traffic.bandwidth import band_s, corridor_band
from traffic.design import Design, SignalPlan, design
from traffic.lane_flows import lane_shares
from traffic.sequences import phase_sets
from traffic.streets import Demand, Turn
from traffic.variation import lost_s, varied


def test_the_second_signal_turns_green_when_the_platoon_arrives() -> None:
    configs = [signal(name) for name in "ab"]
    found = design(configs, row("ab", 21.0, 500.0, 0.0, 400.0), cycles_s=[60], best=1)[0]
    begins = {
        id_: own.offset_s + sum(own.green_s[: own.order.index(0)]) + 3 * own.order.index(0)
        for id_, own in found.signals.items()
    }
    # A platoon's head arrives after 0.8 of the mean travel time; the queue's start-up may come before it.
    assert (begins["b"] - begins["a"]) % 60 == pytest.approx(0.8 * 21.0, abs=6.0)


def test_splits_follow_the_demand_of_the_critical_lanes() -> None:
    demand = Demand({"a": turns(900.0, 300.0, 300.0)}, [])
    own = design([signal("a")], demand, cycles_s=[70], best=1)[0].signals["a"]
    green = {
        phase: sum(g for p, g in zip(own.order, own.green_s, strict=True) if p == phase) for phase in (0, 1)
    }
    assert green[0] > 1.8 * green[1]


def test_heavier_demand_wants_a_longer_cycle() -> None:
    light = design([signal("a")], Demand({"a": turns(200.0, 200.0, 200.0)}, []), best=1)[0]
    heavy = design([signal("a")], Demand({"a": turns(950.0, 950.0, 600.0)}, []), best=1)[0]
    assert heavy.cycle_s / (len(heavy.signals["a"].order) / 2) > light.cycle_s / (
        len(light.signals["a"].order) / 2
    )


def test_a_cycle_that_is_too_short_for_the_minimum_greens_is_refused() -> None:
    with pytest.raises(ConfigError, match="minimum greens"):
        design([signal("a", 40.0)], Demand({"a": turns(1.0, 1.0, 1.0)}, []), cycles_s=[60])


def test_demand_at_an_unknown_intersection_is_refused() -> None:
    with pytest.raises(ConfigError, match="not in the network"):
        design([signal("a")], Demand({"z": turns(1.0, 1.0, 1.0)}, []))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31), st.integers(1, 20))
def test_every_variation_keeps_minimum_greens_and_the_common_cycle(seed: int, steps: int) -> None:
    configs = [signal(name, 7.0, 2.0) for name in "ab"]
    plan = _plan(configs)
    random = np.random.default_rng(seed)
    for _ in range(steps):
        plan = varied(configs, plan, random) or plan
    for config in configs:
        own: SignalPlan = plan.signals[config.intersection]
        assert sum(own.green_s) + lost_s(rules_of(config), own.order) == plan.cycle_s
        assert min(own.green_s) >= 7
        assert 0 <= own.offset_s < plan.cycle_s
        assert set(own.order) == {0, 1}


def _plan(configs: list[IntersectionConfig]) -> Design:
    return design(configs, row("ab", 20.0, 300.0, 300.0, 200.0), cycles_s=[60], best=1, effort=0)[0]


def test_two_signals_a_travel_time_apart_have_a_band_as_wide_as_the_shorter_green() -> None:
    first = np.arange(60) < 30
    second = np.roll(np.arange(60) < 20, 12)
    assert band_s([first, second], [0.0, 12.0]) == 20
    assert band_s([first, second], [0.0, 52.0]) == 10


def test_signals_that_are_always_green_leave_the_whole_cycle() -> None:
    assert band_s([np.ones(40, bool)] * 2, [0.0, 9.0]) == 40


def test_a_corridor_has_a_band_in_the_direction_that_is_driven() -> None:
    configs = {name: signal(name) for name in "abc"}
    demand = row("abc", 20.0, 600.0, 0.0, 200.0)
    plan = design(list(configs.values()), demand, cycles_s=[60], best=1)[0]
    band = corridor_band(configs, plan, demand, list("abc"))
    assert band is not None
    assert band.attainability > 0.6
    assert corridor_band(configs, plan, demand, list("cba")) is None


def test_phase_sets_serve_everybody() -> None:
    config = signal("a")
    assert set(phase_sets(config)) == {(0, 1)}


@given(st.floats(0.0, 2000.0), st.floats(0.0, 2000.0))
def test_lanes_share_a_turn_evenly_but_for_what_only_one_of_them_serves(through: float, left: float) -> None:
    shares = lane_shares(["l", "m", "l"], [Turn((0, 1), through, 2.0), Turn((2,), left, 2.0)])
    loads = [shares[0][0] * through + left, shares[0][1] * through]
    assert sum(shares[0].values()) == pytest.approx(1.0)
    if through > left:
        assert loads[0] == pytest.approx(loads[1], abs=1e-3)
