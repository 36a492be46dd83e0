"""The embedded servers and the MQTT client, for real."""

import threading

import psycopg

from citybrain import topics
from citybrain.bus import Bus
from citybrain.config import Settings
from citybrain.messages import AgentStatus, Health, decode
from citybrain.presence import Presence


def test_a_database_is_there_and_empty(database_dsn: str) -> None:
    with psycopg.connect(database_dsn) as connection:
        row = connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()
    assert row == (0,)


def test_a_message_reaches_a_subscriber_and_a_retained_one_reaches_who_comes_late(settings: Settings) -> None:
    got: list[tuple[str, bytes, bool]] = []
    one, two = threading.Event(), threading.Event()

    def keep(topic: str, payload: bytes, retained: bool) -> None:
        got.append((topic, payload, retained))
        (two if len(got) == 2 else one).set()

    site = settings.site.name
    with Bus(settings.broker, f"{site}-a") as sender, Bus(settings.broker, f"{site}-b") as receiver:
        assert sender.publish(topics.build(site, "signal", "1", "config"), b"old", retain=True)
        receiver.subscribe(topics.matching(site), keep)
        assert one.wait(10)
        assert sender.publish(topics.build(site, "signal", "1", "state"), b"new")
        assert two.wait(10)
    assert [(payload, retained) for _, payload, retained in got] == [(b"old", True), (b"new", False)]


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
