"""How much `ingest` takes in: messages and rows a second from publish to commit, through a real broker.

Beside it, in the same run, the limit: the same rows by bare binary COPY, without broker, gate or ledger.

    python -m bench.ingest [--messages 40000] [--devices 50] [--lanes 20]
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil
import psycopg

from citybrain import config, topics
from citybrain.bus import Bus
from citybrain.codec import decode, encode
from citybrain.messages import IngestAck, LaneMeasurement
from citybrain.up import broker, postgres
from citybrain.up.ports import free_port, wait_until_answers
from ingest.database import connect
from ingest.migrate import migrate
from ingest.rows import COLUMNS, Rows
from ingest.wire import HEADER, TRAILER
from tests.fixtures import street_messages as make

RESULTS = Path(__file__).parent / "results"
WINDOW = 200
"""Messages of one device on their way at once, below what broker and ingest hold."""


@contextmanager
def servers(folder: Path) -> Iterator[config.Settings]:
    """Broker, PostgreSQL with the schema, and the service, all real, all gone afterwards."""
    host, broker_port, database_port = "127.0.0.1", free_port(), free_port()
    found = postgres.install(folder / "pg")
    dsn = f"postgresql://{postgres.OWNER}@{host}:{database_port}/postgres"
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    database = subprocess.Popen(
        postgres.server_command(found, host, database_port), **quiet, **found.popen_options()
    )
    mqtt = subprocess.Popen(broker.broker_command(host, broker_port, folder / "broker"), **quiet)
    try:
        assert wait_until_answers(host, broker_port, 30)
        assert wait_until_answers(host, database_port, 30)
        migrate(dsn)
        yield msgspec.structs.replace(
            config.Settings(),
            broker=config.Broker(url=f"mqtt://{host}:{broker_port}"),
            database=config.Database(dsn=dsn),
        )
    finally:
        mqtt.terminate()
        mqtt.wait()
        database.send_signal(2)
        database.wait()
        postgres.remove(found)


@contextmanager
def service(settings: config.Settings) -> Iterator[psutil.Process]:
    """`citybrain run ingest` in a process of its own."""
    environment = os.environ | {
        "CITYBRAIN__BROKER__URL": settings.broker.url,
        "CITYBRAIN__DATABASE__DSN": settings.database.dsn,
        "CITYBRAIN_LOG": "warning",
    }
    process = subprocess.Popen([sys.executable, "-m", "citybrain", "run", "ingest"], env=environment)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def measurement(device: int, seq: int, lanes: int) -> LaneMeasurement:
    readings = [
        make.reading(f"d{device}_lane_{lane}", vehicles=seq % 30, observed=()) for lane in range(lanes)
    ]
    return make.lanes(seq, f"lanes/d{device}", intersection=f"x{device}", lanes=readings)


class Devices:
    """Many devices on one connection, each with a window of messages on their way."""

    def __init__(self, settings: config.Settings, devices: int, lanes: int) -> None:
        self._site = settings.site.name
        self._devices = devices
        self._lanes = lanes
        self._acked = [0] * devices
        self._told = threading.Event()
        self.bus = Bus(settings.broker, "bench-devices")
        self.bus.subscribe(topics.matching(self._site, kind="lanes", what="ack"), self._on_ack)

    def _on_ack(self, _topic: str, payload: bytes, _retained: bool) -> None:
        ack = decode(payload)
        assert isinstance(ack, IngestAck)
        device = int(ack.device.removeprefix("lanes/d"))
        self._acked[device] = max(self._acked[device], ack.seq)
        self._told.set()

    def send(self, first: int, each: int, rate: float = 0.0) -> float:
        """Send `each` messages a device from `first` on; seconds until the last is acknowledged.

        `rate` messages a second in all, 0: as fast as the windows allow. What stays without acknowledgement
        for five seconds is sent again.
        """
        payloads = [
            [self._body(device, seq) for seq in range(first, first + each)] for device in range(self._devices)
        ]
        last = first + each - 1
        sent = [first - 1] * self._devices
        begin = progress = time.monotonic()
        done = self._settled(first, last)
        number = 0
        while done < self._devices * each:
            self._told.clear()
            for device in range(self._devices):
                while sent[device] < min(last, max(self._acked[device], first - 1) + WINDOW):
                    if rate and (wait := begin + number / rate - time.monotonic()) > 0:
                        time.sleep(wait)
                    topic = f"{self._site}/v1/lanes/d{device}/measurement"
                    body = payloads[device][sent[device] + 1 - first]
                    while not self.bus.publish(topic, self._stamp(body)):
                        time.sleep(0.002)  # the client's own queue is full
                    sent[device] += 1
                    number += 1
                    if rate:
                        break
            if all(n == last for n in sent) or not rate:
                self._told.wait(0.05)
            now = self._settled(first, last)
            if now > done:
                done, progress = now, time.monotonic()
            elif time.monotonic() - progress > 5:
                sent = [max(acked, first - 1) for acked in self._acked]
                progress = time.monotonic()
        return time.monotonic() - begin

    def _body(self, device: int, seq: int) -> tuple[bytes, bytes]:
        # Only the time of capture changes when a message is sent: the bench measures ingest, not an encoder.
        head, _, tail = encode(measurement(device, seq, self._lanes)).partition(b'"at":"')
        return head + b'"at":"', tail[tail.index(b'"') :]

    def _stamp(self, body: tuple[bytes, bytes]) -> bytes:
        return body[0] + datetime.now(UTC).isoformat().encode() + body[1]

    def _settled(self, first: int, last: int) -> int:
        return sum(min(acked, last) - first + 1 for acked in self._acked if acked >= first)


def bare_copy(dsn: str, messages: int, devices: int, lanes: int, batch: int = 500) -> dict[str, float]:
    """Rows a second of the same rows by COPY alone, encoded before the clock starts."""
    batches = []
    for start in range(0, messages, batch):
        rows = Rows()
        for n in range(start, min(start + batch, messages)):
            rows.add(measurement(n % devices, n // devices + 1, lanes))
        batches.append(b"".join((HEADER, *rows.records["lane_measurement"], TRAILER)))
    columns = ", ".join(COLUMNS["lane_measurement"])
    with connect(dsn, autocommit=False) as connection:
        connection.execute("create table bare (like lane_measurement including all)")
        connection.commit()
        begin = time.monotonic()
        for data in batches:
            with connection.cursor() as cursor:
                statement = f"copy bare ({columns}) from stdin (format binary)".encode()
                with cursor.copy(statement) as copy:
                    copy.write(data)
            connection.commit()
        took = time.monotonic() - begin
    return {"messages_per_s": messages / took, "rows_per_s": messages * lanes / took}


def latencies(dsn: str, first: int) -> tuple[float, float, int]:
    """p50 and p99 of publish to stored of messages from `first` on, and their number."""
    query = (
        "select extract(epoch from max(stored_at) - max(at))::float8 from lane_measurement "
        "where seq >= %s group by device, seq"
    )
    with psycopg.connect(dsn) as connection:
        samples = [row[0] for row in connection.execute(query, [first])]
    p50, p99 = np.percentile(samples, [50, 99])
    return float(p50), float(p99), len(samples)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=40_000)
    parser.add_argument("--devices", type=int, default=50)
    parser.add_argument("--lanes", type=int, default=20)
    given = parser.parse_args()
    each = given.messages // given.devices
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as settings:
        dsn = settings.database.dsn
        limit = bare_copy(dsn, given.messages, given.devices, given.lanes)
        with service(settings) as process:
            devices = Devices(settings, given.devices, given.lanes)
            devices.bus.start()
            warm = 20
            devices.send(1, warm)
            before = process.cpu_times()
            took = devices.send(warm + 1, each)
            after = process.cpu_times()
            full = each * given.devices / took
            half = max(1, each // 4)
            devices.send(warm + each + 1, half, rate=full / 2)
            p50, p99, samples = latencies(dsn, warm + each + 1)
            devices.bus.stop()
        with psycopg.connect(dsn) as connection:
            row = connection.execute("select count(*) from lane_measurement").fetchone()
        expected = (warm + each + half) * given.devices * given.lanes
        assert row == (expected,), f"stored {row}, sent {expected}"
    cpu_us = (after.user + after.system - before.user - before.system) / (each * given.devices) * 1e6
    result = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg(),
        "python": platform.python_version(),
        "broker": broker.broker_name(),
        "messages": each * given.devices,
        "devices": given.devices,
        "lanes_per_message": given.lanes,
        "messages_per_s": full,
        "rows_per_s": full * given.lanes,
        "cpu_us_per_message": cpu_us,
        "half_load_messages_per_s": full / 2,
        "half_load_latency_p50_s": p50,
        "half_load_latency_p99_s": p99,
        "half_load_samples": samples,
        "bare_copy_messages_per_s": limit["messages_per_s"],
        "bare_copy_rows_per_s": limit["rows_per_s"],
        "share_of_bare_copy": full / limit["messages_per_s"],
    }
    for name, value in result.items():
        print(f"{name:28} {value:,.4g}" if isinstance(value, float) else f"{name:28} {value}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "ingest.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
