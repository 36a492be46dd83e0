"""The whole path with real parts: street, edge, broker, Ray, database, API, as `citybrain up` runs them."""

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from citybrain.bus import Bus
from citybrain.config import Broker
from citybrain.up import state
from command.principal import Role
from tests.fixtures.browser import Watched, watching
from tests.fixtures.city import FOOTAGE, SPEED, City, until

pytestmark = pytest.mark.timeout(600)


def test_lanes_signals_and_configurations_reach_the_database(city: City) -> None:
    def stored() -> list[tuple[Any, ...]] | None:
        rows = city.rows(
            "select (select count(distinct intersection) from lane_measurement),"
            " (select count(distinct intersection) from signal_state),"
            " (select count(*) from intersection), (select count(*) from road_segment)"
        )
        return rows if rows[0][0] >= 8 and rows[0][1] >= 8 and rows[0][3] > 100 else None

    assert until(stored, 90, "eight intersections are measured")[0][2] == 8


def test_a_fresh_city_has_cases_in_every_stage_marked_as_a_demonstration(city: City) -> None:
    seeded = "select count(distinct stage), count(*), bool_and(is_demonstration) from city_case"
    until(lambda: city.rows(seeded)[0][0] >= 7 and city.rows(seeded)[0][1] >= 30, 120, "the cases are there")
    assert city.rows(seeded)[0][2]


def test_the_adaptive_controller_drives_the_signals(city: City) -> None:
    """States follow commands: after an accepted command to another phase the signal shows that phase."""
    followed = (
        "select count(*) from command_ack a where a.accepted and exists (select 1 from signal_state s"
        " where s.intersection = a.intersection and s.mode = 'commanded' and s.command_seq >= a.command_seq"
        " and s.next_phase = a.phase"
        f" and s.at between a.at - interval '1 s' and a.at + interval '{60 / SPEED} s')"
    )
    until(lambda: city.rows(followed)[0][0] >= 20, 120, "20 accepted commands are followed by their phase")
    driven = "select count(distinct intersection) from signal_state where mode = 'commanded'"
    until(lambda: city.rows(driven) == [(8,)], 60, "all signals are commanded")
    switched = (
        "select count(*) from (select intersection from signal_state where mode = 'commanded'"
        " group by intersection having count(distinct phase) >= 2) as switched"
    )
    until(lambda: city.rows(switched)[0][0] >= 6, 120, "signals change phase on command")


def test_signals_are_timed_before_pictures_are_looked_at(city: City) -> None:
    ray = psutil.Process(city.processes()["ray"]["pid"])
    actors = [process for process in ray.children(recursive=True) if process.name().startswith("ray::")]
    signals = {process.nice() for process in actors if "RegionActor" in process.name()}
    pictures = {process.nice() for process in actors if "Group" in process.name()}
    assert signals == {ray.nice()}
    assert pictures
    assert min(pictures) > ray.nice()


def test_the_camera_is_counted_by_way_of_mqtt_and_ray_and_its_picture_is_served(city: City) -> None:
    until(lambda: city.rows("select count(*) from turning_count where camera = 'demo'")[0][0], 120, "counts")
    if FOOTAGE.exists():
        counted = "select coalesce(sum(count), 0) from turning_count where camera = 'demo'"
        until(lambda: city.rows(counted)[0][0] >= 3, 90, "vehicles of the clip are counted")
    assert city.read("/api/v1/cameras/demo/picture.jpg")[:2] == b"\xff\xd8"


def test_events_reach_the_database(city: City) -> None:
    until(lambda: city.rows("select count(*) from traffic_event")[0][0], 120, "an event is stored")


def test_the_map_shows_the_city_live_and_asks_nobody_else(city: City, browser_page: Watched) -> None:
    """The fixture fails on any request to others and on any error on the page."""
    page = browser_page.open(city.entrance())
    _expect_live(page)
    vehicles = page.locator('[data-kpi="vehicles"] .kpi-value')
    until(lambda: int(vehicles.inner_text()) > 0, 30, "vehicles are counted")
    stored = page.locator('[data-kpi="stored"] .kpi-value')
    until(lambda: float(stored.inner_text().replace(",", "")) > 0, 30, "messages are stored")
    page.locator(".map-pins [data-camera='demo']").click()
    page.get_by_role("button", name="Look at the picture").click()
    page.get_by_label("Reason in a few words").fill("a look at the new camera")
    page.get_by_label("Reason in a few words").press("Enter")
    picture = page.locator(".camera-detail .picture")
    expect(picture).to_be_visible()
    first = picture.get_attribute("src")
    until(lambda: picture.get_attribute("src") != first, 30, "the picture is live")
    page.wait_for_timeout(1_500)
    browser_page.screenshot("city-camera")
    page.keyboard.press("Escape")
    page.locator(".map-tools button").last.click()
    page.wait_for_timeout(1_500)
    browser_page.screenshot("city")


