"""What each connected operator costs the server: its CPU while nobody listens, and while a hundred do."""

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any, Self

import httpx
import psutil

from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import encode
from citybrain.config import Settings
from citybrain.messages import LaneMeasurement, LaneReading
from citybrain.presence import new_boot
from citybrain.up.ports import free_port
from command.principal import Role
from tests.fixtures import people
from tests.fixtures.command import until

LANES_A_MESSAGE = 50
RATE_HZ = 2.0


class Traffic:
    """Lanes that all change twice a second, from `start` to `stop`."""

    def __init__(self, settings: Settings, lanes: int) -> None:
        self._site = settings.site.name
        self._lanes = lanes
        self._bus = Bus(settings.broker, "bench-traffic")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._seq = count(1)
        self._boot = new_boot()

    def __enter__(self) -> Self:
        self._bus.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._bus.stop()

    def _run(self) -> None:
        due_s = time.monotonic()
        while not self._ended.wait(max(0.0, due_s - time.monotonic())):
            due_s += 1 / RATE_HZ
            for first in range(0, self._lanes, LANES_A_MESSAGE):
                self._tell(first)

    def _tell(self, first: int) -> None:
        seq, device = next(self._seq), f"lanes/b{first}"
        readings = [
            LaneReading(
                lane=f"l{lane}", vehicles=(seq + lane) % 20, queued=(seq + lane) % 9,
                queue_m=float((seq * 7 + lane) % 80), mean_speed_mps=float((seq + lane) % 14), occupancy=0.3,
                crossed=1, stops=1, delay_s=1.0,
            )
            for lane in range(first, min(self._lanes, first + LANES_A_MESSAGE))
        ]  # fmt: skip
        message = LaneMeasurement(
            at=datetime.now(UTC), device=device, boot=self._boot, seq=seq, intersection=f"b{first}",
            period_s=1 / RATE_HZ, clock_s=float(seq), lanes=readings,
        )  # fmt: skip
        self._bus.publish(topics.for_device(self._site, device, "measurement"), encode(message), qos=0)


@contextmanager
def centre(settings: Settings) -> Iterator[tuple[psutil.Process, str]]:
    """A command centre in a process of its own, and its address."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "CITYBRAIN__SITE__NAME": settings.site.name,
            "CITYBRAIN__BROKER__URL": settings.broker.url,
            "CITYBRAIN__DATABASE__DSN": settings.database.dsn,
            "CITYBRAIN__COMMAND__PORT": str(port),
            "CITYBRAIN_DATA_DIR": folder,
            "CITYBRAIN_LOG": "warning",
        }
        command = [sys.executable, "-m", "citybrain", "run", "command"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            url = f"http://127.0.0.1:{port}"
            until(lambda: _answers(url), "the command centre hears the broker", 60)
            yield psutil.Process(process.pid), url
        finally:
            process.terminate()
            process.wait()


def _answers(url: str) -> bool:
    try:
        found = httpx.get(f"{url}/healthz", trust_env=False).json()["checks"]["broker"]
    except httpx.HTTPError:
        return False
    return bool(found == "ok")


async def measure(settings: Settings, lanes: int, operators: int, seconds: float) -> dict[str, Any]:
    """CPU of the server without and with operators; milliseconds of CPU a second, and bytes, for each."""
    with Traffic(settings, lanes), centre(settings) as (process, url):
        headers = people.token_of(settings.database.dsn, Role.OPERATOR)
        limits = httpx.Limits(max_connections=operators + 10)
        async with httpx.AsyncClient(
            base_url=url, headers=headers, limits=limits, timeout=None, trust_env=False
        ) as client:
            await asyncio.sleep(3)
            alone = await _share(process, seconds)
            received = [0] * operators
            tasks = [asyncio.create_task(_listen(client, received, place)) for place in range(operators)]
            await asyncio.sleep(3)
            before = sum(received)
            together = await _share(process, seconds)
            arrived = sum(received) - before
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return {
        "objects": lanes,
        "updates_hz": RATE_HZ,
        "operators": operators,
        "cpu_alone": round(alone, 3),
        "cpu_with_operators": round(together, 3),
        "cpu_ms_per_s_an_operator": round((together - alone) * 1000 / operators, 2),
        "bytes_per_s_an_operator": round(arrived / operators / seconds),
        "silent_operators": sum(1 for bytes_ in received if bytes_ == 0),
    }


async def _share(process: psutil.Process, seconds: float) -> float:
    """Share of one core over so many seconds."""
    times = process.cpu_times()
    await asyncio.sleep(seconds)
    later = process.cpu_times()
    return (later.user + later.system - times.user - times.system) / seconds


async def _listen(client: httpx.AsyncClient, received: list[int], place: int) -> None:
    async with client.stream("GET", "/api/v1/stream?channels=signals,lanes,events,kpis") as answer:
        async for piece in answer.aiter_raw():
            received[place] += len(piece)
