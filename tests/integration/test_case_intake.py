"""The gate of cases: the public page, phones that were offline, photos, alarms, and the clocks' keeper."""

import base64
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from secrets import token_bytes
from typing import Any
from uuid import uuid4

import cv2
import httpx
import numpy as np
import psycopg
import pytest

from citybrain import config
from command.principal import Role
from tests.fixtures.cases import SPOT, Person, person, report, set_up, skilled
from tests.fixtures.command import Served, serving, until
from tests.fixtures.trust import own_settings


@pytest.fixture(scope="module")
def served(dsn: str, broker_url: str) -> Iterator[Served]:
    set_up(dsn)
    rule = config.SensorRule(datastream="water_m", case_class="e05001", above=0.15)
    own = own_settings(
        broker_url, dsn, cases=config.Cases(public_per_minute=1_000), sensor_rules={"underpass": rule}
    )
    with serving(own) as found:
        yield found


@pytest.fixture(scope="module")
def anybody(served: Served) -> Iterator[httpx.Client]:
    """Somebody without an account."""
    with httpx.Client(base_url=f"{served.url}/api/v1/public", trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture
def worker(served: Served, dsn: str) -> Iterator[Person]:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "update field_worker set on_duty = false, lon = null, lat = null, position_at = null"
        )
    with person(served, dsn, Role.GRID_WORKER, ["south"]) as found:
        yield found


@pytest.fixture(scope="module")
def acceptor(served: Served, dsn: str) -> Iterator[Person]:
    with person(served, dsn, Role.ACCEPTOR, ["south"]) as found:
        yield found


def follow() -> str:
    return base64.urlsafe_b64encode(token_bytes(32)).decode().rstrip("=")


