"""The past as the API plays it back, from a real database."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from command.principal import Role
from tests.fixtures import people
from tests.fixtures.command import BOOT, T0, Served, serving
from tests.fixtures.trust import own_settings

ALARM = "00000000-0000-0000-0000-000000000001"


@pytest.fixture(scope="module")
def served(dsn: str, broker_url: str) -> Iterator[Served]:
    with psycopg.connect(dsn) as connection:
        _fill(connection)
    with serving(own_settings(broker_url, dsn)) as found:
        yield found


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client() as found:
        yield found


def _fill(connection: psycopg.Connection) -> None:
    """A minute: a queue that grows by a metre a second on one lane, one that stands still on the other."""
    connection.execute(
        "insert into intersection values ('a', %s, %s, 'signal/a', %s, 1, 'Market', 6.95, 50.94, '{}')",
        [T0, T0, BOOT],
    )
    for second in range(60):
        at = T0 + timedelta(seconds=second)
        for lane, queue_m in (("east_0", 5.0), ("south_0", float(second))):
            connection.execute(
                "insert into lane_measurement values"
                " (%s, %s, 'lanes/a', %s, %s, 'a', %s, 1, 3, 2, %s, 4, 0.2, 1, 2, 4, 1)",
                [at, at, BOOT, second + 1, lane, queue_m],
            )
        shows = "Gr" if second < 30 else "rG"
        connection.execute(
            "insert into signal_state values"
            " (%s, %s, 'signal/a', %s, %s, 'a', %s, %s, 0, 1, 'green', 1, 4, null, 'commanded', 7)",
            [at, at, BOOT, second + 1, float(second), shows],
        )
    for lane in ("east_0", "south_0"):
        connection.execute(
            "insert into lane_latest select lane, at, stored_at, device, boot, seq, intersection, period_s,"
            " vehicles, queued, queue_m, mean_speed_mps, occupancy, crossed, stops, delay_s, quality"
            " from lane_measurement where lane = %s order by at desc limit 1",
            [lane],
        )
        connection.execute(
            "insert into lane_rollup_1min values"
            " (%s, %s, 'lanes/a', 'a', 60, 60, 180, 120, 2, 900, 15, 180, 720, 12, 30, 45, 120, 60)",
            [T0, lane],
        )
    _happen(connection)


def _happen(connection: psycopg.Connection) -> None:
    """An event from 10 s to 40 s; its alarm is acknowledged at 20 s, reopened at 30 s, closed at 50 s."""
    person, _ = people.account(connection.info.dsn, Role.OPERATOR)
    start, end = T0 + timedelta(seconds=10), T0 + timedelta(seconds=40)
    event = (
        "('vision/demo', 'e1', %(at)s, %(at)s, 1, %(seq)s, 'stopped_vehicle', 'warning', %(start)s, %(end)s,"
        " 'a', 6.95, 50.94, 'stands', '{}', 1)"
    )
    columns = (
        "(device, event, at, stored_at, boot, seq, kind, severity, start_at, end_at, intersection, lon, lat,"
        " detail, evidence, quality)"
    )
    told = {"at": end, "seq": 2, "start": start, "end": end}
    connection.execute(f"insert into traffic_event {columns} values {event}".encode(), told)
    for values in ({"at": start, "seq": 1, "start": start, "end": None}, told):
        connection.execute(f"insert into traffic_event_history {columns} values {event}".encode(), values)
    connection.execute(
        "insert into alarm (id, key, kind, severity, state, raised_at, last_at, ended_at, changed_at,"
        " districts, intersection, device, lon, lat, detail) values (%s, 'k', 'stopped_vehicle',"
        " 'warning', 'closed', %s, %s, %s, %s, array['south'], 'a', 'vision/demo', 6.95, 50.94, 'stands')",
        [ALARM, start, start, end, T0 + timedelta(seconds=50)],
    )
    connection.execute(
        "insert into alarm_event values ('vision/demo', 'e1', %s, 'warning', %s, %s)", [ALARM, start, end]
    )
    connection.execute("set session_replication_role = replica")  # the account is made in another transaction
    for second, what, actor, text in (
        (10, "raised", None, ""), (20, "acknowledged", person.id, ""), (21, "assigned", person.id, "li"),
        (30, "reopened", None, ""), (35, "escalated", None, ""), (36, "snoozed", person.id, "15 min"),
        (45, "acknowledged", person.id, ""), (50, "closed", person.id, ""),
    ):  # fmt: skip
        connection.execute(
            "insert into alarm_entry (alarm, at, actor, what, text) values (%s, %s, %s, %s, %s)",
            [ALARM, T0 + timedelta(seconds=second), actor, what, text],
        )


def at(client: httpx.Client, seconds: float) -> dict[str, Any]:
    answer = client.get("/api/v1/playback/state", params={"at": _text(seconds)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def changes(client: httpx.Client, start: float, end: float, step_s: float = 0.5) -> dict[str, Any]:
    asked: dict[str, str | float] = {"from": _text(start), "to": _text(end), "step_s": step_s}
    answer = client.get("/api/v1/playback/changes", params=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _text(seconds: float) -> str:
    return (T0 + timedelta(seconds=seconds)).isoformat()


def test_a_moment_is_as_it_was_then(client: httpx.Client) -> None:
    found = at(client, 25.5)
    (signal,) = found["signals"]
    assert (signal["indications"], signal["position"]) == ("Gr", [6.95, 50.94])
    assert {lane["lane"]: lane["queue_m"] for lane in found["lanes"]} == {"east_0": 5.0, "south_0": 25.0}
    (event,) = found["events"]
    assert event["end_at"] is None, "its end had not come"
    (alarm,) = found["alarms"]
    assert (alarm["state"], alarm["assigned_to"], alarm["level"]) == ("acknowledged", "li", 0)
    assert alarm["acknowledged_by"].startswith("operator-")
    assert datetime.fromisoformat(alarm["acknowledged_at"]) == T0 + timedelta(seconds=20)
    assert alarm["ended_at"] is None


def test_before_the_first_record_there_is_nothing(client: httpx.Client) -> None:
    found = at(client, -1)
    assert [found[name] for name in ("signals", "lanes", "events", "alarms")] == [[], [], [], []]
    assert found["figures"] == {"mean_delay_s": None, "stops_per_vehicle": None, "throughput_veh_h": None}


def test_an_old_alarm_stands_open_again_escalated_and_put_aside(client: httpx.Client) -> None:
    (alarm,) = at(client, 37)["alarms"]
    assert (alarm["state"], alarm["level"], alarm["acknowledged_by"]) == ("open", 1, None)
    assert datetime.fromisoformat(alarm["snoozed_until"]) == T0 + timedelta(seconds=36, minutes=15)
    (alarm,) = at(client, 46)["alarms"]
    assert (alarm["state"], alarm["snoozed_until"]) == ("acknowledged", None)
    assert datetime.fromisoformat(alarm["ended_at"]) == T0 + timedelta(seconds=40)
    assert at(client, 51)["alarms"] == []


def test_figures_are_those_of_the_minutes_before(client: httpx.Client) -> None:
    assert at(client, 120)["figures"] == {
        "mean_delay_s": 4.0, "stops_per_vehicle": 1.5, "throughput_veh_h": 3600.0,
    }  # fmt: skip


@pytest.mark.parametrize("step_s", [0.5, 5])
def test_changes_played_upon_a_moment_give_the_later_moment(client: httpx.Client, step_s: float) -> None:
    """What a player does: state at 5.5 s, changes until 47.5 s in two chunks, against the state at 47.5 s."""
    first, last = at(client, 5.5), at(client, 47.5)
    played: dict[str, dict[str, Any]] = {}
    keys = {"signals": "intersection", "lanes": "lane", "alarms": "id"}
    chunks = [first, changes(client, 5.5, 25.5, step_s), changes(client, 25.5, 47.5, step_s)]
    for name, key in keys.items():
        for chunk in chunks:
            for item in chunk[name]:
                played.setdefault(name, {})[item[key]] = item
        wanted = {item[key]: item for item in last[name]}
        dropped = {"at", "changed_at"}  # a lane that stands still is not told again
        assert _without(played[name], dropped) == _without(wanted, dropped), name


def _without(items: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {key: {n: v for n, v in item.items() if n not in names} for key, item in items.items()}


def test_of_a_step_only_the_latest_is_told_and_what_stands_still_once(client: httpx.Client) -> None:
    found = changes(client, 0, 30, 10)
    assert [lane["queue_m"] for lane in found["lanes"] if lane["lane"] == "south_0"] == [
        9.0,
        19.0,
        29.0,
        30.0,
    ]
    assert len([lane for lane in found["lanes"] if lane["lane"] == "east_0"]) == 1


def test_events_begin_and_end_when_it_was_told(client: httpx.Client) -> None:
    found = changes(client, 0, 60)["events"]
    assert [(event["at"][-3:-1], event["end_at"] is None) for event in found] == [("10", True), ("40", False)]


def test_who_may_not_see_alarms_sees_none_of_the_past(dsn: str, served: Served) -> None:
    _, headers = people.account(dsn, Role.DEPARTMENT)
    with httpx.Client(base_url=served.url, headers=headers, trust_env=False, timeout=20) as client:
        assert at(client, 25)["signals"]
        assert at(client, 25)["alarms"] == changes(client, 0, 60)["alarms"] == []


def test_another_district_has_no_past_here(dsn: str, served: Served) -> None:
    _, headers = people.account(dsn, Role.OPERATOR, ["north"])
    with httpx.Client(base_url=served.url, headers=headers, trust_env=False, timeout=20) as client:
        for found in (at(client, 25), changes(client, 0, 60)):
            assert [found[name] for name in ("signals", "lanes", "events", "alarms")] == [[], [], [], []]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("state?at=yesterday", "at"),
        ("state", "at"),
        ("changes?from=2026-03-02T08:00:00Z&to=2026-03-02T08:00:00Z", "from"),
        ("changes?from=2026-03-02T08:00:00Z&to=2026-03-02T10:00:00Z&step_s=60", "to"),
        ("changes?from=2026-03-02T08:00:00Z&to=2026-03-02T08:30:00Z&step_s=0.5", "to"),
    ],
)
def test_a_wrong_window_is_named(client: httpx.Client, path: str, field: str) -> None:
    answer = client.get(f"/api/v1/playback/{path}")
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
