"""The phone of grid workers and handlers: a shift with and without a network, in a real browser."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psycopg
import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from command.principal import Role
from tests.fixtures.axe import check_accessible
from tests.fixtures.browser import Watched, watching
from tests.fixtures.cases import SPOT, Person, person, report, set_up, skilled
from tests.fixtures.command import Served, serving, until
from tests.fixtures.trust import PASSWORD, own_settings
from tests.ui.street import Street

expect.set_options(timeout=20_000)
NEAR = {"longitude": SPOT[0] + 0.001, "latitude": SPOT[1] + 0.0005, "accuracy": 8}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "geolocation": NEAR,
    "permissions": ["geolocation"],
}

KEPT = """async () => {
    const caches_ = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
    const cached = await Promise.all(caches_.map((cache) => cache.keys()));
    return [
        (await indexedDB.databases()).map(({ name }) => name),
        Object.keys(localStorage),
        cached.flat().map(({ url }) => new URL(url).pathname),
    ];
}"""
"""Names of databases, keys of the local storage, and paths in caches, of the page's origin."""


@pytest.fixture(scope="module")
def served(built: None, dsn: str, broker_url: str) -> Iterator[Served]:
    set_up(dsn)
    settings = own_settings(broker_url, dsn)
    with Street(settings), serving(settings) as found:
        yield found


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A JPEG of more than one piece of an upload."""
    path = tmp_path_factory.mktemp("photos") / "photo.jpg"
    picture = np.random.default_rng(6).integers(0, 255, (600, 900, 3), np.uint8)
    cv2.imwrite(str(path), picture)
    assert path.stat().st_size > 300_000
    return path


@dataclass
class Town:
    """Who works behind the phone of `handler`."""

    dsn: str
    citizen: Person
    handler: Person
    department: Person
    acceptor: Person
    dispatcher: Person

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(query, values).fetchall()

    def dispatched(self, text: str = "a hole") -> str:
        """A case whose department has accepted it: the handler is asked."""
        case = str(report(self.citizen, text=text)["id"])
        self.acceptor.post(f"/cases/{case}/filing", {"text": "deep"})
        self.dispatcher.post(f"/cases/{case}/dispatch")
        self.department.post(f"/cases/{case}/acceptance")
        return case


@pytest.fixture
def town(served: Served, dsn: str) -> Iterator[Town]:
    with psycopg.connect(dsn) as connection:
        connection.execute("update field_worker set on_duty = false")
    with ExitStack() as stack:

        def new(role: Role, department: str | None = None, password: str | None = None) -> Person:
            made = person(served, dsn, role, ["south"], department, password=password)
            return stack.enter_context(made)

        town = Town(
            dsn, new(Role.CITIZEN), new(Role.HANDLER, "roads", PASSWORD), new(Role.DEPARTMENT, "roads"),
            new(Role.ACCEPTOR), new(Role.DISPATCHER),
        )  # fmt: skip
        skilled(dsn, town.handler, "roads")
        yield town


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    with watching(browser, **PHONE) as found:
        yield found


def sign_in(page: Page, who: Person) -> None:
    page.get_by_label("Name").fill(who.name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")


def opened(watched: Watched, served: Served, who: Person) -> Page:
    """The phone, signed in and with all that it needs without a network."""
    page = watched.open(f"{served.url}/phone/")
    sign_in(page, who)
    expect(net(page)).to_have_attribute("data-state", "online")
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    return page


def net(page: Page) -> Locator:
    return page.locator(".net")


def go_on_duty(page: Page, town: Town) -> None:
    """On duty, and dispatch knows where."""
    page.get_by_role("switch").click()
    expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "true")

    def is_placed() -> bool:
        return bool(town.handler.get("/field/me")["fresh"])

    until(is_placed, "the position is known")


def all_sent(page: Page) -> None:
    expect(net(page)).to_have_attribute("data-waiting", "0")
    expect(net(page)).to_have_attribute("data-state", "online")


def offline(watched: Watched, *, away: bool) -> None:
    watched.away = watched.away or away
    watched.page.context.set_offline(away)


def open_task(page: Page, case: str, town: Town) -> None:
    (task,) = town.rows(
        "select id from case_task where case_id = %s and state in ('offered', 'accepted')", case
    )
    page.locator(f"[data-task='{task[0]}'] a").click()


def refusals_are_expected(watched: Watched) -> None:
    """The browser's console tells every answer of 400 and more as an error."""
    watched.errors = [error for error in watched.errors if not re.search(r"status of 4\d\d", error)]


