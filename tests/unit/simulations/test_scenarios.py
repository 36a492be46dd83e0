from pathlib import Path

import pytest

from citybrain.errors import ConfigError
from simulations.netfile import read_netfile
from simulations.network import intersection_id
from simulations.scenarios import demand, find_scenario, own_scenario_files, scenario_names


def test_every_known_scenario_is_there_with_demand() -> None:
    for name in scenario_names():
        scenario = find_scenario(name)
        assert scenario.name == name
        assert scenario.end_s - scenario.begin_s == 3600
        assert scenario.licence
    assert demand(find_scenario("cologne8")) == 2046


def test_an_unknown_scenario_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"atlantis.*cologne8.*grid4x4"):
        find_scenario("atlantis")


def test_a_configuration_file_is_a_scenario_by_path(tmp_path: Path) -> None:
    known = find_scenario("cologne1")
    config = tmp_path / "mine.sumocfg"
    config.write_text(
        f'<configuration><net-file value="{known.net}"/><route-files value="{known.routes[0]}"/>'
        '<begin value="07:00:00"/><end value="25500"/></configuration>'
    )
    scenario = find_scenario(str(config))
    assert (scenario.name, scenario.begin_s, scenario.end_s) == ("mine", 25200, 25500)


def test_a_network_beside_its_routes_is_a_scenario_by_path(tmp_path: Path) -> None:
    net = tmp_path / "town.net.xml"
    net.write_text("<net/>")
    with pytest.raises(ConfigError, match=r"town\.rou\.xml"):
        find_scenario(str(net))
    (tmp_path / "town.rou.xml").write_text("<routes/>")
    assert find_scenario(str(net)).routes == (tmp_path / "town.rou.xml",)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    config = tmp_path / "mine.sumocfg"
    config.write_text('<configuration><net-file value="gone.net.xml"/></configuration>')
    with pytest.raises(ConfigError, match=r"gone\.net\.xml"):
        find_scenario(str(config))
    config.write_text("not xml")
    with pytest.raises(ConfigError, match=r"mine\.sumocfg"):
        find_scenario(str(config))


def test_signal_rules_are_those_of_the_published_comparison_or_of_the_street() -> None:
    assert find_scenario("arterial4x4").protocol("resco").yellow_s == 2.0
    assert find_scenario("cologne8").protocol("resco").yellow_s == 3.0
    assert find_scenario("cologne8").protocol("street").all_red_s == 2.0
    with pytest.raises(ConfigError, match="resco or street"):
        find_scenario("cologne8").protocol("other")


def test_a_users_own_scenario_is_found_by_name_in_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYBRAIN_DATA_DIR", str(tmp_path))
    folder = tmp_path / "scenarios" / "town"
    folder.mkdir(parents=True)
    (folder / "town.net.xml").write_text("<net/>")
    (folder / "town.scenario.toml").write_text('net = "town.net.xml"\nlicence = "ours"')
    assert find_scenario("town").licence == "ours"
    assert find_scenario(str(folder)) == find_scenario("town")
    assert list(own_scenario_files()) == ["town"]
    with pytest.raises(ConfigError, match=r"grid4x4.*town"):
        find_scenario("atlantis")


def test_a_folder_with_several_scenarios_asks_for_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no"):
        find_scenario(str(tmp_path))
    for name in ("a", "b"):
        (tmp_path / f"{name}.sumocfg").write_text("<configuration/>")
    with pytest.raises(ConfigError, match=r"2 scenarios.*a\.sumocfg"):
        find_scenario(str(tmp_path))


@pytest.mark.parametrize("name", scenario_names())
def test_a_corridor_names_intersections_of_its_network(name: str) -> None:
    scenario = find_scenario(name)
    lights = {c.tl for c in read_netfile(scenario.net).connections if c.tl}
    assert set(scenario.corridor) <= {intersection_id(tl) for tl in lights}
