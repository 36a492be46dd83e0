"""Fixed-time design on a real network: from routes to programs that SUMO runs, and fallback plans."""

import dataclasses
import json
import multiprocessing
import xml.etree.ElementTree as ET
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from citybrain.cli import root
from citybrain.errors import ConfigError
from citybrain.messages import LocalPlan
from edge.plan import check_plan
from simulations.netfile import read_netfile
from simulations.plan import fallback, optimise_plan, validate
from simulations.program import with_local_plans
from simulations.scenarios import find_scenario
from simulations.turncounts import read_turn_counts

SECONDS = 600.0


def in_own_process(work: Callable[..., Any], *arguments: object) -> Any:
    """libsumo holds one simulation for each process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def planned(folder: str) -> dict[str, Any]:
    scenario = find_scenario("cologne3")
    short = dataclasses.replace(scenario, end_s=scenario.begin_s + SECONDS)
    plan = optimise_plan(short, "street", cycles_s=[70], refine=1, effort=0)
    plan.additional(Path(folder) / "plan.add.xml")
    (Path(folder) / "plan.json").write_bytes(fallback(plan))
    checked = validate(plan, [5])
    own_s, planned_s = checked.mean("delay_s")
    plans = msgspec.json.decode(fallback(plan))["signals"]
    network = with_local_plans(
        plan.network, {id_: msgspec.convert(own, LocalPlan) for id_, own in plans.items()}
    )
    for config in network.configs.values():
        check_plan(config)
    return {"own_s": own_s, "planned_s": planned_s, "cycle_s": plan.design.cycle_s}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("plan")
    found: dict[str, Any] = in_own_process(planned, str(folder))
    return found | {"folder": folder}


def test_the_plan_beats_the_networks_own_programs_on_a_seed_it_never_saw(study: dict[str, Any]) -> None:
    assert study["planned_s"] < 0.8 * study["own_s"]


def test_each_program_adds_up_to_the_common_cycle_and_serves_every_movement(study: dict[str, Any]) -> None:
    programs = ET.parse(study["folder"] / "plan.add.xml").getroot().findall("tlLogic")
    assert len(programs) == 3
    for program in programs:
        phases = program.findall("phase")
        assert sum(float(phase.get("duration", "0")) for phase in phases) == study["cycle_s"]
        states = [phase.get("state", "") for phase in phases]
        assert all(any(light in "Gg" for light in shown) for shown in zip(*states, strict=True))


def test_yellow_never_turns_green_and_green_never_turns_red(study: dict[str, Any]) -> None:
    for program in ET.parse(study["folder"] / "plan.add.xml").getroot().findall("tlLogic"):
        states = [phase.get("state", "") for phase in program.findall("phase")]
        for now, then in zip(states, (*states[1:], states[0]), strict=True):
            changes = {a + b for a, b in zip(now, then, strict=True)}
            assert not changes & {"yG", "yg", "Gr", "gr"}, (now, then)


def counted_demand(path: str) -> tuple[float, int]:
    demand = read_turn_counts(Path(path), find_scenario("cologne3"), "resco")
    flows = [turn.flow_vph for turns in demand.turns.values() for turn in turns]
    return sum(flows), len(demand.links)


def test_turning_counts_become_demand_and_follow_each_other_down_the_road(tmp_path: Path) -> None:
    scenario = find_scenario("cologne3")
    net = read_netfile(scenario.net)
    rows = {
        (net.lanes[c.from_lane].edge, net.lanes[c.to_lane].edge)
        for c in net.connections
        if c.tl and c.direction != "t"
    }
    counts = tmp_path / "counts.csv"
    lines = [f"0,1800,{here},{there},50" for here, there in sorted(rows)]
    counts.write_text("begin,end,from_edge,to_edge,count\n" + "\n".join(lines), encoding="utf-8")
    total, links = counted_demand(str(counts))
    assert total == pytest.approx(100.0 * len(rows))
    assert links > 5


def test_a_turning_count_that_is_no_number_is_named_with_its_line(tmp_path: Path) -> None:
    counts = tmp_path / "counts.csv"
    counts.write_text("begin,end,from_edge,to_edge,count\n0,900,a,b,many\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="line 2"):
        counted_demand(str(counts))


def test_an_unknown_corridor_is_refused_and_the_known_ones_are_named() -> None:
    result = CliRunner().invoke(
        root, ["sim", "optimise-plan", "--scenario", "cologne3", "--corridor", "nowhere"]
    )
    assert result.exit_code != 0
    said = str(result.exception) + result.output
    assert "nowhere" in said
    assert "360082" in said


def test_the_fallback_plan_names_cycle_and_offset_of_each_signal(study: dict[str, Any]) -> None:
    plan = json.loads((study["folder"] / "plan.json").read_text(encoding="utf-8"))
    assert {own["cycle_s"] for own in plan["signals"].values()} == {study["cycle_s"]}
    assert all(own["stages"][0]["start_s"] == 0 for own in plan["signals"].values())
