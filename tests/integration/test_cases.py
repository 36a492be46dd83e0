"""Cases in a real database: one gate in, strict stages, who may do what, one gate out."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from command.principal import Role
from tests.fixtures.cases import SPOT, Person, person, report, set_up, skilled
from tests.fixtures.command import Served, read_events, serving
from tests.fixtures.trust import own_settings


@dataclass
class Town:
    """One person a role, all of the south."""

    citizen: Person
    worker: Person
    second: Person
    handler: Person
    department: Person
    acceptor: Person
    dispatcher: Person
    supervisor: Person


@pytest.fixture(scope="module")
def served(dsn: str, broker_url: str) -> Iterator[Served]:
    set_up(dsn)
    with serving(own_settings(broker_url, dsn)) as found:
        yield found


@pytest.fixture
def town(served: Served, dsn: str) -> Iterator[Town]:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "update field_worker set on_duty = false, lon = null, lat = null, position_at = null"
        )
    with ExitStack() as stack:

        def new(role: Role, department: str | None = None) -> Person:
            return stack.enter_context(person(served, dsn, role, ["south"], department))

        town = Town(
            new(Role.CITIZEN), new(Role.GRID_WORKER), new(Role.GRID_WORKER), new(Role.HANDLER, "roads"),
            new(Role.DEPARTMENT, "roads"), new(Role.ACCEPTOR), new(Role.DISPATCHER), new(Role.SUPERVISOR),
        )  # fmt: skip
        skilled(dsn, town.handler, "roads")
        for one in (town.worker, town.handler):
            one.stand()
        yield town


def handled(town: Town, by: Person | None = None, **given: Any) -> str:
    """A case that its handler has reported back."""
    case = str(report(by or town.citizen, **given)["id"])
    town.acceptor.post(f"/cases/{case}/filing", {"text": "deeper than 30 mm"})
    town.dispatcher.post(f"/cases/{case}/dispatch")
    town.department.post(f"/cases/{case}/acceptance")
    (task,) = [one for one in town.handler.tasks("handle") if one["case"] == case]
    town.handler.post(f"/tasks/{task['id']}/acceptance")
    town.handler.post(f"/tasks/{task['id']}/check-in", {"on_scene": True})
    town.handler.post(f"/tasks/{task['id']}/result", {"answer": True, "text": "filled with asphalt"})
    return case


def verify(town: Town, case: str, *, answer: bool = True) -> None:
    (task,) = [one for one in town.worker.tasks("verify") if one["case"] == case]
    town.worker.post(f"/tasks/{task['id']}/acceptance")
    town.worker.post(f"/tasks/{task['id']}/result", {"answer": answer, "text": "looked at it"})


def closed(town: Town) -> str:
    case = handled(town)
    verify(town, case)
    town.acceptor.post(f"/cases/{case}/closure", {"standard": "even and firm"})
    return case


def test_a_case_goes_from_the_citizen_through_seven_stages_to_the_rating(town: Town) -> None:
    case = closed(town)
    town.citizen.post(f"/cases/{case}/rating", {"score": 5, "text": "quick"})
    detail = town.acceptor.get(f"/cases/{case}")
    assert (detail["case"]["stage"], detail["case"]["rating"], detail["case"]["department"]) == (
        "evaluate",
        5,
        "roads",
    )
    whats = [one["what"] for one in detail["entries"]]
    assert whats == [
        "reported", "filed", "dispatched", "accepted", "handle_offered", "taken_on", "on_scene", "handled",
        "verify_offered", "verify_accepted", "verified", "closed", "rated",
    ]  # fmt: skip
    told = [one["kind"] for one in town.citizen.get("/inbox")["items"]]
    assert told[::-1] == ["report.filed", "report.dispatched", "report.handled", "report.closed"]


def test_whoever_handles_a_case_can_neither_verify_nor_close_nor_rate_it(
    town: Town, served: Served, dsn: str
) -> None:
    case = handled(town, by=town.handler)
    town.handler.post(f"/cases/{case}/closure", {"standard": "x"}, 403)
    town.handler.post(f"/cases/{case}/rating", {"score": 5}, 409)
    verify(town, case)
    town.acceptor.post(f"/cases/{case}/closure", {"standard": "even"})
    refused = town.handler.post(f"/cases/{case}/rating", {"score": 5}, 409)
    assert "handled" in refused["error"]["message"]
    with person(served, dsn, Role.ACCEPTOR, ["south"]) as other:
        second = handled(town)
        verify(town, second)
        refused = other.post(f"/cases/{second}/closure", {"standard": "even"}, 409)
        assert "designated" in refused["error"]["message"]
        town.supervisor.post(f"/cases/{second}/acceptor", {"acceptor": other.name})
        other.post(f"/cases/{second}/closure", {"standard": "even"})


def test_stages_are_strict_and_a_return_needs_a_reason(town: Town) -> None:
    case = report(town.citizen)["id"]
    for path, who, body in (
        ("dispatch", town.dispatcher, {}), ("acceptance", town.department, {}),
        ("closure", town.acceptor, {"standard": "x"}),
    ):  # fmt: skip
        who.post(f"/cases/{case}/{path}", body, 404 if who is town.department else 409)
    town.acceptor.post(f"/cases/{case}/filing")
    town.dispatcher.post(f"/cases/{case}/dispatch")
    town.department.post(f"/cases/{case}/return", {"reason": "   "}, 422)
    town.department.post(f"/cases/{case}/return", {}, 422)
    back = town.department.http.post(f"/cases/{case}/return", json={"reason": "not our road"}).json()
    assert (back["stage"], back["department"], back["returns"]) == ("file", None, 1)
    town.department.post(f"/cases/{case}/acceptance", {}, 404)


def test_what_is_verified_as_not_done_goes_back_to_its_handler(town: Town) -> None:
    case = handled(town)
    verify(town, case, answer=False)
    view = town.acceptor.get(f"/cases/{case}")["case"]
    assert (view["stage"], view["returns"], view["feedback_at"]) == ("handle", 1, None)
    (again,) = [one for one in town.handler.tasks("handle") if one["case"] == case]
    assert again["state"] == "offered"


def test_a_check_before_filing_goes_to_the_nearest_grid_worker_and_binds_the_acceptor(town: Town) -> None:
    far = (SPOT[0] + 0.004, SPOT[1])
    town.second.stand(far)
    case = report(town.citizen, "e03001")["id"]
    assert town.acceptor.http.post(f"/cases/{case}/filing", json={}).status_code == 409
    (task,) = [one for one in town.worker.tasks("check") if one["case"] == case]
    assert "away" in task["why"]
    assert town.second.tasks("check") == []
    town.worker.post(f"/tasks/{task['id']}/acceptance")
    town.worker.post(f"/tasks/{task['id']}/result", {"answer": False}, 422)
    town.worker.post(f"/tasks/{task['id']}/result", {"answer": False, "text": "nobody there"})
    refused = town.acceptor.post(f"/cases/{case}/filing", {}, 409)
    assert "did not find" in refused["error"]["message"]
    town.acceptor.post(f"/cases/{case}/dismissal", {"reason": "not found"})
    assert [one["kind"] for one in town.citizen.get("/inbox")["items"]] == ["report.dismissed"]


def test_a_task_is_refused_with_a_reason_and_the_next_is_asked_but_never_a_grave_one(town: Town) -> None:
    town.second.stand((SPOT[0] + 0.002, SPOT[1]))
    case = report(town.citizen, "e03001")["id"]
    (task,) = town.worker.tasks("check")
    town.worker.post(f"/tasks/{task['id']}/refusal", {"reason": ""}, 422)
    refused = town.worker.post(f"/tasks/{task['id']}/refusal", {"reason": "on another case"})
    assert (refused["state"], refused["reason"]) == ("refused", "on another case")
    (again,) = town.second.tasks("check")
    assert again["case"] == case
    town.worker.post(f"/tasks/{again['id']}/acceptance", {}, 404)
    report(town.citizen, "e04001")
    (grave,) = [one for one in town.worker.tasks("check") if one["must_accept"]]
    told = town.worker.post(f"/tasks/{grave['id']}/refusal", {"reason": "busy"}, 409)
    assert "severity" in told["error"]["message"]


def test_who_is_off_duty_stale_or_unskilled_is_named_with_the_reason_and_not_sent(
    town: Town, dsn: str
) -> None:
    case = report(town.citizen)["id"]
    town.acceptor.post(f"/cases/{case}/filing")
    town.dispatcher.post(f"/cases/{case}/dispatch", {"department": "roads"})

    def reason() -> str:
        items = town.dispatcher.get(f"/cases/{case}/units", kind="handle")["items"]
        return next(str(one["reason"]) for one in items if one["worker"] == town.handler.name)

    assert "away" in reason()
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "update field_worker set position_at = now() - interval '12 minutes' where account = %s",
            [town.handler.principal.id],
        )
    assert reason() == "position 12 min old: not trusted"
    town.department.post(f"/cases/{case}/acceptance")
    assert town.handler.tasks() == []
    assert "case.nobody" in [one["kind"] for one in town.dispatcher.get("/inbox")["items"]]
    skilled(dsn, town.handler, "water")
    assert reason() == "has not the skill roads"
    town.handler.put("/field/duty", {"on": False})
    assert reason() == "off duty"
    assert town.handler.get("/field/me")["position"] is None


def test_duplicates_are_proposed_and_merged_and_every_reporter_is_kept_informed(
    town: Town, served: Served, dsn: str
) -> None:
    with person(served, dsn, Role.CITIZEN, ["south"]) as neighbour:
        place = (SPOT[0] + 0.001, SPOT[1] + 0.001)
        first = report(town.citizen, "c02002", place)
        second = report(neighbour, "c02002", (place[0] + 0.0003, place[1]))
        far = report(neighbour, "c02002", (place[0] + 0.002, place[1]))
        (found,) = town.acceptor.get(f"/cases/{second['id']}")["duplicates"]
        assert (found["case"], 15 < found["distance_m"] < 25) == (first["id"], True)
        assert town.acceptor.get(f"/cases/{far['id']}")["duplicates"] == []
        merged = town.acceptor.post(f"/cases/{second['id']}/merge", {"into": first["id"]})
        assert (merged["stage"], merged["merged_into"]) == ("merged", first["id"])
        town.acceptor.post(f"/cases/{first['id']}/merge", {"into": second["id"]}, 409)
        assert neighbour.get(f"/cases/{first['id']}")["case"]["reports"] == 2
        town.acceptor.post(f"/cases/{first['id']}/filing")
        for who in (town.citizen, neighbour):
            assert "report.filed" in [one["kind"] for one in who.get("/inbox")["items"]]


def test_what_is_not_ones_own_is_not_there(town: Town, served: Served, dsn: str) -> None:
    case = report(town.citizen)["id"]
    town.acceptor.post(f"/cases/{case}/filing")
    town.dispatcher.post(f"/cases/{case}/dispatch", {"department": "roads"})
    with ExitStack() as stack:
        strangers = [
            stack.enter_context(person(served, dsn, role, districts, department))
            for role, districts, department in (
                (Role.CITIZEN, ["south"], None), (Role.GRID_WORKER, ["south"], None),
                (Role.HANDLER, ["south"], "roads"), (Role.DEPARTMENT, ["south"], "water"),
                (Role.DEPARTMENT, ["north"], "roads"), (Role.ACCEPTOR, ["north"], None),
                (Role.DISPATCHER, ["north"], None), (Role.SUPERVISOR, ["north"], None),
            )
        ]  # fmt: skip
        for who in strangers:
            assert who.http.get(f"/cases/{case}").status_code == 404, who.principal
            assert who.get("/cases")["items"] == []
            answer = who.http.post(f"/cases/{case}/comments", json={"text": "x"})
            assert answer.status_code == 404, who.principal
    for who in (town.citizen, town.department, town.acceptor, town.dispatcher, town.supervisor):
        assert who.get(f"/cases/{case}")["case"]["id"] == case


def test_one_report_sent_twice_is_one_case(town: Town) -> None:
    id_ = str(uuid4())
    first = report(town.citizen, id=id_)
    again = report(town.citizen, id=id_)
    assert first["id"] == again["id"]
    body = {"id": id_, "class": "c02001", "position": list(SPOT)}
    assert town.worker.http.post("/cases", json=body).status_code == 409


def test_clocks_stop_once_extend_twice_and_never_after_the_end(town: Town, dsn: str) -> None:
    case = report(town.citizen)["id"]
    town.acceptor.post(f"/cases/{case}/filing")
    town.dispatcher.post(f"/cases/{case}/dispatch", {"department": "roads"})
    stopped = town.department.post(f"/cases/{case}/suspension", {"reason": "rain"})
    assert stopped["suspended"]
    assert stopped["left_s"] == pytest.approx(5 * 86_400, abs=60)
    town.department.post(f"/cases/{case}/resumption")
    town.department.post(f"/cases/{case}/suspension", {"reason": "rain again"}, 409)
    more = {"reason": "asphalt is late", "extra_s": 86_400}
    longer = town.department.post(f"/cases/{case}/extension", more)
    assert longer["left_s"] == pytest.approx(6 * 86_400, abs=60)
    town.department.post(f"/cases/{case}/appeal", {"reason": "x"}, 409)
    with psycopg.connect(dsn) as connection:
        connection.execute("update city_case set due_at = now() - interval '1 hour' where id = %s", [case])
    late = town.department.post(f"/cases/{case}/extension", more, 409)
    assert "overdue" in late["error"]["message"]
    town.department.post(f"/cases/{case}/appeal", {"reason": "the road was closed"})
    decided = town.supervisor.post(f"/cases/{case}/appeal/decision", {"granted": True, "reason": "true"})
    assert (decided["appeal"], decided["overdue"]) == ("granted", True)


def test_a_citizen_reopens_within_ten_days_and_not_after(town: Town, dsn: str) -> None:
    case = closed(town)
    again = town.citizen.post(f"/cases/{case}/reopening", {"reason": "the hole is back"})
    assert (again["stage"], again["round"], again["closed_at"]) == ("file", 2, None)
    town.dispatcher.post(f"/cases/{case}/dispatch")
    late = closed(town)
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "update city_case set closed_at = now() - interval '11 days' where id = %s", [late]
        )
    town.citizen.post(f"/cases/{late}/reopening", {"reason": "the hole is back"}, 409)


def test_nobody_changes_a_history_or_closes_a_case_behind_the_stages_back(town: Town, dsn: str) -> None:
    case = handled(town)
    forged = (
        "update city_case set stage = 'verify', verified_by = feedback_by, verified_at = now()",
        "update city_case set stage = 'evaluate', closed_by = acceptor, closed_at = now()",
    )
    for statements in (
        ("update case_entry set text = 'other' where case_id = %(case)s",),
        ("delete from case_entry where case_id = %(case)s",),
        ("truncate case_entry",),
        ("delete from city_case where id = %(case)s",),
        ("update city_case set stage = 'evaluate' where id = %(case)s",),
        forged,
    ):
        with pytest.raises(psycopg.Error, match=r"append-only|kept|does not go|check constraint"):
            _run(dsn, statements, case)


def _run(dsn: str, statements: Sequence[str], case: str) -> None:
    with psycopg.connect(dsn) as connection:
        for statement in statements:
            connection.execute(_about(statement).encode(), {"case": case})


def _about(statement: str) -> str:
    return (
        statement if " where " in statement or "truncate" in statement else statement + " where id = %(case)s"
    )


def test_the_map_is_told_of_cases_with_their_time_left(town: Town, served: Served) -> None:
    headers = dict(town.dispatcher.http.headers)
    with town.dispatcher.http.stream("GET", "/stream?channels=cases", headers=headers) as answer:
        events = read_events(answer.iter_lines())
        case = report(town.citizen)["id"]
        town.acceptor.post(f"/cases/{case}/filing")
        stages = []
        while "file" not in stages:
            (item,) = next(events).data["items"]
            stages.append(item["stage"])
        assert (item["id"], item["class"]) == (case, "c02001")
        assert item["left_s"] == pytest.approx(5 * 86_400, abs=60)
    for who in (town.citizen, town.worker):
        assert who.http.get("/stream?channels=cases").status_code == 403


def test_an_inbox_tells_at_once_and_a_roll_call_is_answered(town: Town) -> None:
    with town.worker.http.stream("GET", "/inbox/stream") as answer:
        events = read_events(answer.iter_lines())
        call = town.dispatcher.post("/roll-calls", {"minutes": 5, "text": "all there?"}, 201)
        told = next(events)
        assert (told.event, told.data["kind"], told.data["roll_call"]) == ("inbox", "roll_call", call["id"])
    town.worker.post(f"/roll-calls/{call['id']}/presence", status=204)
    town.second.post(f"/roll-calls/{call['id']}/presence", status=404)
    answered = {
        one["worker"]: one["answered_at"]
        for one in town.dispatcher.get(f"/roll-calls/{call['id']}")["workers"]
    }
    assert answered[town.worker.name] is not None
    assert answered[town.handler.name] is None
    town.worker.post("/inbox/read", {"up_to": told.data["id"]}, 204)
    assert town.worker.get("/inbox", unread=True)["items"] == []
