"""`citybrain sim emergency` on real SUMO, and a signal that goes back to its own program in step."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from simulations.emergency_cli import emergency

ROOT = Path(__file__).parents[2]
CLOCK = """
import libsumo
from citybrain.errors import ConfigError
from simulations.programs import ProgramClock
from simulations.scenarios import find_scenario
from simulations.sumo import sumo_command

scenario = find_scenario("ingolstadt1")
network = scenario.network("resco")
(id_, config), = network.configs.items()
tl = network.tls[id_]
libsumo.start(sumo_command(scenario, 1, 600))
clock = ProgramClock(libsumo, tl, [phase.indications for phase in config.phases])
for second in range(400):
    clock.step(scenario.begin_s + second)
    if second == 100:
        libsumo.trafficlight.setRedYellowGreenState(tl, "r" * len(config.movements))
    if second == 147:
        clock.resume()
    libsumo.simulationStep()
    if not 100 <= second < 147:
        shown = libsumo.trafficlight.getRedYellowGreenState(tl)
        print(second, int(clock.is_green), clock.phase, shown)
"""


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float]]:
    """Two trips in 15 minutes of cologne1, both controllers with and without priority."""
    folder = tmp_path_factory.mktemp("emergency")
    done = _run(
        "-m", "citybrain", "sim", "emergency", "--scenario", "cologne1", "--trips", "2", "--seeds", "1",
        "--duration", "900", "--jobs", "2", "--json", str(folder / "f.json"), "--plot", str(folder / "f.png"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "adaptive+priority" in done.stdout
    assert (folder / "f.png").read_bytes().startswith(b"\x89PNG")
    document = json.loads((folder / "f.json").read_bytes())
    assert [len(run["trips"]) for run in document["runs"]] == [2, 2, 2, 2]
    return {row["name"]: row for row in document["summaries"]}


def test_every_trip_arrives_and_priority_makes_it_quicker(figures: dict[str, dict[str, float]]) -> None:
    assert all(row["arrived"] == 2 for row in figures.values())
    assert figures["adaptive+priority"]["travel_s"] < figures["fixed"]["travel_s"]
    assert figures["adaptive+priority"]["signal_delay_s"] < 0.7 * figures["fixed"]["signal_delay_s"]
    assert figures["fixed+priority"]["signal_delay_s"] < figures["fixed"]["signal_delay_s"]


def test_vehicles_of_one_seed_are_the_same_with_and_without(figures: dict[str, dict[str, float]]) -> None:
    assert len({row["free_s"] for row in figures.values()}) == 1
    assert figures["fixed"]["others_ratio"] is None
    assert figures["adaptive+priority"]["others_ratio"] is not None


def test_a_program_goes_on_as_if_it_had_never_stopped() -> None:
    done = _run("-c", CLOCK)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    before = {int(second): (green, phase, shown) for second, green, phase, shown in rows if int(second) < 100}
    assert len(rows) > 300
    cycle_s = next(
        cycle for cycle in range(30, 99) if all(before[s] == before[s + cycle] for s in range(100 - cycle))
    )
    for second, *row in rows:
        assert tuple(row) == before[int(second) % cycle_s], f"out of step at second {second}"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--controllers", "fixed,magic"], "magic"),
        (["--seeds", "1,x"], "x"),
        (["--seeds", ","], "at least one"),
        (["--trips", "0"], "0"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], reason: str) -> None:
    done = CliRunner().invoke(emergency, arguments)
    assert done.exit_code == 2
    assert reason in done.output


def test_an_unknown_scenario_is_told_before_anything_is_run() -> None:
    done = _run("-m", "citybrain", "sim", "emergency", "--scenario", "atlantis")
    assert done.returncode == 2
    assert "atlantis" in done.stderr
