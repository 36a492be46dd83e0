"""Scenarios in use: files that write outputs, programs that replace others, several route files."""

import json
from pathlib import Path

from click.testing import CliRunner

from citybrain.cli import root
from simulations.netfile import read_netfile
from simulations.scenarios import find_scenario


def loud_scenario(folder: Path) -> Path:
    """cologne1 with a detector that writes a file, another signal program and a second route file."""
    known = find_scenario("cologne1")
    net = read_netfile(known.net)
    ((tl, program),) = net.programs.items()
    lane = next(c.from_lane for c in net.connections if c.tl)
    edge = net.lanes[lane].edge
    phases = "".join(f'<phase duration="20" state="{state}"/>' for _, state, _, _ in program.phases)
    (folder / "extra.add.xml").write_text(
        f'<additional><e1Detector id="d" lane="{lane}" pos="1" freq="10" file="loops.xml"/>'
        f'<tlLogic id="{tl}" type="static" programID="own" offset="0">{phases}</tlLogic></additional>'
    )
    (folder / "lines.rou.xml").write_text(
        f'<routes><vType id="bus" vClass="bus"/><route id="line" edges="{edge}"/>'
        '<flow id="bus" type="bus" route="line" begin="25200" end="25260" period="20"/></routes>'
    )
    path = folder / "loud.sumocfg"
    path.write_text(
        f'<configuration><net-file value="{known.net}"/>'
        f'<route-files value="{known.routes[0]},lines.rou.xml"/>'
        '<additional-files value="extra.add.xml"/><tripinfo-output value="trips.xml"/>'
        '<begin value="25200"/><end value="25260"/></configuration>'
    )
    return path


def run(scenario: Path, controller: str, figures: Path) -> dict[str, float]:
    command = ["sim", "run", "--scenario", str(scenario), "--controller", controller, "--json", str(figures)]
    result = CliRunner().invoke(root, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    read: dict[str, float] = json.loads(figures.read_bytes())
    return read


def test_a_users_configuration_runs_and_nothing_is_written_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    path = loud_scenario(folder)
    before = sorted(folder.iterdir())
    fixed = run(path, "fixed", tmp_path / "fixed.json")
    adaptive = run(path, "adaptive", tmp_path / "adaptive.json")
    assert sorted(folder.iterdir()) == before
    # The buses of the flow are scored with the cars.
    cars = find_scenario("cologne1")
    assert fixed["vehicles"] == adaptive["vehicles"] > 0
    assert adaptive["decisions"] == 60
    assert cars.begin_s == find_scenario(str(path)).begin_s


def test_the_program_loaded_last_is_the_one_that_counts(tmp_path: Path) -> None:
    scenario = find_scenario(str(loud_scenario(tmp_path)))
    (program,) = read_netfile(scenario.net, scenario.additional).programs.values()
    assert {seconds for seconds, *_ in program.phases} == {20.0}
