"""A device that misbehaves, on a real broker and database: turned away, kept, listed, released."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
from click.testing import CliRunner

from citybrain import config, topics
from citybrain.bus import Bus
from citybrain.cli import root
from citybrain.codec import MAX_MESSAGE_BYTES, encode
from citybrain.config import Settings
from citybrain.errors import ConfigError
from ingest.database import connect
from ingest.guard import KEPT_LETTERS
from ingest.quarantine import entries
from ingest.worker import Worker
from tests.fixtures import street_messages as make
from tests.integration.test_ingest import count, until, working


@pytest.fixture
def city(settings: Settings, migrated_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("CITYBRAIN__DATABASE__DSN", migrated_dsn)
    return msgspec.structs.replace(
        settings,
        database=config.Database(dsn=migrated_dsn),
        ingest=config.Ingest(quarantine_refusals=30, device_rate_per_s=50, device_burst_s=4),
    )


@pytest.fixture
def bus(city: Settings) -> Iterator[Bus]:
    with Bus(city.broker, f"{city.site.name}-devices") as made:
        yield made


def say(bus: Bus, city: Settings, payload: bytes, device: str = "sensor/bad") -> None:
    assert bus.publish(topics.for_device(city.site.name, device, "observation"), payload)


def letters(dsn: str) -> dict[str, int]:
    """Dead letters by reason."""
    with connect(dsn) as connection:
        rows = connection.execute("select reason, count(*) from dead_letter group by 1").fetchall()
    return {str(reason): int(str(number)) for reason, number in rows}


def citybrain(*words: str) -> str:
    result = CliRunner().invoke(root, ["quarantine", *words])
    assert result.exit_code == 0, result.output
    return result.output


def in_quarantine(dsn: str) -> dict[str, int]:
    """Devices in quarantine, and how many of their messages were turned away."""
    with connect(dsn) as connection:
        return {entry.device: entry.turned_away for entry in entries(connection)}


def turned_away(dsn: str) -> int:
    """Messages that were turned away of all devices that were ever in quarantine."""
    with connect(dsn) as connection:
        return sum(entry.turned_away for entry in entries(connection, every=True))


def settled(worker: Worker, number: int) -> bool:
    balance = worker.intake.balance()
    assert balance.open == 0
    return balance.received - balance.queue - balance.in_hand >= number


def test_a_device_whose_messages_are_refused_again_and_again_is_turned_away_until_released(
    city: Settings, bus: Bus
) -> None:
    dsn = city.database.dsn
    with working(city):
        for _ in range(30):
            say(bus, city, b"{}")
        until(lambda: in_quarantine(dsn), "quarantined")
        for seq in range(1, 51):
            say(bus, city, encode(make.observation(seq, "sensor/bad")))
            say(bus, city, encode(make.observation(seq, "sensor/good")), "sensor/good")
        until(lambda: count(dsn, "sensor_observation") == 50, "the good one is stored")
        until(lambda: in_quarantine(dsn) == {"sensor/bad": 50}, "counted")
    kept = {reason: number for reason, number in letters(dsn).items() if "quarantine" in reason}
    assert sum(kept.values()) == KEPT_LETTERS
    with working(city) as worker:  # it is still there after a restart
        until(lambda: worker._guard.quarantined == 1, "known")
        say(bus, city, encode(make.observation(1, "sensor/bad")))
        until(lambda: worker._guard.turned_away == 1, "turned away")
        citybrain("release", "sensor/bad", "--note", "repaired")
        until(lambda: worker._guard.quarantined == 0, "released")
        say(bus, city, encode(make.observation(1, "sensor/bad")))
        until(lambda: count(dsn, "sensor_observation") == 51, "stored after its release")
        until(lambda: turned_away(dsn) == 51, "all counted")
    assert "nobody is in quarantine" in citybrain("list")
    [entry] = json.loads(citybrain("list", "--all", "--json"))
    assert (entry["device"], entry["note"], entry["turned_away"]) == ("sensor/bad", "repaired", 51)
    assert entry["released_at"] is not None


def test_a_device_in_quarantine_by_hand_and_names_that_are_wrong(city: Settings) -> None:
    assert "in quarantine" in citybrain("add", "camera/stolen", "--reason", "stolen")
    assert "camera/stolen" in citybrain("list")
    for words in (["release", "camera/other"], ["add", "camera/+", "--reason", "x"]):
        assert isinstance(CliRunner().invoke(root, ["quarantine", *words]).exception, ConfigError)


def test_what_comes_too_quickly_is_held_unacknowledged_and_stored_when_it_comes_again(
    city: Settings, bus: Bus
) -> None:
    acked = threading.Event()

    def on_ack(_topic: str, payload: bytes, _retained: bool) -> None:
        if json.loads(payload)["seq"] == 400:
            acked.set()

    with working(city) as worker:
        bus.subscribe(topics.for_device(city.site.name, "sensor/fast", "ack"), on_ack)
        for seq in range(1, 401):
            say(bus, city, encode(make.observation(seq, "sensor/fast")), "sensor/fast")
        until(lambda: settled(worker, 400), "all judged")
        held = worker._guard.held
        assert held > 0
        assert worker.intake.balance().shed == held
        assert not acked.is_set()
        seq = 0
        while not acked.wait(0.025):  # what a spool does: again, until it is acknowledged
            seq = seq % 400 + 1
            say(bus, city, encode(make.observation(seq, "sensor/fast")), "sensor/fast")
        assert worker._guard.quarantined == 0
    assert count(city.database.dsn, "sensor_observation") == 400


def test_each_kind_of_fault_is_a_dead_letter_with_its_reason(city: Settings, bus: Bus) -> None:
    now = make.now()
    faults = {
        "truncated": b'{"type": "sensor_observation/1", ',
        "bytes, at most 8192": encode(make.observation(1, "sensor/bad")).ljust(8_193),
        "s in the future": encode(make.observation(2, "sensor/bad", at=now + timedelta(hours=1))),
        "days that are taken": encode(make.observation(3, "sensor/bad", at=now - timedelta(days=500))),
        "started in the future": encode(make.observation(4, "sensor/bad", boot=2**52)),
        "sensor/other may not publish": encode(make.observation(5, "sensor/other")),
        "SignalState does not belong": encode(make.state(6, "signal/x1")),
        "invalid value": encode(make.observation(7, "sensor/bad")).replace(b"sensor_observation/1", b"x/7"),
        "": b"x" * (MAX_MESSAGE_BYTES + 1),
    }  # fmt: skip
    replayed = encode(make.observation(8, "sensor/bad"))
    with working(city) as worker:
        for payload in faults.values():
            say(bus, city, payload)
        for _ in range(3):
            say(bus, city, replayed)
        until(lambda: worker.intake.balance().dead_lettered == len(faults), "dead-lettered")
        until(lambda: worker.intake.balance().duplicate == 2, "known")
        assert worker.intake.balance().committed == 1
        found = letters(city.database.dsn)
    for words in faults:
        assert any(words.lower() in reason.lower() for reason in found), f"{words!r} is not in {list(found)}"
    assert count(city.database.dsn, "sensor_observation") == 1
