"""The operators' desk in a real browser: the past on the map, figures, cameras, search, views, wall."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from playwright.sync_api import Browser, expect

from citybrain import config
from citybrain.config import Settings
from command import build as web_build
from tests.fixtures.axe import check_accessible
from tests.fixtures.browser import Watched, watching
from tests.ui.street import Street
from tests.ui.test_map import City, pin, until

expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def city(broker_url: str, dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    if not web_build.is_current(web_build.WEB):
        web_build.build(web_build.WEB, lambda _: None)
    settings = msgspec.structs.replace(
        Settings(),
        site=config.Site(name="desktest"),
        broker=config.Broker(url=broker_url),
        database=config.Database(dsn=dsn),
    )
    city = City(settings, tmp_path_factory.mktemp("desktest"))
    try:
        city.start("ingest")
        city.start("command")
        with Street(settings):
            yield city
    finally:
        city.stop()


@pytest.fixture(scope="module")
def one_page(city: City, browser: Browser) -> Iterator[Watched]:
    with watching(browser, timezone_id="UTC") as watched:
        watched.open(city.entrance())
        yield watched


@pytest.fixture
def watched(one_page: Watched) -> Iterator[Watched]:
    expect(pin(one_page.page, "market")).to_be_visible()
    yield one_page
    one_page.check()


def test_the_past_is_played_on_the_same_map(watched: Watched) -> None:
    page = watched.page
    expect(page.locator(".connection")).to_have_attribute("data-state", "live")
    began = datetime.now(UTC)
    until(lambda: datetime.now(UTC) - began > timedelta(seconds=9), "some seconds are on record")
    page.get_by_role("button", name="Play back the past").click()
    banner = page.locator(".past-banner")
    expect(banner).to_contain_text("Past:")
    expect(page.locator(".connection")).to_have_attribute("data-state", "past")
    # Nothing was on record then.
    expect(pin(page, "market")).to_have_attribute("data-mode", "uncertain")
    expect(page.locator("[data-kpi='vehicles'] .kpi-value")).to_have_text("0")

    page.get_by_label("Day and time").fill(f"{began + timedelta(seconds=2):%Y-%m-%dT%H:%M:%S}")
    page.get_by_label("Day and time").press("Tab")
    expect(pin(page, "market")).to_have_attribute("data-mode", "commanded")
    expect(page.locator("[data-kpi='vehicles'] .kpi-value")).to_have_text("32")
    shown = banner.inner_text()
    page.locator("#map").click(position={"x": 500, "y": 60})
    page.keyboard.press("Space")
    until(lambda: banner.inner_text() != shown, "the past runs")
    expect(page.locator(".playback-play")).to_have_attribute("aria-label", "Pause (space)")
    watched.screenshot("past-night")
    check_accessible(page)
    page.keyboard.press("Space")
    page.locator(".playback-play").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".playback-play")).to_have_attribute("aria-label", "Play (space)")
    page.keyboard.press("+")
    expect(page.get_by_label("Speed")).to_have_value("2")
    page.keyboard.press("Escape")
    expect(banner).to_be_hidden()
    expect(page.locator(".connection")).to_have_attribute("data-state", "live")
    expect(pin(page, "market")).to_have_attribute("data-mode", "commanded")
