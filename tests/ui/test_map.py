"""The live map in a real browser, served by the real command centre from real messages."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import httpx
import msgspec
import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from citybrain.config import Broker, Database, Settings
from citybrain.config import Site as SiteSettings
from citybrain.up.ports import free_port
from command.principal import Role
from tests.fixtures import people
from tests.fixtures.axe import check_accessible
from tests.fixtures.browser import Watched, watching
from tests.ui.street import NAMES, VEHICLES_PER_LANE, Street

expect.set_options(timeout=20_000)
CHANGE_COLOURS = """async () => {
  const pairs = [["theme", "day"], ["colouring", "speed"], ["theme", "night"], ["colouring", "queue"]];
  for (let i = 0; i < 60; i++) {
    const [setting, value] = pairs[i % pairs.length];
    document.querySelector(`[data-setting='${setting}'] [data-value='${value}']`).click();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}"""
ROOT = Path(__file__).parents[2]


class City:
    """`ingest` and `command` as processes of their own, and the small street that they serve."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self._environment = os.environ | {
            "CITYBRAIN__SITE__NAME": settings.site.name,
            "CITYBRAIN__BROKER__URL": settings.broker.url,
            "CITYBRAIN__DATABASE__DSN": settings.database.dsn,
            "CITYBRAIN__COMMAND__PORT": str(self.port),
            "CITYBRAIN_DATA_DIR": str(folder),
        }
        self._headers: dict[str, str] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, service: str) -> None:
        command = [sys.executable, "-m", "citybrain", "run", service]
        self._processes[service] = subprocess.Popen(
            command, cwd=ROOT, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if service == "command":
            until(self._hears, "the command centre and ingest hear the street", 60)

    def entrance(self) -> str:
        """The map, signed in as an operator, once."""
        return people.entrance(self.settings.database.dsn, self.url)

    def _hears(self) -> bool:
        self._headers = self._headers or people.token_of(self.settings.database.dsn, Role.OPERATOR)
        try:
            health = httpx.get(f"{self.url}healthz", trust_env=False).json()
            asked = httpx.get(f"{self.url}api/v1/agents", trust_env=False, headers=self._headers)
            agents = asked.json()["items"]
        except httpx.HTTPError:
            return False
        ingest = [agent["health"] for agent in agents if agent["device"] == "service/ingest"]
        return bool(health["checks"]["broker"] == "ok" and ingest == ["ok"])

    def kill(self, service: str) -> None:
        process = self._processes.pop(service)
        process.kill()
        process.wait()

    def stop(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.wait(20)


@contextmanager
def running(site: str, broker_url: str, dsn: str, folder: Path) -> Iterator[City]:
    """A city of its own with a street before it."""
    settings = msgspec.structs.replace(
        Settings(),
        site=SiteSettings(name=site),
        broker=Broker(url=broker_url),
        database=Database(dsn=dsn),
    )
    city = City(settings, folder)
    try:
        city.start("ingest")
        city.start("command")
        with Street(settings):
            yield city
    finally:
        city.stop()


@pytest.fixture(scope="module")
def city(built: None, broker_url: str, dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with running("uitest", broker_url, dsn, tmp_path_factory.mktemp("uitest")) as found:
        yield found


@pytest.fixture(scope="module")
def one_page(city: City, browser: Browser) -> Iterator[Watched]:
    """One page for all tests that leave it as they found it: drawing in software takes its time."""
    with watching(browser) as watched:
        watched.open(city.entrance())
        yield watched


@pytest.fixture
def watched(one_page: Watched) -> Iterator[Watched]:
    expect(pin(one_page.page, "market")).to_be_visible()
    yield one_page
    one_page.page.keyboard.press("Escape")
    one_page.page.locator("[data-setting='view'] [data-value='map']").click()
    one_page.page.locator("#tab-events").click()
    one_page.page.locator(".map-tools button").last.click()
    one_page.check()


def pin(page: Page, intersection: str) -> Locator:
    return page.locator(f'.map-pins [data-intersection="{intersection}"]')


def kpi(page: Page, name: str) -> float | None:
    shown = page.locator(f'[data-kpi="{name}"] .kpi-value').inner_text().replace(",", "")
    return float(shown) if re.fullmatch(r"[\d.]+", shown) else None


def until(holds: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)


def coloured(picture: Path, colour: str) -> int:
    """Pixels of the map, panels and legend left out, that come near `colour` (#rrggbb)."""
    image = cv2.imread(str(picture))
    assert image is not None
    wanted = np.array([int(colour[i : i + 2], 16) for i in (5, 3, 1)])
    near = np.abs(image[130:, 230:970].astype(int) - wanted).max(axis=2) < 24
    return int(near.sum())


def test_the_map_shows_roads_signals_and_figures_live(watched: Watched) -> None:
    page = watched.page
    expect(page.locator(".connection")).to_have_attribute("data-state", "live")
    until(lambda: kpi(page, "vehicles") == 2 * 4 * VEHICLES_PER_LANE, "all vehicles are counted")
    until(lambda: (kpi(page, "stored") or 0) > 0, "messages are stored")
    until(lambda: kpi(page, "delay") is not None, "a delay is known")
    until(lambda: (kpi(page, "latency-map") or 0) > 0, "the way from capture to map is measured")
    expect(page.locator('[data-kpi="commanded"] .kpi-note')).to_have_text("of 2")

    expect(pin(page, "market")).to_have_attribute("data-mode", "commanded")
    expect(pin(page, "harbour")).to_have_attribute("data-mode", "local")
    seen = set()

    def counts_down() -> bool:
        seen.add(pin(page, "market").locator(".pin-count").inner_text())
        return len(seen) >= 3

    until(counts_down, "the seconds to the change run")
    watched.screenshot("map-night")


def test_stop_lines_carry_the_colours_of_the_signals(watched: Watched) -> None:
    page = watched.page
    pin(page, "market").click()
    expect(page.locator(".intersection-detail .phase")).to_have_count(2)
    page.wait_for_timeout(1_500)  # the map glides there
    expect(pin(page, "market")).to_have_attribute("data-interval", "green")
    picture = watched.screenshot("intersection-night")
    assert coloured(picture, "#2fe0ae") > 150
    assert coloured(picture, "#ff5a52") > 50
    assert coloured(picture, "#34465a") > 10_000, "the roads are drawn"


def test_an_intersection_tells_phases_movements_and_queues(watched: Watched) -> None:
    page = watched.page
    pin(page, "market").click()
    detail = page.locator(".intersection-detail")
    expect(detail.locator("h2")).to_have_text(NAMES["market"])
    expect(detail.locator(".mode-tag")).to_have_text("Adaptive")
    expect(detail.locator(".movement")).to_have_count(12)
    expect(detail.locator(".movement[data-shows='G']")).to_have_count(4)
    expect(detail.locator(".movement[data-shows='g']")).to_have_count(2)
    expect(detail.locator(".lane-row")).to_have_count(4)
    expect(detail.locator(".phase[data-place='now']")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(detail).to_have_count(0)


def test_an_intersection_says_why_and_what_comes_next(watched: Watched) -> None:
    page = watched.page
    pin(page, "market").click()
    reasons = page.locator(".intersection-detail .reasons")
    expect(reasons.locator(".reason-binding")).to_have_attribute("data-binding", "minimum_green")
    expect(reasons.locator(".reason-plan li")).to_have_text(
        [re.compile("Phase 2"), re.compile(r"Phase 1in \d+ s")]
    )
    expect(reasons.locator(".reason-lane")).to_have_text(
        [re.compile(r"market_north_in3 · gone in \d+ s"), re.compile("market_east_in2 · longer than")]
    )
    watched.screenshot("reasons-night")
    expect(reasons.locator(".empty")).to_be_hidden()
    page.keyboard.press("Escape")


def _second(city: City) -> httpx.Client:
    """Another operator, beside the page."""
    _, headers = people.account(city.settings.database.dsn, Role.OPERATOR)
    return httpx.Client(base_url=f"{city.url}api/v1", headers=headers, trust_env=False, timeout=20)


def test_a_phase_is_held_with_a_reason_and_whoever_looks_sees_who_holds_it(
    city: City, watched: Watched
) -> None:
    page = watched.page
    pin(page, "market").click()
    orders = page.locator(".intersection-detail .orders")
    expect(orders.locator("#order-what option")).to_have_text(
        ["Hold phase 1", "Hold phase 2", "Its own plan, no commands"]
    )
    orders.get_by_role("button", name="Give the order").click()
    expect(orders.locator(".order-form [role=alert]").first).to_contain_text("Say why")
    orders.locator("#order-what").select_option("1")
    orders.locator("#order-reason").fill("lorry broken down")
    orders.locator("#order-reason").press("Enter")
    held = orders.locator(".order").first
    expect(held).to_contain_text("Phase 2 is held")
    expect(held).to_contain_text("lorry broken down")
    with _second(city) as other:
        (order,) = other.get("/orders").json()["items"]
        assert (order["intersection"], order["kind"], order["phase"]) == ("market", "hold", 1)
        expect(held).to_contain_text(order["ordered_by"])
        expect(orders.get_by_role("button", name="Give the order")).to_be_hidden()
        held.scroll_into_view_if_needed()
        watched.screenshot("order-night")
        check_accessible(page)
        orders.locator("#order-reason").fill("lorry is gone")
        orders.get_by_role("button", name="Release").click()
        expect(orders.get_by_text("Nobody has given an order")).to_be_visible()
        assert other.get("/orders").json()["items"] == []


def test_a_green_wave_by_hand_is_asked_for_by_one_and_confirmed_by_another(
    city: City, watched: Watched
) -> None:
    page = watched.page
    waves = page.locator(".intersection-detail .waves")
    pin(page, "market").click()
    waves.locator("summary").click()
    waves.get_by_role("button", name="Add this signal").click()
    page.keyboard.press("Escape")
    page.locator(".map-tools button").last.click()
    pin(page, "harbour").click()
    expect(page.locator(".intersection-detail h2")).to_have_text(re.compile("Harbour"))
    expect(page.locator(".reason-binding")).to_have_text("A person of the command centre has ordered it.")
    waves.locator("#wave-phase").select_option("1")
    waves.locator("#wave-after").fill("20")
    waves.get_by_role("button", name="Add this signal").click()
    expect(waves.locator(".wave-steps li")).to_have_text(
        [
            re.compile("Market Street: phase 1 after 0 s"),
            re.compile("Harbour Road: phase 2 after 20 s for 60 s"),
        ]
    )
    waves.locator("#wave-reason").fill("convoy")
    waves.get_by_role("button", name="Ask for it").click()
    own = waves.locator(".wave")
    expect(own).to_contain_text("somebody else must confirm")
    expect(own.get_by_role("button", name="Confirm")).to_be_hidden()
    with _second(city) as other:
        (wave,) = other.get("/manual-waves").json()["items"]
        assert other.post(f"/manual-waves/{wave['id']}/confirmation").status_code == 200
        expect(own).to_contain_text("confirmed by operator-")
        expect(page.locator(".orders > .order-list")).to_contain_text("Phase 2 is held")
        own.scroll_into_view_if_needed()
        watched.screenshot("wave-night")
        check_accessible(page)
        waves.locator("#wave-reason").fill("convoy is through")
        own.get_by_role("button", name="End").click()
        expect(own).to_have_count(0)
        assert other.get("/orders").json()["items"] == []

        holds = [{"intersection": name, "phase": 0, "after_s": 0, "lasts_s": 30} for name in NAMES]
        assert other.post("/manual-waves", json={"holds": holds, "reason": "visit"}).status_code == 201
        own.get_by_role("button", name="Confirm").click()
        expect(own).to_contain_text("Asked for by operator-")
        assert len(other.get("/orders").json()["items"]) == len(holds)
        (wave,) = other.get("/manual-waves").json()["items"]
        assert other.post(f"/manual-waves/{wave['id']}/end", json={"reason": "over"}).status_code == 200
        expect(own).to_have_count(0)


def test_a_camera_opens_its_picture_and_its_counts(watched: Watched) -> None:
    page = watched.page
    page.locator(".map-pins [data-camera='demo']").click()
    page.get_by_role("button", name="Look at the picture").click()
    page.get_by_label("Reason in a few words").fill("morning round")
    page.get_by_label("Reason in a few words").press("Enter")
    picture = page.locator(".camera-detail .picture")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") == 320
    first = picture.get_attribute("src")
    until(lambda: picture.get_attribute("src") != first, "the next picture comes")
    expect(page.locator(".counts tbody tr")).to_have_text("line:forward17219")
    watched.screenshot("camera-night")


def test_a_camera_is_calibrated_over_its_picture_beside_the_map(city: City, watched: Watched) -> None:
    page = watched.page
    page.locator(".map-pins [data-camera='demo']").click()
    page.locator(".camera-calibrate").click()
    editor = page.locator(".calibration")
    expect(editor).to_be_focused()
    expect(editor.locator(".calibration-fit")).to_contain_text("fewer than four")

    # By pointing: the picture, then the map.
    still, ground = editor.locator(".still"), page.locator("#map canvas")
    still.click(position={"x": 60, "y": 200})
    ground.click(position={"x": 1000, "y": 560})
    expect(page.locator(".calibration-mark")).to_have_text("1")
    editor.locator("[aria-label='Remove 1']").click()

    # By keyboard: ten metres wide, forty long.
    pairs = (("0.2,0.9", "0,0"), ("0.8,0.9", "10,0"), ("0.6,0.3", "10,40"), ("0.4,0.3", "0,40"))
    for place, metres in pairs:
        editor.get_by_role("button", name="Add").focus()
        page.keyboard.press("Enter")
        page.keyboard.type(place)
        page.keyboard.press("Tab")
        page.keyboard.type(metres)
    expect(editor.locator(".calibration-fit")).to_contain_text("Reprojection error 0.0 px")
    expect(editor.locator(".drawn-point")).to_have_count(4)
    editor.locator("[data-mode='lanes']").click()
    for x, y in ((0.5, 0.35), (0.5, 0.6), (0.5, 0.85)):
        box = still.bounding_box()
        assert box is not None
        still.click(position={"x": x * box["width"], "y": y * box["height"]})
    expect(editor.locator(".drawn-lanes")).to_have_count(1)
    watched.screenshot("calibration-night")
    check_accessible(page)
    editor.get_by_role("button", name="Save").click()
    expect(editor.locator(".calibration-fit")).to_contain_text("Saved.")

    headers = people.token_of(city.settings.database.dsn, Role.OPERATOR)
    path = f"{city.url}api/v1/cameras/demo/calibration"
    saved = httpx.get(path, trust_env=False, headers=headers).json()
    assert [lane["lane"] for lane in saved["calibration"]["lanes"]] == ["lane1"]
    assert len(saved["calibration"]["points"]) == 4
    assert saved["fit"]["error"] < 1e-6
    page.keyboard.press("Escape")
    expect(editor).to_be_hidden()

    page.locator("[data-setting='language'] [data-value='zh']").click()
    page.locator(".camera-calibrate").click()
    expect(editor.locator(".calibration-fit")).to_contain_text("重投影误差")
    editor.get_by_role("button", name="全部移除").click()
    expect(editor).to_be_hidden()
    page.locator("[data-setting='language'] [data-value='en']").click()
    assert httpx.get(path, trust_env=False, headers=headers).json()["calibration"] is None


def test_events_and_silent_agents_are_listed(watched: Watched) -> None:
    page = watched.page
    event = page.locator(".event").first
    expect(event).to_have_attribute("data-severity", "warning")
    expect(event).to_contain_text("Queue spills back")
    page.locator("#tab-agents").click()
    lost = page.locator(".agent[data-health='offline']")
    expect(lost).to_contain_text("sensor/air-7")
    expect(lost).to_contain_text("3 waiting on disk · 0 of 7 stored · 4 on the way")
    expect(page.locator("#tab-agents .badge")).to_have_text("1")


def test_theme_language_and_colouring_are_switched_and_remembered(watched: Watched) -> None:
    page = watched.page
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", "night")
    page.locator("[data-setting='theme'] [data-value='day']").click()
    page.locator("[data-setting='language'] [data-value='zh']").click()
    page.locator("[data-setting='colouring'] [data-value='speed']").click()
    page.reload()
    expect(pin(page, "market")).to_be_visible()
    expect(root).to_have_attribute("data-theme", "day")
    expect(root).to_have_attribute("lang", "zh-Hans")
    expect(page.locator(".brand")).to_contain_text("城市大脑")
    expect(page.locator(".connection")).to_contain_text("实时")
    expect(page.locator("#tab-events")).to_contain_text("事件")
    expect(page.locator("[data-value='speed']")).to_have_attribute("aria-pressed", "true")
    watched.screenshot("map-day-chinese")
    page.locator("[data-setting='theme'] [data-value='auto']").click()
    page.locator("[data-setting='language'] [data-value='en']").click()
    page.locator("[data-setting='colouring'] [data-value='queue']").click()
    expect(root).to_have_attribute("data-theme", "night")
    expect(page.locator(".brand")).to_contain_text("City Brain")


def test_colours_may_change_while_signals_are_being_drawn(city: City, browser: Browser) -> None:
    with watching(browser) as fresh:
        page = fresh.open(city.entrance())
        # The link enters once: to load anew before it has entered is to stay outside.
        expect(pin(page, "market")).to_be_visible()
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 2})
        for _ in range(3):
            page.reload()
            expect(pin(page, "market")).to_be_visible()
            page.evaluate(CHANGE_COLOURS)
            fresh.check()


def test_the_table_twin_is_reached_and_sorted_by_keyboard(watched: Watched) -> None:
    page = watched.page
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    tables = page.locator("#tables")
    expect(tables).to_be_focused()
    expect(tables.locator("tbody").first.locator("tr")).to_have_count(2)
    expect(tables.locator("tbody").last.locator("tr")).to_have_count(8)
    heading = tables.locator("thead").first.locator("th").first
    heading.locator("button").focus()
    page.keyboard.press("Enter")
    expect(heading).to_have_attribute("aria-sort", "descending")
    rows = tables.locator("tbody").first.locator("tr")
    expect(rows.first).to_contain_text(NAMES["market"])
    page.keyboard.press("Tab")
    watched.screenshot("table-night")


def test_every_control_has_a_name(watched: Watched) -> None:
    nameless = watched.page.evaluate(
        """() => [...document.querySelectorAll('button, input, a, [role=tab]')]
          .filter(e => e.checkVisibility() && !(e.textContent.trim() || e.getAttribute('aria-label')
            || [...(e.labels ?? [])].some(l => l.textContent.trim())))
          .map(e => e.outerHTML.slice(0, 120))"""
    )
    assert nameless == []


def test_a_pin_never_lies_above_the_panel(watched: Watched) -> None:
    assert watched.page.evaluate(
        """() => {
            const panel = document.querySelector('.side').getBoundingClientRect();
            const pin = document.querySelector('.map-pins .pin-place');
            const layer = pin.closest('.map-pins').getBoundingClientRect();
            const [x, y] = [panel.x + panel.width / 2, panel.y + panel.height / 2];
            const before = pin.style.transform;
            pin.style.transform = `translate(${x - layer.x}px, ${y - layer.y}px)`;
            const mark = pin.firstElementChild.getBoundingClientRect();
            const above = document.elementFromPoint(mark.x + mark.width / 2, mark.y + mark.height / 2);
            pin.style.transform = before;
            return above.closest('.side') !== null;
        }"""
    )


def test_nothing_runs_out_of_the_page(watched: Watched) -> None:
    page = watched.page
    for width, height in ((390, 844), (1024, 600), (3840, 2160), (1366, 768)):
        page.set_viewport_size({"width": width, "height": height})
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over == 0, f"at {width} x {height}"
        expect(page.locator(".connection")).to_be_in_viewport()
        expect(page.locator("#tab-agents")).to_be_visible()


def test_the_map_comes_back_by_itself_when_the_server_was_killed(city: City, watched: Watched) -> None:
    page = watched.page
    chip = page.locator(".connection")
    watched.away = True
    city.kill("command")
    expect(chip).to_have_attribute("data-state", "reconnecting")
    expect(chip).to_contain_text("Reconnecting")
    until(lambda: pin(page, "market").get_attribute("data-mode") == "uncertain", "old states are doubted")
    city.start("command")
    expect(chip).to_have_attribute("data-state", "live")
    expect(pin(page, "market")).to_have_attribute("data-mode", "commanded")
    until(lambda: kpi(page, "vehicles") == 2 * 4 * VEHICLES_PER_LANE, "figures are live again")
