"""Whether region actors on Ray keep up with a city at 1 Hz, and how much they could take beyond it.

    python -m bench.regions [--signals 160] [--regions 2] [--seconds 20]

A real broker, the service's own region actors, and a street that stands for the edge: it announces real
intersections (cologne8, ingolstadt21, grid4x4, copied to the wanted number) and sends each one's state and
lane measurement once a second, spread over the second. Every measurement must be answered by a command.
Headroom is one second over the CPU seconds that the busiest region spends on a second of its intersections.
"""

import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
import numpy as np
import psutil
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from bench.machine import machine
from bench.recorded import SCENARIOS, Copy, copies, record
from bench.results import write
from citybrain import config, topics
from citybrain.bus import Bus
from citybrain.codec import decode, encode
from citybrain.messages import SignalCommand
from citybrain.up import broker
from citybrain.up.ports import free_port, wait_until_answers
from traffic.cluster import Cluster

RESULTS = Path(__file__).parent / "results" / "regions.json"
WARM_S = 5
PATIENCE_S = 180.0


@contextmanager
def city(regions: int, folder: Path) -> Iterator[tuple[config.Settings, Cluster]]:
    """A broker and the region actors, all real, all gone afterwards."""
    port = free_port()
    command = broker.broker_command("127.0.0.1", port, folder)
    mqtt = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert wait_until_answers("127.0.0.1", port, 30)
        settings = msgspec.structs.replace(
            config.Settings(),
            broker=config.Broker(url=f"mqtt://127.0.0.1:{port}"),
            traffic=config.Traffic(regions=regions),
        )
        cluster = Cluster(settings)
        cluster.start()
        try:
            yield settings, cluster
        finally:
            cluster.stop()
    finally:
        mqtt.terminate()
        mqtt.wait()


class Street:
    """All signals and cameras on one connection; hears the commands."""

    def __init__(self, settings: config.Settings, signals: Sequence[Copy]) -> None:
        self._site = settings.site.name
        self._signals = signals
        self._asked_s: dict[str, float] = {}
        self.latency_s: list[float] = []
        self.asked = 0
        self._next = 0
        self.bus = Bus(settings.broker, "bench-street")
        self.bus.subscribe(topics.matching(self._site, "signal", what="command"), self._on_command)

    def announce(self) -> None:
        for signal in self._signals:
            self._send("signal", signal.config.intersection, "config", signal.config, retain=True)

    def second(self) -> None:
        """Send what all of them say in the next second, spread over it."""
        s, self._next = self._next, self._next + 1
        began = time.monotonic()
        for n, signal in enumerate(self._signals):
            state, measurement = signal.second(s)
            time.sleep(max(0.0, began + n / len(self._signals) - time.monotonic()))
            at, id_ = datetime.now(UTC), signal.config.intersection
            self._send("signal", id_, "state", replace(state, at=at))
            self._asked_s[id_] = time.monotonic()
            self.asked += 1
            self._send("lanes", id_, "measurement", replace(measurement, at=at))
        time.sleep(max(0.0, began + 1.0 - time.monotonic()))

    def forget(self) -> None:
        """Begin to count anew."""
        self.latency_s, self.asked = [], 0
        self._asked_s.clear()

    def _send(self, kind: str, id_: str, what: str, message: Any, *, retain: bool = False) -> None:
        self.bus.publish(topics.build(self._site, kind, id_, what), encode(message), retain=retain)

    def _on_command(self, _topic: str, payload: bytes, _retained: bool) -> None:
        command = decode(payload)
        assert isinstance(command, SignalCommand)
        asked_s = self._asked_s.pop(command.intersection, None)
        if asked_s is not None:
            self.latency_s.append(time.monotonic() - asked_s)


def measure(signals: Sequence[Copy], regions: int, seconds: int) -> dict[str, Any]:
    """All figures of one city."""
    with (
        tempfile.TemporaryDirectory(prefix="citybrain-bench-") as folder,
        city(regions, Path(folder)) as (settings, cluster),
    ):
        street = Street(settings, signals)
        with street.bus:
            return _run(street, cluster, len(signals), seconds)


def _run(street: Street, cluster: Cluster, count: int, seconds: int) -> dict[str, Any]:
    street.announce()
    _wait_for(cluster, count, street)
    street.forget()
    before = _spent_s()
    began = time.monotonic()
    for _ in range(seconds):
        street.second()
    passed_s = time.monotonic() - began
    share = [(spent - before.get(pid, 0.0)) / passed_s for pid, spent in _spent_s().items()]
    time.sleep(1.0)
    figures = cluster.watch()
    latency = np.array(street.latency_s or [np.nan])
    return {
        "asked": street.asked,
        "answered": len(street.latency_s),
        "latency_s": {f"p{p}": round(float(np.percentile(latency, p)), 4) for p in (50, 99, 100)},
        "seconds": round(passed_s, 2),
        "cpu_share": [round(one, 3) for one in share],
        "headroom": round(1.0 / max(share), 1),
        "regions": [{name: round(value, 5) for name, value in one.items()} for one in figures],
    }


def _wait_for(cluster: Cluster, count: int, street: Street) -> None:
    """Let the street run until every signal is known, and some seconds more."""
    deadline = time.monotonic() + PATIENCE_S
    while sum(one["intersections"] for one in cluster.watch()) < count:
        if time.monotonic() > deadline:
            raise click.ClickException(f"the regions did not hear of {count} signals in {PATIENCE_S:.0f} s")
        street.second()
    for _ in range(WARM_S):
        street.second()


def _spent_s() -> dict[int, float]:
    """CPU seconds of each region actor's process so far."""
    spent = {}
    for process in psutil.Process().children(recursive=True):
        if "RegionActor" in " ".join(process.cmdline()):
            times = process.cpu_times()
            spent[process.pid] = times.user + times.system
    return spent


def show(found: dict[str, Any]) -> None:
    print(", ".join(f"{name} {value}" for name, value in found["machine"].items()))
    table = Table(
        "signals", "regions", "asked", "answered", "latency p50 / p99 / max", "CPU share", "headroom"
    )
    for one in found["runs"]:
        latency = " / ".join(f"{1e3 * value:.0f}" for value in one["latency_s"].values())
        shares = ", ".join(f"{share:.0%}" for share in one["cpu_share"])
        table.add_row(
            str(one["signals"]), str(len(one["regions"])), f"{one['asked']:,}", f"{one['answered']:,}",
            f"{latency} ms", shares, f"{one['headroom']:.1f}",
        )  # fmt: skip
    Console(width=110).print(table)


@click.command()
@click.option("--signals", default="160", show_default=True, help="Numbers of signals, with commas.")
@click.option("--regions", default="1,2", show_default=True, help="Numbers of region actors, with commas.")
@click.option("--seconds", default=20, show_default=True, type=click.IntRange(2, 600))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=RESULTS, show_default=True)
def main(signals: str, regions: str, seconds: int, out: Path) -> None:
    """Measure whether region actors keep up with a city at 1 Hz."""
    recorded = record(30, protocol="street")
    found: dict[str, Any] = {"machine": machine("numba", "ray", "iotcore"), "scenarios": list(SCENARIOS)}
    found["runs"] = []
    for count in map(int, signals.split(",")):
        for actors in map(int, regions.split(",")):
            one = measure(copies(recorded, count), actors, seconds)
            found["runs"].append({"signals": count} | one)
    show(found)
    write(out, found)


if __name__ == "__main__":
    main()
