"""Cases in a real database: one gate in, strict stages, who may do what, one gate out."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from command.principal import Role
from tests.fixtures.cases import SPOT, Person, person, report, set_up, skilled
from tests.fixtures.command import Served, serving
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
