"""Ten thousand devices on one machine: memory and CPU of broker and ingest, and a broker that is killed.

Each device has a connection of its own to a real Mosquitto and does what an edge agent does: it numbers its
messages, keeps each until ingest has acknowledged it, and sends again what was not. The broker is killed with
-9 in the middle; at the end the database must hold each message once.

    python -m bench.devices [--devices 10000] [--rate 0.1] [--seconds 60] [--tls]
"""

import argparse
import asyncio
import json
import os
import platform
import random
import resource
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import psutil
import psycopg

from bench.ingest import RESULTS, collector
from bench.results import write
from citybrain import config, tls
from citybrain.codec import encode
from citybrain.errors import Unavailable
from citybrain.identity import mosquitto as files
from citybrain.identity.authority import new_key, write_private
from citybrain.identity.home import Home, Place
from citybrain.up import postgres
from citybrain.up.ports import free_port
from ingest.migrate import migrate
from tests.fixtures import mosquitto, packets
from tests.fixtures import street_messages as make

SITE = "city"
CACHE = Path(".pytest_cache/d/mosquitto")
CONNECTING = 200
"""Connections that are opened at once at the start; after the restart all come back as they like."""
RESEND_S = (10.0, 80.0)
"""First and longest pause before a message that is not acknowledged goes out again, as an edge agent's."""
WINDOW = 20
"""Messages that go out again at once: the oldest, until one is acknowledged, as an edge agent does."""
BACKOFF_S = (1.0, 8.0)
PLAIN = """\
listener {port} 127.0.0.1
allow_anonymous true
{account}persistence true
persistence_location {folder}/
max_queued_messages 0
max_queued_bytes 268435456
max_inflight_messages 500
max_packet_size 4000000
set_tcp_nodelay true
log_dest none
"""


@dataclass
class Fleet:
    """What all devices share."""

    port: int
    rate_hz: float
    seed: int
    certificates: Path | None
    ca: str
    generating: bool = True
    connected: int = 0
    connects: int = 0
    sent: int = 0
    acknowledged: int = 0
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONNECTING))


