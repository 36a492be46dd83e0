"""Networks and demand made with SUMO's programs: generated cities, OpenStreetMap extracts, counts."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from citybrain.cli import root
from citybrain.errors import ConfigError
from simulations.netfile import read_netfile
from simulations.osm import import_extract, read_extract
from simulations.scenarios import demand, find_scenario
from simulations.sumoxml import elements


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYBRAIN_DATA_DIR", str(tmp_path / "data"))


def sim(*arguments: str) -> Any:
    result = CliRunner().invoke(root, ["sim", *arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def make_city(*arguments: str) -> Any:
    return sim("make-city", "--signals", "6", "--demand-per-hour", "600", "--hours", "0.25", *arguments)


def test_a_small_city_is_made_listed_and_run(tmp_path: Path) -> None:
    made = make_city("--seed", "3")
    assert (made["scenario"], made["signals"]) == ("city6-3", 6)
    assert made["vehicles"] + made["unroutable"] == 150
    listed = {row["scenario"]: row for row in sim("list")}
    assert listed["city6-3"]["signals"] == 6
    assert listed["city6-3"]["vehicles"] == made["vehicles"]
    assert listed["city6-3"]["corridor"]
    figures = tmp_path / "figures.json"
    command = ["sim", "run", "--scenario", "city6-3", "--duration", "60", "--json", str(figures)]
    assert CliRunner().invoke(root, command, catch_exceptions=False).exit_code == 0
    assert json.loads(figures.read_bytes())["vehicles"] > 0


def test_the_same_seed_makes_the_same_files_and_another_other_ones(tmp_path: Path) -> None:
    files = {}
    for folder, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        make_city("--seed", seed, "--out", str(tmp_path / folder), "--name", "town")
        files[folder] = {
            # netconvert and this machine's clock leave their marks in comments.
            path.name: re.sub(r"<!--.*?-->", "", path.read_text(), flags=re.DOTALL)
            for path in (tmp_path / folder).iterdir()
        }
    assert files["a"] == files["b"]
    assert files["a"]["town.net.xml"] != files["c"]["town.net.xml"]
    assert files["a"]["town.rou.xml"] != files["c"]["town.rou.xml"]


def test_an_arterials_left_turn_has_a_lane_and_a_phase_of_its_own() -> None:
    make_city("--seed", "3")
    scenario = find_scenario("city6-3")
    net = read_netfile(scenario.net)
    lefts = [c for c in net.connections if c.tl and c.direction == "l"]
    lanes = Counter(c.from_lane for c in net.connections if c.tl)
    own = [c for c in lefts if lanes[c.from_lane] == 1]
    protected = [c for c in own if any(state[c.link] == "G" for _, state, _, _ in net.programs[c.tl].phases)]
    assert len(protected) > len(lefts) / 2
    assert set(scenario.corridor) <= {c.tl for c in net.connections}


def test_a_rush_hour_comes_in_from_outside_and_peaks_in_the_middle() -> None:
    make_city("--seed", "3")
    scenario = find_scenario("city6-3")
    departures = [float(v.get("depart", "")) for v in elements(scenario.routes[0], {"vehicle"})]
    assert departures == sorted(departures)
    middle = sum(300 <= depart < 600 for depart in departures)
    assert middle > sum(depart < 300 for depart in departures)
    assert middle > sum(depart >= 600 for depart in departures)


def test_demand_is_chosen_so_that_signals_are_loaded() -> None:
    made = sim("make-city", "--signals", "6", "--seed", "3", "--hours", "0.25")
    assert made["saturation_mean"] >= 0.35 or made["saturation_p95"] >= 0.85
    assert made["saturation_p95"] < 1.2
    assert demand(find_scenario("city6-3")) == made["vehicles"]


def test_a_scenario_that_is_there_is_not_overwritten_unasked() -> None:
    make_city("--seed", "3")
    with pytest.raises(ConfigError, match=r"city6-3\.scenario\.toml.*--force"):
        make_city("--seed", "3")
    make_city("--seed", "3", "--force")


def extract(folder: Path, *, signals: bool = True) -> Path:
    """A town of four by three crossings, two of them signalled, and a footway."""
    lines = ["<osm version='0.6' generator='test'>"]
    for i, j in grid():
        tag = "<tag k='highway' v='traffic_signals'/>" if signals and (i, j) in {(1, 1), (2, 1)} else ""
        lon, lat = 6.1 + i * 150 / (111_320 * math.cos(math.radians(49.6))), 49.6 + j * 150 / 110_540
        lines.append(f"<node id='{100 + 10 * i + j}' lat='{lat:.7f}' lon='{lon:.7f}'>{tag}</node>")
    ways = [[(i, j) for i in range(4)] for j in range(3)] + [[(i, j) for j in range(3)] for i in range(4)]
    kinds = ["residential", "primary", "residential", *["secondary"] * 4]
    ways.append([(0, 0), (1, 1)])
    kinds.append("footway")
    for number, (way, kind) in enumerate(zip(ways, kinds, strict=True), 1):
        nodes = "".join(f"<nd ref='{100 + 10 * i + j}'/>" for i, j in way)
        lines.append(f"<way id='{number}'>{nodes}<tag k='highway' v='{kind}'/></way>")
    path = folder / "town.osm"
    path.write_text("\n".join([*lines, "</osm>"]))
    return path


def grid() -> Iterator[tuple[int, int]]:
    return ((i, j) for i in range(4) for j in range(3))


def test_an_extract_becomes_a_scenario_with_its_signals_and_demand(tmp_path: Path) -> None:
    path = extract(tmp_path)
    made = sim("import", str(path), "--demand-per-hour", "400", "--hours", "0.5")
    assert (made["signals"], made["signal_nodes_in_extract"]) == (2, 2)
    assert made["roads_in_extract"] == 7
    assert made["left_out"] == {"footway": 1}
    assert made["vehicles"] + made["unroutable"] == 200
    assert made["vehicles"] > 150
    scenario = find_scenario("town")
    assert "ODbL" in scenario.licence
    known = {edge.id for edge in read_netfile(scenario.net).edges.values()}
    for vehicle in elements(scenario.routes[0], {"vehicle"}):
        route = vehicle.find("route")
        assert route is not None
        assert set(route.get("edges", "").split()) <= known


def test_pedestrians_bring_crossings(tmp_path: Path) -> None:
    path = extract(tmp_path)
    assert import_extract(path, tmp_path / "plain.net.xml").crossings == 0
    assert import_extract(path, tmp_path / "walked.net.xml", pedestrians=True).crossings > 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no xml at all", "cannot be read as XML"),
        ("<net/>", "begins with <net>"),
        ("<osm version='0.6'><node id='1' lat='1' lon='1'/></osm>", "no road"),
    ],
)
def test_a_file_that_is_no_extract_is_refused_in_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "town.osm"
    path.write_text(text)
    with pytest.raises(ConfigError, match=rf"town\.osm.*{said}"):
        read_extract(path)


def test_an_extract_without_signals_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no signalled intersection"):
        import_extract(extract(tmp_path, signals=False), tmp_path / "town.net.xml")
    assert not (tmp_path / "town.net.xml").exists()
    with pytest.raises(ConfigError, match=r"gone\.osm"):
        read_extract(tmp_path / "gone.osm")


def counted(path: Path, signalled: set[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """Vehicles by signalled turn in a route file."""
    turns: Counter[tuple[str, str]] = Counter()
    for vehicle in elements(path, {"vehicle"}):
        route = vehicle.find("route")
        if route is not None:
            turns.update(pair for pair in pairwise(route.get("edges", "").split()) if pair in signalled)
    return turns


def test_counts_become_demand_that_meets_them_and_bad_rows_are_named(tmp_path: Path) -> None:
    make_city("--seed", "3")
    city = find_scenario("city6-3")
    net = read_netfile(city.net)
    signalled = {(net.lanes[c.from_lane].edge, net.lanes[c.to_lane].edge) for c in net.connections if c.tl}
    turns = counted(city.routes[0], signalled)
    table = tmp_path / "counts.csv"
    rows = [f"00:00,00:15,{start},{goal},{count}" for (start, goal), count in turns.items()]
    table.write_text("\n".join(["begin,end,from_edge,to_edge,count", "0,900,moon,,5", *rows]))
    out = tmp_path / "mine.rou.xml"
    made = sim("demand", "--net", str(city.net), "--counts", str(table), "--out", str(out))
    assert [(fault["line"], fault["field"]) for fault in made["faults"]] == [(2, "from_edge")]
    assert made["good_share"] >= 0.85
    found = counted(out, signalled)
    assert [row["made"] for row in made["counts"]] == [
        found[row["from_edge"], row["to_edge"]] for row in made["counts"]
    ]
    scenario = find_scenario(str(tmp_path / "mine.scenario.toml"))
    assert (scenario.net.resolve(), scenario.end_s) == (city.net, 900.0)
    assert demand(scenario) == made["vehicles"]


def test_counts_that_name_nothing_of_the_network_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "counts.csv"
    table.write_text("begin,end,from_edge,count\n0,900,moon,5\n")
    with pytest.raises(ConfigError, match="no count is left"):
        sim("demand", "--net", "cologne1", "--counts", str(table), "--out", str(tmp_path / "m.rou.xml"))
    assert not (tmp_path / "m.rou.xml").exists()
