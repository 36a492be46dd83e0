"""End-to-end latency of a running city: capture to stored, and capture to received by a map.

    citybrain up &
    python bench/latency.py --url http://127.0.0.1:8080 --seconds 60

Capture is `at` of each signal state and lane measurement. Stored is `stored_at`, taken by the database as it
writes the row, just before the commit. Received is when an event stream's bytes have arrived here, so this
must run on the machine that captures, or on one whose clock agrees.
"""

import json
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from bench.machine import machine
from bench.results import write

RESULTS = Path(__file__).parent / "results"
CHANNELS = ("signals", "lanes")
SETTLE_S = 3.0
PARTS = 6


@dataclass
class Samples:
    """Latencies in seconds, each with the time it was taken at."""

    seconds: list[float] = field(default_factory=list)
    taken_s: list[float] = field(default_factory=list)

    def add(self, latency_s: float, taken_s: float) -> None:
        self.seconds.append(latency_s)
        self.taken_s.append(taken_s)

    def figures(self) -> dict[str, Any]:
        """p50, p99 and maximum; the spread is that of p50 and p99 over `PARTS` parts of the time."""
        if not self.seconds:
            return {"samples": 0}
        seconds, taken_s = np.array(self.seconds), np.array(self.taken_s)
        edges = np.linspace(taken_s.min(), taken_s.max() + 1e-9, PARTS + 1)
        parts = [seconds[(taken_s >= a) & (taken_s < b)] for a, b in pairwise(edges)]
        spread = {
            f"p{p}_s_spread": [
                round(float(pick([np.percentile(part, p) for part in parts if len(part)])), 4)
                for pick in (min, max)
            ]
            for p in (50, 99)
        }
        return {
            "samples": len(seconds),
            "p50_s": round(float(np.percentile(seconds, 50)), 4),
            "p99_s": round(float(np.percentile(seconds, 99)), 4),
            "max_s": round(float(seconds.max()), 4),
        } | spread


def listen(url: str, until_s: float, samples: dict[str, Samples], faults: list[str]) -> None:
    """Take a sample of every item of the event stream until the wall clock is `until_s`."""
    request = urllib.request.Request(f"{url}/api/v1/stream?channels={','.join(CHANNELS)},kpis")
    channel = ""
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            for raw in answer:
                now_s = time.time()
                if now_s >= until_s:
                    return
                line = raw.decode().rstrip("\n")
                if line.startswith("event: "):
                    channel = line.removeprefix("event: ")
                elif line.startswith("data: ") and channel in samples:
                    for item in json.loads(line.removeprefix("data: "))["items"]:
                        captured_s = datetime.fromisoformat(item["at"]).timestamp()
                        samples[channel].add(now_s - captured_s, now_s)
    except OSError as error:
        faults.append(f"the event stream of {url} broke off: {error}")


def pages(url: str, path: str, start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
    """All rows of a history resource captured from `start` until before `end`."""
    cursor = ""
    while True:
        values = {"from": start.isoformat(), "to": end.isoformat(), "bucket": "raw"}
        query = urllib.parse.urlencode(values | ({"cursor": cursor} if cursor else {}))
        with urllib.request.urlopen(f"{url}/api/v1/{path}?{query}", timeout=30) as answer:
            page = json.loads(answer.read())
        yield from page["items"]
        cursor = page["next"] or ""
        if not cursor:
            return


def stored(url: str, path: str, start: datetime, end: datetime) -> Samples:
    """Capture to stored, one sample a message."""
    samples = Samples()
    seen: set[tuple[str, int, int]] = set()
    for row in pages(url, path, start, end):
        message = (row["device"], row["boot"], row["seq"])
        if message not in seen:
            seen.add(message)
            stored_s = datetime.fromisoformat(row["stored_at"]).timestamp()
            samples.add(stored_s - datetime.fromisoformat(row["at"]).timestamp(), stored_s)
    return samples


def measure(url: str, seconds: float) -> dict[str, Any]:
    """All figures; ends the program with one sentence where the city does not answer."""
    with urllib.request.urlopen(f"{url}/api/v1/site", timeout=10) as answer:
        site = json.loads(answer.read())
    received = {channel: Samples() for channel in CHANNELS}
    faults: list[str] = []
    start = datetime.now(UTC)
    until_s = time.time() + seconds
    listener = threading.Thread(target=listen, args=(url, until_s, received, faults))
    listener.start()
    with Console(stderr=True).status(f"Listening for {seconds:.0f} s"):
        listener.join()
    if faults:
        raise click.ClickException(faults[0])
    # What was captured at the very end may be on its way yet.
    end = start + timedelta(seconds=seconds)
    time.sleep(SETTLE_S)
    return {
        "taken_at": start.isoformat(timespec="seconds"),
        "seconds": seconds,
        "url": url,
        "speed": site["speed"],
        "machine": machine(),
        "capture_to_stored": {
            "signals": stored(url, "measurements/signals", start, end).figures(),
            "lanes": stored(url, "measurements/lanes", start, end).figures(),
        },
        "capture_to_map": {channel: received[channel].figures() for channel in CHANNELS},
    }


def show(found: dict[str, Any]) -> None:
    """Print the figures as a table."""
    on = found["machine"]
    print(f"{on['cpu']}, {on['cores']} cores, load {on['load_1min']}, {on['system']}, Python {on['python']},")
    print(f"City Brain {on['citybrain']}, street at {found['speed']:g}x, {found['seconds']:g} s")
    table = Table("from capture to", "of", "samples", "p50 (spread)", "p99 (spread)", "max")
    for title in ("capture_to_stored", "capture_to_map"):
        for channel, figures in found[title].items():
            cells = [title.removeprefix("capture_to_"), channel, str(figures["samples"])]
            if figures["samples"]:
                for p in ("p50", "p99"):
                    low, high = figures[f"{p}_s_spread"]
                    cells.append(f"{figures[f'{p}_s'] * 1e3:.0f} ms ({low * 1e3:.0f} to {high * 1e3:.0f})")
                cells.append(f"{figures['max_s'] * 1e3:.0f} ms")
            table.add_row(*cells)
    Console().print(table)


@click.command()
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="A running city.")
@click.option("--seconds", default=60.0, show_default=True, type=click.FloatRange(2, 3_600))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=RESULTS / "latency.json")
def main(url: str, seconds: float, out: Path) -> None:
    """Measure capture-to-stored and capture-to-map latency of a running city."""
    try:
        found = measure(url.rstrip("/"), seconds)
    except urllib.error.HTTPError as error:
        raise click.ClickException(
            f"{error.url} answers {error.code}: {error.read().decode()[:300]}"
        ) from error
    except OSError as error:
        raise click.ClickException(
            f"no city answers at {url}: {error}; start one with citybrain up"
        ) from error
    show(found)
    write(out, found)
    if not any(figures["samples"] for figures in found["capture_to_map"].values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
