"""Looking at live video: the reason first, the record first, and only for whoever gave it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import psycopg
import pytest

from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import encode, pack_frame
from citybrain.config import Settings
from command.principal import Role
from tests.fixtures import command as street
from tests.fixtures import people
from tests.fixtures.command import JPEG, Served, broker_is_there, serving, until

CAMERAS = ("one", "two")


@pytest.fixture(scope="module")
def served(own: Settings) -> Iterator[Served]:
    """Two cameras in the south, each with a picture."""
    with serving(own) as found, Bus(own.broker, f"{own.site.name}-street") as bus, found.client() as client:
        broker_is_there(client)
        for camera in CAMERAS:
            now = datetime.now(UTC)
            status = msgspec.structs.replace(street.status(f"camera/{camera}", now), position=(6.95, 50.94))
            topic = topics.build(own.site.name, "camera", camera, "status")
            assert bus.publish(topic, encode(status), retain=True)
            picture = pack_frame(street.frame(1, now, camera), JPEG + camera.encode())
            assert bus.publish(topics.build(own.site.name, "camera", camera, "picture"), picture, 0)
        known = client.get
        until(lambda: len(known("/api/v1/cameras").json()["items"]) == len(CAMERAS), "both cameras")
        yield found


@pytest.fixture
def operator(own: Settings, served: Served) -> Iterator[httpx.Client]:
    yield from _client(own, served, Role.OPERATOR, "south")


@pytest.fixture
def stranger(own: Settings, served: Served) -> Iterator[httpx.Client]:
    yield from _client(own, served, Role.OPERATOR, "north")


def _client(own: Settings, served: Served, role: Role, district: str) -> Iterator[httpx.Client]:
    _, headers = people.account(own.database.dsn, role, [district])
    with httpx.Client(base_url=served.url, headers=headers, trust_env=False, timeout=20) as client:
        yield client


def look(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post("/api/v1/looks", json={"cameras": list(CAMERAS), "purpose": "monitoring"} | body)


def records(dsn: str) -> list[tuple[str, dict[str, Any]]]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "select subject, details from audit where action = 'video.viewed' order by seq"
        ).fetchall()
    return [(subject, json.loads(details)) for subject, details in rows]


def test_a_wall_of_cameras_flows_after_one_record_for_each(dsn: str, operator: httpx.Client) -> None:
    before = len(records(dsn))
    begun = look(operator, reason="fog on the bridge")
    assert begun.status_code == 201
    told = {"purpose": "monitoring", "reason": "fog on the bridge", "case": None, "event": None}
    assert records(dsn)[before:] == [(f"camera/{camera}", told) for camera in CAMERAS]
    path = f"/api/v1/looks/{begun.json()['look']}/pictures"
    flowed = b""
    with operator.stream("GET", path) as answer:
        assert answer.headers["content-type"].startswith("multipart/x-mixed-replace")
        for piece in answer.iter_raw():
            flowed += piece
            if all(JPEG + camera.encode() in flowed for camera in CAMERAS):
                break
    assert b"X-Camera: one\r\n" in flowed
    assert len(records(dsn)) == before + 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "reason"),
        ({"reason": "x"}, "reason"),
        ({"purpose": "event"}, "event"),
        ({"purpose": "case", "reason": "because"}, "case"),
        ({"purpose": "curiosity", "reason": "because"}, "purpose"),
        ({"cameras": [], "reason": "because"}, "cameras"),
    ],
)
def test_without_a_reason_there_is_no_look(
    dsn: str, operator: httpx.Client, body: dict[str, Any], field: str
) -> None:
    before = len(records(dsn))
    answer = look(operator, **body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert len(records(dsn)) == before


def test_an_event_or_a_case_is_reason_enough_and_is_named(dsn: str, operator: httpx.Client) -> None:
    assert look(operator, purpose="event", event="spill-1", cameras=["one"]).status_code == 201
    assert look(operator, purpose="case", case="A-17", cameras=["one"]).status_code == 201
    assert [(one["event"], one["case"]) for _, one in records(dsn)[-2:]] == [
        ("spill-1", None),
        (None, "A-17"),
    ]


def test_a_look_belongs_to_whoever_gave_the_reason(operator: httpx.Client, served: Served) -> None:
    begun = look(operator, reason="fog on the bridge").json()
    with served.client() as other:
        assert other.get(f"/api/v1/looks/{begun['look']}/pictures").status_code == 404


def test_cameras_of_another_district_are_not_there(dsn: str, stranger: httpx.Client) -> None:
    before = len(records(dsn))
    answer = look(stranger, reason="fog on the bridge")
    assert (answer.status_code, answer.json()["error"]["field"]) == (404, "cameras")
    assert len(records(dsn)) == before


def test_where_nothing_can_be_recorded_nothing_is_shown(dsn: str, operator: httpx.Client) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("alter table audit rename to audit_away")
        answer = look(operator, reason="fog on the bridge")
        connection.execute("alter table audit_away rename to audit")
    assert answer.status_code == 503
