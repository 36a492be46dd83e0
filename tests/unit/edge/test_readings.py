"""What devices say becomes numbers: JSON, CSV and line protocol as the devices themselves write them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.errors import ConfigError, ContractError
from edge.readings import Missing, Value, instant, read, to_number
from edge.sensorfile import Datastream, read_sensor_file
from edge.units import UNITS, check_unit

TASMOTA = b'{"Time":"2026-02-01T10:11:12","BME280":{"Temperature":21.3,"Humidity":40.1},"Switch1":"ON"}'
COMMUNITY = (
    b'{"esp8266id":"1","sensordatavalues":[{"value_type":"P1","value":"12.30"},'
    b'{"value_type":"P2","value":"7.5"}]}'
)


def stream(name: str = "x", **fields: Any) -> Datastream:
    return Datastream(**({"name": name, "unit": "1"} | fields))


def values(found: list[Value | Missing]) -> list[float | str]:
    return [one.value if isinstance(one, Value) else one.reason for one in found]


def test_a_path_leads_through_objects_and_lists_to_a_number() -> None:
    streams = [stream(path="BME280.Temperature"), stream(path="Switch1"), stream(path="BME280.Pressure")]
    assert values(read("json", TASMOTA, streams)) == [21.3, 1.0, "is not there"]
    streams = [stream(path="sensordatavalues[value_type=P2].value"), stream(path="sensordatavalues[0].value")]
    assert values(read("json", COMMUNITY, streams)) == [7.5, 12.3]


def test_a_value_is_scaled_and_bears_the_sources_own_time() -> None:
    (found,) = read("json", TASMOTA, [stream(path="BME280.Humidity", scale=0.01, offset=1.0)], "Time")
    assert isinstance(found, Value)
    assert found.value == pytest.approx(1.401)
    assert found.at == datetime(2026, 2, 1, 10, 11, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "column"),
    [(b"21.3;1013\n", 2), (b"t,p\n20.0,1000\n21.3,1013\n", "p"), (b"# note\n21.3\t1013", 2)],
)
def test_the_last_row_of_csv_counts_whatever_separates_it(text: bytes, column: int | str) -> None:
    assert values(read("csv", text, [stream(column=column), stream(column=9)])) == [1013.0, "is not there"]


def test_line_protocol_is_read_with_its_tags_escapes_and_nanoseconds() -> None:
    text = (
        b'air\\ quality,site=roof\\,north pm25=7.5,count=3i,note="a b, c=d" 1556813561098000000\n'
        b"air\\ quality,site=yard pm25=9.5\n"
    )
    streams = [
        stream(field="pm25", measurement="air quality", tags={"site": "roof,north"}),
        stream(field="count"),
        stream(field="pm10"),
    ]
    found = read("line", text, streams)
    assert values(found) == [7.5, 3.0, "is not there"]
    assert isinstance(found[0], Value)
    assert found[0].at == datetime(2019, 5, 2, 16, 12, 41, 98000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "number"),
    [(1, 1.0), (" 2.5 ", 2.5), (True, 1.0), ("OFF", 0.0), ("NaN", None), ("inf", None), (None, None),
     ([], None), ("21 C", None)],
)  # fmt: skip
def test_only_finite_numbers_are_numbers(raw: object, number: float | None) -> None:
    assert to_number(raw) == number


def test_times_without_a_zone_are_utc_and_milliseconds_are_known_by_their_size() -> None:
    at = datetime(2026, 2, 1, 10, 0, tzinfo=UTC)
    assert instant("2026-02-01T10:00:00") == instant(at.timestamp()) == instant(1000 * at.timestamp()) == at
    assert instant("yesterday") is None


@given(st.binary(max_size=200), st.sampled_from(["json", "csv", "line"]))
def test_nothing_that_is_said_is_more_than_malformed(payload: bytes, format_: Any) -> None:
    streams = [stream(path="a[0].b", column=1, field="a")]
    try:
        found = read(format_, payload, streams, "t")
    except ContractError:
        return
    assert all(isinstance(one, Value | Missing) for one in found)


@given(st.text("abc.[]=0123456789-", max_size=20))
def test_any_path_leads_somewhere_or_nowhere(path: str) -> None:
    read("json", b'{"a":[{"b":1},[2]],"b":{"c":3}}', [stream(path=path)])


@pytest.mark.parametrize("code", [*UNITS, "{vehicles}", "{vehicles}/h", "/h"])
def test_units_of_ucum_and_notes_are_known(code: str) -> None:
    assert check_unit(code, "here") == code


@pytest.mark.parametrize(
    ("wrong", "meant"), [("°C", "Cel"), ("µg/m³", "ug/m3"), ("kWh", "kW.h"), ("hpa", "hPa"), ("zork", "{veh")]
)
def test_what_people_write_instead_is_told_as_what_they_mean(wrong: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=f"here: '{wrong}' is no UCUM unit") as caught:
        check_unit(wrong, "here")
    assert meant in str(caught.value)


GOOD = """
[sensor]
id = "roof"
[source]
kind = "mqtt"
url = "mqtt://127.0.0.1"
topic = "zigbee2mqtt/+"
[[datastreams]]
name = "{1}.temperature"
unit = "Cel"
path = "temperature"
"""


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("", "", ""),
        ('"Cel"', '"celsius"', r"datastreams\[0\]: 'celsius' is no UCUM unit"),
        ("{1}", "{2}", "names a level that the topic has no"),
        ("{1}.", "{1}!", "is no name"),
        ('path = "temperature"', "", "path is required"),
        ('kind = "mqtt"', 'kind = "zigbee"', "Invalid value 'zigbee'"),
        ("topic =", "topics =", "unknown field `topics`|missing required field `topic`"),
        ("[sensor]", "[sensor", "roof.toml"),
        (
            "[[datastreams]]",
            '[[datastreams]]\nname="a"\nunit="1"\npath="a"\n' * 2 + "[[datastreams]]",
            "twice",
        ),
    ],
)
def test_a_sensor_file_says_what_is_wrong_with_it(tmp_path: Path, old: str, new: str, reason: str) -> None:
    path = tmp_path / "roof.toml"
    path.write_text(GOOD.replace(old, new, 1) if old else GOOD)
    if not reason:
        assert read_sensor_file(path).sensor.id == "roof"
        return
    with pytest.raises(ConfigError, match=reason):
        read_sensor_file(path)
