"""An agent's outbox on a real broker: what it says of itself, of its clock, and of what its disk gave up."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import decode, encode
from citybrain.config import Settings
from citybrain.messages import AgentStatus, GivenUp, Health, IngestAck, SensorObservation
from edge.outbox import UNNUMBERED, Outbox, now
from edge.postman import Postman
from edge.spool import Spool

DEVICE = "sensor/roof"


class Ingest:
    """Hears everything of the device and answers as ingest does."""

    def __init__(self, settings: Settings, bus: Bus) -> None:
        self.heard: list[Any] = []
        self._settings, self._bus = settings, bus
        self._lock = threading.Lock()
        bus.subscribe(topics.matching(settings.site.name, "sensor"), self._hear)

    def _hear(self, topic: str, payload: bytes, _retained: bool) -> None:
        if not topic.endswith("/ack"):
            with self._lock:
                self.heard.append(decode(payload))

    def of(self, type_: type[Any]) -> list[Any]:
        with self._lock:
            return [message for message in self.heard if isinstance(message, type_)]

    def acknowledge(self, boot: int, seq: int, ahead_s: float = 0.0) -> None:
        ack = IngestAck(at=now() + timedelta(seconds=ahead_s), device=DEVICE, boot=boot, seq=seq)
        self._bus.publish(topics.for_device(self._settings.site.name, DEVICE, "ack"), encode(ack))


@pytest.fixture
def ingest(settings: Settings) -> Iterator[Ingest]:
    with Bus(settings.broker, f"{settings.site.name}-ingest") as bus:
        yield Ingest(settings, bus)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "s.sqlite", 30_000, 1e9)


@pytest.fixture
def outbox(settings: Settings, spool: Spool) -> Iterator[Outbox]:
    postman = Postman(spool).start()
    outbox = Outbox(settings, postman, DEVICE)
    yield outbox
    outbox.close()
    postman.stop()


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def observation() -> SensorObservation:
    return SensorObservation(
        at=now(), device=DEVICE, boot=1, seq=UNNUMBERED, datastream="t", value=1.0, unit="Cel"
    )


def test_health_says_how_the_machine_the_queue_and_the_clock_are(outbox: Outbox, ingest: Ingest) -> None:
    outbox.start()
    until(lambda: outbox.connected)
    outbox.send("observation", observation())
    until(lambda: ingest.of(SensorObservation))
    outbox.report(Health.OK)
    until(lambda: any(status.health is Health.OK for status in ingest.of(AgentStatus)))
    status = ingest.of(AgentStatus)[-1]
    assert {"cpu", "machine_cpu", "memory_bytes", "disk_free_bytes", "dropped", "spool_bytes"} <= set(
        status.figures
    )
    assert status.spooled == 1
    ingest.acknowledge(outbox.boot, 1, ahead_s=40.0)
    until(lambda: outbox.now() - now() > timedelta(seconds=30))
    outbox.report(Health.OK)
    until(lambda: "behind" in ingest.of(AgentStatus)[-1].detail)
    status = ingest.of(AgentStatus)[-1]
    assert status.health is Health.DEGRADED
    assert status.figures["clock_offset_s"] == pytest.approx(40.0, abs=20.0)


def test_what_a_full_disk_gave_up_is_told_and_forgotten_once_it_is_acknowledged(
    outbox: Outbox, ingest: Ingest, spool: Spool
) -> None:
    for _ in range(400):
        outbox.send("observation", observation())
    until(lambda: spool.dropped and spool.dropped + spool.waiting(DEVICE) == 400)
    outbox.start()
    until(lambda: ingest.of(GivenUp))
    (gap, *_) = ingest.of(GivenUp)
    assert (gap.device, gap.boot, gap.first, gap.reason) == (DEVICE, outbox.boot, 1, "the spool is full")
    until(lambda: any(message.seq == gap.last + 1 for message in ingest.of(SensorObservation)))
    ingest.acknowledge(outbox.boot, 400)
    until(lambda: not spool.waiting(DEVICE))
    assert spool.gaps(DEVICE, 5) == []
