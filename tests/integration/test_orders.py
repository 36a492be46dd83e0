"""Orders of people to signals: with a reason, told over MQTT without it, and two persons for a wave."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import decode, encode
from citybrain.config import Settings
from citybrain.messages import OrderKind, SignalOrder
from command.principal import Principal, Role
from command.trust import tokens
from command.trust.audit import SYSTEM
from command.trust.rights import Action
from tests.fixtures import command as street
from tests.fixtures import people
from tests.fixtures.command import Served, serving, until

SIGNALS = ("a", "b", "c")


@contextmanager
def knowing(own: Settings) -> Iterator[Served]:
    """A command centre that knows the signals."""
    with serving(own) as found, found.client() as client:
        until(lambda: len(client.get("/api/v1/intersections").json()["items"]) == len(SIGNALS), "the signals")
        yield found


@pytest.fixture(scope="module")
def served(own: Settings) -> Iterator[Served]:
    with Bus(own.broker, f"{own.site.name}-street") as bus:
        for name in SIGNALS:
            config = street.config(name, at=datetime.now(UTC))
            topic = topics.build(own.site.name, "signal", name, "config")
            assert bus.publish(topic, encode(config), retain=True)
        with knowing(own) as found:
            yield found


class Ear:
    """What a region would hear."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard: list[tuple[SignalOrder, str]] = []

    def hear(self, _topic: str, payload: bytes, retained: bool) -> None:
        message = decode(payload)
        assert isinstance(message, SignalOrder)
        assert not retained
        with self._lock:
            self._heard.append((message, payload.decode()))

    def of(self, intersection: str, kind: OrderKind) -> list[SignalOrder]:
        with self._lock:
            found = [one for one, _ in self._heard]
        return [one for one in found if (one.intersection, one.kind) == (intersection, kind)]

    def text(self) -> str:
        with self._lock:
            return "".join(text for _, text in self._heard)

    def forget(self) -> None:
        with self._lock:
            self._heard.clear()


@pytest.fixture
def ear(own: Settings) -> Iterator[Ear]:
    found = Ear()
    with Bus(own.broker, f"{own.site.name}-ear-{uuid4().hex[:6]}") as bus:
        bus.subscribe(topics.matching(own.site.name, "signal", what="order"), found.hear)
        yield found


@contextmanager
def person(served: Served, dsn: str, role: Role = Role.OPERATOR) -> Iterator[tuple[Principal, httpx.Client]]:
    principal, headers = people.account(dsn, role)
    with httpx.Client(
        base_url=f"{served.url}/api/v1", headers=headers, trust_env=False, timeout=20
    ) as client:
        yield principal, client


def audited(dsn: str, principal: Principal) -> list[tuple[str, str, dict[str, Any]]]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "select action, subject, details from audit where actor = %s order by seq", [principal.id]
        ).fetchall()
    return [(action, subject, json.loads(details)) for action, subject, details in rows]


def at(client: httpx.Client, intersection: str) -> list[dict[str, Any]]:
    items = client.get("/orders").json()["items"]
    return [one for one in items if one["intersection"] == intersection]


