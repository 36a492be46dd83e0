"""Who gets in where: every route, every role, and another district; made from the app's own routes."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import psycopg
import pytest

from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import encode, pack_frame
from citybrain.config import Settings
from citybrain.messages import Message
from command.app import described_doors
from command.principal import Role
from command.trust import rights
from command.trust.rights import Action
from tests.fixtures import command as street
from tests.fixtures import people
from tests.fixtures.command import JPEG, Served, broker_is_there, serving, until
from tests.fixtures.database import migrated_database
from tests.fixtures.trust import own_settings

DOORS = list(described_doors())
PUBLIC = {
    ("/healthz", "get"), ("/api/v1/session/ways", "get"), ("/api/v1/session", "post"),
    ("/api/v1/session/link", "post"), ("/api/v1/session/oidc", "get"),
    ("/api/v1/session/oidc/callback", "get"), ("/api/v1/public/classes", "get"),
    ("/api/v1/public/reports", "post"), ("/api/v1/public/nearby", "get"), ("/api/v1/public/streets", "get"),
    ("/api/v1/public/follow", "get"), ("/api/v1/public/follow/photos", "post"),
    ("/api/v1/public/follow/rating", "post"), ("/api/v1/public/follow/reopening", "post"),
}  # fmt: skip
ENDLESS = {"/api/v1/stream", "/api/v1/inbox/stream", "/api/v1/cameras/{camera}/stream.mjpg"}

# What must hold whatever the table says: a slip in the table is found here.
NEVER = {
    Role.CITIZEN: set(Action)
    - {Action.OWN_ACCOUNT, Action.SEE_DOCUMENTS, Action.REPORT_CASES, Action.SEE_CASES},
    Role.GRID_WORKER: {Action.ORDER_SIGNALS}
    | {Action.SEE_VIDEO, Action.SEE_ALARMS, Action.READ_AUDIT, Action.MANAGE_ACCOUNTS}
    | {Action.ACCEPT_CASES, Action.HANDLE_CASES, Action.SEE_WORKERS},
    Role.HANDLER: {Action.ORDER_SIGNALS}
    | {Action.SEE_VIDEO, Action.SEE_ALARMS, Action.READ_AUDIT, Action.MANAGE_ACCOUNTS}
    | {Action.ACCEPT_CASES, Action.SUPERVISE_CASES, Action.SEE_WORKERS},
    Role.DEPARTMENT: {Action.ORDER_SIGNALS}
    | {Action.SEE_VIDEO, Action.READ_AUDIT, Action.MANAGE_ACCOUNTS}
    | {Action.ACCEPT_CASES, Action.SUPERVISE_CASES, Action.WORK_FIELD},
    Role.ACCEPTOR: {Action.ORDER_SIGNALS}
    | {Action.HANDLE_ALARMS, Action.READ_AUDIT, Action.MANAGE_ACCOUNTS}
    | {Action.HANDLE_CASES, Action.WORK_FIELD, Action.SUPERVISE_CASES},
    Role.DISPATCHER: {Action.ORDER_SIGNALS}
    | {Action.READ_AUDIT, Action.MANAGE_ACCOUNTS, Action.MANAGE_WEBHOOKS}
    | {Action.HANDLE_CASES, Action.ACCEPT_CASES},
    Role.OPERATOR: {Action.READ_AUDIT, Action.MANAGE_ACCOUNTS, Action.MANAGE_WEBHOOKS},
    Role.SUPERVISOR: {Action.MANAGE_ACCOUNTS, Action.MANAGE_WEBHOOKS},
    Role.ADMINISTRATOR: {Action.ORDER_SIGNALS}
    | {Action.SEE_VIDEO, Action.SEE_ALARMS, Action.HANDLE_ALARMS}
    | {Action.SEE_CASES, Action.SEE_WORKERS, Action.ACCEPT_CASES, Action.HANDLE_CASES},
}


@pytest.fixture(scope="module")
def own(postgres_dsn: str, broker_url: str) -> Iterator[Settings]:
    with migrated_database(postgres_dsn) as dsn:
        yield own_settings(broker_url, dsn)


@pytest.fixture(scope="module")
def served(own: Settings) -> Iterator[Served]:
    """Intersection, camera, event and alarm in the south; nothing in the north."""
    with serving(own) as found, Bus(own.broker, f"{own.site.name}-street") as bus, found.client() as client:
        broker_is_there(client)
        fill(own, bus)
        until(lambda: client.get("/api/v1/signals").json()["items"], "the signal")
        until(lambda: client.get("/api/v1/lanes").json()["items"], "the lane")
        until(lambda: client.get("/api/v1/cameras/demo/picture.jpg").status_code == 200, "the picture")
        until(lambda: client.get("/api/v1/alarms").json()["items"], "the alarm")
        yield found


@pytest.fixture(scope="module")
def stranger(served: Served) -> Iterator[httpx.Client]:
    """Somebody whom nobody knows."""
    with httpx.Client(base_url=served.url, trust_env=False, timeout=20) as client:
        yield client


def fill(own: Settings, bus: Bus) -> None:
    now = datetime.now(UTC)

    def send(what: str, message: Message) -> None:
        kind, _, id_ = str(getattr(message, "device", "")).partition("/")
        assert bus.publish(topics.build(own.site.name, kind, id_, what), encode(message), retain=True)

    send("config", street.config())
    send("state", street.state(2, at=now))
    send("measurement", street.measurement(1, at=now))
    send("status", street.status(at=now))
    camera = msgspec.structs.replace(street.status("camera/demo", now), position=(6.95, 50.94))
    send("status", camera)
    picture = pack_frame(street.frame(1, now), JPEG)
    assert bus.publish(topics.build(own.site.name, "camera", "demo", "picture"), picture, 0)
    with psycopg.connect(own.database.dsn) as connection:
        connection.execute(
            "insert into traffic_event (device, event, at, stored_at, boot, seq, kind, severity, start_at,"
            " intersection, lon, lat, detail, evidence, quality)"
            " values ('vision/demo', 'e1', now(), now(), 1, 1,"
            " 'stopped_vehicle', 'warning', now(), 'a', 6.95, 50.94, 'stands', '{}', 1)"
        )


def request_of(path: str, method: str) -> tuple[str, Any]:
    """A request that would succeed or fail for its content, never for want of a parameter in the path."""
    places = {"intersection": "a", "camera": "demo"}
    filled = re.sub(r"\{(\w+)\}", lambda place: places.get(place[1], str(uuid4())), path)
    return filled, {} if method in {"post", "put", "patch"} else None


def test_what_is_public_is_listed_here_and_nothing_else_is() -> None:
    assert {(path, method) for path, method, door in DOORS if door == "public"} == PUBLIC


def test_no_role_has_what_it_must_never_have() -> None:
    assert NEVER.keys() == set(Role)
    for role, actions in NEVER.items():
        assert not rights.TABLE[role] & actions, role


@pytest.mark.parametrize(("path", "method", "door"), DOORS, ids=[f"{m} {p}" for p, m, _ in DOORS])
def test_without_a_name_only_what_is_public_answers(
    stranger: httpx.Client, path: str, method: str, door: str
) -> None:
    url, body = request_of(path, method)
    for headers in ({}, {"authorization": "Bearer cbt_wrong"}, {"cookie": "citybrain_session=wrong"}):
        answer = stranger.request(method, url, json=body, headers=headers)
        if door == "public":
            refused = answer.status_code == 401 and answer.json()["error"]["field"] is None
            assert answer.status_code in {200, 404, 422} or (refused and "callback" in path)
        else:
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "signed_out")


@pytest.mark.parametrize("role", list(Role))
def test_every_route_answers_a_role_as_the_table_says(own: Settings, served: Served, role: Role) -> None:
    """Tokens hold all scopes of their account, but one's own account, which takes a session."""
    principal, headers = people.account(own.database.dsn, role)
    may = rights.allowed(principal) - {Action.OWN_ACCOUNT}
    with httpx.Client(base_url=served.url, headers=headers, trust_env=False, timeout=20) as client:
        for path, method, door in DOORS:
            if door in {"public", "signed_in"}:
                continue
            url, body = request_of(path, method)
            with client.stream(method, url, json=body) as answer:
                refused = answer.status_code == 403
                if path not in ENDLESS:
                    answer.read()
                assert answer.status_code < 500, f"{method} {path}"
            assert refused == (Action(door) not in may), f"{role} {method} {path}: {answer.status_code}"


