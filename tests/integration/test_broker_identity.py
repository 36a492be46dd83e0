"""Which certificates open a door of a real Mosquitto, and which do not, also while it runs."""

import asyncio
import random
import socket
import ssl
import threading
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from citybrain import config, topics
from citybrain.bus import Bus
from citybrain.config import Broker
from citybrain.errors import ConfigError, Unavailable
from citybrain.identity.authority import Issuer, new_key
from citybrain.identity.home import Home
from citybrain.messages import Health
from citybrain.presence import Presence
from tests.fixtures import packets
from tests.fixtures.secure import SITE, YEAR, SecureBroker

NOT_LONG = 2.0


def refused(broker: Broker) -> str:
    """What a client is told that does not come in."""
    with pytest.raises(Unavailable) as caught:
        Bus(broker, "x").start(NOT_LONG).stop()
    return str(caught.value)


def comes_in(broker: Broker) -> bool:
    Bus(broker, "x").start(20).stop()
    return True


def test_a_certificate_opens_its_own_door_only(secure: SecureBroker) -> None:
    secure.add("camera/gate", "service/ingest", "vision/group-0")
    assert comes_in(secure.settings("camera/gate"))
    assert comes_in(secure.settings("service/ingest"))
    assert comes_in(secure.settings("vision/group-0"))
    assert "our certificate is refused there" in refused(secure.settings("camera/gate", door="services"))
    assert "our certificate is refused there" in refused(secure.settings("service/ingest", door="devices"))


def test_an_expired_certificate_is_refused(secure: SecureBroker) -> None:
    secure.add("camera/old", lifetime=timedelta(seconds=-60))
    assert "expired" in refused(secure.settings("camera/old"))


def test_a_certificate_of_another_authority_is_refused(secure: SecureBroker, tmp_path: Path) -> None:
    secure.add("camera/gate")
    (tmp_path / "foreign").mkdir()
    # The same names, another key.
    foreign = Issuer.create(tmp_path / "foreign", "devices", SITE)
    key, private = new_key()
    secure.keep("camera/forged", foreign.issue_client("camera/gate", key, YEAR).pem, private)
    assert "our certificate is refused there" in refused(secure.settings("camera/forged"))


def test_without_a_certificate_or_without_tls_nobody_comes_in(secure: SecureBroker) -> None:
    ca = str(secure.folder / "broker" / "services.crt")
    for door, port in secure.ports.items():
        assert "certificate" in refused(Broker(url=f"mqtts://localhost:{port}", ca_file=ca)), door
        refused(Broker(url=f"mqtt://camera:gate@127.0.0.1:{port}"))


def test_a_broker_that_we_do_not_know_is_refused_by_the_client(secure: SecureBroker, tmp_path: Path) -> None:
    secure.add("camera/gate")
    (tmp_path / "foreign").mkdir()
    Issuer.create(tmp_path / "foreign", "services", SITE)
    told = refused(secure.settings("camera/gate", ca=tmp_path / "foreign" / "services.crt"))
    assert "the broker's certificate is refused here" in told


def test_older_tls_than_1_2_is_refused(secure: SecureBroker) -> None:
    secure.add("camera/gate")
    settings = secure.settings("camera/gate")
    old = ssl.create_default_context(cafile=settings.ca_file)
    old.load_cert_chain(settings.cert_file, settings.key_file)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        pytest.raises(ssl.SSLError),
        socket.create_connection(("127.0.0.1", secure.ports["devices"])) as plain,
    ):
        old.wrap_socket(plain, server_hostname="localhost").recv(1)


def test_a_revoked_device_falls_silent_at_once_and_comes_in_no_more(secure: SecureBroker) -> None:
    secure.add("camera/gate", "camera/other", "service/ingest")
    heard: list[tuple[str, bytes]] = []
    last = threading.Event()

    def keep(topic: str, payload: bytes, _retained: bool) -> None:
        heard.append((topic, payload))
        if payload == b"last":
            last.set()

    gate, other = (topics.for_device(SITE, f"camera/{id_}", "status") for id_ in ("gate", "other"))
    with (
        Bus(secure.settings("service/ingest"), "i") as ingest,
        Bus(secure.settings("camera/gate"), "g") as device,
        Bus(secure.settings("camera/other"), "o") as bystander,
    ):
        ingest.subscribe(topics.matching(SITE, what="status"), keep)
        while not any(topic == gate for topic, _ in heard):
            device.publish(gate, b"before")
            last.wait(0.05)
        with Home.open(secure.folder) as home:
            home.revoke("camera/gate")
            secure.publish(home)
        device.publish(gate, b"after")
        assert _flushed(secure, device)
        bystander.publish(other, b"last")
        assert last.wait(20)
        assert bystander.connected
    assert (gate, b"after") not in heard
    assert "revoked" in refused(secure.settings("camera/gate"))
    assert comes_in(secure.settings("camera/other"))


