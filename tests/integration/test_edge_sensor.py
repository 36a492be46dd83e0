"""Sensor agents against real servers: Modbus, HTTP and MQTT on loopback, a serial line on a pty."""

import asyncio
import json
import os
import pty
import struct
import threading
import time
import tty
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from citybrain import topics
from citybrain.bus import Bus
from citybrain.cli import root
from citybrain.codec import decode
from citybrain.config import Settings
from citybrain.messages import AgentStatus, Health, SensorObservation
from citybrain.up.ports import free_port
from edge.postman import Postman
from edge.sensor import SensorAgent
from edge.sensorfile import read_sensor_file
from edge.spool import Spool


class Ear:
    def __init__(self, settings: Settings, bus: Bus) -> None:
        self.observations: list[SensorObservation] = []
        self.reports: list[AgentStatus] = []
        bus.subscribe(topics.matching(settings.site.name, what="observation"), self._hear)
        bus.subscribe(topics.matching(settings.site.name, what="status"), self._hear)

    def _hear(self, _topic: str, payload: bytes, _retained: bool) -> None:
        message = decode(payload)
        if isinstance(message, SensorObservation):
            self.observations.append(message)
        elif isinstance(message, AgentStatus):
            self.reports.append(message)

    def values(self) -> dict[str, tuple[float, str]]:
        return {one.datastream: (one.value, one.unit) for one in self.observations}


@pytest.fixture
def ear(settings: Settings) -> Iterator[Ear]:
    with Bus(settings.broker, f"{settings.site.name}-ear") as bus:
        yield Ear(settings, bus)


Serve = Callable[[str], None]