@pytest.mark.parametrize("role", [role for role in Role if Action.SEE_LIVE in rights.TABLE[role]])
def test_what_lies_in_another_district_is_not_there(own: Settings, served: Served, role: Role) -> None:
    """Everything lies in the south: who sees the north only sees nothing, by list and by name."""
    (at_home, foreign) = (
        httpx.Client(
            base_url=served.url,
            headers=people.account(own.database.dsn, role, [district])[1],
            trust_env=False,
            timeout=20,
        )
        for district in ("south", "north")
    )
    may = rights.TABLE[role]
    lists = ["signals", "lanes", "intersections", "cameras", "events"]
    lists += ["alarms"] if Action.SEE_ALARMS in may else []
    with at_home, foreign:
        for name in lists:
            assert at_home.get(f"/api/v1/{name}").json()["items"], name
            assert foreign.get(f"/api/v1/{name}").json()["items"] == [], name
        things = ["intersections/a", "measurements/lanes?intersection=a", "commands?intersection=a"]
        things += ["measurements/signals?intersection=a", "measurements/counts?camera=demo"]
        if Action.SEE_VIDEO in may:
            things.append("cameras/demo/picture.jpg")
        if Action.SEE_ALARMS in may:
            (alarm,) = at_home.get("/api/v1/alarms").json()["items"]
            things.append(f"alarms/{alarm['id']}")
        for thing in things:
            assert at_home.get(f"/api/v1/{thing}").status_code == 200, thing
            assert foreign.get(f"/api/v1/{thing}").status_code == 404, thing
        if Action.SEE_VIDEO in may:
            assert foreign.get("/api/v1/cameras/demo/stream.mjpg").status_code == 404
        if Action.ORDER_SIGNALS in may:
            order = {"kind": "hold", "phase": 0, "reason": "a lorry stands there"}
            assert at_home.post("/api/v1/intersections/a/order", json=order).status_code == 201
            assert at_home.get("/api/v1/orders").json()["items"]
            assert foreign.get("/api/v1/orders").json()["items"] == []
            assert foreign.post("/api/v1/intersections/a/order", json=order).status_code == 404
            release = ("/api/v1/intersections/a/order/release", {"reason": "it is gone"})
            assert foreign.post(release[0], json=release[1]).status_code == 404
            assert at_home.post(release[0], json=release[1]).status_code == 204
        if Action.HANDLE_ALARMS in may:
            deeds = [("post", "comments", {"text": "x"}), ("post", "snooze", {"minutes": 5})]
            deeds += [
                ("post", "acknowledgement", None),
                ("post", "closure", None),
                ("put", "assignee", {"to": None}),
            ]
            for method, deed, body in deeds:
                answer = foreign.request(method, f"/api/v1/alarms/{alarm['id']}/{deed}", json=body)
                assert answer.status_code == 404, deed


