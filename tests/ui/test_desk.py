"""The operators' desk in a real browser: the past on the map, figures, cameras, search, views, wall."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.fixtures.axe import check_accessible
from tests.fixtures.browser import Watched, watching
from tests.ui.test_map import City, pin, running, until

expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def city(built: None, broker_url: str, dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with running("desktest", broker_url, dsn, tmp_path_factory.mktemp("desktest")) as found:
        yield found


@pytest.fixture(scope="module")
def one_page(city: City, browser: Browser) -> Iterator[Watched]:
    with watching(browser, timezone_id="UTC") as watched:
        watched.open(city.entrance())
        yield watched


@pytest.fixture
def watched(one_page: Watched) -> Iterator[Watched]:
    expect(pin(one_page.page, "market")).to_be_visible()
    yield one_page
    one_page.page.keyboard.press("Escape")
    one_page.page.locator("[data-setting='view'] [data-value='map']").click()
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
    expect(page.get_by_label("Speed", exact=True)).to_have_value("2")
    page.keyboard.press("Escape")
    expect(banner).to_be_hidden()
    expect(page.locator(".connection")).to_have_attribute("data-state", "live")
    expect(pin(page, "market")).to_have_attribute("data-mode", "commanded")


def _audited(city: City) -> list[dict[str, Any]]:
    with psycopg.connect(city.settings.database.dsn) as connection:
        rows = connection.execute(
            "select subject, details from audit where action = 'video.viewed' order by seq"
        ).fetchall()
    return [{"subject": subject, **json.loads(details)} for subject, details in rows]


def _view(page: Page, name: str) -> None:
    page.locator(f"[data-setting='view'] [data-value='{name}']").click()


def test_the_camera_wall_asks_why_before_it_shows_anything(city: City, watched: Watched) -> None:
    page = watched.page
    _view(page, "cameras")
    tile = page.locator(".wall-tile")
    expect(tile).to_contain_text("Say first why you look.")
    seen = len(_audited(city))
    page.get_by_role("button", name="Look at these cameras").click()
    check_accessible(page)
    watched.screenshot("look-night")
    page.get_by_label("Reason in a few words").press("Enter")
    expect(page.locator(".look-dialog [role=alert]")).to_contain_text("three letters")
    assert len(_audited(city)) == seen
    page.get_by_label("Reason in a few words").fill("morning round")
    page.get_by_label("Reason in a few words").press("Enter")
    picture = tile.locator(".picture")
    expect(picture).to_be_visible()
    first = picture.get_attribute("src")
    until(lambda: picture.get_attribute("src") != first, "the next picture comes")
    told = {"purpose": "monitoring", "reason": "morning round", "case": None, "event": None}
    assert _audited(city)[seen:] == [{"subject": "camera/demo", **told}]
    expect(page.locator(".wall-state")).to_contain_text("On record")
    check_accessible(page)
    watched.screenshot("wall-night")
    page.get_by_role("button", name="Stop looking").click()
    expect(picture).to_be_hidden()


def test_the_nearest_camera_is_offered_for_an_event_which_is_the_reason(city: City, watched: Watched) -> None:
    page = watched.page
    page.locator("#tab-events").click()
    near = page.locator(".near-camera:visible").first
    expect(near).to_contain_text("Camera demo · ")
    near.click()
    expect(page.locator(".camera-detail .picture")).to_be_visible()
    last = _audited(city)[-1]
    assert (last["purpose"], last["event"]) == ("event", "spill-1")


def test_figures_are_drawn_compared_and_saved(watched: Watched) -> None:
    page = watched.page
    until(lambda: _rolled(page), "the first minute is summed up", 100)
    _view(page, "figures")
    page.locator(".figures").get_by_label("Until", exact=True).fill(
        f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M}"
    )
    page.locator(".figures").get_by_role("button", name="Show", exact=True).click()
    expect(page.locator(".figures-twin").first.locator("tbody tr").first).to_be_visible()
    expect(page.locator(".chart")).to_have_count(5)
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as CSV").click()
    assert download.value.path().read_text().startswith("start,district,vehicles")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".comparer .verdict")).to_have_count(5)
    check_accessible(page)
    watched.screenshot("figures-night")
    page.locator("[data-setting='language'] [data-value='zh']").click()
    page.locator("[data-setting='theme'] [data-value='day']").click()
    expect(page.locator(".comparer h2")).to_have_text("前后对比")
    check_accessible(page)
    watched.screenshot("figures-day-chinese")
    page.locator("[data-setting='theme'] [data-value='auto']").click()
    page.locator("[data-setting='language'] [data-value='en']").click()


def _rolled(page: Page) -> bool:
    found = page.evaluate("fetch('/api/v1/figures').then((answer) => answer.json())")
    return bool(found["items"])


def test_the_sheet_of_a_shift_is_made_to_be_printed(watched: Watched) -> None:
    page = watched.page
    _view(page, "shift")
    sheet = page.locator(".sheet")
    expect(sheet).to_contain_text("Queue spills back")
    expect(sheet).to_contain_text("nobody yet")
    expect(sheet).to_contain_text("sensor/air-7")
    expect(sheet).to_contain_text("harbour")
    check_accessible(page)
    watched.screenshot("shift-night")
    page.emulate_media(media="print")
    expect(page.locator(".header")).to_be_hidden()
    expect(page.locator(".sheet-sign")).to_be_visible()
    watched.screenshot("shift-print")
    page.emulate_media(media="screen")


def test_search_goes_where_something_is(watched: Watched) -> None:
    page = watched.page
    page.locator("body").press("/")
    box = page.get_by_role("combobox", name="Search the city")
    expect(box).to_be_focused()
    page.keyboard.type("harb")
    hits = page.locator(".search-hit")
    expect(hits).to_have_count(2)
    expect(hits.first).to_contain_text("Harbour Road")
    check_accessible(page)
    page.keyboard.press("ArrowDown")
    expect(hits.first).to_have_attribute("aria-selected", "true")
    watched.screenshot("search-night")
    page.keyboard.press("Enter")
    expect(hits).to_have_count(0)
    box.fill("demo")
    expect(hits).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator(".camera-detail h2")).to_have_text("Camera demo")
    page.locator(".camera-detail").press("Escape")
    box.fill("nowhere at all")
    expect(page.locator(".search-none")).to_be_visible()
    box.press("Escape")
    expect(page.locator(".search-none")).to_be_hidden()


def test_layers_are_put_away_and_views_are_kept_with_the_account(watched: Watched) -> None:
    page = watched.page
    page.get_by_role("button", name="Layers and views").click()
    panel = page.locator(".layer-panel")
    panel.get_by_label("Cameras", exact=True).uncheck()
    expect(page.locator(".map-pins [data-camera='demo']")).to_have_count(0)
    panel.get_by_label("Name of the view").fill("Without cameras")
    panel.get_by_role("button", name="Save").click()
    kept = panel.locator(".view-open")
    expect(kept).to_have_text("Without cameras")
    panel.get_by_label("Cameras", exact=True).check()
    expect(page.locator(".map-pins [data-camera='demo']")).to_have_count(1)
    check_accessible(page)
    page.reload()
    expect(pin(page, "market")).to_be_visible()
    page.get_by_role("button", name="Layers and views").click()
    kept.click()
    expect(page.locator(".map-pins [data-camera='demo']")).to_have_count(0)
    watched.screenshot("layers-night")
    panel.get_by_role("button", name="Remove Without cameras").click()
    expect(kept).to_have_count(0)
    panel.get_by_label("Cameras", exact=True).check()
    page.get_by_role("button", name="Layers and views").click()
    expect(panel).to_be_hidden()


def test_high_contrast_is_a_theme_of_its_own(watched: Watched) -> None:
    page = watched.page
    page.locator("[data-setting='theme'] [data-value='contrast']").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "contrast")
    check_accessible(page)
    watched.screenshot("map-contrast")
    page.locator("[data-setting='theme'] [data-value='auto']").click()


def test_on_a_wall_the_map_stands_alone(watched: Watched) -> None:
    page = watched.page
    page.get_by_role("button", name="Wall: the map alone").click()
    for gone in (".side", ".legend", ".map-tools", ".search"):
        expect(page.locator(gone)).to_be_hidden()
    expect(pin(page, "market")).to_be_visible()
    page.set_viewport_size({"width": 1920, "height": 1080})
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over == 0
    check_accessible(page)
    watched.screenshot("wall-mode")
    page.set_viewport_size({"width": 1366, "height": 768})
    page.keyboard.press("Escape")
    expect(page.locator(".side")).to_be_visible()
