from pathlib import Path

import pytest

from simulations.scenario import Scenario
from simulations.scheduled import demand


def scheduled(folder: Path, *files: str) -> int:
    paths = []
    for number, text in enumerate(files):
        paths.append(folder / f"{number}.rou.xml")
        paths[-1].write_text(f"<routes>{text}</routes>")
    return demand(Scenario("town", folder / "n", tuple(paths), (), 3600.0, 7200.0, "", ""))


def test_vehicles_within_the_hours_count_whatever_their_time_is_written_as(tmp_path: Path) -> None:
    assert (
        scheduled(
            tmp_path,
            '<vehicle id="a" depart="3600.00"/><trip depart="01:30:00"/><vehicle depart="7200"/>',
            '<vehicle id="bus" depart="3599"/><vehicle id="tram" depart="7199"><stop busStop="s"/></vehicle>',
        )
        == 3
    )


@pytest.mark.parametrize(
    ("flow", "count"),
    [
        ('begin="0" end="7200" number="200"', 100),
        ('begin="3600" end="5400" vehsPerHour="300"', 150),
        ('begin="0" end="9000" period="10"', 360),
        ('begin="3600" end="7200" probability="0.1"', 360),
        ('begin="3600" end="7200" period="exp(0.05)"', 180),
        ('begin="7200" end="9000" number="40"', 0),
    ],
)
def test_a_flow_counts_with_what_it_sends_within_the_hours(tmp_path: Path, flow: str, count: int) -> None:
    assert scheduled(tmp_path, f'<flow id="f" {flow}/>') == count


def test_what_a_person_triggers_is_not_counted(tmp_path: Path) -> None:
    assert scheduled(tmp_path, '<vehicle id="taxi" depart="triggered"/>') == 0
