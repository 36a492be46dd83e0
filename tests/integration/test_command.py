"""The command centre with a real broker and a real database: what is published is served and streamed."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psycopg
import pytest

from citybrain import config as configuration
from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import encode, pack_frame
from citybrain.config import Settings
from citybrain.messages import Health, Message
from citybrain.up import broker as embedded_broker
from citybrain.up.ports import wait_until_answers
from command.principal import Role
from tests.fixtures import command as street
from tests.fixtures import people
from tests.fixtures.command import (
    JPEG,
    Served,
    Sse,
    broker_is_there,
    free_closed_port,
    read_events,
    serving,
    until,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def own(settings: Settings, migrated_dsn: str) -> Settings:
    return msgspec.structs.replace(settings, database=configuration.Database(dsn=migrated_dsn))


@pytest.fixture
def served(own: Settings, tmp_path: Path) -> Iterator[Served]:
    with serving(own, tmp_path) as found:
        with found.client() as client:
            broker_is_there(client)
        yield found


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client() as found:
        yield found


@pytest.fixture
def bus(own: Settings) -> Iterator[Bus]:
    with Bus(own.broker, f"{own.site.name}-street") as found:
        yield found


def send(
    bus: Bus, settings: Settings, what: str, message: Message, id_: str = "", retain: bool = False
) -> None:
    kind, _, own_id = str(getattr(message, "device", "camera/demo")).partition("/")
    topic = topics.build(settings.site.name, kind, id_ or own_id, what)
    assert bus.publish(topic, encode(message), retain=retain)


def items(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


class Listener:
    """Reads a stream in a thread."""

    def __init__(
        self, url: str, channels: str, last_event_id: str = "", auth: dict[str, str] | None = None
    ) -> None:
        self.events: list[Sse] = []
        self.ended = threading.Event()
        self.opened = threading.Event()
        self._stop = threading.Event()
        headers = ({"Last-Event-ID": last_event_id} if last_event_id else {}) | (auth or {})
        self._thread = threading.Thread(target=self._read, args=(url, channels, headers))
        self._thread.start()
        assert self.opened.wait(10)

    def _read(self, url: str, channels: str, headers: dict[str, str]) -> None:
        params = {"channels": channels}
        try:
            with (
                httpx.Client(base_url=url, timeout=10, trust_env=False) as client,
                client.stream("GET", "/api/v1/stream", params=params, headers=headers) as answer,
            ):
                assert answer.headers["content-type"].startswith("text/event-stream")
                self.opened.set()
                for event in read_events(answer.iter_lines()):
                    self.events.append(event)
                    if self._stop.is_set():
                        return
        finally:
            self.ended.set()

    def of(self, channel: str) -> list[Any]:
        return [item for event in self.events if event.event == channel for item in event.data["items"]]

    def stop(self) -> None:
        """End with the next event; kpis come every two seconds."""
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()


def test_published_signals_lanes_and_network_are_served(
    client: httpx.Client, bus: Bus, own: Settings
) -> None:
    now = datetime.now(UTC)
    send(bus, own, "config", street.config(), retain=True)
    for part in street.network():
        send(bus, own, f"part{part.part}", part, retain=True)
    send(bus, own, "state", street.state(2, at=now))
    send(bus, own, "measurement", street.measurement(1, at=now))
    send(bus, own, "status", street.status(at=now), retain=True)
    (signal,) = until(lambda: items(client, "/signals"), "the signal")
    assert signal["position"] == [6.95, 50.94]
    assert datetime.fromisoformat(signal["at"]) == now
    assert signal["at"].endswith("Z")
    (lane,) = until(lambda: items(client, "/lanes"), "the lane")
    assert (lane["lane"], lane["queued"], lane["speed_limit_mps"]) == ("south_0", 2, 13.9)
    (intersection,) = items(client, "/intersections")
    assert (intersection["phases"], intersection["state"]["indications"]) == (2, "G")
    detail = client.get("/api/v1/intersections/a").json()
    (movement,) = detail["movements"]
    assert movement["path"][0] == [6.95, 50.9399]
    assert movement["path"][-1] == [6.9501, 50.94]
    network = until(lambda: client.get("/api/v1/network").json()["features"], "the network")
    assert {line["properties"]["intersection"] for line in network} == {"a", None}
    etag = client.get("/api/v1/network").headers["etag"]
    assert client.get("/api/v1/network", headers={"if-none-match": etag}).status_code == 304
    site = client.get("/api/v1/site").json()
    assert site["site"] == own.site.name
    assert site["bounds"] == [[6.95, 50.939], [6.951, 50.94]]
    agents = until(lambda: items(client, "/agents"), "agents")
    assert {agent["device"]: agent["health"] for agent in agents}["signal/a"] == "ok"
    kpis = client.get("/api/v1/kpis").json()
    assert (kpis["vehicles"], kpis["mean_delay_s"], kpis["intersections"], kpis["commanded"]) == (
        3,
        4.0,
        1,
        1,
    )


def test_the_stream_delivers_what_changes_and_resumes_without_gap_or_duplicate(
    served: Served, bus: Bus, own: Settings
) -> None:
    now = datetime.now(UTC)
    first = Listener(served.url, "signals,events,kpis", auth=served.headers)
    for seq in range(1, 4):
        send(bus, own, "state", street.state(seq, at=now + timedelta(milliseconds=seq)))
        until(partial(_told, first, _at(now, seq)), "the state is told")
    send(bus, own, "event", street.event(4, at=now))
    until(lambda: first.of("events"), "the event is told")
    first.stop()
    last_id = first.events[-1].id
    with served.client() as client:
        for seq in range(5, 8):
            send(bus, own, "state", street.state(seq, at=now + timedelta(milliseconds=seq)))
            until(partial(_shows, client, _at(now, seq)), "the state is live")
            # One batch at most in a quarter of a second: each state gets a batch of its own.
            threading.Event().wait(0.3)
    second = Listener(served.url, "signals,events,kpis", last_id, served.headers)
    until(lambda: len(second.of("signals")) >= 3, "what was missed")
    second.stop()
    assert [s["at"] for s in second.of("signals")] == [_at(now, seq) for seq in range(5, 8)]
    assert not second.of("events")
    numbers = [int(event.id.split("-")[1]) for event in first.events + second.events]
    assert numbers == sorted(set(numbers))
    stranger = Listener(served.url, "kpis", "12-7", served.headers)
    until(lambda: stranger.events, "an answer")
    stranger.stop()
    assert stranger.events[0].event == "reset"


def _told(listener: Listener, at: str) -> bool:
    return any(signal["at"] >= at for signal in listener.of("signals"))


def _shows(client: httpx.Client, at: str) -> bool:
    return bool(items(client, "/signals")[0]["at"] == at)


def _at(now: datetime, milliseconds: int) -> str:
    at = now + timedelta(milliseconds=milliseconds)
    text: str = msgspec.to_builtins(at)
    return text


def test_a_stream_ends_when_the_server_stops(own: Settings, tmp_path: Path) -> None:
    with serving(own, tmp_path) as served:
        listener = Listener(served.url, "kpis", auth=served.headers)
        served.server.should_exit = True
        assert listener.ended.wait(5)
        listener.stop()


def test_a_malformed_message_is_counted_and_nothing_falls(
    client: httpx.Client, bus: Bus, own: Settings
) -> None:
    site = own.site.name
    for what, payload in (("state", b"\xff"), ("config", b"[]"), ("state", b'{"type":"signal_state/1"}')):
        assert bus.publish(topics.build(site, "signal", "a", what), payload)
    assert bus.publish(topics.build(site, "camera", "demo", "picture"), b"no picture", 0)
    other = pack_frame(street.frame(1, camera="other"), JPEG)
    assert bus.publish(topics.build(site, "camera", "demo", "picture"), other, 0)
    until(
        lambda: "citybrain_command_messages_malformed_total 5.0" in client.get("/metrics").text,
        "five are counted",
    )
    send(bus, own, "state", street.state(1))
    until(lambda: items(client, "/signals"), "the next message is taken in")


def test_pictures_are_served_single_and_moving(
    served: Served, client: httpx.Client, bus: Bus, own: Settings
) -> None:
    missing = client.get("/api/v1/cameras/demo/picture.jpg")
    assert missing.status_code == 404
    assert missing.json()["error"]["field"] == "camera"
    now = datetime.now(UTC)
    topic = topics.build(own.site.name, "camera", "demo", "picture")
    send(bus, own, "status", street.status("camera/demo", now), retain=True)
    send(bus, own, "measurement", street.count(1, now + timedelta(seconds=1), 4))
    assert bus.publish(topic, pack_frame(street.frame(1, now), JPEG), 0)
    until(lambda: client.get("/api/v1/cameras/demo/picture.jpg").status_code == 200, "a picture")
    picture = client.get("/api/v1/cameras/demo/picture.jpg")
    assert picture.content == JPEG
    assert picture.headers["cache-control"] == "no-store"
    captured_at = datetime.fromisoformat(picture.headers["x-captured-at"])
    assert abs((captured_at - now).total_seconds()) < 0.001
    with served.client() as other, other.stream("GET", "/api/v1/cameras/demo/stream.mjpg") as answer:
        assert answer.headers["content-type"] == "multipart/x-mixed-replace; boundary=picture"
        parts = answer.iter_raw()
        assert JPEG in next(parts)
        assert bus.publish(topic, pack_frame(street.frame(2, now), JPEG + b"2"), 0)
        assert JPEG + b"2" in next(parts)
    (camera,) = items(client, "/cameras")
    assert (camera["health"], camera["width"], camera["counts"]) == ("ok", 640, {"line:forward": {"car": 4}})


def test_a_server_without_a_database_serves_what_is_live_and_says_what_is_not(
    settings: Settings, tmp_path: Path
) -> None:
    dsn = f"postgresql://citybrain@127.0.0.1:{free_closed_port()}/citybrain"
    away = msgspec.structs.replace(settings, database=configuration.Database(dsn=dsn))
    with (
        serving(away, tmp_path) as served,
        served.client() as client,
        Bus(away.broker, f"{away.site.name}-x") as bus,
    ):
        broker_is_there(client)
        send(bus, away, "state", street.state(1))
        until(lambda: items(client, "/signals"), "the live state")
        for path in (
            "measurements/lanes",
            "measurements/counts",
            "measurements/signals",
            "commands",
            "events",
        ):
            answer = client.get(f"/api/v1/{path}")
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "unavailable"
        health = client.get("/healthz")
        assert health.status_code == 503
        assert health.json()["status"] == "degraded"
        assert "database" in health.json()["checks"]["database"]
        assert client.get("/metrics").status_code == 200
        assert client.get("/api/v1/kpis").status_code == 200


def test_history_is_back_when_the_database_is(own: Settings, migrated_dsn: str, tmp_path: Path) -> None:
    name = migrated_dsn.rsplit("/", 1)[1]
    admin_dsn = migrated_dsn.rsplit("/", 1)[0] + "/postgres"
    with serving(own, tmp_path) as served, served.client() as client:
        assert items(client, "/events") == []
        with psycopg.connect(admin_dsn, autocommit=True) as admin:
            admin.execute(f'alter database "{name}" with allow_connections false'.encode())
            admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
            assert client.get("/api/v1/events").status_code == 503
            admin.execute(f'alter database "{name}" with allow_connections true'.encode())
        until(lambda: client.get("/api/v1/events").status_code == 200, "history is back")


def test_a_database_without_the_schema_is_named(
    settings: Settings, database_dsn: str, tmp_path: Path
) -> None:
    empty = msgspec.structs.replace(settings, database=configuration.Database(dsn=database_dsn))
    with serving(empty, tmp_path) as served, served.client() as client:
        answer = client.get("/api/v1/events")
        assert answer.status_code == 503
        assert "citybrain db migrate" in answer.json()["error"]["message"]


def test_a_broker_that_comes_later_is_found(settings: Settings, tmp_path: Path) -> None:
    port = free_closed_port()
    alone = msgspec.structs.replace(settings, broker=configuration.Broker(url=f"mqtt://127.0.0.1:{port}"))
    with serving(alone, tmp_path) as served, served.client() as client:
        health = client.get("/healthz")
        assert health.status_code == 503
        assert "broker" in health.json()["checks"]["broker"]
        assert items(client, "/signals") == []
        command = embedded_broker.broker_command("127.0.0.1", port, tmp_path)
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                until(
                    lambda: client.get("/healthz").json()["checks"]["broker"] == "ok", "the broker is found"
                )
            finally:
                process.terminate()


def test_an_agent_that_says_nothing_is_silent(client: httpx.Client, bus: Bus, own: Settings) -> None:
    old = datetime.now(UTC) - timedelta(seconds=60)
    send(bus, own, "status", street.status("sensor/old", old), retain=True)
    send(bus, own, "status", street.status("sensor/ill", datetime.now(UTC), Health.FAILED), retain=True)
    found = until(
        lambda: (
            {agent["device"]: agent["health"] for agent in items(client, "/agents")}.keys()
            >= {"sensor/old", "sensor/ill"}
            and {agent["device"]: agent["health"] for agent in items(client, "/agents")}
        ),
        "both are known",
    )
    assert (found["sensor/old"], found["sensor/ill"]) == ("silent", "failed")
    until(
        lambda: "service/command" in {a["device"] for a in items(client, "/agents")}, "command knows itself"
    )


def test_browsers_tell_their_latency(client: httpx.Client) -> None:
    answer = client.post("/api/v1/telemetry/map", json={"samples_s": [0.1, 0.2, 0.3]})
    assert (answer.status_code, answer.content) == (204, b"")
    kpis = client.get("/api/v1/kpis").json()
    assert kpis["latency_map_p50_s"] == pytest.approx(0.2)
    assert kpis["latency_map_p99_s"] == pytest.approx(0.298)
    metrics = client.get("/metrics").text
    assert "citybrain_latency_capture_to_map_seconds_count 3.0" in metrics
    assert 'citybrain_command_requests_total{method="GET",route="/api/v1/kpis",status="200"} 1.0' in metrics


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_service_stops_cleanly_at_once_though_a_stream_is_open(
    own: Settings, tmp_path: Path, number: int
) -> None:
    port = free_closed_port()
    environ = os.environ | {
        "PYTHONPATH": str(ROOT),
        "CITYBRAIN_CONFIG": os.devnull,
        "CITYBRAIN__SITE__NAME": own.site.name,
        "CITYBRAIN__BROKER__URL": own.broker.url,
        "CITYBRAIN__DATABASE__DSN": own.database.dsn,
        "CITYBRAIN__COMMAND__PORT": str(port),
        "CITYBRAIN_DATA_DIR": str(tmp_path),
    }
    command = [sys.executable, "-m", "citybrain", "run", "command"]
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        url = f"http://127.0.0.1:{port}"
        until(lambda: wait_until_answers("127.0.0.1", port, 0.2), "the service answers", 60)
        listener = Listener(url, "kpis", auth=people.token_of(own.database.dsn, Role.OPERATOR))
        process.send_signal(number)
        assert process.wait(15) == 0
        listener.stop()
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
