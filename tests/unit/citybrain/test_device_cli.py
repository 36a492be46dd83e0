"""`citybrain broker` and `citybrain device` as a person types them; no broker runs."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.x509.oid import NameOID

from citybrain.cli import root
from citybrain.config import load
from citybrain.errors import ConfigError
from citybrain.identity.home import Home


def citybrain(*words: object) -> Result:
    return CliRunner().invoke(root, [str(word) for word in words])


def fails(*words: object) -> str:
    """The sentence with which a command refuses."""
    result = citybrain(*words)
    assert isinstance(result.exception, ConfigError), result.output
    return str(result.exception)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("CITYBRAIN_BROKER_HOME", str(folder))
    result = citybrain(
        "broker", "init", folder, "--host", "broker.example.org", "--host", "192.0.2.9", "--site", "koeln"
    )
    assert result.exit_code == 0, result.output
    return folder


def listed(*words: object) -> dict[str, dict[str, object]]:
    return {
        entry["device"]: entry for entry in json.loads(citybrain("device", "list", "--json", *words).output)
    }


def certificates(name: str) -> list[dict[str, str]]:
    found = listed()[name]["certificates"]
    assert isinstance(found, list)
    return found


def revoked(home: Path, issuer: str) -> set[str]:
    crl = x509.load_pem_x509_crl((home / "broker" / f"{issuer}.crl").read_bytes())
    return {f"{entry.serial_number:x}" for entry in crl}


def test_the_configuration_has_the_limits_that_keep_messages(home: Path) -> None:
    conf = (home / "mosquitto.conf").read_text().splitlines()
    for line in (
        "allow_anonymous false", "persistence true", "max_inflight_messages 500",
        "max_queued_bytes 268435456",
        "set_tcp_nodelay true", "max_packet_size 4000000", "listener 8883 0.0.0.0", "listener 8884 0.0.0.0",
        f"acl_file {home}/broker/acl", f"crlfile {home}/broker/devices.crl",
    ):  # fmt: skip
        assert line in conf
    assert conf.count("require_certificate true") == conf.count("tls_version tlsv1.2") == 2
    certificate = x509.load_pem_x509_certificate((home / "broker" / "server.crt").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["broker.example.org"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.9"]


def test_private_keys_are_readable_by_their_owner_only(home: Path) -> None:
    assert citybrain("device", "add", "camera/gate").exit_code == 0
    keys = [*home.rglob("*.key"), home / "registry.json"]
    assert len(keys) == 5
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    assert {stat.S_IMODE((home / name).stat().st_mode) for name in ("ca", "clients")} == {0o700}


def test_a_device_is_given_what_its_machine_needs(home: Path) -> None:
    assert citybrain("device", "add", "camera/gate", "service/ingest", "--days", "30").exit_code == 0
    for name, port in (("camera/gate", 8883), ("service/ingest", 8884)):
        folder = home / "clients" / name.replace("/", "-")
        certificate = x509.load_pem_x509_certificate((folder / "client.crt").read_bytes())
        assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == name
        left = certificate.not_valid_after_utc - datetime.now(UTC)
        assert timedelta(days=29) < left <= timedelta(days=30)
        settings = load(folder / "citybrain.toml", {})
        assert (settings.site.name, settings.broker.url) == ("koeln", f"mqtts://broker.example.org:{port}")
        assert "user " + name in (home / "broker" / "acl").read_text()


def test_the_list_says_who_and_until_when(home: Path) -> None:
    citybrain("device", "add", "camera/gate", "--days", "10")
    citybrain("device", "add", "signal/x1")
    assert set(listed()) == {"camera/gate", "signal/x1"}
    assert set(listed("--expiring", "30")) == {"camera/gate"}
    assert listed()["camera/gate"]["state"] == "valid"
    assert "signal/x1" in citybrain("device", "list").output


def test_a_revoked_device_is_on_the_list_of_its_issuer_and_has_no_rights(home: Path) -> None:
    citybrain("device", "add", "camera/gate", "service/ingest")
    assert citybrain("device", "revoke", "camera/gate").exit_code == 0
    [entry] = certificates("camera/gate")
    assert revoked(home, "devices") == {entry["serial"]}
    assert revoked(home, "services") == set()
    assert "user camera/gate" not in (home / "broker" / "acl").read_text()
    assert listed()["camera/gate"]["state"] == "revoked"
    assert "no certificate that is not revoked" in fails("device", "revoke", "camera/gate")
    assert citybrain("device", "add", "camera/gate").exit_code == 0
    assert listed()["camera/gate"]["state"] == "valid"
    assert revoked(home, "devices") == {entry["serial"]}


def test_a_rotated_device_keeps_its_rights_and_loses_the_old_certificate_in_time(home: Path) -> None:
    citybrain("device", "add", "camera/gate")
    assert citybrain("device", "rotate", "camera/gate", "--overlap-days", "3").exit_code == 0
    assert revoked(home, "devices") == set()
    with Home.open(home) as opened:
        opened.get("camera/gate").certificates[0].retires_at = datetime.now(UTC) - timedelta(seconds=1)
        opened.save()
    assert citybrain("broker", "refresh", home).exit_code == 0
    before = certificates("camera/gate")
    assert revoked(home, "devices") == {before[0]["serial"]}
    assert "user camera/gate" in (home / "broker" / "acl").read_text()
    assert citybrain("device", "rotate", "camera/gate", "--overlap-days", "0").exit_code == 0
    assert revoked(home, "devices") == {entry["serial"] for entry in before}


def test_each_revocation_list_is_newer_than_the_one_before(home: Path) -> None:
    updates = []
    for name in ("camera/a", "camera/b", "camera/c"):
        citybrain("device", "add", name)
        citybrain("device", "revoke", name)
        updates.append(x509.load_pem_x509_crl((home / "broker" / "devices.crl").read_bytes()).last_update_utc)
    assert updates == sorted(set(updates))
    assert updates[-1] < datetime.now(UTC)


def test_a_key_that_never_leaves_its_device_gets_a_certificate_too(home: Path, tmp_path: Path) -> None:
    machine = tmp_path / "machine"
    assert citybrain("device", "request", "sensor/s1", "--out", machine).exit_code == 0
    assert stat.S_IMODE((machine / "client.key").stat().st_mode) == 0o600
    assert "asks for a certificate of 'sensor/s1'" in fails(
        "device", "add", "sensor/s2", "--csr", machine / "client.csr"
    )
    assert "is no certificate request" in fails("device", "add", "sensor/s1", "--csr", machine / "client.key")
    assert citybrain("device", "add", "sensor/s1", "--csr", machine / "client.csr").exit_code == 0
    folder = home / "clients" / "sensor-s1"
    assert not (folder / "client.key").exists()
    issued = x509.load_pem_x509_certificate((folder / "client.crt").read_bytes())
    asked = x509.load_pem_x509_csr((machine / "client.csr").read_bytes())
    assert issued.public_key() == asked.public_key()
    assert "is there already" in fails("device", "request", "sensor/s1", "--out", machine)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("camera", "is not kind/id"), ("tree/a", "is not one of camera, signal"),
        ("camera/+", "is not an id"),
        ("camera/#", "is not an id"), ("camera/a\nuser x", "is not an id"),
        ("camera/" + "a" * 60, "a certificate holds 64"),
    ],
)  # fmt: skip
def test_a_bad_name_is_refused_and_nothing_is_issued(home: Path, name: str, reason: str) -> None:
    assert reason in fails("device", "add", "camera/good", name)
    assert listed() == {}
    assert list((home / "clients").iterdir()) == []


def test_what_people_get_wrong_is_told_in_one_sentence(home: Path, tmp_path: Path) -> None:
    citybrain("device", "add", "camera/gate")
    assert "citybrain device rotate camera/gate" in fails("device", "add", "camera/gate")
    assert "there is no camera/nobody" in fails("device", "revoke", "camera/nobody")
    assert "has no certificate 12ab" in fails("device", "revoke", "camera/gate", "--serial", "12ab")
    assert "is a broker's home already" in fails("broker", "init", home)
    assert "citybrain broker init" in fails("device", "list", "--home", tmp_path / "nowhere")
    assert "choose two" in fails("broker", "init", tmp_path / "b", "--port", "1", "--services-port", "1")
    (home / "registry.json").write_text("{")
    assert "is damaged" in fails("device", "list")


def test_the_list_for_emqx_is_printed(home: Path) -> None:
    citybrain("device", "add", "camera/gate")
    told = citybrain("broker", "acl", home, "--for", "emqx").output
    assert '{allow, {username, "camera/gate"}, subscribe, ["koeln/v1/camera/gate/ack"]}.' in told
