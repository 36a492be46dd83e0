"""Signing in, being signed out, the account's menu and alarms, in a real browser."""

import re
from collections.abc import Iterator

import psycopg
import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from command.principal import Principal, Role
from tests.fixtures import people
from tests.fixtures.axe import check_accessible
from tests.fixtures.browser import Watched, watching
from tests.fixtures.command import Served, serving
from tests.fixtures.trust import PASSWORD, own_settings
from tests.integration.test_alarms import happen

expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def served(built: None, dsn: str, broker_url: str) -> Iterator[Served]:
    with serving(own_settings(broker_url, dsn)) as found:
        yield found


@pytest.fixture
def somebody(dsn: str) -> Principal:
    return people.account(dsn, Role.OPERATOR, password=PASSWORD)[0]


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    with watching(browser) as found:
        yield found


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_label("Password", exact=True).press("Enter")


def expect_map(page: Page) -> None:
    expect(page.locator(".connection")).to_have_attribute("data-state", "live")


def refusals_are_expected(watched: Watched) -> None:
    """The browser's console tells every answer of 400 and more as an error."""
    watched.errors = [error for error in watched.errors if not re.search(r"status of 4\d\d", error)]


def test_the_sign_in_page_is_usable_by_keyboard_in_both_languages(
    watched: Watched, served: Served, somebody: Principal
) -> None:
    page = watched.open(served.url)
    expect(page.get_by_label("Name")).to_be_focused()
    check_accessible(page)
    watched.screenshot("sign-in-night")
    page.locator("[data-value='zh']").click()
    page.locator("[data-value='day']").click()
    expect(page.locator("button.primary")).to_have_text("登录")
    check_accessible(page)
    watched.screenshot("sign-in-day-chinese")
    page.locator("[data-value='en']").click()
    page.locator("[data-value='auto']").click()
    page.get_by_label("Name").focus()
    page.keyboard.type(somebody.name)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect_map(page)
    expect(page.locator(".account-name")).to_have_text(somebody.name)
    page.reload()
    expect_map(page)
    check_accessible(page)


def test_what_is_wrong_is_said_and_nothing_is_shown(
    watched: Watched, served: Served, somebody: Principal
) -> None:
    page = watched.open(served.url)
    page.locator("button.primary").click()
    expect(page.locator("[role=alert]")).to_have_text("Fill in every field.")
    sign_in(page, somebody.name, "not the word at all")
    expect(page.locator("[role=alert]")).to_contain_text("wrong")
    expect(page.locator(".header")).to_have_count(0)
    refusals_are_expected(watched)


def test_a_link_opens_the_map_and_leaves_no_trace_in_the_address(
    watched: Watched, served: Served, dsn: str
) -> None:
    page = watched.open(people.entrance(dsn, served.url))
    expect_map(page)
    assert page.url == f"{served.url}/"
    assert not any("enter=" in url for url in watched.requests)


def test_an_authenticator_is_set_up_and_then_asked_for(
    watched: Watched, served: Served, somebody: Principal
) -> None:
    page = watched.open(served.url)
    sign_in(page, somebody.name)
    expect_map(page)
    page.locator(".account-button").click()
    page.locator("[data-action='account.totp']").click()
    picture = page.locator(".account-qr")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    check_accessible(page)
    watched.screenshot("authenticator")
    totp = pyotp.TOTP(page.locator(".account-secret").inner_text())
    page.get_by_label("Code of the authenticator").fill(totp.now())
    page.keyboard.press("Enter")
    expect(page.locator(".form-done")).to_be_visible()
    page.locator("[data-action='account.sign_out']").click()
    sign_in(page, somebody.name)
    expect(page.get_by_label("Code of the authenticator")).to_be_focused()
    refusals_are_expected(watched)


def test_a_session_that_is_over_says_so_and_offers_to_sign_in_again(
    watched: Watched, served: Served, somebody: Principal, dsn: str
) -> None:
    page = watched.open(served.url)
    sign_in(page, somebody.name)
    expect_map(page)
    with psycopg.connect(dsn) as connection:
        connection.execute("delete from session where account = %s", [somebody.id])
    expect(page.locator(".connection")).to_have_attribute("data-state", "signed-out")
    dialog = page.locator("dialog.session-over")
    expect(dialog).to_contain_text("You are signed out")
    watched.screenshot("signed-out")
    check_accessible(page)
    dialog.get_by_label("Name").fill(somebody.name)
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_label("Password").press("Enter")
    expect(dialog).to_have_count(0)
    expect_map(page)
    refusals_are_expected(watched)


def test_an_alarm_comes_up_is_taken_and_closed(watched: Watched, served: Served, dsn: str) -> None:
    page = watched.open(people.entrance(dsn, served.url))
    expect_map(page)
    page.locator("#tab-alarms").click()
    expect(page.locator("#panel-alarms .empty")).to_be_visible()
    happen(dsn, "market", severity="critical", kind="wrong_way")
    happen(dsn, "market", severity="critical", kind="wrong_way")
    alarm = page.locator(".alarm")
    expect(alarm).to_have_count(1)
    expect(alarm).to_contain_text("\N{MULTIPLICATION SIGN} 2")
    expect(page.locator("#tab-alarms .badge")).to_have_text("1")
    alarm.locator("[data-deed='acknowledgement']").click()
    expect(alarm).to_have_attribute("data-state", "acknowledged")
    expect(page.locator("#tab-alarms .badge")).to_be_hidden()
    alarm.locator("[data-deed='assignee']").click()
    name = page.locator(".account-name").inner_text()
    expect(alarm.locator(".alarm-state")).to_contain_text(f"for {name}")
    alarm.locator(".alarm-comment").fill("patrol is on its way")
    alarm.locator(".alarm-comment").press("Enter")
    expect(alarm.locator(".alarm-comment")).to_have_value("")
    check_accessible(page)
    watched.screenshot("alarms")
    alarm.locator("[data-deed='closure']").click()
    expect(alarm).to_have_count(0)
