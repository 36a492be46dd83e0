"""Codes of the unit grid and of components, and the classes' spreadsheet."""

import pytest

from citybrain.errors import ConfigError
from citybrain.messages import EventKind
from command.cases import classes, codes
from command.cases.classes import department

WEST, SOUTH, EAST, NORTH = codes.box((6.95, 50.94), 150)


def test_cells_are_numbered_west_to_east_then_north_to_south() -> None:
    cells = codes.cells("110105001002", WEST, SOUTH, EAST, NORTH)
    assert [cell.code for cell in cells] == [f"110105001002{number:03d}" for number in range(1, 10)]
    first, second, fourth, last = cells[0], cells[1], cells[3], cells[-1]
    assert second.west == pytest.approx(first.east)
    assert fourth.north == pytest.approx(first.south)
    assert (first.west, first.north) == pytest.approx((WEST, NORTH))
    assert (last.east, last.south) == pytest.approx((EAST, SOUTH))


def test_cells_are_about_a_hundred_metres_and_leave_no_gap() -> None:
    cells = codes.cells("110105001002", WEST, SOUTH, EAST, NORTH)
    for cell in cells:
        across = codes.distance_m((cell.west, cell.south), (cell.east, cell.south))
        down = codes.distance_m((cell.west, cell.south), (cell.west, cell.north))
        assert 85 <= across <= 101
        assert 85 <= down <= 101
    area = sum((cell.east - cell.west) * (cell.north - cell.south) for cell in cells)
    assert area == pytest.approx((EAST - WEST) * (NORTH - SOUTH))


@pytest.mark.parametrize(
    ("community", "area"),
    [
        ("11010500100", (WEST, SOUTH, EAST, NORTH)), ("11010500100x", (WEST, SOUTH, EAST, NORTH)),
        ("110105001002", (EAST, SOUTH, WEST, NORTH)), ("110105001002", (6.0, 50.0, 7.0, 51.0)),
    ],
)  # fmt: skip
def test_what_is_no_community_is_refused(community: str, area: tuple[float, float, float, float]) -> None:
    with pytest.raises(ConfigError):
        codes.cells(community, *area)


def test_a_large_area_is_split_into_communities() -> None:
    west, south, east, north = codes.box((6.95, 50.94), 3_000)
    parts = codes.communities("110105001", west, south, east, north)
    found = [cell for code, area in parts for cell in codes.cells(code, *area)]
    assert len({cell.code for cell in found}) == len(found) >= 3_600
    assert sum((cell.east - cell.west) * (cell.north - cell.south) for cell in found) == pytest.approx(
        (east - west) * (north - south)
    )


def test_a_component_has_sixteen_digits() -> None:
    assert codes.component_code("110105", "c01004", 37) == "1101050100400037"
    for county, class_, number in (
        ("1101", "c01004", 1),
        ("110105", "e01004", 1),
        ("110105", "c01004", 100_000),
    ):
        with pytest.raises(ConfigError):
            codes.component_code(county, class_, number)


def test_our_own_classes_are_whole_and_know_the_events_of_cameras() -> None:
    found = classes.default()
    assert len(found) >= 25
    assert {one.kind for one in found} == {"component", "event"}
    known = {kind for one in found for kind in one.event_kinds}
    assert known <= {kind.value for kind in EventKind}
    assert {"stopped_vehicle", "wrong_way", "person_on_carriageway", "camera_blind"} <= known
    assert sum(one.is_public for one in found) >= 15


def test_all_faults_of_a_spreadsheet_are_told_with_their_lines() -> None:
    text = ",".join(classes.COLUMNS) + "\n"
    text += "x1,m,,n,,normal,continuous,4h,,,f,c,,,,,\n"
    text += "c01001,m,,n,,normal,continuous,soon,,,f,c,,,,,\n"
    text += "c01002,m,,n,,normal,continuous,4h,,,f,c,,,,,\n"
    with pytest.raises(ConfigError) as told:
        classes.parse(text)
    assert [line.split(":")[0] for line in str(told.value).splitlines()] == ["line 2", "line 3"]
    with pytest.raises(ConfigError, match="lacks"):
        classes.parse("code,name\n")


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1_800), ("4h", 14_400), ("5d", 432_000)])
def test_limits(text: str, seconds: int) -> None:
    assert classes.limit_s(text) == seconds


def test_components_go_to_the_owner_first_and_events_to_the_territory() -> None:
    assert department("owner_first", "water", "north") == "water"
    assert department("owner_first", "", "north") == "north"
    assert department("owner_first", "water", "north", "gas") == "gas"
    assert department("territory_first", "police", "north") == "north"
    assert department("territory_first", "police", None) == "police"
    assert department("territory_first", "", None) is None