def _flushed(secure: SecureBroker, bus: Bus) -> bool:
    """Whether the broker has had what this client published: it answers a subscription behind it."""
    answered = threading.Event()
    bus._client.on_subscribe = lambda *_: answered.set()
    bus.subscribe(f"{SITE}/v1/camera/gate/ack", lambda *_: None)
    return answered.wait(20)


def test_a_new_device_comes_in_without_a_restart_and_the_others_stay(secure: SecureBroker) -> None:
    secure.add("camera/one")
    with Bus(secure.settings("camera/one"), "one") as one:
        secure.add("camera/two")
        assert comes_in(secure.settings("camera/two"))
        assert one.connected


def test_a_rotated_certificate_and_the_new_one_are_good_until_the_overlap_is_over(
    secure: SecureBroker,
) -> None:
    secure.add("signal/x1")
    old = secure.settings("signal/x1")
    with Home.open(secure.folder) as home:
        key, private = new_key()
        issued = home.rotate("signal/x1", key, YEAR, overlap=timedelta(days=7))
        secure.publish(home)
    secure.made["old"] = secure.made["signal/x1"].rename(secure.folder / "test" / "old")
    secure.keep("signal/x1", issued.pem, private)
    old = with_files(old, secure.made["old"])
    assert comes_in(old)
    assert comes_in(secure.settings("signal/x1"))
    with Home.open(secure.folder) as home:
        home.get("signal/x1").certificates[0].retires_at = home.get(
            "signal/x1"
        ).added_at  # the overlap is over
        secure.publish(home)
    assert "revoked" in refused(old)
    assert comes_in(secure.settings("signal/x1"))


def with_files(broker: Broker, folder: Path) -> Broker:
    return msgspec.structs.replace(
        broker, cert_file=str(folder / "client.crt"), key_file=str(folder / "client.key")
    )


def test_one_process_speaks_for_several_devices_with_a_certificate_each(secure: SecureBroker) -> None:
    names = ("signal/x1", "lanes/x1")
    secure.add(*names)
    settings = config.Settings(site=config.Site(name=SITE), broker=Broker(
        url=f"mqtts://localhost:{secure.ports['devices']}",
        ca_file=str(secure.folder / "broker" / "services.crt"),
        cert_file=str(secure.folder / "test" / "{device}" / "client.crt"),
        key_file=str(secure.folder / "test" / "{device}" / "client.key"),
    ))  # fmt: skip
    agents = [Presence(settings, name) for name in names]
    for agent in agents:
        agent.bus.start(20)
        agent.report(Health.OK)
    assert all(agent.bus.connected for agent in agents)
    for agent in agents:
        agent.leave()
    log = secure.log.read_text()
    assert all(f"as {name} " in log for name in names)


def test_files_that_cannot_be_used_are_named(secure: SecureBroker, tmp_path: Path) -> None:
    secure.add("camera/gate")
    good = secure.settings("camera/gate")
    for name in ("ca_file", "cert_file", "key_file"):
        bad = tmp_path / f"{name}.pem"
        bad.write_text("nothing")
        with pytest.raises(ConfigError, match=f"{name}.pem"):
            Bus(msgspec.structs.replace(good, **{name: str(bad)}), "x")


def test_broken_packets_of_a_device_end_its_own_connection_only(secure: SecureBroker) -> None:
    secure.add("camera/gate", "sensor/bad")
    noise = random.Random(5)

    async def send_rubbish() -> None:
        for _ in range(40):
            client = await packets.Client.open(secure.settings("sensor/bad"), "x")
            client.send(noise.randbytes(noise.randrange(1, 3_000)))
            await client.drain()
            await client.close()

    with Bus(secure.settings("camera/gate"), "g") as bystander:
        asyncio.run(send_rubbish())
        assert bystander.connected
        assert secure.process is not None
        assert secure.process.poll() is None
