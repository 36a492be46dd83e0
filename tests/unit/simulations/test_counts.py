from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.errors import ConfigError
from simulations.countfit import geh
from simulations.counts import Count, Counts, Streets, read_counts

STREETS = Streets({"west": {"east", "north"}, "east": set(), "north": set()}, {"west": {"J1"}})


def read(folder: Path, text: str) -> Counts:
    path = folder / "counts.csv"
    path.write_text(text, encoding="utf-8")
    return read_counts(path, STREETS)


def test_turns_edges_and_classes_are_read_with_times_in_either_form(tmp_path: Path) -> None:
    read_ = read(
        tmp_path,
        "\ufeffbegin; end; from_edge; to_edge; count; class; intersection\n"
        "07:00;07:15;west;east;12;truck;J1\n25200;26100;west;;40;;\n",
    )
    assert not read_.faults
    assert read_.rows == (
        Count(25200.0, 26100.0, "west", "east", 12, "truck"),
        Count(25200.0, 26100.0, "west", "", 40, "car"),
    )


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        ("noon,900,west,east,3,", "begin", "'noon' is not a time"),
        ("900,0,west,east,3,", "end", "after begin"),
        ("0,900,,east,3,", "from_edge", "empty"),
        ("0,900,south,east,3,", "from_edge", "'south'"),
        ("0,900,west,moon,3,", "to_edge", "no edge 'moon'"),
        ("0,900,west,west,3,", "to_edge", "no turn"),
        ("0,900,west,east,-3,", "count", "-3"),
        ("0,900,west,east,3.5,", "count", "whole number"),
        ("0,900,west,east,,", "count", "empty"),
        ("0,900,west,east,3,tram", "class", "'tram'"),
        ("0,900,west,east,3,car,J1,more", "count", "more fields"),
    ],
)
def test_a_bad_row_is_named_with_line_field_and_reason_and_the_rest_is_kept(
    tmp_path: Path, row: str, field: str, reason: str
) -> None:
    read_ = read(tmp_path, f"begin,end,from_edge,to_edge,count,class\n{row}\n0,900,west,north,7,\n")
    ((line, named, told),) = read_.faults
    assert (line, named) == (2, field)
    assert reason in told
    assert [count.vehicles for count in read_.rows] == [7]


def test_a_count_for_another_intersection_and_one_given_twice_are_named(tmp_path: Path) -> None:
    read_ = read(
        tmp_path,
        "begin,end,from_edge,to_edge,count,intersection\n0,900,west,east,1,J9\n"
        "0,900,west,east,2,J1\n0,900,west,east,3,J1\n",
    )
    assert [(fault.line, fault.field) for fault in read_.faults] == [(2, "intersection"), (4, "from_edge")]
    assert "line 3" in read_.faults[1].reason


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("begin,end,count\n", "lacks the column from_edge"),
        ("begin,end,from_edge,count,colour\n", "unknown column 'colour'"),
    ],
)
def test_a_table_without_its_columns_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=rf"counts\.csv.*{said}"):
        read(tmp_path, text)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_counts(path, STREETS)


def test_geh_is_that_of_the_textbook() -> None:
    # UK DMRB vol. 12: M = 1250, C = 1000 gives 7.45
    assert geh(1250, 1000) == pytest.approx(7.454, abs=1e-3)
    assert geh(0, 0) == 0


@given(made=st.floats(0, 1e5), counted=st.floats(0, 1e5))
def test_geh_is_symmetric_and_zero_only_for_equal_volumes(made: float, counted: float) -> None:
    assert geh(made, counted) == pytest.approx(geh(counted, made))
    assert geh(made, made) == 0
