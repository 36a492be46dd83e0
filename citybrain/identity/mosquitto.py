"""Mosquitto's files: configuration, access control list, certificates, revocation lists; and its reload."""

import os
import shutil
import signal
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import psutil

from citybrain.codec import MAX_FRAME_BYTES
from citybrain.identity.authority import ISSUERS, new_key, write_private
from citybrain.identity.home import Home
from citybrain.identity.rights import Rights

MAX_PACKET_BYTES = 2 * MAX_FRAME_BYTES
MAX_QUEUED_BYTES = 268_435_456
MAX_INFLIGHT = 500
SERVER_DAYS = 1825
OPEN_FILES = 65_536

CONF = """\
# Made by `citybrain broker init`; start it with: mosquitto -c {conf}
# What may change while it runs (acl, certificates, revocation lists) is read again on SIGHUP.
{account}pid_file {broker}/mosquitto.pid
log_dest stderr
log_type error
log_type warning
log_type notice
log_type information
log_timestamp_format %Y-%m-%dT%H:%M:%S

# Only by certificate, only what the list allows.
per_listener_settings false
allow_anonymous false
allow_zero_length_clientid false
acl_file {broker}/acl

# Nothing acknowledged is dropped for a number of messages; memory is bounded by bytes instead. Not 0, which
# also means no limit: then Mosquitto 2.0.11 ends the connection of whoever publishes what the list refuses.
persistence true
persistence_location {data}/
autosave_interval 30
max_queued_messages 1000000000
max_queued_bytes {queued}
max_inflight_messages {inflight}
max_packet_size {packet}
queue_qos0_messages false
persistent_client_expiration 14d
set_tcp_nodelay true
"""

LISTENER = """
# {about}
listener {port} {bind}
cafile {broker}/{issuer}.crt
crlfile {broker}/{issuer}.crl
certfile {broker}/server.crt
keyfile {broker}/server.key
tls_version tlsv1.2
require_certificate true
use_identity_as_username true
use_username_as_clientid {as_client}
"""

UNIT = """\
# Copy to /etc/systemd/system/ and start with: systemctl enable --now citybrain-broker
[Unit]
Description=MQTT broker of City Brain ({site})
After=network-online.target
Wants=network-online.target

[Service]
ExecStart={mosquitto} -c {conf}
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=1
# One for each connection, and some more.
LimitNOFILE={files}
ProtectSystem=full
ProtectHome=read-only
ReadWritePaths={broker} {data}
PrivateTmp=true
NoNewPrivileges=true

[Install]
WantedBy=multi-user.target
"""


def write_all(home: Home) -> None:
    """Everything for a new home: a certificate for the broker, its configuration, the lists."""
    broker = home.folder / "broker"
    data = _data(home)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    key, pem = new_key()
    issued = home.issuer("services").issue_server(home.place.hosts, key, timedelta(days=SERVER_DAYS))
    write_private(broker / "server.key", pem)
    (broker / "server.crt").write_bytes(issued.pem)
    for issuer in ISSUERS:
        (broker / f"{issuer}.crt").write_bytes(home.issuer(issuer).pem)
    conf = home.folder / "mosquitto.conf"
    conf.write_text(configuration(home), encoding="utf-8")
    unit = UNIT.format(
        site=home.place.site, conf=conf, broker=broker, data=data, files=OPEN_FILES,
        mosquitto=shutil.which("mosquitto") or "/usr/sbin/mosquitto",
    )  # fmt: skip
    (home.folder / "citybrain-broker.service").write_text(unit, encoding="utf-8")
    write_lists(home)
    _hand_over(home, [broker, data, *broker.iterdir()])


def write_lists(home: Home) -> None:
    """The access control list and the revocation lists, as they are to be from now on."""
    home.retire()
    broker = home.folder / "broker"
    new = [_replace(broker / "acl", access_list(home.rights()).encode())]
    new += [_replace(broker / f"{issuer}.crl", home.revocations(issuer)) for issuer in ISSUERS]
    _hand_over(home, new)
    home.save()


def configuration(home: Home) -> str:
    """`mosquitto.conf` of this home."""
    broker, place = home.folder / "broker", home.place
    user = place.user or ("root" if os.geteuid() == 0 else "")
    text = CONF.format(
        conf=home.folder / "mosquitto.conf", broker=broker, data=_data(home), queued=MAX_QUEUED_BYTES,
        inflight=MAX_INFLIGHT, packet=MAX_PACKET_BYTES, account=f"user {user}\n" if user else "",
    )  # fmt: skip
    doors = (
        ("devices", place.devices_port, "true",
         "Devices. Whatever client id one gives, its name is used: nobody takes another's connection over."),
        ("services", place.services_port, "false",
         "Services, which hold several connections each. Keep this port inside the data centre."),
    )  # fmt: skip
    for issuer, port, as_client, about in doors:
        text += LISTENER.format(
            about=about, issuer=issuer, port=port, bind=place.bind, broker=broker, as_client=as_client
        )
    return text


def access_list(rights: Iterable[tuple[str, Rights]]) -> str:
    """`acl_file`: a block a client, one line a filter."""
    lines = ["# Made by `citybrain device`; do not edit. Whoever is not named may do nothing."]
    for name, (publish, subscribe) in rights:
        lines += ["", f"user {name}"]
        lines += [f"topic write {filter_}" for filter_ in publish]
        lines += [f"topic read {filter_}" for filter_ in subscribe]
    return "\n".join(lines) + "\n"


def reload(home: Home) -> bool:
    """Have the running broker read its lists again; False where none runs on this machine from this home."""
    try:
        pid = int((home.folder / "broker" / "mosquitto.pid").read_text())
        process = psutil.Process(pid)
        if str(home.folder / "mosquitto.conf") not in process.cmdline():
            return False
        process.send_signal(signal.SIGHUP)
    except (OSError, ValueError, psutil.Error):
        return False
    return True


def _data(home: Home) -> Path:
    return Path(home.place.data) if home.place.data else home.folder / "broker" / "data"


def _replace(path: Path, content: bytes) -> Path:
    new = path.with_name(path.name + ".new")
    write_private(new, content)
    return new.replace(path)


def _hand_over(home: Home, paths: list[Path]) -> None:
    """The broker reads these after it has given up root's rights."""
    if home.place.user and os.geteuid() == 0:
        for path in paths:
            shutil.chown(path, home.place.user)
