"""Programs that switch by the hour: the one that is valid at the begin counts."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from citybrain.errors import ConfigError
from simulations.scenarios import Scenario, find_scenario
from simulations.schedules import as_of, valid_programs
from simulations.sumoxml import read_root

DAY = """<additional>
    <WAUT id="day" refTime="100" startProg="night">
        <wautSwitch time="0:10:00" to="peak"/>
        <wautSwitch time="60" to="morning"/>
    </WAUT>
    <wautJunction wautID="day" junctionID="t" procedure="GSP"/>
</additional>"""


@pytest.mark.parametrize(
    ("at_s", "program"),
    [(0, "night"), (159, "night"), (160, "morning"), (699, "morning"), (700, "peak"), (86_400, "peak")],
)
def test_a_switch_comes_at_its_time_after_the_reference(at_s: float, program: str) -> None:
    assert valid_programs([ET.fromstring(DAY)], at_s) == {"t": program}


def scheduled(folder: Path) -> Scenario:
    """Cologne1, whose signal has a program for the night, and from 25300 on one for the day."""
    scenario = find_scenario("cologne1")
    (tl,) = scenario.network("resco").tls.values()
    size = len(read_root(scenario.net).findall(f".//connection[@tl='{tl}']"))
    programs = folder / "programs.add.xml"
    lights = {"night": "G" * size, "day": "g" * size}
    logics = [
        f'<tlLogic id="{tl}" type="static" programID="{name}" offset="0">'
        f'<phase duration="30" state="{shown}"/><phase duration="3" state="{"y" * size}"/></tlLogic>'
        for name, shown in lights.items()
    ]
    programs.write_text(f"<additional>{''.join(logics)}</additional>", encoding="utf-8")
    schedule = folder / "schedule.add.xml"
    schedule.write_text(
        f'<additional><WAUT id="w" refTime="0" startProg="night"><wautSwitch time="25300" to="day"/></WAUT>'
        f'<wautJunction wautID="w" junctionID="{tl}"/></additional>',
        encoding="utf-8",
    )
    return replace(scenario, additional=(programs, schedule))


@pytest.mark.parametrize(("begin_s", "name"), [(25_200.0, "night"), (25_300.0, "day")])
def test_a_scenario_is_pinned_to_the_program_of_its_begin(tmp_path: Path, begin_s: float, name: str) -> None:
    scenario = replace(scheduled(tmp_path), begin_s=begin_s)
    roots = [read_root(path) for path in scenario.pinned().additional]
    assert [logic.get("programID") for root in roots for logic in root.iter("tlLogic")] == [name]
    assert not any(element.tag.lower().startswith("waut") for root in roots for element in root.iter())
    before = [read_root(path) for path in scenario.additional]
    assert sum(len(list(root.iter("tlLogic"))) for root in before) == 2, "the user's files stay as they are"


def test_files_without_a_schedule_are_used_as_they_are(tmp_path: Path) -> None:
    programs, _ = scheduled(tmp_path).additional
    assert as_of((programs,), 0.0) == (programs,)


def test_what_a_changed_file_names_is_found_from_its_copy(tmp_path: Path) -> None:
    path = tmp_path / "day.add.xml"
    path.write_text(DAY.replace("</additional>", '<include href="more.add.xml"/></additional>'))
    (copy,) = as_of((path,), 0.0)
    assert read_root(copy).find("include").get("href") == str(tmp_path / "more.add.xml")  # type: ignore[union-attr]


def test_a_time_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "day.add.xml"
    path.write_text(DAY.replace('"60"', '"noon"'))
    with pytest.raises(ConfigError, match="day"):
        as_of((path,), 0.0)
