"""The embedded servers and the MQTT client, for real."""

import threading

import psycopg

from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import decode
from citybrain.config import Settings
from citybrain.messages import AgentStatus, Health
from citybrain.presence import Presence


def test_a_database_is_there_and_empty(database_dsn: str) -> None:
    with psycopg.connect(database_dsn) as connection:
        row = connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()
    assert row == (0,)


def test_a_message_reaches_a_subscriber_and_a_retained_one_reaches_who_comes_late(settings: Settings) -> None:
    live: list[tuple[bytes, bool]] = []
    late: list[tuple[bytes, bool]] = []
    delivered, fetched = threading.Event(), threading.Event()

    def on_live(_topic: str, payload: bytes, retained: bool) -> None:
        live.append((payload, retained))
        delivered.set()

    def on_late(_topic: str, payload: bytes, retained: bool) -> None:
        late.append((payload, retained))
        fetched.set()

    site = settings.site.name
    with Bus(settings.broker, f"{site}-a") as first, Bus(settings.broker, f"{site}-b") as second:
        first.subscribe(topics.matching(site), on_live)
        assert first.publish(topics.build(site, "signal", "1", "config"), b"phases", retain=True)
        assert delivered.wait(10)
        second.subscribe(topics.matching(site), on_late)
        assert fetched.wait(10)
    assert {payload for payload, _ in live} == {b"phases"}  # QoS 1: at least once
    assert late == [(b"phases", True)]


def test_presence_tells_birth_health_and_goodbye(settings: Settings) -> None:
    seen: list[Health] = []
    gone = threading.Event()

    def keep(_topic: str, payload: bytes, _retained: bool) -> None:
        status = decode(payload)
        assert isinstance(status, AgentStatus)
        seen.append(status.health)
        if status.health is Health.OFFLINE:
            gone.set()

    with Bus(settings.broker, f"{settings.site.name}-listener") as listener:
        listener.subscribe(topics.matching(settings.site.name, what="status"), keep)
        presence = Presence(settings, "sensor/one")
        presence.bus.start()
        presence.report(Health.OK)
        presence.leave()
        assert gone.wait(10)
    assert seen[0] is Health.STARTING
    assert seen[-2:] == [Health.OK, Health.OFFLINE]
