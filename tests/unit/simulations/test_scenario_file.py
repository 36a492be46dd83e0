from pathlib import Path

import pytest

from citybrain.errors import ConfigError
from simulations.scenario_file import ScenarioFile, read_scenario_file, write_scenario_file


def town(folder: Path, text: str) -> Path:
    for name in ("town.net.xml", "cars.rou.xml", "lines.rou.xml"):
        (folder / name).write_text("<net/>")
    path = folder / "town.scenario.toml"
    path.write_text(text)
    return path


def test_a_file_says_all_of_a_scenario(tmp_path: Path) -> None:
    path = town(
        tmp_path,
        """
        net = "town.net.xml"
        routes = ["cars.rou.xml", "lines.rou.xml"]
        begin = "07:00:00"
        end = 28800
        source = "survey of 2024"
        licence = "CC BY 4.0"
        resco_yellow_s = 2.0
        corridor = ["a", "b"]
        notes = "busy"
        [sumo]
        "device.rerouting.probability" = 0.5
        "ignore-route-errors" = true
        """,
    )
    scenario = read_scenario_file(path)
    assert (scenario.name, scenario.begin_s, scenario.end_s) == ("town", 25200.0, 28800.0)
    assert scenario.routes == (tmp_path / "cars.rou.xml", tmp_path / "lines.rou.xml")
    assert (scenario.source, scenario.licence, scenario.notes) == ("survey of 2024", "CC BY 4.0", "busy")
    assert scenario.corridor == ("a", "b")
    assert scenario.protocol("resco").yellow_s == 2.0
    assert scenario.arguments()[-4:] == [
        "--device.rerouting.probability", "0.5", "--ignore-route-errors", "true",
    ]  # fmt: skip


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    told = ScenarioFile(
        net="town.net.xml",
        routes=["cars.rou.xml"],
        begin=0.0,
        end=3600.0,
        source='Anna\'s "survey"',
        notes="two\nlines",
        sumo={"scale": 0.5},
    )
    path = town(tmp_path, "")
    write_scenario_file(path, told)
    scenario = read_scenario_file(path)
    assert (scenario.source, scenario.notes, scenario.options) == (
        told.source,
        told.notes,
        (("scale", "0.5"),),
    )


def test_a_configuration_can_be_named_and_its_hours_replaced(tmp_path: Path) -> None:
    path = town(tmp_path, 'config = "run.sumocfg"\nend = 1800')
    (tmp_path / "run.sumocfg").write_text(
        '<configuration><net-file value="town.net.xml"/><route-files value="cars.rou.xml"/>'
        '<begin value="600"/><scale value="0.7"/><tripinfo-output value="t.xml"/></configuration>'
    )
    scenario = read_scenario_file(path)
    assert (scenario.begin_s, scenario.end_s) == (600.0, 1800.0)
    assert scenario.options == (("scale", "0.7"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('net = "a\nend = 1', "line 1"),
        ('net = "town.net.xml"\nvehicles = 3', "vehicles"),
        ('net = "town.net.xml"\nroutes = "cars.rou.xml"', r"array.*routes"),
        ('routes = ["cars.rou.xml"]', "either config"),
        ('net = "gone.net.xml"', r"gone\.net\.xml"),
        ('net = "town.net.xml"\nroutes = ["gone.rou.xml"]', r"routes names gone\.rou\.xml"),
        ('net = "town.net.xml"\nbegin = "noon"', "begin 'noon'"),
        ('net = "town.net.xml"\nbegin = 100\nend = 50', "end must lie after begin"),
        ('net = "town.net.xml"\nresco_yellow_s = 0', "resco_yellow_s"),
        ('net = "town.net.xml"\n[sumo]\n"tripinfo-output" = "t.xml"', "sumo.tripinfo-output"),
    ],
)
def test_a_fault_is_told_with_the_file_and_the_field(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=rf"(?s)town\.scenario\.toml.*{said}"):
        read_scenario_file(town(tmp_path, text))
