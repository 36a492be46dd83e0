"""What a comparison concludes from its runs."""

from dataclasses import replace

import pytest

from citybrain.errors import ConfigError
from simulations.compare import Plan, compare, summaries
from simulations.control import Run, run_scenario
from simulations.scenarios import find_scenario
from simulations.sensing import Sensing
from tests.unit.simulations.runs import figures

RUNS = [
    figures(controller, seed, delay_s + seed)
    for controller, delay_s in (("fixed", 40.0), ("greedy", 23.0), ("adaptive", 10.0))
    for seed in (1, 2)
]


def test_the_best_baseline_is_neither_the_controller_itself_nor_the_optimiser() -> None:
    by_name = {one.controller: one for one in summaries(("fixed", "greedy", "adaptive"), ("town",), RUNS)}
    best = {name: one.versus_best and one.versus_best.baseline for name, one in by_name.items()}
    assert best == {"fixed": "greedy", "greedy": "fixed", "adaptive": "greedy"}
    assert by_name["fixed"].versus_fixed is None
    against = by_name["adaptive"].versus_fixed
    assert against is not None
    assert against.delay_ratio == pytest.approx(23 / 83)


def test_the_optimised_plan_is_a_baseline_and_has_a_ratio_of_its_own() -> None:
    runs = [*RUNS, figures("optimised", 1, 21.0), figures("optimised", 2, 22.0)]
    names = ("fixed", "optimised", "greedy", "adaptive")
    by_name = {one.controller: one for one in summaries(names, ("town",), runs)}
    against = by_name["adaptive"].versus_optimised
    assert against is not None
    assert against.trip_time_ratio == pytest.approx((71 + 72) / (81 + 82))
    assert by_name["optimised"].versus_optimised is None
    best = by_name["adaptive"].versus_best
    assert best is not None
    assert best.baseline == "optimised"


def test_the_optimised_controller_does_not_run_without_a_plan() -> None:
    with pytest.raises(ConfigError, match="needs a plan for cologne1"):
        run_scenario(Run(find_scenario("cologne1"), "optimised"))


def test_a_corridor_is_that_of_one_scenario() -> None:
    both = {name: find_scenario(name) for name in ("cologne1", "cologne3")}
    with pytest.raises(ConfigError, match="one scenario"):
        Plan(both, ("fixed",), (1,), corridor=("360082", "360086"))


def test_a_corridor_that_is_not_there_is_refused_before_anything_runs() -> None:
    plan = Plan({"cologne3": find_scenario("cologne3")}, ("fixed",), (1,), corridor=("nowhere", "360086"))
    with pytest.raises(ConfigError, match="nowhere"):
        compare(plan, 1)


def test_a_controller_without_any_run_is_left_out_and_the_others_are_not() -> None:
    found = summaries(("fixed", "actuated", "adaptive"), ("town",), RUNS)
    assert [one.controller for one in found] == ["fixed", "adaptive"]


def test_a_comparison_without_baselines_has_no_ratio() -> None:
    (only,) = summaries(("adaptive",), ("town",), RUNS)
    assert only.versus_fixed is None
    assert only.versus_best is None


def test_two_scenarios_of_one_name_are_refused() -> None:
    scenario = find_scenario("cologne1")
    with pytest.raises(ConfigError, match="two scenarios are called cologne1"):
        Plan({"a": scenario, "b": replace(scenario)}, ("fixed",), (1,))


def test_every_controller_runs_with_every_seed() -> None:
    plan = Plan({"cologne1": find_scenario("cologne1")}, ("fixed", "greedy"), (1, 2, 3))
    assert {(run.controller, run.seed) for run in plan.runs()} == {
        (controller, seed) for controller in ("fixed", "greedy") for seed in (1, 2, 3)
    }


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"observe": "crystal ball"}, "observe"), ({"missed": 1.5}, "missed"), ({"late_s": -1}, "late")],
)
def test_senseless_sensing_is_refused_by_name(changes: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        Sensing(**changes)  # type: ignore[arg-type]


def test_an_unknown_controller_is_refused() -> None:
    with pytest.raises(ConfigError, match="tarot"):
        Run(find_scenario("cologne1"), "tarot")
