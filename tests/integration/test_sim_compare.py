"""`citybrain sim compare` and the runs under it, in real SUMO; each run is a process of its own."""

import functools
import itertools
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from citybrain.errors import ConfigError
from simulations.compare import Comparison
from simulations.control import Run, run_scenario
from simulations.network import SignalNetwork
from simulations.plan import optimise_plan
from simulations.plan_cache import plan_file
from simulations.pool import Progress, run_jobs
from simulations.scenarios import find_scenario
from simulations.sensing import Sensing
from simulations.watching import Moment
from tests.unit.simulations.test_schedules import scheduled

CONTROLLERS = ("fixed", "actuated", "local", "greedy", "maxpressure", "adaptive")
FIGURES = (
    "delay_s", "trip_time_s", "waiting_s", "stops", "throughput", "unfinished", "never_departed",
    "collisions", "emergency_brakes", "p95_delay_s", "co2_g_per_km", "decision_p50_ms", "decision_p95_ms",
    "decision_p99_ms",
)  # fmt: skip


def compare(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "citybrain", "sim", "compare", "--jobs", "2", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


def test_all_controllers_are_compared_and_a_broken_scenario_loses_nothing_else(tmp_path: Path) -> None:
    net, routes = tmp_path / "broken.net.xml", tmp_path / "broken.rou.xml"
    net.write_bytes(find_scenario("cologne1").net.read_bytes())
    routes.write_text('<routes><trip id="a" depart="1" from="nowhere" to="nowhere"/></routes>')
    found = tmp_path / "found.json"
    done = compare(
        "--scenario", f"cologne1,{net}", "--controllers", ",".join(CONTROLLERS), "--seeds", "1",
        "--duration", "120", "--json", str(found),
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "broken, adaptive, seed 1 failed" in done.stderr
    assert "nowhere" in done.stderr
    assert "maxpressure" in done.stdout
    result = msgspec.json.decode(found.read_bytes())
    assert {one["scenario"] for one in result["failures"]} == {"broken"}
    assert [run["controller"] for run in result["runs"]] == list(CONTROLLERS)
    for run in result["runs"]:
        assert run["vehicles"] > 50
        assert all(isinstance(run[figure], int | float) for figure in FIGURES)
        assert run["starved"] == run["approaches"][0]
        assert run["vehicles"] == pytest.approx(
            run["throughput"] * 120 / 3600 + run["unfinished"] + run["never_departed"]
        )
    summaries = {one["controller"]: one for one in result["summaries"]}
    against = summaries["adaptive"]["versus_fixed"]
    assert against["delay_ratio"] == pytest.approx(
        summaries["adaptive"]["figures"]["delay_s"]["mean"] / summaries["fixed"]["figures"]["delay_s"]["mean"]
    )
    assert summaries["adaptive"]["versus_best"]["baseline"] in CONTROLLERS[:-1]
    assert result["runs"][-1]["decisions"] == 120


def short(folder: Path, name: str, seconds: int, routes: str = "") -> Path:
    """Cologne1 for so long, with its own traffic or with `routes`."""
    path = folder / f"{name}.scenario.toml"
    told = 'config = "sumo-rl:RESCO/cologne1/cologne1.sumocfg"\n'
    if routes:
        (folder / "own.rou.xml").write_text(routes, encoding="utf-8")
        told = 'net = "sumo-rl:RESCO/cologne1/cologne1.net.xml"\nroutes = ["own.rou.xml"]\n'
    path.write_text(f"{told}begin = 25200\nend = {25200 + seconds}\n", encoding="utf-8")
    return path


def quick_plan(path: Path, tell: Progress) -> str:
    """In a process of its own."""
    design = functools.partial(optimise_plan, cycles_s=[60], refine=0, effort=0)
    return str(
        plan_file(find_scenario(str(path)), "street", progress=lambda _, done: tell(done), design=design)
    )


def test_the_optimised_plan_is_compared_and_a_plan_that_fails_costs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYBRAIN_DATA_DIR", str(tmp_path / "data"))
    town, empty = short(tmp_path, "town", 240), short(tmp_path, "empty", 60, "<routes/>")
    (known,) = run_jobs([town], quick_plan, 1, lambda *_: None)
    assert known.result is not None, known.reason
    found = tmp_path / "found.json"
    done = compare(
        "--scenario", f"{town},{empty}", "--controllers", "fixed,optimised", "--seeds", "1",
        "--protocol", "street", "--json", str(found),
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "of opt." in done.stdout
    result = msgspec.json.decode(found.read_bytes(), type=Comparison)
    (failure,) = result.failures
    assert (failure.scenario, failure.controller) == ("empty", "optimised")
    assert "no vehicle passes a signal" in failure.reason
    fixed, optimised, _ = result.summaries
    assert optimised.controller == "optimised"
    assert fixed.versus_optimised is not None
    assert fixed.versus_optimised.trip_time_ratio > 1.05


@dataclass(slots=True)
class Programs:
    """Sees which program SUMO runs."""

    seen: list[str] = field(default_factory=list)
    tl: str = ""

    def begin(self, run: Run, network: SignalNetwork, sumo: Any) -> None:
        del run, sumo
        (self.tl,) = network.tls.values()

    def watch(self, moment: Moment) -> None:
        self.seen.append(moment.sumo.trafficlight.getProgram(self.tl))

    def end(self) -> None:
        pass


def programs_of(run: Run, _tell: Progress) -> list[str]:
    """In a process of its own."""
    watcher = Programs()
    run_scenario(run, watchers=[watcher])
    return watcher.seen


def test_only_the_networks_own_programs_switch_by_the_hour(tmp_path: Path) -> None:
    scenario = replace(scheduled(tmp_path), end_s=25_400.0)
    plan = tmp_path / "plan.add.xml"
    plan.write_text(scenario.additional[0].read_text().replace('"night"', '"optimised"'), encoding="utf-8")
    runs = [
        Run(scenario, "fixed"), Run(scenario, "actuated"), Run(scenario, "greedy"),
        Run(scenario, "optimised", programs=plan),
    ]  # fmt: skip
    found: dict[int, list[str]] = {}
    for outcome in run_jobs(runs, programs_of, 2, lambda *_: None):
        assert outcome.result is not None, outcome.reason
        found[outcome.index] = outcome.result
    assert found[0] == ["night"] * 100 + ["day"] * 100
    assert [set(found[place]) for place in (1, 2)] == [{"citybrain-actuated"}, {"online"}]
    assert len(set(found[3])) == 1


def test_a_corridor_without_a_report_is_wrong_usage() -> None:
    done = compare("--scenario", "cologne3", "--corridor", "360082,360086")
    assert done.returncode == 2
    assert "--report" in done.stderr


def test_wrong_names_are_wrong_usage() -> None:
    done = compare("--controllers", "fixed,tarot")
    assert done.returncode == 2
    assert "tarot" in done.stderr
    assert compare("--seeds", "one").returncode == 2


def run_of(controller: str, seconds: float = 400.0, **sensing: Any) -> Run:
    return Run(find_scenario("cologne1"), controller, 1, seconds, "resco", Sensing(**sensing))


def figures_of(run: Run, tell: Progress) -> dict[str, Any]:
    """In a process of its own."""
    found = run_scenario(run, tell)
    return {"delay_s": found.delay_s, "decisions": found.decisions, "approaches": found.approaches}


def figures(*runs: Run) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for outcome in run_jobs(runs, figures_of, 2, lambda *_: None):
        assert outcome.result is not None, outcome.reason
        found[outcome.index] = outcome.result
    return [found[index] for index in range(len(runs))]


def test_the_optimiser_wins_with_every_kind_of_sensor_and_silence_is_the_fallback_plan() -> None:
    fallback, silent, camera, detector, full = figures(
        run_of("local"),
        run_of("adaptive", silent=True),
        run_of("adaptive"),
        run_of("adaptive", observe="detector"),
        run_of("adaptive", observe="full"),
    )
    assert silent["decisions"] == 0
    assert (silent["delay_s"], silent["approaches"]) == (fallback["delay_s"], fallback["approaches"])
    for seen in (camera, detector, full):
        assert seen["delay_s"] < 0.6 * fallback["delay_s"]


@dataclass(slots=True)
class Witness:
    """Sees a run; the baselines obey the protocol's timing."""

    moments: list[tuple[float, str, int]] = field(default_factory=list)
    crossed: int = 0
    began: bool = False
    ended: bool = False

    def begin(self, run: Run, network: SignalNetwork, sumo: Any) -> None:
        assert sumo.simulation.getTime() == run.scenario.begin_s
        self.began = bool(network.configs)

    def watch(self, moment: Moment) -> None:
        (shown,) = moment.indications.values()
        assert moment.vehicles.keys() == set(moment.sumo.vehicle.getIDList())
        self.crossed += sum(reading.crossed for reading in moment.readings.values())
        self.moments.append((moment.clock_s, shown, sum(r.vehicles for r in moment.readings.values())))

    def end(self) -> None:
        self.ended = True


def witnessed(run: Run, _tell: Progress) -> Witness:
    """In a process of its own."""
    witness = Witness()
    run_scenario(run, watchers=[witness])
    return witness


def test_a_watcher_sees_every_second_of_every_controller() -> None:
    runs = [run_of(controller, 100.0) for controller in ("fixed", "actuated", "greedy", "maxpressure")]
    for outcome in run_jobs(runs, witnessed, 2, lambda *_: None):
        witness = outcome.result
        assert witness is not None, outcome.reason
        assert witness.began
        assert witness.ended
        begin_s = runs[0].scenario.begin_s
        assert [clock_s for clock_s, _, _ in witness.moments] == [begin_s + n for n in range(1, 101)]
        assert witness.crossed > 5
        shown = [lights for _, lights, _ in witness.moments]
        if outcome.index > 0:
            assert shortest_green_s(shown) >= 5
            assert not any(
                a in "Gg" and b == "r" for now, then in changes(shown) for a, b in zip(now, then, strict=True)
            )


def changes(shown: list[str]) -> list[tuple[str, str]]:
    return [(now, then) for now, then in itertools.pairwise(shown) if now != then]


def shortest_green_s(shown: list[str]) -> int:
    """Of all states without yellow but the first and the last, which may be cut off."""
    lengths = [(lights, len(list(same))) for lights, same in itertools.groupby(shown)]
    return min(length for lights, length in lengths[1:-1] if "y" not in lights)


def test_a_blind_approach_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="blind"):
        run_scenario(run_of("adaptive", blind=("nowhere",)))