def test_a_hold_is_told_without_name_and_reason_seen_by_all_and_released_with_a_reason(
    served: Served, dsn: str, ear: Ear
) -> None:
    with person(served, dsn) as (first, one), person(served, dsn, Role.SUPERVISOR) as (second, other):
        body = {"kind": "hold", "phase": 1, "minutes": 3, "reason": "lorry broken down"}
        asked = one.post("/intersections/a/order", json=body)
        assert asked.status_code == 201, asked.text
        order = asked.json()
        said = until(lambda: ear.of("a", OrderKind.HOLD), "the order")[0]
        assert (said.order, said.phase) == (order["id"], 1)
        assert said.expires_at - said.starts_at == timedelta(minutes=3)
        assert at(other, "a") == [order]
        assert (order["ordered_by"], order["reason"]) == (first.name, "lorry broken down")
        again = other.post("/intersections/a/order", json={"kind": "local", "reason": "test of the plan"})
        assert again.status_code == 409
        assert first.name in again.json()["error"]["message"]

        released = other.post("/intersections/a/order/release", json={"reason": "lorry is gone"})
        assert released.status_code == 204
        assert until(lambda: ear.of("a", OrderKind.RELEASE), "the release")[0].order == order["id"]
        assert at(one, "a") == []
        ear.forget()
        until(lambda: ear.of("a", OrderKind.RELEASE), "a release is told again, should the first be lost")
        assert ear.of("a", OrderKind.HOLD) == []
        assert one.post("/intersections/a/order/release", json={"reason": "once more"}).status_code == 404
        assert "lorry" not in ear.text()
        assert first.name not in ear.text()
        details = {"order": order["id"], "kind": "hold", "phase": 1, "minutes": 3, "reason": body["reason"]}
        assert audited(dsn, first) == [("signal.ordered", "intersection/a", details)]
        ended = {"orders": [order["id"]], "reason": "lorry is gone"}
        assert audited(dsn, second) == [("signal.released", "intersection/a", ended)]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reason": " "}, "reason"), ({"reason": None}, "reason"), ({"minutes": 11}, "minutes"),
        ({"phase": 2}, "phase"), ({"phase": None}, "phase"), ({"kind": "local"}, "phase"),
    ],
)  # fmt: skip
def test_an_order_needs_a_reason_an_end_and_a_phase_that_is_there(
    served: Served, dsn: str, change: dict[str, object], field: str
) -> None:
    body: dict[str, object] = {"kind": "hold", "phase": 1, "minutes": 3, "reason": "broken lorry"}
    with person(served, dsn) as (who, client):
        answer = client.post("/intersections/b/order", json=body | change)
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, field), answer.text
        assert audited(dsn, who) == []
        assert client.post("/intersections/none/order", json=body).status_code == 404


def test_an_order_outlives_the_command_centre_and_is_told_again(
    own: Settings, served: Served, ear: Ear
) -> None:
    dsn = own.database.dsn
    with person(served, dsn) as (_, client):
        body = {"kind": "local", "reason": "maintenance of the loops"}
        order = client.post("/intersections/b/order", json=body).json()
    with knowing(own) as restarted, person(restarted, dsn) as (_, client):
        ear.forget()
        assert at(client, "b") == [order]
        told = until(lambda: ear.of("b", OrderKind.LOCAL), "it is told again")[0]
        assert (told.order, told.expires_at) == (order["id"], datetime.fromisoformat(order["expires_at"]))
        assert client.post("/intersections/b/order/release", json={"reason": "done"}).status_code == 204