def reported(page: Page, photo: Path, class_: str = "c02001") -> None:
    """In three taps."""
    page.get_by_role("link", name="Report").click()
    page.locator(f"[data-class='{class_}']").first.click()
    page.set_input_files("input[type=file]", photo)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".form-done")).to_be_visible()


def test_a_shift_without_a_network_is_sent_whole_and_once(
    watched: Watched, served: Served, town: Town, photo: Path
) -> None:
    page = opened(watched, served, town.handler)
    check_accessible(page)
    go_on_duty(page, town)
    case = town.dispatched("a hole before the bakery")
    expect(page.locator("[data-task]")).to_contain_text("a hole before the bakery")
    check_accessible(page)
    watched.screenshot("phone-tasks")
    open_task(page, case, town)
    expect(page.locator(".way-text")).to_contain_text("south-west")
    check_accessible(page)
    watched.screenshot("phone-task-offered")
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("button", name="I am there")).to_be_visible()
    all_sent(page)

    offline(watched, away=True)
    page.get_by_role("button", name="I am there").click()
    page.set_input_files("input[name=before]", photo)
    page.set_input_files("input[name=after]", photo)
    expect(page.locator(".queued li")).to_have_count(3)
    page.get_by_label("What was done").fill("filled with asphalt")
    watched.screenshot("phone-task-offline")
    check_accessible(page)
    page.get_by_role("button", name="Done").click()
    expect(page.locator("[data-task]")).to_contain_text("Done, to be sent")
    reported(page, photo)
    expect(net(page)).to_have_attribute("data-state", "offline")
    page.reload()  # the app opens from what it keeps, and everything waits still
    expect(net(page)).to_contain_text("6 to send")
    net(page).click()
    expect(page.locator(".rows:not(.sent) .row")).to_have_count(6)
    watched.screenshot("phone-waiting")
    check_accessible(page)
    assert town.rows("select stage from city_case where id = %s", case) == [("handle",)]

    offline(watched, away=False)
    all_sent(page)
    expect(page.locator(".rows.sent .row")).not_to_have_count(0)
    kinds = "select kind, count(*) from attachment where case_id = %s group by kind order by kind"
    assert town.rows(kinds, case) == [("after", 1), ("before", 1)]
    assert town.rows("select stage from city_case where id = %s", case) == [("report_back",)]
    whats = town.rows("select what from case_entry where case_id = %s order by id", case)
    own = {"taken_on", "on_scene", "attached", "handled", "done_at"}
    told = [what for (what,) in whats if what in own]
    assert told == ["taken_on", "on_scene", "attached", "attached", "handled", "done_at"]
    of_report = (
        "select r.case_id, (select count(*) from attachment a where a.case_id = r.case_id)"
        " from case_report r where r.account = %s"
    )
    assert [number for _, number in town.rows(of_report, town.handler.principal.id)] == [1]


def test_what_arrived_although_the_answer_was_lost_is_not_done_twice(
    browser: Browser, served: Served, town: Town, photo: Path
) -> None:
    # Requests can be routed only where no service worker stands before them.
    with watching(browser, **PHONE, service_workers="block") as watched:
        page = watched.open(f"{served.url}/phone/")
        sign_in(page, town.handler)
        expect(net(page)).to_have_attribute("data-state", "online")
        lost: list[str] = []

        def lose_first(route: Route) -> None:
            path = re.sub(r"[0-9a-f-]{36}.*", "", route.request.url.split("/api/v1")[1])
            if path in lost:
                route.continue_()
                return
            lost.append(path)
            route.fetch()  # the server does it, and nobody hears the answer
            route.abort()

        watched.away = True
        page.route(re.compile(r"/api/v1/(field/batch|uploads)"), lose_first)
        reported(page, photo)
        all_sent(page)
        assert lost == ["/field/batch", "/uploads", "/uploads/"]
    mine = "select count(distinct case_id), count(*) from case_report where account = %s"
    assert town.rows(mine, town.handler.principal.id) == [(1, 1)]
    photos = "select count(*) from attachment where account = %s"
    assert town.rows(photos, town.handler.principal.id) == [(1,)]


