"""The service `ingest` on a real broker and a real PostgreSQL: nothing lost, nothing twice."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import msgspec
import psycopg
import pytest

from citybrain import config, topics
from citybrain.bus import Bus
from citybrain.codec import decode, encode
from citybrain.config import Settings
from citybrain.messages import AgentStatus, Health, IngestAck, Stored
from citybrain.up import postgres as embedded
from citybrain.up.ports import free_port
from ingest import disk
from ingest.database import connect
from ingest.gate import STORED_KINDS
from ingest.migrate import migrate
from ingest.worker import Worker
from tests.fixtures import street_messages as make


@pytest.fixture
def city(settings: Settings, migrated_dsn: str) -> Settings:
    return msgspec.structs.replace(settings, database=config.Database(dsn=migrated_dsn))


@contextmanager
def working(city: Settings) -> Iterator[Worker]:
    worker = Worker(city)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        _wait_for(city, worker)
        yield worker
    finally:
        worker.stop()
        thread.join(20)
        assert not thread.is_alive(), "the worker did not leave"


def _wait_for(city: Settings, worker: Worker) -> None:
    """Until the worker hears its last subscription: an empty payload there counts as a status."""
    probe = topics.build(city.site.name, "lanes", "probe", STORED_KINDS[-1])
    with Bus(city.broker, f"{city.site.name}-probe") as bus:
        heard = worker.intake.balance().statuses
        deadline = time.monotonic() + 90
        while worker.intake.balance().statuses == heard:
            assert time.monotonic() < deadline, "the worker hears nothing"
            bus.publish(probe, b"")
            time.sleep(0.1)


class Edge:
    """A device as ingest sees one: publishes, hears acknowledgements, sends again what is not covered."""

    def __init__(self, city: Settings) -> None:
        self.site = city.site.name
        self.acks: dict[str, list[int]] = {}
        self.health: list[AgentStatus] = []
        self.bus = Bus(city.broker, f"{self.site}-edge")

    def __enter__(self) -> Self:
        self.bus.start()
        self.bus.subscribe(topics.matching(self.site, what="ack"), self._on_ack)
        self.bus.subscribe(topics.matching(self.site, kind="service", what="status"), self._on_status)
        return self

    def __exit__(self, *_: object) -> None:
        self.bus.stop()

    def send(
        self, message: Stored | AgentStatus, what: str, *, device: str = "", retain: bool = False
    ) -> None:
        topic = topics.for_device(self.site, device or message.device, what)
        assert self.bus.publish(topic, encode(message), retain=retain)

    def acked(self, device: str = "lanes/a") -> int:
        return self.acks.get(device, [0])[-1]

    def _on_ack(self, _topic: str, payload: bytes, _retained: bool) -> None:
        ack = decode(payload)
        assert isinstance(ack, IngestAck)
        self.acks.setdefault(ack.device, []).append(ack.seq)

    def _on_status(self, _topic: str, payload: bytes, _retained: bool) -> None:
        status = decode(payload)
        assert isinstance(status, AgentStatus)
        self.health.append(status)


def until(condition: Callable[[], object], what: str, timeout_s: float = 90) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.05)


def count(dsn: str, table: str = "lane_measurement") -> int:
    with connect(dsn) as connection:
        row = connection.execute(f"select count(*) from {table}".encode()).fetchone()
        assert row is not None
        return int(str(row[0]))


def test_a_message_is_stored_and_acknowledged_after_its_commit(city: Settings) -> None:
    with Edge(city) as edge, working(city) as worker:
        for seq in range(1, 31):
            edge.send(make.lanes(seq), "measurement")
        until(lambda: edge.acked() == 30, "acknowledged")
        assert count(city.database.dsn) == 30
        edge.send(
            make.lanes(7), "measurement"
        )  # an acknowledgement was lost: it comes again and is told again
        until(lambda: worker.intake.balance().duplicate >= 1, "known")
        before = len(edge.acks["lanes/a"])
        until(lambda: len(edge.acks["lanes/a"]) >= before, "told again")
        assert count(city.database.dsn) == 30
        balance = worker.intake.balance()
        assert (balance.committed, balance.open, balance.shed) == (30, 0, 0)
    assert edge.acks["lanes/a"] == sorted(edge.acks["lanes/a"])


def test_no_acknowledgement_runs_ahead_of_a_gap(city: Settings) -> None:
    with Edge(city) as edge, working(city):
        for seq in (1, 2, 4, 5):
            edge.send(make.lanes(seq), "measurement")
        until(lambda: edge.acked() == 2, "acknowledged up to the gap")
        until(lambda: count(city.database.dsn) == 4, "stored beyond the gap")
        edge.send(make.lanes(3), "measurement")
        until(lambda: edge.acked() == 5, "acknowledged beyond the gap")
    assert set(edge.acks["lanes/a"]) <= {2, 3, 4, 5}
    assert 4 not in edge.acks["lanes/a"]


def test_a_malformed_message_is_buried_with_field_and_reason_and_all_others_pass(city: Settings) -> None:
    site, dsn = city.site.name, city.database.dsn
    with Edge(city) as edge, working(city) as worker:
        mine = topics.build(site, "lanes", "a", "measurement")
        broken = encode(make.lanes(2)).replace(b'"occupancy":0.1', b'"occupancy":7')
        edge.send(make.lanes(1), "measurement")
        edge.bus.publish(mine, b"\xff\x00 no JSON at all")
        edge.bus.publish(mine, broken)
        edge.bus.publish(mine, encode(make.lanes(9, device="lanes/other")))
        edge.bus.publish(topics.build(site, "sensor", "s", "observation"), encode(make.lanes(3)))
        edge.bus.publish(f"{site}/v1/bicycle/b/event", b"{}")
        edge.send(make.lanes(3), "measurement")
        until(lambda: edge.acked() == 3, "the broken second counts as settled")
        until(lambda: worker.intake.balance().dead_lettered == 5, "five dead letters")
    with connect(dsn) as connection:
        found = connection.execute("select field, reason, payload from dead_letter").fetchall()
    letters = {str(field): (str(reason), payload) for field, reason, payload in found}
    assert set(letters) == {"", "$.lanes[0].occupancy", "$.device", "$.type", "kind"}
    assert "<= 1" in letters["$.lanes[0].occupancy"][0]
    assert letters["$.lanes[0].occupancy"][1] == broken
    assert "lanes/other may not publish" in letters["$.device"][0]
    assert count(dsn) == 2


def test_what_is_retained_reaches_an_ingest_that_starts_later(city: Settings) -> None:
    with Edge(city) as edge:
        edge.send(make.config(), "config", retain=True)
        edge.send(make.network(), "part1", retain=True)
        edge.send(make.status(), "status", retain=True)
        time.sleep(0.3)
        with working(city):
            tables = ("intersection", "road_segment", "agent_latest")
            until(lambda: min(count(city.database.dsn, name) for name in tables), "all three are stored")
        with working(city) as again:
            until(lambda: again.intake.balance().duplicate >= 2, "known from before")
    assert count(city.database.dsn, "intersection") == 1


def test_a_road_user_class_spoken_by_vision_on_a_camera_topic_is_stored(city: Settings) -> None:
    with Edge(city) as edge, working(city):
        edge.send(make.turning(), "measurement", device="camera/cam1")
        until(lambda: edge.acked("vision/group-1") == 1, "acknowledged to vision")
    assert count(city.database.dsn, "turning_count") == 2


def test_health_says_how_it_is(city: Settings) -> None:
    with Edge(city) as edge, working(city):
        edge.send(make.lanes(1), "measurement")
        until(lambda: any("latency_stored_p99_s" in told.figures for told in edge.health), "figures")
        told = edge.health[-1]
        assert (told.device, told.health) == ("service/ingest", Health.OK)
        assert told.figures["balance"] == 0
        assert 0 < told.figures["latency_stored_p50_s"] <= told.figures["latency_stored_p99_s"] < 60
    until(lambda: edge.health[-1].health is Health.OFFLINE, "goodbye", 5)


def test_a_camera_is_answered_so_that_it_knows_its_clock(city: Settings) -> None:
    with Edge(city) as edge, working(city):
        edge.send(make.status("camera/gate"), "status")
        edge.send(make.status("sensor/s"), "status")
        until(lambda: "camera/gate" in edge.acks, "answered")
        edge.send(make.lanes(1), "measurement")
        until(lambda: edge.acked() == 1, "what came later is acknowledged")
    assert edge.acks == {"camera/gate": [0], "lanes/a": [1]}


def test_while_the_disk_fills_the_bulk_waits_at_the_edge_and_events_are_stored(
    city: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = [0.915]
    monkeypatch.setattr(disk, "LOOK_S", 0.1)
    monkeypatch.setattr(disk, "measure", lambda *_: disk.Fill(share[0], "a disk"))
    with Edge(city) as edge, working(city) as worker:
        until(lambda: "measurement" in worker._disk.waiting, "it is seen")
        edge.send(make.lanes(1), "measurement")
        edge.send(make.event(1, device="vision/group-1"), "event")
        until(lambda: edge.acked("vision/group-1") == 1, "the event is stored")
        until(lambda: worker.intake.balance().shed == 1, "the measurement is left")
        assert (count(city.database.dsn), edge.acked()) == (0, 0)
        until(lambda: edge.health[-1].health is Health.DEGRADED, "loudly")
        assert "measurement wait in the spools" in edge.health[-1].detail
        share[0] = 0.5  # there is room again
        until(lambda: not worker._disk.waiting, "it is seen")
        edge.send(make.lanes(1), "measurement")
        until(lambda: edge.acked() == 1, "what waited is stored")
        assert worker.intake.balance().open == 0


def test_the_database_is_measured_against_what_it_may_take(city: Settings) -> None:
    dsn = city.database.dsn
    with connect(dsn) as connection:
        full = disk.measure(connection, dsn, 1_000_000)
        assert full.share is not None
        assert full.share > 1
        assert "max_bytes" in full.why
        alone = disk.measure(connection, dsn, 0)
        assert alone.share is None or 0 < alone.share <= 1


class Server:
    """A PostgreSQL of this test's own, to be killed."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.found = embedded.install(folder)
        self.dsn = f"postgresql://{embedded.OWNER}@127.0.0.1:{self.port}/postgres"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            embedded.server_command(self.found, "127.0.0.1", self.port),
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self.found.popen_options(),
        )
        until(self.answers, "PostgreSQL is up", 60)

    def answers(self) -> bool:
        try:
            psycopg.connect(self.dsn).close()
        except psycopg.OperationalError:
            return False
        return True

    def kill(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def test_a_database_killed_and_back_loses_nothing(settings: Settings, tmp_path: Path) -> None:
    server = Server(tmp_path)
    city = msgspec.structs.replace(settings, database=config.Database(dsn=server.dsn))
    server.start()
    try:
        migrate(server.dsn)
        with Edge(city) as edge, working(city) as worker:
            for seq in range(1, 101):
                edge.send(make.lanes(seq), "measurement")
                if seq == 40:
                    until(edge.acked, "some acknowledged")
                    server.kill()
            until(lambda: edge.health[-1].health is Health.DEGRADED, "degraded")
            assert edge.acked() <= 40
            server.start()
            until(lambda: edge.acked() == 100, "acknowledged after the return")
            until(lambda: edge.health[-1].health is Health.OK, "healthy")
            assert worker.intake.balance().open == 0
        assert count(server.dsn) == 100
    finally:
        server.kill()
        embedded.remove(server.found)


def test_ingest_killed_mid_stream_stores_each_message_once_after_its_return(city: Settings) -> None:
    total = 600
    environment = os.environ | {
        "CITYBRAIN__SITE__NAME": city.site.name,
        "CITYBRAIN__BROKER__URL": city.broker.url,
        "CITYBRAIN__DATABASE__DSN": city.database.dsn,
        "CITYBRAIN__INGEST__BATCH_MESSAGES": "20",
    }
    command = [sys.executable, "-m", "citybrain", "run", "ingest"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        with Edge(city) as edge:
            until(lambda: edge.health, "ingest is there")
            kills = [100, 300]
            deadline = time.monotonic() + 240
            while edge.acked() < total and time.monotonic() < deadline:
                for seq in range(edge.acked() + 1, min(edge.acked() + 100, total) + 1):
                    edge.send(make.lanes(seq), "measurement")
                if kills and edge.acked() >= kills[0]:  # with a hundred messages on their way
                    kills.pop(0)
                    process.kill()
                    process.wait()
                    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
                time.sleep(0.3)
            assert not kills
            assert edge.acked() == total
            process.terminate()
            assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
    with connect(city.database.dsn) as connection:
        found = connection.execute(
            "select seq, count(*) from lane_measurement group by 1 order by 1"
        ).fetchall()
    assert found == [(seq, 1) for seq in range(1, total + 1)]


def test_two_workers_share_the_work_and_store_each_message_once(city: Settings) -> None:
    city = msgspec.structs.replace(city, ingest=config.Ingest(workers=2))
    with Edge(city) as edge, working(city) as first:
        second = Worker(city, index=1)
        thread = threading.Thread(target=second.run)
        thread.start()
        _wait_for(city, second)
        assert {told.device for told in edge.health} >= {"service/ingest", "service/ingest-2"}
        for seq in range(1, 301):
            edge.send(make.lanes(seq), "measurement")
            if seq % 10 == 0:
                edge.send(make.lanes(seq - 5), "measurement")
        until(lambda: edge.acked() == 300, "acknowledged")
        second.stop()
        thread.join(20)
        shares = [worker.intake.balance().committed for worker in (first, second)]
    assert sum(shares) == 300
    assert min(shares) > 0
    assert count(city.database.dsn) == 300
