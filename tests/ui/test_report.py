"""The public page: report in a minute, follow by a link, rate and reopen, look at what is open near by."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from command.principal import Role
from tests.fixtures.axe import check_accessible
from tests.fixtures.browser import Watched, watching
from tests.fixtures.cases import SPOT, Person, person, set_up, skilled
from tests.fixtures.command import Served, serving
from tests.fixtures.trust import own_settings
from tests.ui.street import Street

expect.set_options(timeout=20_000)
HERE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "geolocation": {"longitude": SPOT[0], "latitude": SPOT[1], "accuracy": 12},
    "permissions": ["geolocation"],
}


@pytest.fixture(scope="module")
def served(built: None, dsn: str, broker_url: str) -> Iterator[Served]:
    set_up(dsn)
    settings = own_settings(broker_url, dsn)
    with Street(settings), serving(settings) as found:
        yield found


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    with watching(browser, **HERE) as found:
        yield found


def handle(served: Served, dsn: str, number: str) -> None:
    """The city does its part: the case is filed, handled, verified by somebody else, and closed."""
    with ExitStack() as stack:

        def new(role: Role, department: str | None = None) -> Person:
            return stack.enter_context(person(served, dsn, role, ["south"], department))

        acceptor, dispatcher = new(Role.ACCEPTOR), new(Role.DISPATCHER)
        department, handler, worker = (
            new(Role.DEPARTMENT, "roads"),
            new(Role.HANDLER, "roads"),
            new(Role.GRID_WORKER),
        )
        skilled(dsn, handler, "roads")
        handler.stand()
        worker.stand()
        (pin,) = acceptor.get("/cases", number=number)["items"]
        case = pin["id"]
        acceptor.post(f"/cases/{case}/filing", {"text": "deep"})
        dispatcher.post(f"/cases/{case}/dispatch")
        department.post(f"/cases/{case}/acceptance")
        for who, kind, answer in ((handler, "handle", "filled"), (worker, "verify", "even and firm")):
            (task,) = [one for one in who.tasks(kind) if one["case"] == case]
            who.post(f"/tasks/{task['id']}/acceptance")
            who.post(f"/tasks/{task['id']}/result", {"answer": True, "text": answer})
        acceptor.post(f"/cases/{case}/closure", {"standard": "even and firm"})


def fill(page: Page, photo: Path) -> None:
    page.get_by_label("What is it?").select_option("c02001")
    page.get_by_role("button", name="Use my position").click()
    expect(page.get_by_text("to 12 m")).to_be_visible()
    page.set_input_files("input[type=file]", photo)
    expect(page.locator(".thumbnail")).to_be_visible()


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "photo.jpg"
    cv2.imwrite(str(path), np.random.default_rng(6).integers(0, 255, (240, 320, 3), np.uint8))
    return path


def test_a_report_is_made_followed_rated_and_reopened_without_an_account(
    watched: Watched, served: Served, dsn: str, photo: Path
) -> None:
    page = watched.open(f"{served.url}/report/")
    expect(page.get_by_label("What is it?").locator("option")).not_to_have_count(1)
    check_accessible(page)
    watched.screenshot("report-form")
    fill(page, photo)
    watched.screenshot("report-filled")
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_text("Photos sent: 1")).to_be_visible()
    check_accessible(page)
    watched.screenshot("report-done")
    heading = page.get_by_role("heading", level=2).inner_text()
    found = re.search(r"[A-Z0-9-]*\d{6,}", heading)
    assert found, heading
    link = page.locator(".link-text").inner_text()
    page.get_by_role("link", name="Follow it").click()
    expect(page.locator("[aria-current=step]")).to_have_text("Received")
    check_accessible(page)
    watched.screenshot("report-followed")

    handle(served, dsn, found[0])
    page.reload()
    expect(page.locator("[aria-current=step]")).to_have_text("Closed")
    check_accessible(page)
    watched.screenshot("report-closed")
    page.get_by_role("button", name="4 of 5").click()
    page.get_by_role("button", name="Rate it").click()
    expect(page.get_by_text("You rated it 4 of 5.")).to_be_visible()
    page.get_by_label("What is still wrong?").fill("it is open again after the rain")
    page.get_by_role("button", name="Reopen it").click()
    expect(page.locator("[aria-current=step]")).to_have_text("Accepted")
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "select c.stage, c.round, c.rating, count(a.id) from city_case c"
            " left join attachment a on a.case_id = c.id where c.number = %s group by c.id",
            [found[0]],
        ).fetchall()
    assert rows == [("file", 2, None, 1)]
    # The secret is in no address that a server, a proxy or a referrer could note.
    secret = link.split("#follow=")[1]
    assert len(secret) == 43
    assert not [url for url in watched.requests if secret in url.split("#")[0]]


def test_a_place_is_set_on_the_map_and_open_cases_are_seen_by_cell(
    browser: Browser, served: Served, dsn: str, photo: Path
) -> None:
    with watching(browser, **(HERE | {"permissions": [], "locale": "zh-CN"})) as watched:
        page = watched.open(f"{served.url}/report/")
        expect(page.get_by_role("heading", level=1)).to_have_text("向城市上报")
        page.locator("#what").select_option("c02001")
        page.locator("button.primary").click()
        expect(page.locator(".form-problem")).not_to_be_empty()
        page.get_by_role("button", name="使用我的位置").click()
        expect(page.get_by_text("您的设备不提供位置")).to_be_visible()
        assert not [url for url in watched.requests if "maplibre" in url]
        page.get_by_role("button", name="在地图上选").click()
        expect(page.locator(".small-map")).to_have_attribute("data-drawn", re.compile(r"[1-9]\d*"))
        page.locator(".small-map").click(position={"x": 150, "y": 120})
        expect(page.locator(".mark[data-kind=spot]")).to_be_visible()
        check_accessible(page)
        watched.screenshot("report-map-chinese")
        page.locator("button.primary").click()
        expect(page.locator(".done")).to_be_visible()
        page.locator(".report-tab").nth(1).click()
        page.get_by_role("button", name="在地图上选").click()
        expect(page.locator(".small-map")).to_have_attribute("data-drawn", re.compile(r"[1-9]\d*"))
        page.locator(".small-map").click(position={"x": 150, "y": 120})
        expect(page.locator(".nearby li")).not_to_have_count(0)
        expect(page.locator(".mark[data-kind=cell]")).not_to_have_count(0)
        check_accessible(page)
        watched.screenshot("report-nearby-chinese")
