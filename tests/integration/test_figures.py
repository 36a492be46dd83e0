"""Key figures, comparisons, exports and the shift's sheet, from a real database."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import cv2
import httpx
import numpy as np
import psycopg
import pyarrow as pa
import pytest
from pyarrow import parquet

from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import encode
from citybrain.config import Settings
from citybrain.messages import Health
from command.principal import Role
from tests.fixtures import command as street
from tests.fixtures import people
from tests.fixtures.command import T0, Served, broker_is_there, serving, until
from tests.integration.test_alarms import happen

DAYS = 14
MIDNIGHT = T0.replace(hour=0)


@pytest.fixture(scope="module")
def served(own: Settings) -> Iterator[Served]:
    with psycopg.connect(own.database.dsn) as connection:
        _fill(connection)
    with serving(own) as found, Bus(own.broker, f"{own.site.name}-street") as bus, found.client() as client:
        broker_is_there(client)
        topic = topics.build(own.site.name, "signal", "a", "config")
        assert bus.publish(topic, encode(street.config()), retain=True)
        lost = street.status("sensor/air-7", datetime.now(UTC), Health.FAILED)
        assert bus.publish(
            topics.build(own.site.name, "sensor", "air-7", "status"), encode(lost), retain=True
        )
        until(lambda: len(client.get("/api/v1/intersections").json()["items"]) == 1, "the intersection")
        until(lambda: client.get("/api/v1/agents").json()["items"], "the sensor")
        yield found


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client() as found:
        yield found


def _fill(connection: psycopg.Connection) -> None:
    """Two weeks by the hour on two lanes of `a` (which lies in the south) and one of `b` (of no district).

    In the second week delay is 20 s a vehicle instead of 30.
    """
    for hour in range(DAYS * 24):
        delay_s = 30 if hour < 7 * 24 else 20
        for lane, intersection in (("a_0", "a"), ("a_1", "a"), ("b_0", "b")):
            connection.execute(
                "insert into lane_rollup_1h values (%s, %s, %s, %s, 60, 3600, 7200, 3600, 4, 36000, 40, 7200,"
                " 72000, 360, 100, 50, %s, 3600)",
                [
                    MIDNIGHT + timedelta(hours=hour), lane, f"lanes/{intersection}", intersection,
                    100 * delay_s + hour % 3,
                ],
            )  # fmt: skip


def ask(client: httpx.Client, path: str, **params: Any) -> httpx.Response:
    span = {"from": MIDNIGHT.isoformat(), "to": (MIDNIGHT + timedelta(days=DAYS)).isoformat()}
    answer = client.get(f"/api/v1/{path}", params=span | params)
    assert answer.status_code == 200, answer.text
    return answer


def test_figures_of_an_hour_are_those_of_all_lanes(client: httpx.Client) -> None:
    items = ask(client, "figures").json()["items"]
    assert len(items) == DAYS * 24
    assert items[0] == {
        "start": "2026-03-02T00:00:00Z", "district": None, "vehicles": 300, "throughput_veh_h": 300.0,
        "mean_delay_s": 30.0, "stops_per_vehicle": 0.5, "mean_speed_mps": 10.0, "queue_m": 10.0,
        "observed_lane_h": 3.0,
    }  # fmt: skip


def test_days_are_those_of_the_zone_and_districts_have_lines_of_their_own(client: httpx.Client) -> None:
    items = ask(client, "figures", bucket="1day", by="district", zone="Asia/Shanghai").json()["items"]
    assert {item["district"] for item in items} == {"south", None}
    assert items[0]["start"] == "2026-03-02T00:00:00+08:00"
    south = [item["vehicles"] for item in items if item["district"] == "south"]
    assert (south[0], south[1], south[-1]) == (16 * 200, 24 * 200, 8 * 200)


def test_a_district_sees_its_own_figures_only(own: Settings, served: Served) -> None:
    for district, vehicles in (("south", {200}), ("north", set[int]())):
        _, headers = people.account(own.database.dsn, Role.DEPARTMENT, [district])
        with httpx.Client(base_url=served.url, headers=headers, trust_env=False, timeout=20) as client:
            assert {item["vehicles"] for item in ask(client, "figures").json()["items"]} == vehicles
            assert client.get("/api/v1/shift").status_code == 403, "no right to see alarms"


def test_exports_hold_the_same_rows(client: httpx.Client) -> None:
    items = ask(client, "figures", by="district").json()["items"]
    text = ask(client, "figures.csv", by="district")
    assert text.headers["content-disposition"] == 'attachment; filename="figures.csv"'
    rows = list(csv.DictReader(io.StringIO(text.text)))
    assert [(row["district"], float(row["mean_delay_s"])) for row in rows] == [
        (item["district"] or "", item["mean_delay_s"]) for item in items
    ]
    table = parquet.read_table(io.BytesIO(ask(client, "figures.parquet", by="district").content))
    assert table.schema.field("start").type == pa.timestamp("us", tz="UTC")
    assert table.column("vehicles").to_pylist() == [item["vehicles"] for item in items]
    picture = cv2.imdecode(np.frombuffer(ask(client, "figures.png").content, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape[1] > 1000
    assert picture.std() > 5, "something is drawn"


def test_the_second_week_is_better_and_surely_so(client: httpx.Client) -> None:
    middle = (MIDNIGHT + timedelta(days=7)).isoformat()
    asked = {
        "before_from": MIDNIGHT.isoformat(), "before_to": middle,
        "after_from": middle, "after_to": (MIDNIGHT + timedelta(days=14)).isoformat(),
    }  # fmt: skip
    answer = client.get("/api/v1/figures/comparison", params=asked)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    delay = next(item for item in found["items"] if item["metric"] == "mean_delay_s")
    assert delay["difference"] == pytest.approx(-10, abs=0.1)
    assert delay["is_clear"]
    assert delay["low"] <= delay["difference"] <= delay["high"]
    assert (found["block"], found["blocks_before"], found["cautions"]) == ("day", 7, [])


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("figures?zone=Nowhere/There", "zone"),
        ("figures?zone=../etc", "zone"),
        ("figures?zone=", "zone"),
        ("figures?bucket=1min", "bucket"),
        ("figures?from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("figures/comparison", "before_from"),
        ("shift?from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
    ],
)
def test_a_wrong_question_is_named(client: httpx.Client, path: str, field: str) -> None:
    answer = client.get(f"/api/v1/{path}")
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)


def test_the_sheet_of_a_shift_says_what_stands_who_took_note_and_who_is_silent(
    own: Settings, client: httpx.Client
) -> None:
    happen(own.database.dsn)
    happen(own.database.dsn, kind="wrong_way", severity="critical")

    def alarms() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.get("/api/v1/alarms").json()["items"]
        return found

    until(lambda: len(alarms()) == 2, "both alarms")
    critical = next(alarm for alarm in alarms() if alarm["severity"] == "critical")
    for deed in ("acknowledgement", "closure"):
        assert client.post(f"/api/v1/alarms/{critical['id']}/{deed}").status_code == 200
    sheet = client.get("/api/v1/shift").json()
    assert [alarm["kind"] for alarm in sheet["standing"]] == ["stopped_vehicle"]
    raised = {alarm["kind"]: alarm for alarm in sheet["raised"]}
    assert raised["wrong_way"]["acknowledged_by"].startswith("operator-")
    assert raised["wrong_way"]["closed_at"] >= raised["wrong_way"]["acknowledged_at"]
    assert raised["stopped_vehicle"]["acknowledged_by"] is None
    assert {(one["kind"], one["number"], one["lasting"]) for one in sheet["events"]} == {
        ("stopped_vehicle", 1, 1), ("wrong_way", 1, 1),
    }  # fmt: skip
    assert [one["what"] for one in sheet["done"] if one["kind"] == "wrong_way"] == [
        "raised", "acknowledged", "closed",
    ]  # fmt: skip
    assert [agent["device"] for agent in sheet["silent"]] == ["sensor/air-7"]
    assert sheet["uncommanded"] == ["a"]
