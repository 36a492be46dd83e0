"""Optimised plans are designed once and found again; changed inputs are another plan."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from simulations.plan_cache import optimised
from simulations.scenarios import Scenario


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    net, routes = tmp_path / "a.net.xml", tmp_path / "a.rou.xml"
    net.write_text("<net/>", encoding="utf-8")
    routes.write_text("<routes/>", encoding="utf-8")
    return Scenario("a", net, (routes,), (), 0.0, 60.0, "made here", "none")


class Designer:
    """Stands in for the design, which has tests of its own."""

    def __init__(self, is_better: bool = True) -> None:
        self.calls = 0
        self.is_better = is_better

    def __call__(self, *_: object, **__: object) -> Any:
        self.calls += 1
        return self

    def additional(self, path: Path) -> None:
        path.write_text(f'<additional><tlLogic id="{self.calls}"/></additional>', encoding="utf-8")


def test_a_plan_is_designed_once_for_the_same_inputs(scenario: Scenario, tmp_path: Path) -> None:
    designer = Designer()
    first = optimised(scenario, "resco", folder=tmp_path, design=designer)
    again = optimised(scenario, "resco", folder=tmp_path, design=designer)
    assert designer.calls == 1
    assert first.additional == again.additional
    assert first.additional[-1].is_file()


def test_other_rules_times_or_demand_are_another_plan(scenario: Scenario, tmp_path: Path) -> None:
    designer = Designer()
    optimised(scenario, "resco", folder=tmp_path, design=designer)
    optimised(scenario, "street", folder=tmp_path, design=designer)
    optimised(dataclasses.replace(scenario, end_s=90.0), "resco", folder=tmp_path, design=designer)
    slow = dataclasses.replace(scenario, options=(("scale", "0.5"),))
    optimised(slow, "resco", folder=tmp_path, design=designer)
    scenario.routes[0].write_text("<routes><!-- more --></routes>", encoding="utf-8")
    optimised(scenario, "resco", folder=tmp_path, design=designer)
    assert designer.calls == 5


def test_own_programs_that_do_better_are_kept(scenario: Scenario, tmp_path: Path) -> None:
    kept = optimised(scenario, "resco", folder=tmp_path, design=Designer(is_better=False))
    assert kept == scenario
    assert len(list(tmp_path.glob("*.add.xml"))) == 1, "and are not tried again"
