from pathlib import Path

import pytest

from citybrain.errors import ConfigError
from simulations.scenarios import demand, find_scenario, scenario_names


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
