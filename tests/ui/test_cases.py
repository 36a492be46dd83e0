"""Cases at the desk, in a real browser: list, case, deeds, map, making one from an alarm, evaluation."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import encode
from command.principal import Role
from tests.fixtures import people
from tests.fixtures.axe import check_accessible
from tests.fixtures.browser import Watched, watching
from tests.fixtures.cases import SPOT, Person, person, report, responsible, set_up, skilled
from tests.fixtures.command import Served, config, network, serving
from tests.fixtures.trust import own_settings
from tests.integration.test_alarms import happen
from tests.ui.deeds import do

expect.set_options(timeout=20_000)


@dataclass
class Town:
    """One person a role, all of the south."""

    citizen: Person
    worker: Person
    handler: Person
    department: Person
    acceptor: Person
    dispatcher: Person
    supervisor: Person
    operator: Person


@pytest.fixture(scope="module")
def served(built: None, dsn: str, broker_url: str) -> Iterator[Served]:
    set_up(dsn)
    settings = own_settings(broker_url, dsn)
    with serving(settings) as found, Bus(settings.broker, f"{settings.site.name}-street") as bus:
        # Roads around the spot, so that the map knows where to look.
        for part in network(datetime.now(UTC)):
            topic = topics.for_device(settings.site.name, part.device, f"part{part.part}")
            bus.publish(topic, encode(part), retain=True)
        signal = config(at=datetime.now(UTC))
        bus.publish(
            topics.for_device(settings.site.name, signal.device, "config"), encode(signal), retain=True
        )
        yield found


@pytest.fixture(scope="module")
def town(served: Served, dsn: str) -> Iterator[Town]:
    with ExitStack() as stack:

        def new(role: Role, department: str | None = None, districts: tuple[str, ...] = ("south",)) -> Person:
            return stack.enter_context(person(served, dsn, role, districts, department))

        found = Town(
            new(Role.CITIZEN), new(Role.GRID_WORKER), new(Role.HANDLER, "roads"),
            new(Role.DEPARTMENT, "roads", ()), new(Role.ACCEPTOR), new(Role.DISPATCHER), new(Role.SUPERVISOR),
            new(Role.OPERATOR),
        )  # fmt: skip
        skilled(dsn, found.handler, "roads")
        responsible(dsn, found.worker)
        yield found


@pytest.fixture
def clean(dsn: str, town: Town) -> None:
    """No case and no alarm, both workers on duty at the spot."""
    with psycopg.connect(dsn) as connection:
        connection.execute("delete from traffic_event")
        connection.execute("delete from alarm")
        connection.execute(
            "update city_case set stage = 'dismissed', closed_at = now(), due_at = null"
            " where stage in ('collect', 'file')"
        )
    for one in (town.worker, town.handler):
        one.stand()


@pytest.fixture
def desk(browser: Browser, served: Served, dsn: str) -> Iterator["Desk"]:
    with ExitStack() as stack:
        yield Desk(stack, browser, served, dsn)


class Desk:
    """Pages of people who are signed in, each in a browser context of their own."""

    def __init__(self, stack: ExitStack, browser: Browser, served: Served, dsn: str) -> None:
        self._stack, self._browser, self._served, self._dsn = stack, browser, served, dsn

    def sit(self, who: Person) -> Watched:
        """Their page with the cases open."""
        watched = self._stack.enter_context(watching(self._browser))
        page = watched.open(people.link(self._dsn, self._served.url, who.principal))
        expect(page.locator(".connection")).to_have_attribute("data-state", "live")
        expect(page.locator(".map-waiting")).to_be_hidden()
        page.locator("#tab-cases").click()
        return watched


def row(page: Page, number: str) -> Locator:
    return page.locator(".case-row", has_text=number)


def opened(page: Page, number: str) -> Locator:
    row(page, number).click()
    detail = page.locator(".case-detail")
    expect(detail.locator(".detail-head")).to_contain_text(number)
    expect(detail.locator(".case-body")).to_be_visible()
    return detail


def stage(page: Page) -> Locator:
    return page.locator(".stage-line [aria-current='step']")


def test_a_case_goes_through_the_desk_with_the_deeds_of_each_role(
    clean: None, town: Town, desk: Desk
) -> None:
    made = report(town.citizen, text="a hole in the road")
    number = made["number"]
    acceptor = desk.sit(town.acceptor)
    page = acceptor.page
    detail = opened(page, number)
    offered = detail.locator(".case-deed")
    expect(offered).to_have_text(["File", "Ask for a check", "Merge", "Dismiss", "Comment"])
    expect(stage(page)).to_have_text("Collected")
    do(page, "filing", Note="deeper than 30 mm")
    expect(stage(page)).to_have_text("Filed")
    expect(detail.locator(".case-time-left")).to_contain_text("left")
    check_accessible(page)
    acceptor.screenshot("case-filed")

    dispatcher = desk.sit(town.dispatcher)
    opened(dispatcher.page, number)
    dispatcher.page.locator("[data-deed='dispatch']").click()
    ranked = dispatcher.page.locator(".case-units li")
    expect(ranked.filter(has_text=town.handler.name)).to_contain_text("skill roads")
    dispatcher.screenshot("case-dispatch")
    check_accessible(dispatcher.page)
    dispatcher.page.locator(".case-form button[type='submit']").click()
    expect(stage(dispatcher.page)).to_have_text("Dispatched")

    department = desk.sit(town.department)
    opened(department.page, number)
    expect(department.page.locator(".case-deed")).to_have_text(
        ["Accept", "Return", "Suspend", "Extend", "Comment"]
    )
    do(department.page, "acceptance")
    expect(department.page.locator(".case-tasks:not(.case-same)")).to_contain_text(town.handler.name)
    do(department.page, "suspension", Reason="waits for asphalt")
    expect(department.page.locator(".case-time-left")).to_contain_text("suspended")
    expect(department.page.locator(".case-deed[data-deed='suspension']")).to_have_count(0)
    do(department.page, "resumption")
    do(department.page, "extension", Reason="asphalt comes tomorrow")
    expect(department.page.locator(".case-time-more")).to_contain_text("extended 1")

    (task,) = [one for one in town.handler.tasks("handle") if one["case"] == made["id"]]
    town.handler.post(f"/tasks/{task['id']}/acceptance")
    town.handler.post(f"/tasks/{task['id']}/result", {"answer": True, "text": "filled"})
    expect(stage(page)).to_have_text("Reported back")
    (task,) = [one for one in town.worker.tasks("verify") if one["case"] == made["id"]]
    town.worker.post(f"/tasks/{task['id']}/acceptance")
    town.worker.post(f"/tasks/{task['id']}/result", {"answer": True, "text": "even"})
    expect(stage(page)).to_have_text("Verified")
    do(page, "closure", How="even and firm")
    expect(stage(page)).to_have_text("Closed")
    history = page.locator(".entry-what")
    expect(history.first).to_have_text("Closed")
    expect(history.last).to_have_text("Reported")
    expect(page.locator(".entry").first).to_contain_text("even and firm")
    acceptor.screenshot("case-closed")


def test_what_the_server_refuses_is_said_in_the_form(clean: None, town: Town, desk: Desk) -> None:
    number = report(town.citizen)["number"]
    watched = desk.sit(town.acceptor)
    page = watched.page
    opened(page, number)
    page.locator("[data-deed='dismissal']").click()
    send = page.locator(".case-form button[type='submit']")
    send.click()
    problem = page.locator(".case-form [role='alert']")
    expect(problem).to_have_text("Fill in what is needed.")
    expect(page.locator(".case-form textarea")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".case-form form")).to_have_count(0)
    expect(page.locator(".case-deed[data-deed='dismissal']")).to_be_focused()
    page.locator("[data-deed='check']").click()
    page.locator(".case-form input").fill("nobody at all")
    page.locator(".case-form button[type='submit']").click()
    expect(problem).to_contain_text("nobody at all")
    expect(page.locator(".case-form input")).to_have_value("nobody at all")
    watched.screenshot("case-refused")
    watched.errors = [error for error in watched.errors if not re.search(r"status of 4\d\d", error)]


def test_duplicates_are_proposed_and_merged(clean: None, town: Town, desk: Desk) -> None:
    first = report(town.citizen, text="the first")
    second = report(town.worker, text="the same again")
    page = desk.sit(town.acceptor).page
    detail = opened(page, second["number"])
    expect(detail.get_by_role("heading", name="May be the same")).to_be_visible()
    page.locator("[data-deed='merge']").click()
    expect(page.locator(".pick-name").filter(has_text=first["number"])).to_be_visible()
    page.locator(".pick", has_text=first["number"]).click()
    page.locator(".case-form button[type='submit']").click()
    expect(detail.locator(".case-time-more")).to_contain_text("Merged into another")
    page.keyboard.press("Escape")
    expect(row(page, second["number"])).to_have_count(0)
    expect(row(page, first["number"])).to_contain_text("reported 2")


def test_the_list_is_filtered_searched_and_walked_by_keyboard(clean: None, town: Town, desk: Desk) -> None:
    hole = report(town.citizen, text="a hole near the bakery")
    bin_ = report(town.worker, class_="c03002", position=(SPOT[0] + 0.001, SPOT[1]), text="the bin is full")
    watched = desk.sit(town.acceptor)
    page = watched.page
    expect(page.locator(".case-row")).to_have_count(2)
    page.locator(".case-more summary").click()
    page.locator("[data-filter='class']").select_option("c03002")
    expect(page.locator(".case-row")).to_have_count(1)
    expect(row(page, bin_["number"])).to_be_visible()
    check_accessible(page)
    watched.screenshot("case-list")
    page.get_by_role("button", name="Clear filters").click()
    expect(page.locator(".case-row")).to_have_count(2)
    page.locator(".case-search").fill("bakery")
    expect(page.locator(".case-row")).to_have_count(1)
    expect(row(page, hole["number"])).to_be_visible()
    page.locator(".case-search").fill("")
    expect(page.locator(".case-row")).to_have_count(2)
    page.locator("[data-quick='mine']").click()
    expect(page.locator("#panel-cases .empty")).to_be_visible()
    town.acceptor.post(f"/cases/{hole['id']}/comments", {"text": "I look at it"})
    expect(page.locator(".case-row")).to_have_count(1)
    page.locator("[data-quick='waits']").click()
    expect(page.locator(".case-row")).to_have_count(2)

    page.locator("[data-quick='waits']").focus()
    page.locator(".case-row").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".case-row").last).to_be_focused()
    page.keyboard.press("Home")
    expect(page.locator(".case-row").first).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator(".case-search")).to_be_focused()
    page.locator(".case-row").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".case-detail .case-body")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".case-row").first).to_be_focused()


def test_cases_and_units_are_on_the_map_live_and_filtered_in_the_legend(
    clean: None, town: Town, desk: Desk, dsn: str
) -> None:
    watched = desk.sit(town.dispatcher)
    page = watched.page
    late = report(town.citizen)
    pin = page.locator(f".case-pin[data-case='{late['id']}']")
    expect(pin).to_have_attribute("data-urgency", "none")
    town.acceptor.post(f"/cases/{late['id']}/filing")
    expect(pin).to_have_attribute("data-urgency", "fine")
    expect(pin).to_have_text(re.compile(r"\d d"))
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "update city_case set due_at = now() - interval '3 hours' where id = %s", [late["id"]]
        )
    town.acceptor.post(f"/cases/{late['id']}/comments", {"text": "where is it?"})
    expect(pin).to_have_attribute("data-urgency", "late")
    expect(pin).to_contain_text("\N{MINUS SIGN}")
    shown = page.locator("[data-layer='case-late']")
    shown.uncheck()
    expect(pin).to_have_count(0)
    shown.check()
    expect(pin).to_be_visible()
    page.locator("[data-layer='units']").check()
    expect(page.locator(".unit-pin", has_text=town.handler.name)).to_be_visible()
    watched.screenshot("case-map")
    pin.click()
    expect(page.locator(".case-detail .detail-head")).to_contain_text(late["number"])
    expect(pin).to_have_attribute("data-selected", "")
    page.locator("[data-value='zh']").click()
    page.locator("[data-value='day']").click()
    expect(page.locator(".case-time-left")).to_contain_text("超时")
    check_accessible(page)
    watched.screenshot("case-day-chinese")


def test_an_alarm_becomes_a_case_in_one_click_and_both_lead_to_each_other(
    clean: None, town: Town, desk: Desk, dsn: str
) -> None:
    watched = desk.sit(town.operator)
    page = watched.page
    page.locator("#tab-alarms").click()
    happen(dsn, severity="critical", kind="stopped_vehicle")
    make = page.locator(".alarm [data-deed='case']")
    expect(make).to_have_text("Make a case")
    make.click()
    detail = page.locator(".case-detail")
    expect(detail.locator("h2")).to_have_text("Vehicle stands in the way")
    expect(detail.locator(".case-facts")).to_contain_text("From the alarm")
    detail.locator("[data-tool='alarm']").click()
    expect(page.locator(".intersection-detail")).to_be_visible()
    page.keyboard.press("Escape")
    expect(make).to_contain_text("Case ")
    make.click()
    expect(detail.locator("h2")).to_have_text("Vehicle stands in the way")


def test_an_acceptor_takes_in_a_case_by_hand_at_a_place_on_the_map(
    clean: None, town: Town, desk: Desk
) -> None:
    watched = desk.sit(town.acceptor)
    page = watched.page
    page.locator("[data-tool='report']").click()
    page.get_by_role("button", name="Take in the case").click()
    expect(page.locator(".report-detail [role='alert']")).to_have_text("Choose a class first.")
    page.locator("#report-class").select_option("c04001")
    page.get_by_label("What is wrong").fill("a tree leans over the way")
    page.locator("#map canvas").click(position={"x": 500, "y": 200})
    expect(page.locator(".report-place")).to_have_attribute("data-known", "")
    expect(page.locator(".draft-pin")).to_be_visible()
    expect(page.locator(".report-detail [role='alert']")).to_be_empty()
    check_accessible(page)
    watched.screenshot("case-report")
    page.get_by_role("button", name="Take in the case").click()
    expect(page.locator(".case-detail h2")).to_have_text("Tree fallen or about to fall")
    expect(page.locator(".case-facts")).to_contain_text("a tree leans over the way")


def test_the_evaluation_shows_leagues_handling_times_and_what_is_overdue_and_prints(
    clean: None, town: Town, desk: Desk, dsn: str
) -> None:
    for hours, score in ((2, 5), (30, 3), (200, 4)):
        closed(town, hours, score, dsn)
    late = report(town.citizen, position=(SPOT[0], SPOT[1] + 0.002))
    town.acceptor.post(f"/cases/{late['id']}/filing")
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "update city_case set due_at = now() - interval '3 days' where id = %s", [late["id"]]
        )
    watched = desk.sit(town.supervisor)
    page = watched.page
    page.locator("[data-tool='evaluation']").click()
    departments = page.locator("[data-league='evaluation.departments'] tbody tr")
    expect(departments.filter(has_text="Roads")).to_have_count(1)
    roads = departments.filter(has_text="Roads").locator("td, th").all_inner_texts()
    assert float(roads[8]) == 4.0, roads
    assert 0 < float(roads[9]) <= 100, roads
    bars = page.locator(".chart .chart-bar")
    expect(bars).to_have_count(10)
    # One bar for each of the three, and one for what another test closed.
    assert page.locator(".chart .chart-value").count() in {3, 4}
    expect(page.locator(".evaluation")).to_contain_text(late["number"])
    check_accessible(page)
    watched.screenshot("evaluation")
    page.emulate_media(media="print")
    expect(page.locator(".evaluation-tools")).to_be_hidden()
    expect(page.locator(".header")).to_be_hidden()
    expect(page.locator(".chart")).to_be_visible()
    watched.screenshot("evaluation-print")
    page.emulate_media(media="screen")
    page.get_by_label("To", exact=True).fill("2020-01-01")
    expect(page.locator(".evaluation [role='alert']")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".evaluation")).to_be_hidden()


def closed(town: Town, hours: int, score: int, dsn: str) -> None:
    """A case that took so long from filing to closing, and its rating."""
    case = report(town.citizen, position=(SPOT[0] + hours / 50_000, SPOT[1]))["id"]
    town.acceptor.post(f"/cases/{case}/filing")
    town.dispatcher.post(f"/cases/{case}/dispatch")
    town.department.post(f"/cases/{case}/acceptance")
    for who, kind in ((town.handler, "handle"), (town.worker, "verify")):
        (task,) = [one for one in who.tasks(kind) if one["case"] == case]
        who.post(f"/tasks/{task['id']}/acceptance")
        who.post(f"/tasks/{task['id']}/result", {"answer": True, "text": "done"})
    town.acceptor.post(f"/cases/{case}/closure", {"standard": "even and firm"})
    town.citizen.post(f"/cases/{case}/rating", {"score": score})
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "update city_case set filed_at = closed_at - make_interval(hours => %s) where id = %s",
            [hours, case],
        )