class Link(asyncio.Protocol):
    """The connection of one device."""

    def __init__(self, device: "Device") -> None:
        self._device = device
        self._reader = packets.Reader()
        self.transport: asyncio.Transport | None = None
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.accepted: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(packets.connect(self._device.client_id, 60))

    def data_received(self, data: bytes) -> None:
        for packet in self._reader.feed(data):
            if packet.kind == packets.CONNACK and packet.body == b"\x00\x00":
                if not self.accepted.done():
                    self.accepted.set_result(None)
            elif packet.kind == packets.PUBLISH:
                _, payload, number = packets.delivered(packet)
                if number:
                    self.write(packets.puback(number))
                self._device.acknowledged(json.loads(payload)["seq"])

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(None)
        if not self.accepted.done():
            self.accepted.set_exception(exc or ConnectionError("closed"))
            self.accepted.exception()

    def end(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def write(self, data: bytes) -> None:
        assert self.transport is not None
        if not self.transport.is_closing():
            self.transport.write(data)


class Device:
    """One sensor with its spool."""

    def __init__(self, fleet: Fleet, number: int) -> None:
        self._fleet = fleet
        self.name = f"sensor/d{number}"
        self.client_id = f"d{number}"
        self.seq = 0
        self.spool: dict[int, tuple[float, bytes]] = {}
        self._random = random.Random(fleet.seed * 1_000_003 + number)
        self._topic = f"{SITE}/v1/{self.name}/observation"
        self._link: Link | None = None
        self._pause_s = RESEND_S[0]
        self._context = self._tls(number)

    def _tls(self, number: int) -> ssl.SSLContext | None:
        if self._fleet.certificates is None:
            return None
        folder = self._fleet.certificates / f"d{number}"
        return tls.context(config.Broker(
            url="mqtts://localhost", ca_file=self._fleet.ca,
            cert_file=f"{folder}.crt", key_file=f"{folder}.key"
        ))  # fmt: skip

    async def stay_connected(self) -> None:
        """Connect, and again after each loss, with a pause that is drawn anew and grows."""
        pause_s = BACKOFF_S[0]
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with self._fleet.gate:
                    _, link = await loop.create_connection(
                        lambda: Link(self), "127.0.0.1", self._fleet.port, ssl=self._context,
                        server_hostname="localhost" if self._context else None,
                    )  # fmt: skip
                    try:
                        await asyncio.wait_for(link.accepted, 60)
                    except TimeoutError:
                        link.end()  # an answer that comes later must find nobody
                        raise
            except (OSError, TimeoutError):
                await asyncio.sleep(self._random.uniform(0.2, 1) * pause_s)
                pause_s = min(2 * pause_s, BACKOFF_S[1])
                continue
            pause_s = BACKOFF_S[0]
            self._fleet.connected += 1
            self._fleet.connects += 1
            link.write(packets.subscribe(f"{SITE}/v1/{self.name}/ack", 1, qos=1))
            self._link = link
            self._resend(0)
            try:
                await link.lost
            finally:
                self._link = None
                self._fleet.connected -= 1
            await asyncio.sleep(self._random.uniform(0, 1) * pause_s)

    async def measure(self) -> None:
        """A message now and then, at the rate on average, and again what is not acknowledged."""
        period_s = 1 / self._fleet.rate_hz
        await asyncio.sleep(self._random.uniform(0, period_s))
        while True:
            if self._fleet.generating:
                self.seq += 1
                self._fleet.sent += 1
                message = make.observation(self.seq, self.name, value=float(self.seq))
                self.spool[self.seq] = (time.monotonic(), encode(message))
                self._publish(self.seq)
            if self._resend(self._pause_s):
                self._pause_s = min(2 * self._pause_s, RESEND_S[1])
            await asyncio.sleep(period_s * self._random.uniform(0.9, 1.1))

    def acknowledged(self, seq: int) -> None:
        self._pause_s = RESEND_S[0]
        for known in [known for known in self.spool if known <= seq]:
            del self.spool[known]
            self._fleet.acknowledged += 1
        self._resend(RESEND_S[0])

    def _resend(self, older_s: float) -> bool:
        now, is_sent = time.monotonic(), False
        for seq, (sent_at, payload) in list(islice(self.spool.items(), WINDOW)):
            if self._link is not None and now - sent_at >= older_s:
                self.spool[seq] = (now, payload)
                self._publish(seq)
                is_sent = True
        return is_sent

    def _publish(self, seq: int) -> None:
        if self._link is not None:
            self._link.write(packets.publish(self._topic, self.spool[seq][1], (seq - 1) % 65_535 + 1))


class Server:
    """The broker, which can be killed and started again."""

    def __init__(self, found: mosquitto.Mosquitto, conf: Path, port: int) -> None:
        self._found, self._conf, self._port = found, conf, port
        self.process = mosquitto.start(found, conf, port)

    def restart(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process = mosquitto.start(self._found, self._conf, self._port)


@dataclass(frozen=True, slots=True)
class City:
    """Everything that runs beside the devices."""

    server: Server
    ingest: psutil.Process
    dsn: str
    port: int
    certificates: Path | None
    ca: str


@contextmanager
def running(folder: Path, devices: int, *, with_tls: bool) -> Iterator[City]:
    found = mosquitto.find(CACHE.absolute())
    if isinstance(found, mosquitto.Missing):
        raise SystemExit(f"needs a real Mosquitto: {found.reason}")
    print(f"Mosquitto {found.version}", flush=True)
    port, certificates, ca, conf = free_port(), None, "", folder / "mosquitto.conf"
    broker = config.Broker(url=f"mqtt://127.0.0.1:{port}")
    if with_tls:
        conf, certificates, ca, broker = _secure(folder, devices, port)
    else:
        account = "user root\n" if os.geteuid() == 0 else ""
        conf.write_text(PLAIN.format(port=port, folder=folder, account=account), encoding="utf-8")
    server = Server(found, conf, port)
    installed = postgres.install(folder / "pg")
    database_port = free_port()
    dsn = f"postgresql://{postgres.OWNER}@127.0.0.1:{database_port}/postgres"
    database = subprocess.Popen(
        postgres.server_command(installed, "127.0.0.1", database_port),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **installed.popen_options(),
    )  # fmt: skip
    try:
        _migrate(dsn)
        settings = msgspec.structs.replace(
            config.Settings(), broker=broker, database=config.Database(dsn=dsn)
        )
        for name in ("ca_file", "cert_file", "key_file"):
            os.environ[f"CITYBRAIN__BROKER__{name.upper()}"] = getattr(broker, name)
        with collector(settings, "citybrain", "run", "ingest") as process:
            yield City(server, process, dsn, port, certificates, ca)
    finally:
        mosquitto.end(server.process)
        database.send_signal(2)
        database.wait()
        postgres.remove(installed)


def _secure(folder: Path, devices: int, port: int) -> tuple[Path, Path, str, config.Broker]:
    """A production home with a certificate for each device."""
    began = time.monotonic()
    services = free_port()
    home = Home.create(folder / "home", Place(SITE, ("localhost", "127.0.0.1"), "127.0.0.1", port, services))
    certificates = folder / "certificates"
    certificates.mkdir()
    names = {"service-ingest": "service/ingest"} | {f"d{n}": f"sensor/d{n}" for n in range(devices)}
    for stem, name in names.items():
        key, private = new_key()
        issued = home.add(name, key, timedelta(days=2))
        write_private(certificates / f"{stem}.key", private)
        (certificates / f"{stem}.crt").write_bytes(issued.pem)
    files.write_all(home)
    print(f"issued {devices} certificates in {time.monotonic() - began:.0f} s", flush=True)
    ca = str(folder / "home" / "broker" / "services.crt")
    own = str(certificates / "service-ingest")
    broker = config.Broker(
        url=f"mqtts://localhost:{services}", ca_file=ca, cert_file=f"{own}.crt", key_file=f"{own}.key"
    )
    return folder / "home" / "mosquitto.conf", certificates, ca, broker


def _migrate(dsn: str) -> None:
    """As soon as the server lets somebody in."""
    deadline = time.monotonic() + 60
    while True:
        try:
            migrate(dsn)
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


class Meter:
    """CPU and memory of a process from here on."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._began = time.monotonic()
        self._cpu_s = self._used()

    def _used(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def read(self, name: str) -> dict[str, float]:
        wall_s = time.monotonic() - self._began
        return {
            f"{name}_cpu_share": round((self._used() - self._cpu_s) / wall_s, 3),
            f"{name}_memory_mb": round(self._process.memory_info().rss / 1e6, 1),
        }


async def run(city: City, given: argparse.Namespace) -> dict[str, Any]:
    """The whole course; returns the figures."""
    fleet = Fleet(city.port, given.rate, given.seed, city.certificates, city.ca)
    devices = [Device(fleet, number) for number in range(given.devices)]
    began = time.monotonic()
    tasks = [asyncio.create_task(device.stay_connected()) for device in devices]
    await _until(lambda: fleet.connected == given.devices, given.patience, "all connected")
    result: dict[str, Any] = {"connected_after_s": round(time.monotonic() - began, 2)}
    print(f"{given.devices} connected after {result['connected_after_s']} s", flush=True)
    tasks += [asyncio.create_task(device.measure()) for device in devices]
    await asyncio.sleep(1 / given.rate)  # until each has begun
    await _until(lambda: fleet.acknowledged > given.devices, given.patience, "ingest acknowledges")
    before, at = fleet.sent, time.monotonic()
    meters = {
        "broker": Meter(city.server.process.pid), "ingest": Meter(city.ingest.pid),
        "devices": Meter(os.getpid()),
    }  # fmt: skip
    await asyncio.sleep(given.seconds)
    result["messages_per_s"] = round((fleet.sent - before) / (time.monotonic() - at), 1)
    for name, meter in meters.items():
        result |= meter.read(name)
    print("killing the broker with -9", flush=True)
    fleet.gate = asyncio.Semaphore(given.devices)  # a storm has no doorkeeper
    spooled, connects = sum(len(device.spool) for device in devices), fleet.connects
    killed = time.monotonic()
    await asyncio.to_thread(city.server.restart)
    result["broker_away_s"] = round(time.monotonic() - killed, 2)
    await _until(
        lambda: fleet.connected == given.devices and fleet.connects >= connects + given.devices,
        given.patience, "all reconnected",
    )  # fmt: skip
    result["all_reconnected_after_s"] = round(time.monotonic() - killed, 2)
    result["connects_in_the_storm"] = fleet.connects - connects
    result["spooled_at_the_kill"] = spooled
    print(f"all back after {result['all_reconnected_after_s']} s", flush=True)
    storm = Meter(city.server.process.pid)
    await asyncio.sleep(min(given.seconds, 20))
    result |= {f"after_{name}": value for name, value in storm.read("broker").items()}
    fleet.generating = False
    print("waiting for the last acknowledgements", flush=True)
    stopped = time.monotonic()
    await _until(lambda: not any(device.spool for device in devices), given.patience, "all acknowledged")
    result["last_acknowledged_after_s"] = round(time.monotonic() - stopped, 2)
    result["generated"] = fleet.sent
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return result


async def _until(condition: Any, patience_s: float, what: str) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"never: {what} (within {patience_s:.0f} s)")
        await asyncio.sleep(0.05)


def check(dsn: str, generated: int) -> dict[str, int]:
    """Compare what was generated with what is stored."""
    query = (
        "select count(*), count(distinct (device, boot, seq)), "
        "coalesce(sum(case when value = seq then 0 else 1 end), 0) from sensor_observation"
    )
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query).fetchone()
        letters = connection.execute("select count(*) from dead_letter").fetchone()
    assert row is not None
    assert letters is not None
    stored, distinct, wrong = (int(number) for number in row)
    return {"stored": stored, "lost": generated - distinct, "duplicated": stored - distinct,
            "wrong": wrong, "dead_letters": int(letters[0])}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=0.1, help="messages a second of each device")
    parser.add_argument("--seconds", type=float, default=60, help="of steady work that is measured")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=600, help="seconds to wait for any step")
    parser.add_argument("--tls", action="store_true", help="a certificate for each device, as in production")
    given = parser.parse_args()
    _raise_limit(given.devices)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), given.devices, with_tls=given.tls) as city,
    ):
        measured = asyncio.run(run(city, given))
        outcome = check(city.dsn, measured["generated"])
    result = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": platform.processor() or platform.machine(),
        "cores": os.cpu_count(), "load": os.getloadavg(), "python": platform.python_version(),
        "devices": given.devices, "rate_hz": given.rate, "tls": given.tls, "seed": given.seed,
        **measured, **outcome,
    }  # fmt: skip
    for name, value in result.items():
        print(f"{name:28} {value}")
    write(RESULTS / "devices.json", result)
    if outcome["lost"] or outcome["duplicated"] or outcome["wrong"]:
        raise SystemExit(1)


def _raise_limit(devices: int) -> None:
    """Open files for so many connections, here and in the broker, as far as this account may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = devices + 1_000
    if soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise SystemExit(f"{devices} devices need {wanted} open files, `ulimit -Hn` allows {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    main()
