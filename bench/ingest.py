"""How much `ingest` takes in: messages and rows a second from publish to commit, through a real broker.

Beside it, in the same run: the limit, the same rows by bare binary COPY without broker, gate or ledger; and
what one would write first, a collector of paho and one INSERT a message (`bench.plain`).

    python -m bench.ingest [--messages 40000] [--devices 50] [--lanes 20] [--workers 1]
"""

import argparse
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

from bench.ready import await_database
from bench.results import write
from citybrain import config, topics
from citybrain.codec import decode, encode
from citybrain.messages import IngestAck, LaneMeasurement
from citybrain.up import broker, postgres
from citybrain.up.ports import free_port, wait_until_answers
from ingest.arrival import Arrival
from ingest.database import connect
from ingest.migrate import migrate
from ingest.receiver import Receiver
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
        await_database(dsn)
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
def collector(settings: config.Settings, *words: str, workers: int = 1) -> Iterator[psutil.Process]:
    """A program of ours in a process of its own."""
    environment = os.environ | {
        "CITYBRAIN__BROKER__URL": settings.broker.url,
        "CITYBRAIN__DATABASE__DSN": settings.database.dsn,
        "CITYBRAIN__INGEST__WORKERS": str(workers),
        "CITYBRAIN_LOG": "warning",
    }
    process = subprocess.Popen([sys.executable, "-m", *words], env=environment)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def cpu_s(process: psutil.Process) -> float:
    """CPU time of a process and those it started, until now."""
    family = [process, *process.children(recursive=True)]
    return sum(times.user + times.system for times in (one.cpu_times() for one in family))


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
        filters = [topics.matching(self._site, kind="lanes", what="ack")]
        # Ours, because it costs the machine less than the messages that are to be measured.
        self.bus = Receiver(settings.broker, "bench-devices", filters, self._on_acks)

    def start(self) -> None:
        """Connect; ready once the collector hears and answers."""
        self.bus.start()
        deadline = time.monotonic() + 120
        while not self.bus.connected:
            assert time.monotonic() < deadline, "no broker"
            time.sleep(0.05)

    def _on_acks(self, arrivals: list[Arrival]) -> None:
        for arrival in arrivals:
            ack = decode(arrival.payload)
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
                    self.bus.publish(topic, self._stamp(body))
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


def our_figures(settings: config.Settings, given: argparse.Namespace) -> dict[str, Any]:
    """Full load, CPU a message, then the latencies at half of it; checks that each row is there once."""
    each, dsn, warm = given.messages // given.devices, settings.database.dsn, 20
    words = ("citybrain", "run", "ingest")
    with collector(settings, *words, workers=given.workers) as process:
        devices = Devices(settings, given.devices, given.lanes)
        devices.start()
        devices.send(1, warm)
        before = cpu_s(process)
        took = devices.send(warm + 1, each)
        cpu_us = (cpu_s(process) - before) / (each * given.devices) * 1e6
        full = each * given.devices / took
        half = max(1, each // 4)
        devices.send(warm + each + 1, half, rate=full / 2)
        p50, p99, samples = latencies(dsn, warm + each + 1)
        devices.bus.stop()
    with psycopg.connect(dsn) as connection:
        row = connection.execute("select count(*) from lane_measurement").fetchone()
    expected = (warm + each + half) * given.devices * given.lanes
    assert row == (expected,), f"stored {row}, sent {expected}"
    return {
        "messages": each * given.devices,
        "messages_per_s": full,
        "rows_per_s": full * given.lanes,
        "cpu_us_per_message": cpu_us,
        "half_load_messages_per_s": full / 2,
        "half_load_latency_p50_s": p50,
        "half_load_latency_p99_s": p99,
        "half_load_samples": samples,
    }


def plain_figures(settings: config.Settings, devices: int, lanes: int, seconds: float) -> dict[str, float]:
    """What `bench.plain` stores in `seconds` under more than it can take, and its CPU a message."""
    stored = "select count(distinct (device, seq)) from plain"
    with connect(settings.database.dsn) as connection, collector(settings, "bench.plain") as process:
        while connection.execute("select to_regclass('plain') is null").fetchone() == (True,):
            time.sleep(0.05)
        bus = Receiver(settings.broker, "bench-plain", [], lambda _arrivals: None)
        bus.start()
        while not bus.connected:
            time.sleep(0.05)
        body = [encode(measurement(n % devices, n // devices + 1, lanes)) for n in range(8_000)]
        first = connection.execute(stored.encode()).fetchone()
        while first == (0,):
            bus.publish("plain/0", body[0])
            time.sleep(0.05)
            first = connection.execute(stored.encode()).fetchone()
        before, begin = cpu_s(process), time.monotonic()
        for payload in body[1:]:
            bus.publish("plain/0", payload)
        time.sleep(seconds)
        row = connection.execute(stored.encode()).fetchone()
        took, spent = time.monotonic() - begin, cpu_s(process) - before
        bus.stop()
    assert row is not None
    number = int(str(row[0])) - 1
    return {"messages_per_s": number / took, "cpu_us": spent / max(1, number) * 1e6}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=40_000)
    parser.add_argument("--devices", type=int, default=50)
    parser.add_argument("--lanes", type=int, default=20)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    load = os.getloadavg()
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as settings:
        limit = bare_copy(settings.database.dsn, given.messages, given.devices, given.lanes)
        ours = our_figures(settings, given)
        plain = plain_figures(settings, given.devices, given.lanes, seconds=8)
    result = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load_before": load,
        "python": platform.python_version(),
        "broker": broker.broker_name(),
        "workers": given.workers,
        "devices": given.devices,
        "lanes_per_message": given.lanes,
        **ours,
        "bare_copy_messages_per_s": limit["messages_per_s"],
        "bare_copy_rows_per_s": limit["rows_per_s"],
        "share_of_bare_copy": ours["messages_per_s"] / limit["messages_per_s"],
        "plain_messages_per_s": plain["messages_per_s"],
        "plain_cpu_us_per_message": plain["cpu_us"],
        "times_plain": ours["messages_per_s"] / plain["messages_per_s"],
    }
    for name, value in result.items():
        print(f"{name:28} {value:,.4g}" if isinstance(value, float) else f"{name:28} {value}")
    write(RESULTS / "ingest.json", result)


if __name__ == "__main__":
    main()
