"""Webhooks against a real receiver: signed, once, tried again, and never into our own network."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import psycopg
import pytest

from citybrain import config
from command.principal import Role
from command.webhooks import courier
from command.webhooks.queue import queue
from tests.fixtures import people
from tests.fixtures.command import Served, serving, until
from tests.fixtures.loopback import answering
from tests.fixtures.trust import own_settings


class Receiver:
    """Keeps what it is sent; answers `statuses` in turn, then 200."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.calls.append(({name.lower(): value for name, value in self.headers.items()}, body))
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                self.send_response(status)
                if status == 302:
                    self.send_header("location", "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_port}/hook"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    with answering(found.server):
        yield found


@pytest.fixture(scope="module")
def served(dsn: str, broker_url: str) -> Iterator[Served]:
    webhooks = config.Webhooks(allow_networks=("127.0.0.0/8", "::1/128"), attempts=3)
    with serving(own_settings(broker_url, dsn, webhooks=webhooks)) as found:
        yield found


@pytest.fixture
def client(dsn: str, served: Served) -> Iterator[httpx.Client]:
    """An administrator."""
    _, headers = people.account(dsn, Role.ADMINISTRATOR)
    with httpx.Client(base_url=served.url + "/api/v1", headers=headers, trust_env=False, timeout=20) as found:
        yield found
        for hook in found.get("/webhooks").json()["items"]:
            found.delete(f"/webhooks/{hook['id']}")


def tell(dsn: str, topic: str = "alarm.raised", districts: tuple[str, ...] = ()) -> None:
    people.in_database(dsn, lambda connection: queue(connection, topic, districts, {"alarm": "7"}))


def log_of(client: httpx.Client, hook: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/webhooks/{hook}/deliveries").json()["items"]
    return found


def make(client: httpx.Client, url: str, **more: Any) -> dict[str, Any]:
    answer = client.post("/webhooks", json={"url": url, "topics": ["alarm.raised"]} | more)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_call_is_signed_and_logged(client: httpx.Client, dsn: str, receiver: Receiver) -> None:
    made = make(client, receiver.url)
    tell(dsn)
    (entry,) = until(
        lambda: [one for one in log_of(client, made["id"]) if one["delivered_at"]], "it is delivered"
    )
    assert (entry["status"], entry["attempts"], entry["due_at"]) == (200, 1, None)
    ((headers, body),) = receiver.calls
    assert headers["host"] == receiver.url.split("/")[2]
    at, _, digest = headers["x-citybrain-signature"].removeprefix("t=").partition(",v1=")
    expected = hmac.new(made["secret"].encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert digest == expected
    told = json.loads(body)
    assert (told["id"], told["topic"], told["alarm"]) == (entry["id"], "alarm.raised", "7")
    assert client.get("/webhooks").json()["items"][0]["secret"] is None


def test_only_what_was_asked_for_is_told(client: httpx.Client, dsn: str, receiver: Receiver) -> None:
    north = make(client, receiver.url, districts=["north"])
    tell(dsn, "alarm.escalated", ("north",))
    tell(dsn, "alarm.raised", ("south",))
    tell(dsn, "alarm.raised", ("south", "north"))
    until(lambda: receiver.calls, "the one that concerns it")
    assert len(log_of(client, north["id"])) == 1


def _tried(client: httpx.Client, hook: str, attempts: int) -> list[dict[str, Any]]:
    return [one for one in log_of(client, hook) if one["attempts"] == attempts]


def test_what_fails_is_tried_again_and_given_up_after_so_many_times(
    client: httpx.Client, dsn: str, receiver: Receiver
) -> None:
    receiver.statuses = [500, 302, 503]
    made = make(client, receiver.url)
    tell(dsn)
    for attempt in range(1, 4):
        (entry,) = until(partial(_tried, client, made["id"], attempt), f"try {attempt}")
        assert (entry["due_at"] is None) == (attempt == 3)
        with psycopg.connect(dsn) as connection:
            connection.execute("update webhook_delivery set due_at = now() where due_at is not null")
    assert (entry["status"], entry["delivered_at"]) == (503, None)
    assert len(receiver.calls) == 3, "a redirect is an answer, not a way"
    assert [courier.pause(n) for n in (1, 2, 3, 20)] == [
        timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40), timedelta(hours=1),
    ]  # fmt: skip


def test_what_is_undone_is_not_told(client: httpx.Client, dsn: str, receiver: Receiver) -> None:
    made = make(client, receiver.url)

    async def undone(connection: Any) -> None:
        await queue(connection, "alarm.raised", (), {})
        raise LookupError

    with pytest.raises(LookupError):
        people.in_database(dsn, undone)
    assert log_of(client, made["id"]) == []


def test_a_private_address_is_refused_when_it_is_given_and_again_when_it_is_called(
    migrated_dsn: str, broker_url: str, receiver: Receiver
) -> None:
    """Where no network is allowed; the row stands for a name that led elsewhere when it was given."""
    dsn = migrated_dsn
    _, headers = people.account(dsn, Role.ADMINISTRATOR)
    with (
        serving(own_settings(broker_url, dsn)) as served,
        httpx.Client(base_url=served.url + "/api/v1", headers=headers, trust_env=False, timeout=20) as client,
    ):
        answer = client.post("/webhooks", json={"url": receiver.url, "topics": ["alarm.raised"]})
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, "url")
        with psycopg.connect(dsn) as connection:
            connection.execute(
                "insert into webhook (id, url, topics, secret_sealed, created_by)"
                " select gen_random_uuid(), %s, '{alarm.raised}', 'x', id from account limit 1",
                [receiver.url],
            )
        tell(dsn)
        (hook,) = client.get("/webhooks").json()["items"]
        (entry,) = until(lambda: [one for one in log_of(client, hook["id"]) if one["attempts"]], "a try")
    assert "private network" in entry["error"]
    assert receiver.calls == []