def test_the_first_start_tells_each_role_its_password_once_and_writes_none_down(city: City) -> None:
    output = (city.folder / "output.txt").read_text(encoding="utf-8")
    told = dict(re.findall(r"^  ([a-z_]+) +((?:\w{5}-){3}\w{5})$", output, re.MULTILINE))
    assert set(told) == set(Role)
    link = re.search(r"#enter=(\S+)", output)
    assert link is not None
    kept = city.log() + (city.folder / "run" / "citybrain.toml").read_text(encoding="utf-8")
    assert not [name for name, password in told.items() if password in kept]
    assert link[1] not in kept
    assert city.command("audit", "verify").returncode == 0


def test_status_and_doctor_speak_from_a_second_terminal(city: City) -> None:
    told = json.loads(city.command("status", "--json").stdout)
    devices = {agent["device"] for agent in told["agents"]}
    for name in ("ingest", "vision", "traffic", "command", "street"):
        assert f"service/{name}" in devices
    assert "camera/demo" in devices
    assert len({device for device in devices if device.startswith("signal/")}) == 8
    assert city.command("doctor").returncode == 0


def test_a_malformed_message_is_kept_with_its_reason_and_nothing_falls(city: City) -> None:
    site = "city"
    before = {name: process["pid"] for name, process in city.processes().items()}
    with Bus(Broker(url=city.broker_url), "a-stranger") as stranger:
        assert stranger.publish(f"{site}/v1/lanes/247379907/measurement", b'{"type":"lane_measurement/1"}')
        assert stranger.publish(f"{site}/v1/signal/247379907/state", b"\xff\x00garbage")
        assert stranger.publish(f"{site}/v1/camera/demo/frame", b"not a frame", qos=0)
        assert stranger.publish(f"{site}/v1/signal/247379907/command", b"[]")
        time.sleep(0.5)
    until(lambda: city.rows("select count(*) from dead_letter")[0][0] >= 2, 30, "dead letters")
    assert all(reason for (reason,) in city.rows("select reason from dead_letter"))
    time.sleep(1)
    assert {name: process["pid"] for name, process in city.processes().items()} == before


@pytest.fixture(scope="module")
def map_page(city: City, browser: Browser) -> Iterator[Page]:
    """One page that stays open while services die."""
    with watching(browser) as watched:
        watched.away = True  # requests fail while the command centre is being killed
        watched.open(city.entrance())
        yield watched.page


def _expect_live(page: Page) -> None:
    """The page is connected, and every signal on it obeys commands at this moment."""
    expect(page.locator(".connection")).to_have_attribute("data-state", "live", timeout=60_000)
    pins = page.locator(".map-pins [data-intersection][data-mode='commanded']")
    expect(pins).to_have_count(8, timeout=120_000)


@pytest.mark.parametrize(
    "name",
    ["ingest", "command", "traffic", "vision", "edge", "camera-demo", "street", "broker", "postgres", "ray"],
)
def test_a_killed_service_is_back_and_the_map_live_again(city: City, map_page: Page, name: str) -> None:
    before = city.processes()
    killed_at = datetime.now(UTC)
    os.kill(before[name]["pid"], signal.SIGKILL)
    until(lambda: city.processes()[name]["pid"] != before[name]["pid"], 60, f"{name} has a new process")

    def live_again() -> bool:
        fresh = [item for item in city.get("/api/v1/signals")["items"] if _age_s(item["at"]) < 15]
        return len(fresh) == 8

    def stored_since(table: str, what: str) -> int:
        query = f"select count(distinct {what}) from {table} where at > '{killed_at.isoformat()}'"
        return int(city.rows(query)[0][0])

    until(live_again, 90, "all signals are live on the map")
    until(lambda: stored_since("lane_measurement", "intersection") == 8, 90, "lanes are stored again")
    until(lambda: stored_since("signal_command", "intersection") == 8, 150, "signals are commanded again")
    until(lambda: _driven(city), 120, "the signals obey again")
    until(lambda: stored_since("turning_count", "camera") == 1, 150, "the camera is counted again")
    _expect_live(map_page)
    now = city.processes()
    others = set(before) - {name, *_dependants(name)}
    assert {other: now[other]["pid"] for other in others} == {other: before[other]["pid"] for other in others}


def _dependants(name: str) -> set[str]:
    """Services that end with the one they live on and are started again with it."""
    return {"traffic", "vision"} if name == "ray" else set()


def _driven(city: City) -> bool:
    items = city.get("/api/v1/signals")["items"]
    return len(items) == 8 and all(item["mode"] == "commanded" for item in items)


def _age_s(at: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds()


def test_ctrl_c_ends_everything(city: City) -> None:
    """Last in this file: afterwards the city is gone."""
    processes = city.processes()
    city.process.send_signal(signal.SIGINT)
    assert city.process.wait(60) == 0
    assert not [name for name, p in processes.items() if state.is_alive(p["pid"], p["created_s"])]
    assert "Stopped." in city.log()
