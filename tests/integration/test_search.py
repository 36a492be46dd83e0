"""Search over what is live, and views that are kept with an account."""

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import encode
from citybrain.config import Settings
from command.principal import Role
from tests.fixtures import command as street
from tests.fixtures import people
from tests.fixtures.command import Served, broker_is_there, serving, until
from tests.fixtures.trust import Browser

VIEW = {"center": [6.95, 50.94], "zoom": 15.5, "colouring": "speed", "hidden": ["cameras"]}


@pytest.fixture(scope="module")
def served(own: Settings) -> Iterator[Served]:
    with serving(own) as found, Bus(own.broker, f"{own.site.name}-street") as bus, found.client() as client:
        broker_is_there(client)
        topic = topics.build(own.site.name, "signal", "a", "config")
        assert bus.publish(topic, encode(street.config()), retain=True)
        for number, part in enumerate(street.network()):
            topic = topics.build(own.site.name, "network", "city", f"part{number + 1}")
            assert bus.publish(topic, encode(part), retain=True)
        until(lambda: len(client.get("/api/v1/network").json()["features"]) == 2, "the network")
        until(lambda: client.get("/api/v1/intersections").json()["items"], "the intersection")
        yield found


@pytest.fixture
def browser(own: Settings, served: Served) -> Browser:
    found = Browser(served)
    secret = people.entrance(own.database.dsn, served.url).partition("#enter=")[2]
    assert found.enter(secret).status_code == 200
    return found


def hits(client: httpx.Client, text: str) -> list[tuple[str, str]]:
    answer = client.get("/api/v1/search", params={"q": text})
    assert answer.status_code == 200, answer.text
    return [(hit["kind"], hit["id"]) for hit in answer.json()["items"]]


def test_things_are_found_by_name_and_by_code_the_exact_first(served: Served) -> None:
    with served.client() as client:
        assert hits(client, "MARKET") == [("intersection", "a"), ("road", "Market Street")]
        assert hits(client, "a")[0] == ("intersection", "a")
        assert hits(client, "nowhere") == hits(client, "  ") == []


def test_what_lies_in_another_district_is_not_found(own: Settings, served: Served) -> None:
    for district, number in (("south", 2), ("north", 0)):
        _, headers = people.account(own.database.dsn, Role.DEPARTMENT, [district])
        with httpx.Client(base_url=served.url, headers=headers, trust_env=False, timeout=20) as client:
            assert len(hits(client, "market")) == number


def test_cases_are_found_by_number_and_cells_by_code(own: Settings, served: Served) -> None:
    with psycopg.connect(own.database.dsn) as connection:
        connection.execute("insert into grid_cell values ('110105001002003', 6.949, 50.939, 6.951, 50.941)")
        connection.execute(
            "insert into case_class (code, kind, major, major_zh, name, name_zh, severity, clock, limit_s,"
            " routing, filing, closing, is_checked, is_public) values ('e99999', 'event', 'x', 'x', 'hole',"
            " 'x', 'normal', 'continuous', 60, 'owner_first', '', '', true, true)"
        )
        (number,) = connection.execute(
            "insert into city_case (id, class, source, stage, severity, text, lon, lat, districts, clock,"
            " limit_s) select gen_random_uuid(), code, 'operator', 'collect', 'normal', 'hole', 6.95, 50.94,"
            " array['south'], clock, limit_s from case_class where code = 'e99999' returning number"
        ).fetchone() or ("",)
    for district, found in (("south", ["case", "cell"]), ("north", [])):
        _, headers = people.account(own.database.dsn, Role.OPERATOR, [district])
        with httpx.Client(base_url=served.url, headers=headers, trust_env=False, timeout=20) as client:
            assert [kind for kind, _ in hits(client, number) + hits(client, "110105")] == found
            assert hits(client, "11") == []


def views(browser: Browser) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = browser.get("/me/views").json()["items"]
    return found


def test_a_view_is_kept_changed_and_forgotten_by_its_own_account_only(
    own: Settings, served: Served, browser: Browser
) -> None:
    assert browser.send("PUT", "/me/views/Morning round", VIEW).status_code == 204
    assert views(browser) == [{"view": "Morning round", **VIEW}]
    assert browser.send("PUT", "/me/views/Morning round", VIEW | {"zoom": 12.0}).status_code == 204
    assert [view["zoom"] for view in views(browser)] == [12.0]
    other = Browser(served)
    other.enter(people.entrance(own.database.dsn, served.url).partition("#enter=")[2])
    assert views(other) == []
    assert other.send("DELETE", "/me/views/Morning round").status_code == 404
    assert browser.send("DELETE", "/me/views/Morning round").status_code == 204
    assert views(browser) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [({"zoom": 99}, "zoom"), ({"center": [200, 0]}, "center[0]"), ({"hidden": ["<b>"]}, "hidden[0]")],
)
def test_a_wrong_view_is_named(browser: Browser, change: dict[str, Any], field: str) -> None:
    answer = browser.send("PUT", "/me/views/x", VIEW | change)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)


def test_an_account_keeps_fifty_views_and_no_more(browser: Browser) -> None:
    for number in range(50):
        assert browser.send("PUT", f"/me/views/{number}", VIEW).status_code == 204
    assert browser.send("PUT", "/me/views/51", VIEW).status_code == 409
    assert browser.send("PUT", "/me/views/49", VIEW).status_code == 204, "one of them may be changed"
