"""Who may say and hear what, on a real Mosquitto with TLS: every kind of client, every topic, both ways."""

import asyncio
import threading
import time
from collections.abc import Callable
from functools import partial
from itertools import product

import pytest

from citybrain import topics
from citybrain.bus import Bus
from citybrain.fields import DEVICE_KINDS
from tests.fixtures import packets
from tests.fixtures.secure import SITE, SecureBroker

LEVELS = (
    "frame", "picture", "measurement", "config", "state", "command", "answer", "observation", "event",
    "status",     "ack", "part1", "part9999", "request", "position", "cancel", "grant",
)  # fmt: skip
IDS = ("own", "other", "smart")
SERVICE_IDS = (
    "ingest",
    "ingest-2",
    "ingest-65",
    "vision",
    "traffic",
    "command",
    "operator",
    "street",
    "dispatch",
    "other",
)

# Written by hand from the table of topics, not from the code that makes the list: who, says, hears.
ANY = "*"
NETWORK = " ".join(f"network/own/{level}" for level in LEVELS)
NETWORKS = " ".join(f"network/*/{level}" for level in LEVELS)
MATRIX = {
    "camera/own": ("camera/own/frame camera/own/status", "camera/own/ack"),
    "signal/own": (
        "signal/own/config signal/own/state signal/own/answer signal/own/event signal/own/status",
        "signal/own/command signal/own/ack",
    ),
    "lanes/own": ("lanes/own/measurement lanes/own/event lanes/own/status", "lanes/own/ack"),
    "sensor/own": ("sensor/own/observation sensor/own/event sensor/own/status", "sensor/own/ack"),
    "network/own": (NETWORK, "network/own/ack"),
    "priority/own": (
        "priority/own/request priority/own/position priority/own/cancel priority/own/status",
        "priority/own/grant priority/own/ack",
    ),
    "vision/own": (
        "camera/*/measurement camera/*/picture camera/*/event vision/own/event vision/own/status",
        "camera/*/frame camera/*/status vision/own/ack",
    ),
    "traffic/own": (
        "signal/*/command priority/*/grant traffic/own/event traffic/own/status",
        ("signal/*/config signal/*/state signal/*/answer lanes/*/measurement priority/*/request "
        "priority/*/position "
        "priority/*/cancel traffic/own/ack"),
    ),
    "service/ingest": (
        "*/*/ack service/ingest/event service/ingest/status service/ingest-2/status",
        "*/*/*",
    ),
    "service/vision": (
        ("camera/*/measurement camera/*/picture camera/*/event vision/*/event vision/*/status "
        "service/vision/event "
        "service/vision/status"),
        "camera/*/frame camera/*/status vision/*/ack service/vision/ack",
    ),
    "service/traffic": (
        ("signal/*/command priority/*/grant traffic/*/event traffic/*/status service/traffic/event "
        "service/traffic/status"),
        ("signal/*/config signal/*/state signal/*/answer lanes/*/measurement priority/*/request "
        "priority/*/position "
        "priority/*/cancel traffic/*/ack service/traffic/ack"),
    ),
    "service/command": (
        ("priority/*/request priority/*/position priority/*/cancel service/command/event "
        "service/command/status"),
        ("signal/*/config signal/*/state signal/*/command signal/*/answer lanes/*/measurement "
        "camera/*/measurement "
        "vision/*/measurement camera/*/picture priority/*/grant */*/event */*/status "
        f"service/command/ack {NETWORKS}"),
    ),
    "service/dispatch": (
        ("priority/*/request priority/*/position priority/*/cancel service/dispatch/event "
        "service/dispatch/status"),
        "priority/*/grant service/dispatch/ack",
    ),
    "service/street": (f"service/street/event service/street/status {NETWORKS}", "service/street/ack"),
    "service/operator": ("service/operator/event service/operator/status", "*/*/status service/operator/ack"),
    "service/other": ("service/other/event service/other/status", "service/other/ack"),
}  # fmt: skip


def fits(patterns: str, topic: str) -> bool:
    """Whether `kind/id/level` is among the patterns."""
    kind, id_, level = topic.split("/")
    return any(
        all(want in {ANY, has} for want, has in zip(pattern.split("/"), (kind, id_, level), strict=True))
        for pattern in patterns.split()
    )


def until_heard(bus: Bus, say: Callable[[], object], name: str) -> None:
    """Until `bus`, whose client is `name`, hears: a subscription counts once the broker has it."""
    heard = threading.Event()
    topic = topics.for_device(SITE, name, "ack")
    bus.subscribe(topic, lambda *_: heard.set(), qos=0)
    deadline = time.monotonic() + 30
    while not heard.wait(0.05):
        assert time.monotonic() < deadline, f"{name} hears nothing"
        say()