def public_report(anybody: httpx.Client, **given: Any) -> tuple[str, str]:
    """Number and link."""
    body = {"id": str(uuid4()), "follow": follow(), "class": "c02001", "position": list(SPOT)} | given
    answer = anybody.post("/reports", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["number"], body["follow"]


def photo(position: tuple[float, float] = (6.951, 50.941), taken: bytes = b"2026:03:02 08:15:30\0") -> bytes:
    """A JPEG with an Exif block that says when and where, built by hand."""
    _, jpeg = cv2.imencode(".jpg", np.full((60, 80, 3), 128, np.uint8))

    def degrees(value: float) -> bytes:
        whole = int(value)
        return struct.pack("<6I", whole, 1, 0, 1, round((value - whole) * 3_600_000), 1000)

    entry = struct.Struct("<HHI4s")
    exif_at, gps_at, data_at = 38, 68, 122
    first = struct.pack("<H", 2) + entry.pack(0x8769, 4, 1, struct.pack("<I", exif_at))
    first += entry.pack(0x8825, 4, 1, struct.pack("<I", gps_at)) + b"\0\0\0\0"
    exif = struct.pack("<H", 2) + entry.pack(0x9003, 2, 20, struct.pack("<I", data_at))
    exif += entry.pack(0x9011, 2, 7, struct.pack("<I", data_at + 20)) + b"\0\0\0\0"
    gps = struct.pack("<H", 4) + entry.pack(1, 2, 2, b"N\0\0\0")
    gps += entry.pack(2, 5, 3, struct.pack("<I", data_at + 28)) + entry.pack(3, 2, 2, b"E\0\0\0")
    gps += entry.pack(4, 5, 3, struct.pack("<I", data_at + 52)) + b"\0\0\0\0"
    data = taken + b"+01:00\0\0" + degrees(position[1]) + degrees(position[0])
    tiff = b"II*\0\x08\0\0\0" + first + exif + gps + data
    block = b"Exif\0\0" + tiff
    app1 = b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block
    whole = bytes(jpeg.tobytes())
    return whole[:2] + app1 + whole[2:]


def test_anybody_reports_follows_and_sees_nothing_of_a_person(
    anybody: httpx.Client, acceptor: Person
) -> None:
    text = "hole, call Ann at +49 221 1234567 or ann@example.org"
    number, link = public_report(anybody, text=text, email="ann@example.org")
    answer = anybody.post(
        "/follow/photos", content=photo(), headers={"content-type": "image/jpeg", "x-follow": link}
    )
    assert (answer.status_code, answer.json()["photos"]) == (201, 1)
    told = anybody.get("/follow", headers={"x-follow": link}).json()
    assert (told["number"], told["stage"], told["may_rate"]) == (number, "received", False)
    assert [note["what"] for note in told["notes"]] == ["received"]
    (pin,) = acceptor.get("/cases", number=number)["items"]
    detail = acceptor.get(f"/cases/{pin['id']}")
    assert "ann@example.org" not in str(detail["case"])
    assert "1234567" not in str(detail["case"])
    assert len(detail["attachments"]) == 1
    acceptor.post(f"/cases/{pin['id']}/filing")
    told = anybody.get("/follow", headers={"x-follow": link}).json()
    assert (told["stage"], [note["what"] for note in told["notes"]]) == ("filed", ["received", "filed"])
    for answer in (
        anybody.get("/nearby", params={"lon": SPOT[0], "lat": SPOT[1]}),
        anybody.get("/follow", headers={"x-follow": link}),
    ):
        for said in ("Ann", "example.org", "1234567", "hole"):
            assert said not in answer.text
    cells = anybody.get("/nearby", params={"lon": SPOT[0], "lat": SPOT[1]}).json()["items"]
    assert {len(one["cell"]) for one in cells} == {15}


def test_the_public_gate_is_strict_and_one_report_is_one_case(anybody: httpx.Client, served: Served) -> None:
    body = {"id": str(uuid4()), "follow": follow(), "class": "c02001", "position": list(SPOT)}
    first = anybody.post("/reports", json=body)
    again = anybody.post("/reports", json=body)
    assert (again.status_code, again.json()) == (201, first.json())
    assert anybody.post("/reports", json=body | {"follow": follow()}).status_code == 409
    assert anybody.post("/reports", json=body | {"id": str(uuid4())}).status_code == 409
    for wrong, field in (
        ({"class": "c05001"}, "class"), ({"class": "c99999"}, "class"), ({"position": [200, 0]}, "position"),
        ({"follow": "short"}, "follow"), ({"text": "x" * 2001}, "text"), ({"name": "Ann"}, "id"),
    ):  # fmt: skip
        fresh = body | {"id": str(uuid4()), "follow": follow()} | wrong
        answer = anybody.post("/reports", json=fresh)
        assert (answer.status_code, answer.json()["error"]["field"].split("[")[0]) == (422, field)
    assert anybody.get("/follow", headers={"x-follow": follow()}).status_code == 404
    assert anybody.get("/follow").json()["error"]["field"] == "x-follow"
    assert anybody.post("/reports", content=b"x" * 70_000).status_code == 413


def test_who_sends_too_much_is_told_to_wait(dsn: str, broker_url: str) -> None:
    own = own_settings(broker_url, dsn, cases=config.Cases(public_per_minute=2))
    with serving(own) as served, httpx.Client(base_url=served.url, trust_env=False) as client:
        answers = [client.post("/api/v1/public/reports", json={}).status_code for _ in range(3)]
    assert answers == [422, 422, 429]


def test_a_photo_loses_its_metadata_after_time_and_place_were_read(worker: Person) -> None:
    case = report(worker)["id"]
    upload, data = str(uuid4()), photo()
    body = {"id": upload, "kind": "before", "media_type": "image/jpeg", "size": len(data), "case": case}
    assert worker.post("/uploads", body, 201)["received"] == 0
    half = len(data) // 2
    worker.http.patch(f"/uploads/{upload}", content=data[:half])
    again = worker.http.patch(f"/uploads/{upload}", params={"offset": 0}, content=data[: half - 10])
    assert again.json()["received"] == half, "what is here already changes nothing"
    gap = worker.http.patch(f"/uploads/{upload}", params={"offset": half + 5}, content=b"x")
    assert gap.status_code == 409
    assert worker.post("/uploads", body, 201)["received"] == half
    done = worker.http.patch(f"/uploads/{upload}", params={"offset": half}, content=data[half:])
    assert done.json() == {"id": upload, "size": len(data), "received": len(data), "done": True}
    (kept,) = worker.get(f"/cases/{case}")["attachments"]
    assert kept["taken_at"] == "2026-03-02T07:15:30Z"
    assert kept["position"] == pytest.approx([6.951, 50.941], abs=1e-6)
    picture = worker.http.get(f"/attachments/{upload}")
    assert picture.headers["content-type"] == "image/jpeg"
    assert b"Exif" not in picture.content
    pixels = cv2.imdecode(np.frombuffer(picture.content, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    assert pixels.shape == (60, 80, 3)


@pytest.mark.parametrize(
    ("kind", "media_type", "content", "status"),
    [
        ("voice", "audio/ogg", b"OggS and more", 200), ("voice", "audio/webm", b"OggS", 422),
        ("after", "image/jpeg", b"no picture", 422),
        ("after", "image/jpeg", b"\xff\xd8\xff\xe0\0\x04ab", 422),
        ("after", "image/png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xff\xff\xff\xff\xff\xff\xff", 422),
    ],
)  # fmt: skip
def test_what_is_no_picture_or_voice_note_is_refused(
    worker: Person, kind: str, media_type: str, content: bytes, status: int
) -> None:
    id_ = str(uuid4())
    worker.post("/uploads", {"id": id_, "kind": kind, "media_type": media_type, "size": len(content)}, 201)
    assert worker.http.patch(f"/uploads/{id_}", content=content).status_code == status
    assert worker.http.get(f"/attachments/{id_}").status_code == (200 if status == 200 else 404)


def test_the_bounds_of_voice_notes_and_of_others_pictures(worker: Person, served: Served, dsn: str) -> None:
    body = {"id": str(uuid4()), "kind": "voice", "media_type": "audio/ogg", "size": 2_000_001}
    worker.post("/uploads", body, 422)
    worker.post("/uploads", body | {"size": 4}, 201)
    worker.http.patch(f"/uploads/{body['id']}", content=b"OggS")
    with person(served, dsn, Role.GRID_WORKER, ["south"]) as other:
        assert other.http.get(f"/attachments/{body['id']}").status_code == 404
        assert other.http.get(f"/uploads/{body['id']}").status_code == 404
        case = report(worker)["id"]
        wrong = {"id": str(uuid4()), "kind": "after", "media_type": "image/jpeg", "size": 9, "case": case}
        other.post("/uploads", wrong, 404)


def batch(*items: dict[str, Any]) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat()
    return {"items": [{"id": str(uuid4()), "at": at} | item for item in items]}


def test_the_same_batch_sent_twice_makes_one_case_and_answers_the_same(worker: Person) -> None:
    here = {"at": datetime.now(UTC).isoformat(), "position": list(SPOT)}
    sent = batch(
        {"do": "duty", "on": True},
        {"do": "positions", "items": [here]},
        {"do": "report", "class": "c02001", "position": list(SPOT), "text": "from a tunnel"},
        {"do": "accept", "task": str(uuid4())},
        {"do": "report", "class": "c99999", "position": list(SPOT)},
    )
    first = worker.post("/field/batch", sent)["items"]
    assert [one["outcome"] for one in first] == ["done", "done", "done", "gone", "invalid"]
    again = worker.post("/field/batch", sent)["items"]
    assert again == [one | {"again": True} for one in first]
    assert [one["number"] for one in worker.get("/cases")["items"]] == [first[2]["number"]]
    assert worker.get("/field/me")["position"] == list(SPOT)


def test_a_conflict_is_told_for_its_item_and_the_others_are_done(worker: Person) -> None:
    worker.stand()
    report(worker, "c02001")
    with_check = batch({"do": "report", "class": "c02004", "position": list(SPOT)})
    worker.post("/field/batch", with_check)
    sent = batch({"do": "duty", "on": True}, {"do": "duty", "on": False}, {"do": "duty", "on": True})
    assert [one["outcome"] for one in worker.post("/field/batch", sent)["items"]] == ["done"] * 3


def test_a_task_done_offline_that_was_taken_away_is_a_conflict(
    worker: Person, anybody: httpx.Client, acceptor: Person
) -> None:
    worker.stand()
    number, _ = public_report(anybody, **{"class": "e03002"})
    (task,) = worker.tasks("check")
    (pin,) = acceptor.get("/cases", number=number)["items"]
    acceptor.post(f"/cases/{pin['id']}/dismissal", {"reason": "it is the fair"})
    sent = batch(
        {"do": "accept", "task": task["id"]},
        {"do": "result", "task": task["id"], "answer": True, "text": "loud"},
        {"do": "report", "class": "c03002", "position": list(SPOT)},
    )
    told = worker.post("/field/batch", sent)["items"]
    assert [one["outcome"] for one in told] == ["conflict", "conflict", "done"]
    assert "withdrawn" in told[0]["message"]


def test_an_alarm_becomes_one_case(served: Served, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "insert into traffic_event (device, event, at, stored_at, boot, seq, kind, severity, start_at,"
            " intersection, lon, lat, detail, evidence, quality)"
            " values ('vision/demo', 'e1', now(), now(), 1, 1,"
            " 'stopped_vehicle', 'warning', now(), 'a', 6.95, 50.94, 'stands since 40 s', '{}', 1)"
        )
    with person(served, dsn, Role.OPERATOR, ["south"]) as operator:
        (alarm,) = until(lambda: operator.get("/alarms")["items"], "the alarm")
        case = operator.post(f"/alarms/{alarm['id']}/case", {}, 201)
        assert (case["class"], case["source"], case["text"]) == ("e01001", "camera", "stands since 40 s")
        assert case["alarm"] == alarm["id"]
        assert operator.post(f"/alarms/{alarm['id']}/case", {}, 201)["id"] == case["id"]
        entries = operator.get(f"/alarms/{alarm['id']}")["entries"]
        assert [one["what"] for one in entries] == ["raised", "case"]


def test_reminders_come_before_the_end_escalations_after_it_level_by_level(
    served: Served, dsn: str, acceptor: Person, worker: Person
) -> None:
    with (
        person(served, dsn, Role.DISPATCHER, ["south"]) as dispatcher,
        person(served, dsn, Role.SUPERVISOR, ["south"]) as supervisor,
        person(served, dsn, Role.DEPARTMENT, ["south"], "roads") as roads,
    ):
        case = report(worker)["id"]
        acceptor.post(f"/cases/{case}/filing")
        dispatcher.post(f"/cases/{case}/dispatch", {"department": "roads"})

        def heard(who: Person) -> list[str]:
            items = [one for one in who.get("/inbox")["items"] if one["case"] == case]
            return [one["kind"] for one in items if one["kind"].startswith(("case.rem", "case.esc"))][::-1]

        def past(interval: str) -> None:
            statement = f"update city_case set due_at = now() - interval '{interval}' where id = %s"
            with psycopg.connect(dsn) as connection:
                connection.execute(statement.encode(), [case])

        past("-1 hour")
        until(lambda: heard(roads) == ["case.reminder"], "the department is reminded")
        past("1 second")
        until(lambda: heard(roads)[-1:] == ["case.escalated"], "the department is told first")
        assert heard(supervisor) == []
        with psycopg.connect(dsn) as connection:
            connection.execute("update city_case set escalated_at = null where id = %s", [case])
        until(lambda: heard(dispatcher) == ["case.escalated"], "then the dispatchers")
        with psycopg.connect(dsn) as connection:
            connection.execute("update city_case set escalated_at = null where id = %s", [case])
        until(lambda: heard(supervisor) == ["case.escalated"], "then the supervisors")
        view = supervisor.get(f"/cases/{case}")["case"]
        assert (view["level"], view["overdue"], view["left_s"] < 0) == (3, True, True)


def test_who_does_not_answer_is_passed_over_and_who_does_not_check_in_is_told_of(
    served: Served, dsn: str, worker: Person, anybody: httpx.Client
) -> None:
    with (
        person(served, dsn, Role.GRID_WORKER, ["south"]) as second,
        person(served, dsn, Role.DISPATCHER, ["south"]) as dispatcher,
    ):
        worker.stand()
        second.stand((SPOT[0] + 0.002, SPOT[1]))
        public_report(anybody, **{"class": "e03001", "position": [SPOT[0], SPOT[1] + 0.003]})
        (task,) = worker.tasks("check") or second.tasks("check")
        first, then = (worker, second) if worker.tasks("check") else (second, worker)
        with psycopg.connect(dsn) as connection:
            connection.execute(
                "update case_task set offered_at = now() - interval '6 minutes' where id = %s", [task["id"]]
            )
        (passed,) = until(lambda: then.tasks("check"), "the next is asked")
        assert first.tasks("check") == []
        then.post(f"/tasks/{passed['id']}/acceptance")
        with psycopg.connect(dsn) as connection:
            connection.execute("update case_task set check_in_at = now() where id = %s", [passed["id"]])
        until(
            lambda: "worker.silent" in [one["kind"] for one in dispatcher.get("/inbox")["items"]],
            "the dispatcher is told",
        )


def test_what_departments_did_is_told_in_a_league(served: Served, dsn: str, acceptor: Person) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "insert into account (id, name, roles)"
            " values (gen_random_uuid(), 'm1', '{}'), (gen_random_uuid(), 'm2', '{}')"
        )
        for hours, department, late in ((2, "quick", False), (4, "quick", False), (80, "slow", True)):
            connection.execute(
                "insert into city_case (id, class, source, stage, severity, text, lon, lat, districts,"
                " department, filed_at, feedback_at, verified_at, closed_at, verified_by, closed_by, clock,"
                " limit_s, due_at, overdue_at, rating)"
                " select gen_random_uuid(), 'c02001', 'worker', 'evaluate', 'normal', '', 6.95, 50.94,"
                " array['south'], %(who)s, now() - make_interval(hours => %(h)s), now(), now(), now(), a.id,"
                " b.id, 'continuous', 3600, now(), case when %(late)s then now() end, 5"
                " from account a, account b where a.name = 'm1' and b.name = 'm2'",
                {"who": department, "h": hours, "late": late},
            )
    rows = {one["who"]: one for one in acceptor.get("/evaluation/league")["items"]}
    assert rows["quick"]["score"] == 100
    assert rows["quick"]["median_s"] == pytest.approx(3 * 3600, abs=1)
    assert (rows["slow"]["overdue"], rows["slow"]["score"]) == (1, 60)
    times = acceptor.get("/evaluation/times", **{"class": "c02001"})
    bars = {one["upper_h"]: one["number"] for one in times["histogram"]}
    assert (times["closed"], bars[4], bars[120]) == (3, 2, 1)
    assert times["yardstick"] == {"before_days": 21.56, "after_days": 4.24}


def test_positions_are_kept_on_duty_only_and_each_look_at_them_is_audited(
    served: Served, dsn: str, worker: Person
) -> None:
    skilled(dsn, worker)
    here = {"at": datetime.now(UTC).isoformat(), "position": list(SPOT)}
    assert worker.post("/field/positions", {"items": [here]})["kept"] == 0
    worker.stand()
    with person(served, dsn, Role.DISPATCHER, ["south"]) as dispatcher:
        seen = {one["worker"]: one for one in dispatcher.get("/workers")["items"]}
        assert (seen[worker.name]["position"], seen[worker.name]["fresh"]) == (list(SPOT), True)
        with psycopg.connect(dsn) as connection:
            looks = connection.execute(
                "select count(*) from audit where action = 'workers.viewed' and actor = %s",
                [dispatcher.principal.id],
            ).fetchone()
    assert looks == (1,)
    with person(served, dsn, Role.DISPATCHER, ["north"]) as foreign:
        assert worker.name not in [one["worker"] for one in foreign.get("/workers")["items"]]


def test_a_sensor_that_stays_beyond_its_bound_makes_one_case(dsn: str, acceptor: Person) -> None:
    def measure(device: str, *values: float) -> None:
        with psycopg.connect(dsn) as connection:
            for minutes, value in zip((4, 2, 0), values, strict=True):
                connection.execute(
                    "insert into sensor_observation"
                    " (at, device, boot, seq, datastream, value, unit, lon, lat, quality)"
                    " values (now() - make_interval(mins => %s), %s, 1, %s, 'water_m', %s, 'm',"
                    " 6.951, 50.941, 1)",
                    [minutes, device, 5 - minutes, value],
                )

    measure("sensor/dry", 0.2, 0.1, 0.2)
    measure("sensor/wet", 0.2, 0.3, 0.25)
    (case,) = until(lambda: acceptor.get("/cases", **{"class": "e05001"})["items"], "the case")
    assert case["source"] == "sensor"
    text = acceptor.get(f"/cases/{case['id']}")["case"]["text"]
    assert text == "sensor/wet water_m: 0.2 to 0.3 m over 5 min"
    measure("sensor/wet", 0.4, 0.5, 0.6)
    acceptor.post(f"/cases/{case['id']}/filing")
    assert len(acceptor.get("/cases", **{"class": "e05001"})["items"]) == 1


def test_a_case_tells_what_the_caller_may_do_with_it_and_a_reporter_sees_no_inner_history(
    acceptor: Person, served: Served, dsn: str
) -> None:
    with person(served, dsn, Role.CITIZEN, ["south"]) as citizen:
        case = report(citizen)["id"]
        inner = acceptor.get(f"/cases/{case}")
        assert set(inner["deeds"]) == {"check", "filing", "dismissal", "merge", "comments"}
        assert ([one["what"] for one in inner["entries"]], len(inner["reports"])) == (["reported"], 1)
        own = citizen.get(f"/cases/{case}")
        assert (own["deeds"], own["entries"], own["reports"]) == (["comments"], [], [])
    with psycopg.connect(dsn) as connection:
        looks = connection.execute(
            "select actor_name from audit where action = 'case.viewed' and subject = %s", [f"case/{case}"]
        ).fetchall()
    assert looks == [(acceptor.name,)]
