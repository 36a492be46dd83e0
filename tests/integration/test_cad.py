"""A dispatched ambulance: its way is sought, and its signals are asked for green over MQTT."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import psycopg
import pytest

from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import decode, encode
from citybrain.config import Settings
from citybrain.messages import AnyMessage, PriorityCancel, PriorityPosition, PriorityRequest
from command.principal import Role
from tests.fixtures import command as street
from tests.fixtures import people
from tests.fixtures.command import Served, broker_is_there, serving, until

START, END = (6.95, 50.9391), (6.9508, 50.94)


@pytest.fixture(scope="module")
def served(own: Settings) -> Iterator[Served]:
    with serving(own) as found, Bus(own.broker, f"{own.site.name}-street") as bus, found.client() as client:
        broker_is_there(client)
        now = datetime.now(UTC)
        config = topics.build(own.site.name, "signal", "a", "config")
        assert bus.publish(config, encode(street.config(at=now)), retain=True)
        for part in street.network(at=now):
            where = topics.build(own.site.name, "network", "city", f"part{part.part}")
            assert bus.publish(where, encode(part), retain=True)
        until(lambda: len(client.get("/api/v1/network").json()["features"]) == 2, "the network")
        until(lambda: client.get("/api/v1/intersections").json()["items"], "the signal")
        yield found


class Ear:
    """What `traffic` would hear."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard: list[AnyMessage] = []

    def hear(self, _topic: str, payload: bytes, _retained: bool) -> None:
        with self._lock:
            self._heard.append(decode(payload))

    def of(self, type_: type[AnyMessage]) -> list[AnyMessage]:
        with self._lock:
            return [one for one in self._heard if isinstance(one, type_)]


@pytest.fixture
def ear(own: Settings) -> Iterator[Ear]:
    found = Ear()
    with Bus(own.broker, f"{own.site.name}-ear-{uuid4().hex[:6]}") as bus:
        for what in ("request", "position", "cancel"):
            bus.subscribe(topics.matching(own.site.name, "priority", what=what), found.hear)
        yield found


def test_a_call_asks_for_green_follows_the_vehicle_and_ends(
    served: Served, own: Settings, ear: Ear, dsn: str
) -> None:
    principal, headers = people.account(dsn, Role.DISPATCHER)
    base = f"{served.url}/api/v1"
    body = {"call": "C-4711", "emergency": "ambulance", "start": list(START), "end": list(END)}
    with httpx.Client(base_url=base, headers=headers, trust_env=False, timeout=20) as client:
        opened = client.post("/cad/events", json=body)
        assert opened.status_code == 201, opened.text
        wave = opened.json()
        assert wave["intersections"] == ["a"]
        assert 100 < wave["length_m"] < 200
        assert client.post("/cad/events", json=body).json()["opened_at"] == wave["opened_at"]
        request = until(lambda: ear.of(PriorityRequest), "the request")[0]
        assert isinstance(request, PriorityRequest)
        (leg,) = request.path
        assert (leg.intersection, list(leg.movements), request.emergency) == ("a", [0], "ambulance")
        assert leg.distance_m == pytest.approx(89, abs=5)
        assert "4711" not in request.request
        told = {"position": [6.95, 50.9395], "speed_mps": 13.0}
        assert client.post("/cad/events/C-4711/position", json=told).status_code == 200
        position = until(lambda: ear.of(PriorityPosition), "the position")[0]
        assert isinstance(position, PriorityPosition)
        assert position.travelled_m == pytest.approx(44, abs=3)
        until(lambda: len(ear.of(PriorityRequest)) >= 3, "it is asked again while it lasts")
        ended = client.post("/cad/events/C-4711/end", json={"reason": "on scene"}).json()
        assert ended["ended_at"] is not None
        until(lambda: ear.of(PriorityCancel), "the cancel")
        assert client.post("/cad/events/C-4711/position", json=told).status_code == 409
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "select action from audit where subject = 'call/C-4711' and actor = %s order by seq",
            [principal.id],
        ).fetchall()
    assert [action for (action,) in rows] == ["green_wave.opened", "green_wave.ended"]


def test_a_call_is_its_dispatchers_own_and_needs_a_way_with_signals(served: Served, dsn: str) -> None:
    _, first = people.account(dsn, Role.DISPATCHER)
    _, second = people.account(dsn, Role.DISPATCHER)
    _, north = people.account(dsn, Role.DISPATCHER, ["north"])
    body = {"call": "C-1", "emergency": "fire", "start": list(START), "end": list(END)}
    url = f"{served.url}/api/v1/cad/events"

    def post(headers: dict[str, str], path: str = "", **given: object) -> int:
        asked = body | given if not path else given
        return httpx.post(url + path, json=asked, headers=headers, trust_env=False).status_code

    assert post(first) == 201
    assert post(second) == 404, "the call is somebody else's"
    assert post(second, "/C-1/end") == 404
    assert post(north, call="C-2") == 404
    assert post(first, call="C-3", start=[0, 0]) == 409
    assert post(first, call="C-4", start=list(END), end=list(START)) == 409
    assert post(first, call="no spaces") == 422
    assert post(first, "/C-1/end") == 200
