"""Lists of cases as a desk asks for them: by district, department, text, and who did something."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from command.principal import Role
from tests.fixtures.cases import SPOT, Person, person, report, set_up
from tests.fixtures.command import Served, serving
from tests.fixtures.trust import own_settings

NORTH = (6.95, 50.96)


@pytest.fixture(scope="module")
def served(dsn: str, broker_url: str) -> Iterator[Served]:
    set_up(dsn)
    with serving(own_settings(broker_url, dsn)) as found:
        yield found


@pytest.fixture(scope="module")
def people(served: Served, dsn: str) -> Iterator[tuple[Person, Person, Person]]:
    """A citizen, an acceptor and a dispatcher, all of the whole city."""
    with ExitStack() as stack:
        roles = (Role.CITIZEN, Role.ACCEPTOR, Role.DISPATCHER)
        citizen, acceptor, dispatcher = (stack.enter_context(person(served, dsn, role)) for role in roles)
        yield citizen, acceptor, dispatcher


def numbers(who: Person, **asked: Any) -> set[str]:
    return {one["number"] for one in who.get("/cases", **asked)["items"]}


def test_a_desk_finds_cases_by_what_it_knows_of_them(people: tuple[Person, Person, Person]) -> None:
    citizen, acceptor, dispatcher = people
    hole = report(citizen, text="A hole near the 100% Bakery", address="Market Street 5")
    tree = report(citizen, class_="c04001", position=NORTH, text="leans over the way")
    assert numbers(acceptor, district="south") == {hole["number"]}
    assert numbers(acceptor, district="north") == {tree["number"]}
    assert numbers(acceptor, text="bakery") == {hole["number"]}
    assert numbers(acceptor, text="100% b") == {hole["number"]}
    assert numbers(acceptor, text="market street") == {hole["number"]}
    assert numbers(acceptor, text=hole["number"]) == {hole["number"]}
    assert numbers(acceptor, text="树木") == {tree["number"]}
    assert numbers(acceptor, text="_") == set(), "it is no pattern"

    assert numbers(acceptor, mine=True) == set()
    acceptor.post(f"/cases/{hole['id']}/filing")
    dispatcher.post(f"/cases/{hole['id']}/dispatch")
    assert numbers(acceptor, mine=True) == {hole["number"]}
    assert numbers(dispatcher, mine=True) == {hole["number"]}
    assert numbers(citizen, mine=True) == {hole["number"], tree["number"]}
    assert numbers(acceptor, department="roads") == {hole["number"]}
    assert numbers(acceptor, department="gardens") == set()


def test_what_is_offered_follows_the_case(people: tuple[Person, Person, Person]) -> None:
    citizen, acceptor, dispatcher = people
    case = report(citizen, text="another", position=(SPOT[0] + 0.003, SPOT[1]))["id"]

    def deeds(who: Person) -> set[str]:
        return set(who.get(f"/cases/{case}")["deeds"])

    assert deeds(acceptor) == {"check", "filing", "dismissal", "merge", "comments"}
    assert deeds(dispatcher) == deeds(citizen) == {"comments"}
    acceptor.post(f"/cases/{case}/filing")
    assert deeds(dispatcher) == {"dispatch", "comments"}
    assert deeds(acceptor) == {"dismissal", "merge", "comments"}
