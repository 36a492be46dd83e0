"""Ten thousand lanes that change twice a second, in headless Chromium: how long until the map is idle."""

import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from bench.command.streams import RATE_HZ, Traffic, centre
from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import encode
from citybrain.config import Settings
from citybrain.messages import ApproachLane, IntersectionConfig, Movement, Phase, RoadNetwork, RoadSegment
from citybrain.presence import new_boot
from tests.fixtures import people
from tests.fixtures.chromium import ARGUMENTS, find_chromium
from tests.fixtures.command import T0

LANES_AN_INTERSECTION = 50
SEGMENTS_A_PART = 500
STEP = 0.0035
CORNER = (6.80, 50.85)
CLICKS = {"whole city": 0, "a district": 3, "some junctions": 6}
"""Clicks on `Zoom in` from the view of the whole network."""
MEASURE = """([updates]) => new Promise((resolve) => {
  const times = [];
  new PerformanceObserver((list, observer) => {
    times.push(...list.getEntriesByName('citybrain:update-to-idle').map(({ duration }) => duration));
    if (times.length < updates) return;
    observer.disconnect();
    resolve(times.slice(0, updates));
  }).observe({ entryTypes: ['measure'] });
})"""


def measure(settings: Settings, objects: int, updates: int) -> dict[str, Any]:
    """p50 and p99 of the time to idle after an update, in three views, in milliseconds."""
    with centre(settings) as (_, url), Bus(settings.broker, "bench-network") as bus:
        for topic, payload in _city(settings.site.name, objects):
            assert bus.publish(topic, payload, retain=True)
        with Traffic(settings, objects), sync_playwright() as playwright:
            chromium = find_chromium(playwright.chromium.executable_path)
            browser = playwright.chromium.launch(
                executable_path=chromium.executable,
                args=list(ARGUMENTS),
                env={**os.environ, **chromium.environment},
            )
            page = browser.new_page(viewport={"width": 1920, "height": 1080})
            page.goto(people.entrance(settings.database.dsn, url))
            page.locator(".map-tools").wait_for()
            page.wait_for_timeout(10_000)
            zooms = [_at(page, name, clicks, updates) for name, clicks in CLICKS.items()]
            browser.close()
    return {"objects": objects, "updates_hz": RATE_HZ, "views": zooms}


def _at(page: Page, name: str, clicks: int, updates: int) -> dict[str, Any]:
    page.get_by_role("button", name="Show the whole network").click()
    for _ in range(clicks):
        page.wait_for_timeout(700)
        page.get_by_role("button", name="Zoom in").click()
    page.wait_for_timeout(5_000)
    p50, p99 = np.quantile(page.evaluate(MEASURE, [updates]), [0.5, 0.99])
    row = {"view": name, "p50_ms": round(p50, 1), "p99_ms": round(p99, 1), "updates": updates}
    print(row, flush=True)
    return row


def _city(site: str, lanes: int) -> Iterator[tuple[str, bytes]]:
    """A grid of lanes with an intersection for every fifty, as retained messages."""
    boot, width = new_boot(), math.ceil(math.sqrt(lanes))
    segments = [
        RoadSegment(
            f"l{lane}",
            [
                (CORNER[0] + STEP * (lane % width), CORNER[1] + STEP * (lane // width)),
                (CORNER[0] + STEP * (lane % width + 0.8), CORNER[1] + STEP * (lane // width)),
            ],
            13.9, 3.4, f"Road {lane // width}",
        )
        for lane in range(lanes)
    ]  # fmt: skip
    parts = [segments[i : i + SEGMENTS_A_PART] for i in range(0, lanes, SEGMENTS_A_PART)]
    for number, part in enumerate(parts, 1):
        message = RoadNetwork(
            at=T0, device="network/bench", boot=boot, seq=number, version="1", part=number, parts=len(parts),
            segments=part,
        )  # fmt: skip
        yield topics.for_device(site, "network/bench", f"part{number}"), encode(message)
    for number, first in enumerate(range(0, lanes, LANES_AN_INTERSECTION), 1):
        own = segments[first : first + LANES_AN_INTERSECTION]
        config = IntersectionConfig(
            at=T0, device=f"signal/b{first}", boot=boot, seq=number, intersection=f"b{first}",
            name=f"J{first}", position=own[0].path[-1],
            lanes=[ApproachLane(one.lane, 200.0, 13.9, list(one.path)) for one in own],
            movements=[Movement(own[0].lane, own[1].lane, turn="through")],
            phases=[Phase("G", 5.0, 40.0, 20.0), Phase("r", 5.0, 40.0, 20.0)],
            all_red_s=1.0,
        )  # fmt: skip
        yield topics.for_device(site, f"signal/b{first}", "config"), encode(config)
