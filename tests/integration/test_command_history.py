"""History as the API answers it, from a real database."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import psycopg
import pytest

from citybrain import config
from citybrain.config import Settings
from command.database import queries
from tests.fixtures.command import BOOT, T0, serving
from tests.fixtures.database import migrated_database

LANES = ("east_0", "south_0")
END = T0 + timedelta(minutes=10)


@pytest.fixture(scope="module")
def filled_dsn(postgres_dsn: str) -> Iterator[str]:
    """A migrated database with the rows of `fill`; these tests only read."""
    with migrated_database(postgres_dsn) as dsn:
        with psycopg.connect(dsn) as connection:
            fill(connection)
        yield dsn


@pytest.fixture(scope="module")
def client(
    filled_dsn: str, broker_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    own = msgspec.structs.replace(
        Settings(),
        site=config.Site(name=f"t{uuid4().hex[:8]}"),
        broker=config.Broker(url=broker_url),
        database=config.Database(dsn=filled_dsn),
    )
    with serving(own, tmp_path_factory.mktemp("web")) as served, served.client() as found:
        yield found


def fill(connection: psycopg.Connection) -> None:
    """Ten minutes, a measurement every 10 s on two lanes, one command a minute, three events."""
    for step in range(60):
        at = T0 + timedelta(seconds=10 * step)
        for lane in LANES:
            connection.execute(
                "insert into lane_measurement values"
                " (%s, %s, 'lanes/a', %s, %s, 'a', %s, 10, 3, 2, 15, 4, 0.2, 1, 2, 4, 1)",
                [at, at + timedelta(seconds=0.1), BOOT, step + 1, lane],
            )
        connection.execute(
            "insert into signal_state values"
            " (%s, %s, 'signal/a', %s, %s, 'a', %s, 'Gr', 0, 1, 'green', 1, 4, null, 'commanded', 7)",
            [at, at, BOOT, step + 1, 10.0 * step],
        )
        for camera, users in (("demo", ("car", "bus")), ("gate", ("person",))):
            for user in users:
                connection.execute(
                    "insert into turning_count values"
                    " (%s, %s, %s, %s, %s, %s, 'line:forward', %s, %s, %s, 2, 1)",
                    [
                        at,
                        at,
                        f"camera/{camera}",
                        BOOT,
                        step + 1,
                        camera,
                        at - timedelta(seconds=10),
                        at,
                        user,
                    ],
                )
    for minute in range(10):
        at = T0 + timedelta(minutes=minute)
        connection.execute(
            "insert into signal_command values (%s, %s, 'traffic/1', %s, %s, 'a', 1, %s, 'queue')",
            [at, at, BOOT, minute + 1, at + timedelta(seconds=3)],
        )
        if minute % 2 == 0:
            connection.execute(
                "insert into command_ack values"
                " (%s, %s, 'signal/a', %s, %s, 'a', 'traffic/1', %s, %s, 1, %s, %s, 'min green')",
                [at, at, BOOT, 100 + minute, BOOT, minute + 1, at, minute % 4 == 0],
            )
        for lane in LANES:
            connection.execute(
                "insert into lane_rollup_1min values"
                " (%s, %s, 'lanes/a', 'a', 6, 60, 180, 120, 2, 900, 15, 180, 720, 12, 6, 12, 24, 60)",
                [at, lane],
            )
        connection.execute(
            "insert into turning_rollup_1min values (%s, 'demo', 'line:forward', 'car', 12, 6, 6)", [at]
        )
    for number, (start, end, kind) in enumerate(
        [(0, 2, "long_wait"), (3, 5, "wrong_way"), (6, None, "wrong_way")]
    ):
        connection.execute(
            "insert into traffic_event values"
            " ('vision/demo', %s, %s, %s, %s, %s, %s, 'warning', %s, %s, 'a', null, null, %s, 50.94, '',"
            " %s, 1)",
            [
                f"e{number}", T0, T0, BOOT, number + 1, kind, T0 + timedelta(minutes=start),
                None if end is None else T0 + timedelta(minutes=end), 6.95 if number else None,
                json.dumps({"speed_mps": 1.5}),
            ],
        )  # fmt: skip


def get(client: httpx.Client, path: str, **params: Any) -> dict[str, Any]:
    answer = client.get(f"/api/v1/{path}", params={"from": text(T0), "to": text(END)} | params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def test_lanes_are_answered_raw_and_in_buckets(client: httpx.Client) -> None:
    raw = get(client, "measurements/lanes", bucket="raw", lane="south_0")
    assert (raw["bucket"], len(raw["items"]), raw["next"]) == ("raw", 60, None)
    first = raw["items"][0]
    assert (first["at"], first["lane"], first["queued"], first["period_s"]) == (text(T0), "south_0", 2, 10.0)
    assert first["stored_at"] == "2026-03-02T08:00:00.100000Z"
    minutes = get(client, "measurements/lanes", intersection="a")
    assert (minutes["bucket"], len(minutes["items"])) == ("1min", 20)
    bucket = minutes["items"][0]
    assert (bucket["bucket"], bucket["vehicles"], bucket["queue_m"], bucket["crossed"]) == (
        text(T0),
        3.0,
        15.0,
        6,
    )
    assert get(client, "measurements/lanes", bucket="1h")["items"] == []
    assert get(client, "measurements/lanes", bucket="raw", lane="nowhere")["items"] == []


@pytest.mark.parametrize(
    ("path", "params", "total"),
    [
        ("measurements/lanes", {"bucket": "raw"}, 120),
        ("measurements/lanes", {"bucket": "1min"}, 20),
        ("measurements/counts", {"bucket": "raw"}, 180),
        ("measurements/counts", {"bucket": "1min"}, 10),
        ("measurements/signals", {}, 60),
        ("commands", {}, 10),
        ("events", {}, 3),
    ],
)
def test_pages_hold_every_row_once_in_order(
    client: httpx.Client, path: str, params: dict[str, str], total: int
) -> None:
    whole = get(client, path, **params)
    assert (len(whole["items"]), whole["next"]) == (total, None)
    pages: list[Any] = []
    cursor: dict[str, str] = {}
    for _ in range(total + 1):
        page = get(client, path, **params, **cursor, limit=7 if total > 7 else 2)
        pages += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert pages == whole["items"]


def test_a_cursor_of_another_question_is_refused(client: httpx.Client) -> None:
    cursor = get(client, "measurements/lanes", bucket="raw", limit=1)["next"]
    for path in ("events", "measurements/counts"):
        answer = client.get(f"/api/v1/{path}", params={"cursor": cursor})
        assert answer.status_code == 422
        assert answer.json()["error"]["field"] == "cursor"


def test_counts_are_by_camera_movement_and_road_user(client: httpx.Client) -> None:
    raw = get(client, "measurements/counts", bucket="raw", camera="demo")["items"]
    assert {item["road_user"] for item in raw} == {"car", "bus"}
    assert len(raw) == 120
    (first, *_) = get(client, "measurements/counts", movement="line:forward")["items"]
    assert (first["road_user"], first["count"], first["samples"]) == ("car", 12, 6)


def test_commands_come_with_their_answer(client: httpx.Client) -> None:
    first, second, third, *_ = get(client, "commands", intersection="a")["items"]
    assert (first["accepted"], first["answer"], first["answered_by"]) == (True, "min green", "signal/a")
    assert (second["accepted"], second["answer"]) == (None, None)
    assert third["accepted"] is False


def test_events_are_those_that_lasted_in_the_range_newest_first(client: httpx.Client) -> None:
    assert [event["event"] for event in get(client, "events")["items"]] == ["e2", "e1", "e0"]
    later = get(client, "events", **{"from": text(T0 + timedelta(minutes=4))})["items"]
    assert [event["event"] for event in later] == ["e2", "e1"]
    assert [event["event"] for event in get(client, "events", open="true")["items"]] == ["e2"]
    assert [event["event"] for event in get(client, "events", open="false")["items"]] == ["e1", "e0"]
    kinds = get(client, "events", kind=["wrong_way", "long_wait"])["items"]
    assert len(kinds) == 3
    oldest = kinds[-1]
    assert (oldest["position"], oldest["evidence"]) == (None, {"speed_mps": 1.5})
    assert kinds[0]["position"] == [6.95, 50.94]


def test_the_balance_of_each_device_is_told(client: httpx.Client) -> None:
    answer = client.get("/api/v1/delivery")
    assert answer.status_code == 200
    for one in answer.json()["items"]:
        parts = ("committed", "dead_lettered", "given_up", "spooled", "open")
        assert one["numbered"] == sum(one[part] for part in parts)


def test_the_last_hour_is_meant_where_no_range_is_given(client: httpx.Client) -> None:
    answer = client.get("/api/v1/measurements/signals")
    assert answer.json()["items"] == []


def test_every_query_is_right_by_the_schema(filled_dsn: str) -> None:
    """The metrics' own queries run here too; the others are run by the tests above."""
    with psycopg.connect(filled_dsn, autocommit=True) as connection:
        connection.execute(
            "insert into agent_latest (device, at, received_at, boot, health, version, started_at, detail,"
            " spooled, sent, figures) values ('signal/a', now(), now(), 5, 'ok', '1', now(), '', 2, 10, '{}')"
        )
        connection.execute("insert into ledger_mark values ('signal/a', 5, 6, now())")
        connection.execute("insert into ledger values ('signal/a', 5, 8, now())")
        balance = connection.execute(queries()["delivery_balance"].sql.encode()).fetchall()
        assert balance == [("signal/a", 10, 7, 0, 0, 0, 2, 1)]
        start = datetime(2026, 3, 2, tzinfo=UTC)
        counted = connection.execute(
            queries()["count_before"].sql.encode(), {"from": start, "to": END}
        ).fetchall()
        assert sorted(row[2:] for row in counted) == [("bus", 120), ("car", 120), ("person", 120)]
        assert connection.execute(queries()["dead_letters"].sql.encode()).fetchall() == [(0,)]
