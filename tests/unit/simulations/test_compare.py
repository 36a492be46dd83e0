"""What a comparison concludes from its runs."""

from dataclasses import replace

import pytest

from citybrain.errors import ConfigError
from simulations.compare import Plan, summaries
from simulations.control import Run
from simulations.scenarios import find_scenario
from simulations.sensing import Sensing
from tests.unit.simulations.runs import figures

RUNS = [
    figures(controller, seed, delay_s + seed)
    for controller, delay_s in (("fixed", 40.0), ("greedy", 20.0), ("adaptive", 10.0))
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