@pytest.fixture
def serve(settings: Settings, tmp_path: Path) -> Iterator[Serve]:
    stop = threading.Event()
    postman = Postman(Spool(tmp_path / "s.sqlite", 10_000_000, 1e9)).start()
    threads: list[threading.Thread] = []

    def begin(source: str) -> None:
        path = tmp_path / "sensor.toml"
        path.write_text(f'[sensor]\nid = "roof"\nposition = [6.9, 50.9]\n{source}')
        agent = SensorAgent(settings, postman, read_sensor_file(path))
        threads.append(threading.Thread(target=agent.run, args=(stop,)))
        threads[-1].start()

    yield begin
    stop.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    postman.stop()


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def modbus() -> Iterator[int]:
    """The port of a device whose registers 10.. hold -5, a float 21.5 with the low word first, and 300."""
    port = free_port()
    high, low = struct.unpack(">HH", struct.pack(">f", 21.5))
    words = SimData(10, values=[65531, low, high, 300], datatype=DataType.REGISTERS)
    device = SimDevice(1, simdata=[words])
    loop = asyncio.new_event_loop()

    async def start() -> ModbusTcpServer:
        server = ModbusTcpServer(device, address=("127.0.0.1", port))
        await server.serve_forever(background=True)
        return server

    server = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield port
    ending: Any = server
    asyncio.run_coroutine_threadsafe(ending.shutdown(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(20)
    loop.close()


MODBUS = """
[source]
kind = "modbus"
host = "127.0.0.1"
port = {port}
every_s = 0.2
words = "little"
[[datastreams]]
name = "level"
unit = "cm"
register = 10
type = "int16"
[[datastreams]]
name = "temperature"
unit = "Cel"
register = 11
type = "float32"
[[datastreams]]
name = "flow"
unit = "L/s"
register = 13
scale = 0.1
most = 20
[[datastreams]]
name = "nowhere"
unit = "1"
register = 90
"""


def test_modbus_registers_become_observations_and_what_is_wrong_is_told(
    ear: Ear, serve: Serve, modbus: int
) -> None:
    serve(MODBUS.format(port=modbus))
    until(lambda: len(ear.observations) >= 4)
    assert ear.values() == {"level": (-5.0, "cm"), "temperature": (21.5, "Cel")}
    assert ear.observations[0].position == (6.9, 50.9)
    assert [one.seq for one in ear.observations[:4]] == [1, 2, 3, 4]
    until(lambda: any(report.health is Health.DEGRADED for report in ear.reports))
    figures = next(r.figures for r in ear.reports if r.health is Health.DEGRADED)
    assert figures["implausible"] >= 1
    assert figures["missing"] >= 1


def test_a_device_that_is_away_is_told_and_tried_again(ear: Ear, serve: Serve) -> None:
    port = free_port()
    serve(MODBUS.format(port=port))
    until(lambda: any("no Modbus device answers" in report.detail for report in ear.reports))


def test_lines_of_a_serial_device_become_observations(ear: Ear, serve: Serve) -> None:
    own, other = pty.openpty()
    tty.setraw(other)
    serve(
        f'[source]\nkind = "serial"\nport = "{os.ttyname(other)}"\nformat = "csv"\n'
        '[[datastreams]]\nname = "noise"\nunit = "dB[SPL]"\ncolumn = 2\n'
    )
    until(lambda: any(report.health is Health.OK for report in ear.reports))
    os.write(own, b"A;55.5\nB;5")
    until(lambda: ear.values() == {"noise": (55.5, "dB[SPL]")})
    os.write(own, b"6.5\r\n")
    until(lambda: ear.values() == {"noise": (56.5, "dB[SPL]")})
    os.close(own)
    until(lambda: any("is gone" in report.detail or "cannot be" in report.detail for report in ear.reports))
    os.close(other)


class Answer(BaseHTTPRequestHandler):
    bodies: list[bytes] = []  # noqa: RUF012 - the server makes the handlers

    def do_GET(self) -> None:
        self.send_response(200 if self.bodies else 503)
        self.end_headers()
        self.wfile.write(self.bodies[0] if self.bodies else b"")

    def log_message(self, *_: object) -> None:
        pass


def test_an_address_is_polled_and_its_failures_are_told(ear: Ear, serve: Serve) -> None:
    Answer.bodies = [b'{"main": {"pm25": 12}}']
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    serve(
        f'[source]\nkind = "http"\nurl = "http://127.0.0.1:{server.server_address[1]}/air?key=1"\n'
        "every_s = 0.2\n"
        '[[datastreams]]\nname = "pm25"\nunit = "ug/m3"\npath = "main.pm25"\n'
    )
    until(lambda: ear.values() == {"pm25": (12.0, "ug/m3")})
    Answer.bodies = [b"<html>"]
    until(lambda: any("not JSON" in report.detail for report in ear.reports))
    Answer.bodies = []
    until(lambda: any("503" in report.detail for report in ear.reports))
    assert not any("key=1" in report.detail for report in ear.reports)
    server.shutdown()
    server.server_close()


def test_devices_on_a_broker_are_bridged_each_by_its_own_name(
    ear: Ear, serve: Serve, settings: Settings
) -> None:
    base = f"z{uuid4().hex[:8]}"
    serve(
        f'[source]\nkind = "mqtt"\nurl = "{settings.broker.url}"\ntopic = "{base}/+"\n'
        '[[datastreams]]\nname = "{1}.temperature"\nunit = "Cel"\npath = "temperature"\n'
        '[[datastreams]]\nname = "{1}.humidity"\nunit = "%"\npath = "humidity"\n'
    )
    until(lambda: any(report.health is Health.OK for report in ear.reports))
    with Bus(settings.broker, f"{base}-devices") as bus:
        bus.publish(f"{base}/kitchen sink", json.dumps({"temperature": 20.5, "linkquality": 90}).encode())
        bus.publish(f"{base}/yard", json.dumps({"temperature": -3, "humidity": 91}).encode())
        bus.publish(f"{base}/yard", b"offline")
        until(lambda: len(ear.observations) >= 3)
    assert ear.values() == {
        "kitchen-sink.temperature": (20.5, "Cel"),
        "yard.temperature": (-3.0, "Cel"),
        "yard.humidity": (91.0, "%"),
    }
    until(lambda: any("offline" in report.detail or "not JSON" in report.detail for report in ear.reports))


def test_check_says_once_what_the_source_says(tmp_path: Path, modbus: int) -> None:
    path = tmp_path / "s.toml"
    path.write_text('[sensor]\nid = "roof"\n' + MODBUS.format(port=modbus))
    done = CliRunner().invoke(root, ["edge", "sensor", str(path), "--check"])
    assert done.exit_code == 0, done.output
    assert "21.5 Cel" in done.output
    assert "is refused by the device" in done.output
    done = CliRunner().invoke(root, ["edge", "sensor", str(path), "--check", "--json"])
    assert json.loads(done.output.splitlines()[0]) == {"datastream": "level", "value": -5.0, "unit": "cm"}