def test_a_green_wave_takes_a_second_person_and_then_holds_signal_after_signal(
    served: Served, dsn: str, ear: Ear
) -> None:
    holds = [
        {"intersection": "a", "phase": 0, "after_s": 0, "lasts_s": 40},
        {"intersection": "c", "phase": 1, "after_s": 30, "lasts_s": 60},
    ]
    body = {"holds": holds, "reason": "convoy of the fire brigade"}
    with person(served, dsn) as (first, one), person(served, dsn) as (second, other):
        asked = one.post("/manual-waves", json=body)
        assert asked.status_code == 201, asked.text
        wave = asked.json()
        assert (wave["asked_by"], wave["is_own"], wave["confirmed_by"]) == (first.name, True, None)
        assert not ear.text()
        assert one.post(f"/manual-waves/{wave['id']}/confirmation").status_code == 409
        (listed,) = other.get("/manual-waves").json()["items"]
        assert (listed["id"], listed["is_own"]) == (wave["id"], False)
        assert at(one, "a") == []

        confirmed = other.post(f"/manual-waves/{wave['id']}/confirmation")
        assert confirmed.status_code == 200, confirmed.text
        assert confirmed.json()["confirmed_by"] == second.name
        early, late = (
            until(lambda: ear.of("a", OrderKind.HOLD), "a")[0],
            until(lambda: ear.of("c", OrderKind.HOLD), "c")[0],
        )
        assert (early.phase, late.phase) == (0, 1)
        assert late.starts_at - early.starts_at == timedelta(seconds=30)
        assert late.expires_at - late.starts_at == timedelta(seconds=60)
        assert at(one, "c")[0]["wave"] == wave["id"]
        assert other.post(f"/manual-waves/{wave['id']}/confirmation").status_code == 409
        assert one.post("/intersections/c/order", json={"kind": "local", "reason": "test"}).status_code == 409

        ended = one.post(f"/manual-waves/{wave['id']}/end", json={"reason": "convoy is through"})
        assert ended.json()["end_reason"] == "convoy is through"
        until(lambda: ear.of("a", OrderKind.RELEASE) and ear.of("c", OrderKind.RELEASE), "both are released")
        assert at(one, "a") == at(one, "c") == []
        assert one.get("/manual-waves").json()["items"] == []
        names = [[action for action, _, _ in audited(dsn, who)] for who in (first, second)]
        assert names == [["manual_wave.asked", "manual_wave.ended"], ["manual_wave.confirmed"]]
        assert "convoy" not in ear.text()


def test_a_green_wave_that_nobody_confirms_in_time_or_whose_signal_is_taken_does_not_begin(
    served: Served, dsn: str, ear: Ear
) -> None:
    holds = [{"intersection": name, "phase": 0, "after_s": 0, "lasts_s": 30} for name in ("a", "c")]
    with person(served, dsn) as (_, one), person(served, dsn) as (_, other):

        def ask() -> str:
            wave = one.post("/manual-waves", json={"holds": holds, "reason": "visit of state"}).json()["id"]
            assert isinstance(wave, str)
            return wave

        late = ask()
        with psycopg.connect(dsn) as connection:
            connection.execute("update manual_wave set lapses_at = now() where id = %s", [late])
        assert other.post(f"/manual-waves/{late}/confirmation").status_code == 409
        assert other.get("/manual-waves").json()["items"] == []
        blocked = ask()
        taken = {"kind": "hold", "phase": 1, "reason": "lorry broken down"}
        assert one.post("/intersections/c/order", json=taken).status_code == 201
        assert other.post(f"/manual-waves/{blocked}/confirmation").status_code == 409
        assert at(one, "a") == []
        assert one.post("/intersections/c/order/release", json={"reason": "is gone"}).status_code == 204
        withdrawn = other.post(f"/manual-waves/{blocked}/end", json={"reason": "visit is off"})
        assert withdrawn.status_code == 200
        assert other.post(f"/manual-waves/{blocked}/confirmation").status_code == 409
        assert ear.of("a", OrderKind.HOLD) == []
        twice = {"holds": [holds[0], holds[0]], "reason": "visit of state"}
        assert one.post("/manual-waves", json=twice).status_code == 422


def test_a_token_without_the_scope_orders_nothing(served: Served, dsn: str) -> None:
    principal, _ = people.account(dsn, Role.OPERATOR)

    async def make(connection: Any) -> str:
        scopes = {Action.SEE_LIVE, Action.SEE_ALARMS}
        _, secret = await tokens.make(connection, SYSTEM, principal.id, "map", scopes, days=1)
        return secret

    headers = {"authorization": f"Bearer {people.in_database(dsn, make)}"}
    body = {"kind": "hold", "phase": 1, "reason": "lorry broken down"}
    with httpx.Client(base_url=f"{served.url}/api/v1", headers=headers, trust_env=False) as client:
        assert client.get("/orders").status_code == 200
        assert client.post("/intersections/a/order", json=body).status_code == 403
        assert client.post("/manual-waves", json={}).status_code == 403