async def speak_and_listen(
    secure: SecureBroker, names: list[str], said: list[str]
) -> dict[str, set[tuple[str, str]]]:
    """All clients listen to everything while each says its name on every topic: who heard whom on what."""
    heard: dict[str, set[tuple[str, str]]] = {name: set() for name in names}
    last = {name: asyncio.Event() for name in names}
    finished: set[str] = set()
    all_finished = asyncio.Event()

    def keep(name: str, topic: str, payload: bytes) -> None:
        who = payload.decode(errors="replace")
        if who == "last":
            last[name].set()
        elif who.endswith(" finished"):
            finished.add(who)
            if len(finished) == len(names):
                all_finished.set()
        else:
            heard[name].add((who, topic))

    clients = {
        name: await packets.Client.open(secure.settings(name), f"test-{name}", partial(keep, name))
        for name in names
    }
    for client in clients.values():
        await client.subscribe("#")
        await client.subscribe("$SYS/#")
    for name, client in clients.items():
        client.send(b"".join(packets.publish(topic, name.encode()) for topic in said))
        client.send(packets.publish(topics.for_device(SITE, name, "status"), f"{name} finished".encode()))
    await asyncio.wait_for(all_finished.wait(), 120)  # ingest hears every status
    # Its own acknowledgement, which each may hear, comes behind everything that was routed before.
    for name in names:
        clients["service/ingest"].send(packets.publish(topics.for_device(SITE, name, "ack"), b"last"))
    for event in last.values():
        await asyncio.wait_for(event.wait(), 120)
    for client in clients.values():
        await client.close()
    return heard


def test_every_client_may_say_and_hear_exactly_what_is_its_own(secure: SecureBroker) -> None:
    secure.add(*MATRIX)
    secure.add("camera/smart", analyses=True)
    names = [*MATRIX, "camera/smart"]
    matrix = MATRIX | {
        "camera/smart": (
            "camera/smart/frame camera/smart/status camera/smart/measurement camera/smart/event",
            "camera/smart/ack",
        )
    }  # fmt: skip
    every = [
        f"{kind}/{id_}/{level}"
        for kind in DEVICE_KINDS
        for id_, level in product(SERVICE_IDS if kind == "service" else IDS, LEVELS)
    ]
    elsewhere = ["other/v1/camera/own/frame", f"{SITE}/v2/camera/own/frame", f"{SITE}/camera", "x"]
    said = [*(f"{SITE}/v1/{topic}" for topic in every), *elsewhere]
    heard = asyncio.run(speak_and_listen(secure, names, said))
    for name, told in heard.items():
        allowed = {
            (who, f"{SITE}/v1/{topic}")
            for who, topic in product(names, every)
            if fits(matrix[who][0], topic) and fits(matrix[name][1], topic)
        }
        assert told - allowed == set(), f"{name} hears what it may not"
        assert allowed - told == set(), f"{name} does not hear what it may"


def test_a_shared_subscription_gives_no_more_than_a_plain_one(secure: SecureBroker) -> None:
    secure.add("signal/own", "signal/other", "service/ingest")
    heard: list[str] = []
    came = threading.Event()

    def keep(topic: str, _payload: bytes, _retained: bool) -> None:
        heard.append(topic)
        came.set()

    with (
        Bus(secure.settings("signal/own"), "a") as thief, Bus(secure.settings("signal/other"), "b") as other,
        Bus(secure.settings("service/ingest"), "c") as ingest,
    ):  # fmt: skip
        thief.subscribe(f"$share/ingest-state/{topics.matching(SITE, what='state')}", keep)
        ack = topics.for_device(SITE, "signal/own", "ack")
        until_heard(thief, partial(ingest.publish, ack, b"probe"), "signal/own")
        seen = threading.Event()
        ingest.subscribe(topics.for_device(SITE, "signal/other", "event"), lambda *_: seen.set())
        for _ in range(20):
            other.publish(topics.for_device(SITE, "signal/other", "state"), b"secret")
        while not seen.wait(0.05):
            other.publish(topics.for_device(SITE, "signal/other", "event"), b"end")
        thief.subscribe(ack, keep)
        while not came.wait(0.05):
            ingest.publish(ack, b"last")
    assert set(heard) == {ack}


def test_nobody_takes_over_anothers_connection_or_will(secure: SecureBroker) -> None:
    secure.add("camera/victim", "camera/thief", "service/operator")
    with (
        Bus(secure.settings("camera/victim"), "camera/victim") as victim,
        Bus(
            secure.settings("camera/thief"), "camera/victim", (f"{SITE}/v1/camera/victim/status", b"forged")
        ) as thief,
    ):
        thief.publish(f"{SITE}/v1/camera/thief/status", b"here")
        size = len(secure.log.read_text())
        assert victim.connected
        # A second connection of the thief under the victim's id replaces the thief's own.
        with Bus(secure.settings("camera/thief"), "camera/victim"):
            pass
        assert victim.connected
        assert victim.publish(f"{SITE}/v1/camera/victim/status", b"still here", qos=1)
    told = secure.log.read_text()
    assert "already connected" in told[size:] or "taken over" in told[size:]
    assert "camera/victim already connected" not in told


@pytest.mark.parametrize("name", ["camera/own", "signal/own"])
def test_a_forged_will_is_not_delivered(secure: SecureBroker, name: str) -> None:
    secure.add(name, "service/ingest")
    heard: dict[str, bytes] = {}
    came = threading.Event()

    def keep(topic: str, payload: bytes, _retained: bool) -> None:
        heard[topic] = payload
        if topic.endswith(f"{name}/status"):
            came.set()

    forged = (f"{SITE}/v1/camera/gate/status", b"forged")
    with Bus(secure.settings("service/ingest"), "i") as ingest:
        ingest.subscribe("#", keep)
        for will in (forged, (f"{SITE}/v1/{name}/status", b"true")):
            bus = Bus(secure.settings(name), "x", will).start()
            bus._client._sock.close()  # type: ignore[union-attr]  # vanish without a word
            bus._client.loop_stop()
        assert came.wait(20)
    assert forged[0] not in heard