@pytest.mark.parametrize("role", list(Role))
def test_what_concerns_the_whole_city_is_not_for_one_district(
    own: Settings, served: Served, role: Role
) -> None:
    _, headers = people.account(own.database.dsn, role, ["south"])
    for path in ("/metrics", "/api/v1/accounts", "/api/v1/audit", "/api/v1/webhooks", "/api/v1/retention"):
        assert httpx.get(served.url + path, headers=headers, trust_env=False).status_code == 403


@pytest.mark.parametrize(("district", "heard"), [("south", {"signals", "kpis"}), ("north", {"kpis"})])
def test_the_stream_tells_a_district_of_itself_only(
    own: Settings, served: Served, district: str, heard: set[str]
) -> None:
    _, headers = people.account(own.database.dsn, Role.OPERATOR, [district])
    at = datetime.now(UTC)
    with (
        Bus(own.broker, f"{own.site.name}-{district}") as bus,
        served.client() as whole,
        httpx.Client(base_url=served.url, headers=headers, trust_env=False, timeout=20) as client,
        client.stream("GET", "/api/v1/stream?channels=signals,kpis") as answer,
    ):
        state = street.state(int(at.timestamp()), at=at)
        assert bus.publish(topics.build(own.site.name, "signal", "a", "state"), encode(state))
        until(lambda: _shows(whole, at), "the state is live")
        events = street.read_events(answer.iter_lines())
        # Key figures come every two seconds: by the third the state has been told to whom it is told.
        told, figures = set(), 0
        while figures < 3:
            event = next(events).event
            told.add(event)
            figures += event == "kpis"
    assert told == heard


def _shows(client: httpx.Client, at: datetime) -> bool:
    (signal,) = client.get("/api/v1/signals").json()["items"]
    return datetime.fromisoformat(signal["at"]) == at


def test_no_secret_and_no_name_is_in_any_address_or_log(
    own: Settings, served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    principal, headers = people.account(own.database.dsn, Role.SUPERVISOR)
    secret = headers["authorization"].removeprefix("Bearer ")
    with httpx.Client(base_url=served.url, headers=headers, trust_env=False) as client:
        client.get("/api/v1/audit")
        client.get("/api/v1/cameras/demo/picture.jpg")
        client.post("/api/v1/session", json={"name": principal.name, "password": "not the word at all"})
        metrics = client.get("/metrics").text
    logged = "".join(capsys.readouterr()) + metrics
    assert principal.name not in logged
    assert secret not in logged
    for path, _, _ in DOORS:
        assert not re.search(r"\{(name|user|email|phone|password|token_secret)\}", path)
