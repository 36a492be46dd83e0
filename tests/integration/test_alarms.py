"""Alarms from events in a real database: bundled, handled, escalated, never a flood."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from citybrain import config
from command import retention
from command.database import Database
from command.principal import Principal, Role
from tests.fixtures import people
from tests.fixtures.command import Served, read_events, serving, until
from tests.fixtures.trust import own_settings

INSERT = (
    "insert into traffic_event (device, event, at, stored_at, boot, seq, kind, severity, start_at, end_at,"
    " intersection, lon, lat, detail, evidence, quality)"
    " values ('vision/demo', %(event)s, now(), now(), 1, 1,"
    " %(kind)s, %(severity)s, now(), %(end_at)s, %(intersection)s, 6.95, 50.94, %(detail)s, '{}', 1)"
    " on conflict (device, event) do update set severity = excluded.severity, end_at = excluded.end_at,"
    " stored_at = excluded.stored_at"
)


@pytest.fixture(scope="module")
def served(dsn: str, broker_url: str) -> Iterator[Served]:
    with serving(own_settings(broker_url, dsn, alarms=config.Alarms(flood_per_minute=5))) as found:
        yield found


@pytest.fixture
def operator(dsn: str) -> tuple[Principal, dict[str, str]]:
    return people.account(dsn, Role.OPERATOR, ["south"])


@pytest.fixture
def client(dsn: str, served: Served, operator: tuple[Principal, dict[str, str]]) -> Iterator[httpx.Client]:
    """An operator of the south, before a city where nothing has happened yet."""
    with psycopg.connect(dsn) as connection:
        connection.execute("delete from traffic_event")
        connection.execute("delete from alarm")
    with httpx.Client(base_url=served.url, headers=operator[1], trust_env=False, timeout=20) as found:
        found.base_url = httpx.URL(served.url + "/api/v1")
        yield found


def happen(dsn: str, intersection: str = "a", **given: Any) -> str:
    """An event, or with `event` more about one; its id."""
    usual = {
        "event": uuid4().hex, "kind": "stopped_vehicle", "severity": "warning", "end_at": None,
        "intersection": intersection, "detail": "stands since 40 s",
    }  # fmt: skip
    values = usual | given
    with psycopg.connect(dsn) as connection:
        connection.execute(INSERT, values)
    return str(values["event"])


def alarms(client: httpx.Client, **wanted: Any) -> list[dict[str, Any]]:
    items = client.get("/alarms", params={"state": ["open", "acknowledged", "closed"]}).json()["items"]
    return [item for item in items if all(item[name] == value for name, value in wanted.items())]


def told(client: httpx.Client, number: int = 1, **wanted: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = until(
        lambda: len(have := alarms(client, **wanted)) == number and have, f"{number} alarms with {wanted}"
    )
    return found


def history(client: httpx.Client, alarm: str) -> list[tuple[str | None, str]]:
    entries = client.get(f"/alarms/{alarm}").json()["entries"]
    return [(entry["actor"], entry["what"]) for entry in entries]


def past(dsn: str, minutes: int) -> None:
    """Let so much time go by for all alarms."""
    with psycopg.connect(dsn) as connection:
        for column in ("raised_at", "escalated_at", "snoozed_until", "ended_at", "changed_at"):
            connection.execute(
                f"update alarm set {column} = {column} - make_interval(mins => %s)".encode(), [minutes]
            )


def test_events_of_one_kind_at_one_place_are_one_alarm(client: httpx.Client, dsn: str) -> None:
    for _ in range(4):
        happen(dsn)
    happen(dsn, kind="wrong_way", severity="critical")
    happen(dsn, severity="info", kind="camera_moved")
    (bundle,) = told(client, kind="stopped_vehicle", events=4)
    assert (bundle["severity"], bundle["state"], bundle["districts"]) == ("warning", "open", ["south"])
    assert bundle["position"] == [6.95, 50.94]
    first = told(client, 2)[0]
    assert first["kind"] == "wrong_way", "what is critical comes first"


def test_many_places_at_once_are_no_flood_of_alarms(client: httpx.Client, dsn: str) -> None:
    for number in range(30):
        happen(dsn, f"place-{number}")
    (city,) = until(
        lambda: [one for one in _of_the_city(dsn) if one[1] == 25],
        "all others are one alarm of the whole city",
    )
    assert city[0] is None
    happen(dsn, "place-99", severity="critical", kind="wrong_way")
    told(client, kind="wrong_way", intersection="place-99")
    assert len(_of_the_city(dsn)) == 7


def _of_the_city(dsn: str) -> list[tuple[str | None, int]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute("select intersection, events from alarm order by events desc").fetchall()


def test_who_acknowledged_and_when_is_kept_and_nobody_does_it_twice(
    client: httpx.Client, dsn: str, operator: tuple[Principal, dict[str, str]]
) -> None:
    happen(dsn)
    (alarm,) = told(client)
    assert client.post(f"/alarms/{alarm['id']}/closure").status_code == 409, "first somebody takes note"
    done = client.post(f"/alarms/{alarm['id']}/acknowledgement").json()
    name = operator[0].name
    assert (done["state"], done["acknowledged_by"]) == ("acknowledged", name)
    age = datetime.now(UTC) - datetime.fromisoformat(done["acknowledged_at"])
    assert abs(age) < timedelta(seconds=30)
    assert client.post(f"/alarms/{alarm['id']}/acknowledgement").status_code == 409
    assert client.put(f"/alarms/{alarm['id']}/assignee", json={"to": name}).json()["assigned_to"] == name
    nobody = client.put(f"/alarms/{alarm['id']}/assignee", json={"to": "nobody"})
    assert (nobody.status_code, nobody.json()["error"]["field"]) == (422, "to")
    client.post(f"/alarms/{alarm['id']}/comments", json={"text": "tow truck is on its way"})
    assert client.post(f"/alarms/{alarm['id']}/closure").json()["state"] == "closed"
    deeds = ["acknowledged", "assigned", "commented", "closed"]
    assert history(client, alarm["id"]) == [(None, "raised"), *((name, deed) for deed in deeds)]
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "select action from audit where subject = %s order by seq", [f"alarm/{alarm['id']}"]
        ).fetchall()
    assert [action for (action,) in rows] == [f"alarm.{deed}" for deed in deeds]


def test_an_alarm_cannot_be_given_to_who_may_not_see_it(client: httpx.Client, dsn: str) -> None:
    happen(dsn)
    (alarm,) = told(client)
    for role, district in ((Role.OPERATOR, "north"), (Role.CITIZEN, "south")):
        other, _ = people.account(dsn, role, [district])
        answer = client.put(f"/alarms/{alarm['id']}/assignee", json={"to": other.name})
        assert answer.status_code == 422


def test_what_gets_worse_asks_for_somebody_again(client: httpx.Client, dsn: str) -> None:
    happen(dsn)
    (alarm,) = told(client)
    client.post(f"/alarms/{alarm['id']}/acknowledgement")
    happen(dsn)
    told(client, state="acknowledged", events=2)
    happen(dsn, severity="critical")
    (again,) = told(client, state="open", events=3)
    assert (again["id"], again["severity"], again["acknowledged_by"]) == (alarm["id"], "critical", None)


def test_what_nobody_acknowledges_is_escalated_three_times_at_most(client: httpx.Client, dsn: str) -> None:
    happen(dsn)
    told(client, level=0)
    for level in (1, 2, 3):
        past(dsn, 6)
        told(client, level=level)
    (alarm,) = alarms(client)
    assert [what for _, what in history(client, alarm["id"])] == ["raised", *["escalated"] * 3]


def test_what_is_snoozed_or_acknowledged_is_not_escalated(client: httpx.Client, dsn: str) -> None:
    happen(dsn, "snoozed")
    happen(dsn, "noted")
    happen(dsn, "left")
    told(client, 3)
    (snoozed,), (noted,) = (alarms(client, intersection=name) for name in ("snoozed", "noted"))
    client.post(f"/alarms/{snoozed['id']}/snooze", json={"minutes": 60})
    client.post(f"/alarms/{noted['id']}/acknowledgement")
    past(dsn, 6)
    told(client, intersection="left", level=1)
    assert {one["intersection"]: one["level"] for one in alarms(client)} == {
        "left": 1,
        "snoozed": 0,
        "noted": 0,
    }
    past(dsn, 60)
    told(client, intersection="snoozed", level=1)


def test_what_is_over_and_was_noted_closes_itself_and_what_was_not_noted_stays(
    client: httpx.Client, dsn: str
) -> None:
    noted, left = happen(dsn, "noted"), happen(dsn, "left")
    told(client, 2)
    (alarm,) = alarms(client, intersection="noted")
    client.post(f"/alarms/{alarm['id']}/acknowledgement")
    for event, place in ((noted, "noted"), (left, "left")):
        happen(dsn, place, event=event, end_at=datetime.now(UTC))
    until(lambda: all(one["ended_at"] for one in alarms(client)), "both have ended")
    past(dsn, 11)
    told(client, intersection="noted", state="closed")
    assert alarms(client, intersection="left")[0]["state"] == "open"


def test_every_open_page_is_told_at_once(
    client: httpx.Client, served: Served, dsn: str, operator: tuple[Principal, dict[str, str]]
) -> None:
    with (
        httpx.Client(base_url=served.url, headers=operator[1], trust_env=False, timeout=20) as page,
        page.stream("GET", "/api/v1/stream?channels=alarms") as answer,
    ):
        events = read_events(answer.iter_lines())
        happen(dsn)
        (alarm,) = next(events).data["items"]
        assert (alarm["state"], alarm["kind"]) == ("open", "stopped_vehicle")
        client.post(f"/alarms/{alarm['id']}/acknowledgement")
        states = {alarm["state"]}
        while "acknowledged" not in states:
            states |= {item["state"] for item in next(events).data["items"]}


async def _purge(dsn: str, broker_url: str, later: timedelta) -> int:
    own = own_settings(broker_url, dsn)
    reached = Database(dsn)
    await reached.open()
    try:
        filed = await retention.file_receipts(reached)
        return filed + await retention.purge(reached, own, datetime.now(UTC) + later)
    finally:
        await reached.close()


def test_what_is_too_old_goes_with_a_receipt_in_the_audit(
    client: httpx.Client, dsn: str, broker_url: str
) -> None:
    happen(dsn)
    (alarm,) = told(client)
    client.post(f"/alarms/{alarm['id']}/acknowledgement")
    client.post(f"/alarms/{alarm['id']}/closure")
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "insert into purge_receipt (kind, before, removed, parts)"
            " values ('records of the street', now(), 2, %s)",
            [["lane_measurement_20250101", "signal_state_20250101"]],
        )
    people.in_thread(_purge(dsn, broker_url, timedelta(days=399)))
    assert len(_of_the_city(dsn)) == 1
    people.in_thread(_purge(dsn, broker_url, timedelta(days=401)))
    assert _of_the_city(dsn) == []
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "select subject, details from audit where action = 'retention.purged' order by seq"
        ).fetchall()
        (filed,) = connection.execute("select count(*) from purge_receipt where audit_seq is null").fetchall()
    receipts: dict[str, str] = dict(rows)
    assert '"removed":1' in receipts["retention/alarms"]
    assert "lane_measurement_20250101" in receipts["retention/records of the street"]
    assert filed == (0,)