def test_a_conflict_is_shown_with_its_reason_and_can_be_resolved(
    watched: Watched, served: Served, town: Town
) -> None:
    page = opened(watched, served, town.handler)
    go_on_duty(page, town)
    case = town.dispatched()
    expect(page.locator("[data-task]")).to_have_count(1)
    open_task(page, case, town)
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("button", name="I am there")).to_be_visible()
    all_sent(page)
    offline(watched, away=True)
    page.get_by_label("What was done").fill("closed the hole")
    page.get_by_role("button", name="Done").click()
    expect(net(page)).to_contain_text("1 to send")
    town.department.post(f"/cases/{case}/return", {"reason": "belongs to the water works"})
    offline(watched, away=False)
    expect(net(page)).to_contain_text("1 refused")
    net(page).click()
    row = page.locator(".row", has_text="Result").first
    expect(row.locator(".row-message")).not_to_be_empty()
    watched.screenshot("phone-conflict")
    check_accessible(page)
    row.get_by_role("button", name="Report what I found").click()
    all_sent(page)
    texts = town.rows("select text from case_report where account = %s", town.handler.principal.id)
    assert len(texts) == 1
    assert "closed the hole" in texts[0][0]


def test_a_session_that_ended_meanwhile_loses_nothing(
    watched: Watched, served: Served, town: Town, photo: Path
) -> None:
    page = opened(watched, served, town.handler)
    offline(watched, away=True)
    reported(page, photo)
    with psycopg.connect(town.dsn) as connection:
        connection.execute("delete from session where account = %s", [town.handler.principal.id])
    offline(watched, away=False)
    expect(net(page)).to_have_attribute("data-state", "signed-out")
    watched.screenshot("phone-signed-out")
    check_accessible(page)
    page.locator(".banner button").first.click()
    sign_in(page, town.handler)
    all_sent(page)
    mine = "select count(*) from case_report where account = %s"
    assert town.rows(mine, town.handler.principal.id) == [(1,)]
    refusals_are_expected(watched)


def test_a_roll_call_is_answered_and_messages_are_read(watched: Watched, served: Served, town: Town) -> None:
    page = opened(watched, served, town.handler)
    go_on_duty(page, town)
    call = town.dispatcher.post("/roll-calls", {"minutes": 5, "text": "storm"}, 201)
    page.get_by_role("link", name="Messages").click()
    expect(page.locator(".message")).to_contain_text("storm")
    check_accessible(page)
    watched.screenshot("phone-messages")
    page.get_by_role("button", name="I am here").click()
    expect(page.locator(".message")).to_contain_text("You answered")

    def is_present() -> bool:
        workers = town.dispatcher.get(f"/roll-calls/{call['id']}")["workers"]
        return any(one["worker"] == town.handler.name and one["answered_at"] for one in workers)

    until(is_present, "the answer is there")


def test_signing_out_leaves_nothing_of_the_account_on_the_device(
    watched: Watched, served: Served, town: Town
) -> None:
    page = opened(watched, served, town.handler)
    go_on_duty(page, town)
    town.dispatched()
    expect(page.locator("[data-task]")).to_have_count(1)
    databases, _, cached = page.evaluate(KEPT)
    assert databases == [f"citybrain-phone-{town.handler.principal.id}"]
    assert cached
    assert not [path for path in cached if not path.startswith(("/assets/", "/phone/"))]
    all_sent(page)
    page.get_by_role("link", name="Me", exact=True).click()
    watched.screenshot("phone-me")
    check_accessible(page)
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_label("Password")).to_be_visible()
    page.locator("[data-value='zh']").click()
    page.locator("[data-value='day']").click()
    expect(page.locator("button.primary")).to_have_text("登录")
    watched.screenshot("phone-sign-in-day-chinese")
    check_accessible(page)
    databases, stored, _ = page.evaluate(KEPT)
    assert databases == []
    assert not [name for name in stored if "phone" in name]
    sessions = town.rows("select count(*) from session where account = %s", town.handler.principal.id)
    assert sessions == [(0,)]


def test_the_map_is_loaded_only_when_asked_for_and_works_without_a_network(
    watched: Watched, served: Served, town: Town
) -> None:
    page = opened(watched, served, town.handler)
    go_on_duty(page, town)
    town.dispatched()
    expect(page.locator("[data-task]")).to_have_count(1)
    loaded = page.evaluate("() => performance.getEntriesByType('resource').map(({ name }) => name)")
    assert not [name for name in loaded if "maplibre" in name], "the page itself, not what its worker keeps"
    page.get_by_role("button", name="Map").click()
    expect(page.locator(".mark[data-kind='task']")).to_be_visible()
    expect(page.locator(".mark[data-kind='me']")).to_be_visible()
    expect(page.locator(".small-map")).to_have_attribute("data-drawn", re.compile(r"[1-9]\d*"))
    watched.screenshot("phone-map")
    check_accessible(page)
    offline(watched, away=True)
    page.reload()
    page.get_by_role("button", name="Map").click()
    page.locator(".mark[data-kind='task']").click()
    expect(page.locator(".task-facts")).to_be_visible()
