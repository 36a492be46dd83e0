"""`citybrain device`: who may connect to the broker, by certificates of our own authority."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from citybrain.errors import ConfigError
from citybrain.identity.authority import Issued, new_key, new_request, read_request, write_private
from citybrain.identity.broker_cli import publish
from citybrain.identity.home import Client, Home, check, issuer_of
from citybrain.paths import data_dir

HOME_ENV = "CITYBRAIN_BROKER_HOME"
INSTALLED = "/etc/citybrain"
DAYS = 365

SETTINGS = """\
# {name}: merge it into this machine's citybrain.toml; the three files lie in {installed}.
[site]
name = "{site}"

[broker]
url = "mqtts://{host}:{port}"
ca_file = "{installed}/ca.crt"
cert_file = "{installed}/client.crt"
key_file = "{installed}/client.key"
"""


@click.group(short_help="Give devices and services certificates, and take them back.")
def device() -> None:
    """Devices and services that may connect to the broker.

    The broker's home is --home, else CITYBRAIN_BROKER_HOME, else `broker-home` in the data folder.

    \b
    Example:
      citybrain device add camera/gate signal/247379907 service/ingest
    """


home_option = click.option(
    "--home", "folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False),
    help="The broker's home.",
)  # fmt: skip
days_option = click.option(
    "--days", default=DAYS, show_default=True, type=click.IntRange(1, 3650), help="Until it expires."
)
request_option = click.option(
    "--csr",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A request made by `citybrain device request`.",
)


@device.command()
@click.argument("names", metavar="KIND/ID...", nargs=-1, required=True)
@home_option
@days_option
@request_option
@click.option("--analyses", is_flag=True, help="A camera that publishes counts and events by itself.")
def add(names: tuple[str, ...], folder: Path | None, days: int, csr: Path | None, analyses: bool) -> None:
    """Enter devices or services and issue their certificates, each into a folder under DIR/clients.

    Carry the folder to the device's machine and delete it. With --csr the key never leaves the device.

    \b
    Example:
      citybrain device add camera/gate --days 730
    """
    if csr and len(names) > 1:
        raise ConfigError("--csr is for one device: name one")
    with Home.open(_home(folder)) as home:
        for name in names:
            home.check_new(name)
        for name in track(names, "issuing", console=Console(stderr=True), disable=len(names) < 100):
            key, private = (read_request(csr, name), None) if csr else new_key()
            issued = home.add(name, key, timedelta(days=days), analyses=analyses)
            _hand_out(home, name, issued, private)
        publish(home)


@device.command("list")
@home_option
@click.option(
    "--expiring", type=click.IntRange(0, 3650), metavar="DAYS", help="Only what expires within DAYS."
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def list_(folder: Path | None, expiring: int | None, as_json: bool) -> None:
    """Who may connect, and until when.

    \b
    Example:
      citybrain device list --expiring 30
    """
    now = datetime.now(UTC)
    with Home.open(_home(folder)) as home:
        clients = [client for client in home.clients if _expires_within(client, expiring, now)]
    if as_json:
        click.echo(json.dumps([_as_dict(client, now) for client in clients], indent=2))
        return
    table = Table("device", "state", "expires", "days left", "serial", "certificates")
    for client in clients:
        newest = client.newest()
        left = (newest.expires_at - now).days
        table.add_row(
            client.name, client.state(now), f"{newest.expires_at:%Y-%m-%d}", str(left), newest.serial[-12:],
            str(len(client.certificates)),
        )  # fmt: skip
    Console().print(table if clients else "nobody")


@device.command()
@click.argument("name", metavar="KIND/ID")
@home_option
@click.option("--serial", default="", help="Only the certificate of this serial number.")
def revoke(name: str, folder: Path | None, serial: str) -> None:
    """Take back a device's certificates: at once it may publish and hear nothing, and not connect again.

    \b
    Example:
      citybrain device revoke camera/gate
    """
    with Home.open(_home(folder)) as home:
        revoked = home.revoke(name, serial)
        click.echo(f"revoked {len(revoked)} of {name}: {', '.join(c.serial for c in revoked)}")
        publish(home)


@device.command()
@click.argument("name", metavar="KIND/ID")
@home_option
@days_option
@request_option
@click.option(
    "--overlap-days", default=7, show_default=True, type=click.IntRange(0, 365),
    help="The old certificate stays good for so long; 0: it is revoked now.",
)  # fmt: skip
def rotate(name: str, folder: Path | None, days: int, csr: Path | None, overlap_days: int) -> None:
    """Issue a new certificate with a new key; the old one is revoked when the overlap is over.

    It is revoked by the first `citybrain broker refresh` after that.

    \b
    Example:
      citybrain device rotate camera/gate --overlap-days 14
    """
    with Home.open(_home(folder)) as home:
        key, private = (read_request(csr, name), None) if csr else new_key()
        issued = home.rotate(name, key, timedelta(days=days), timedelta(days=overlap_days))
        _hand_out(home, name, issued, private)
        publish(home)


@device.command()
@click.argument("name", metavar="KIND/ID")
@click.option(
    "--out", default=".", type=click.Path(path_type=Path, file_okay=False), help="Where to write both."
)
def request(name: str, out: Path) -> None:
    """On the device's own machine: make its key, and a request to take to the broker's home.

    \b
    Example:
      citybrain device request camera/gate --out /etc/citybrain
    """
    check(name)
    if (out / "client.key").exists():
        raise ConfigError(f"{out / 'client.key'} is there already: delete it, or choose another --out")
    private, asked = new_request(name)
    out.mkdir(parents=True, exist_ok=True)
    write_private(out / "client.key", private)
    (out / "client.csr").write_bytes(asked)
    click.echo(f"key      {out / 'client.key'} (it stays here)")
    click.echo(f"request  {out / 'client.csr'}: citybrain device add {name} --csr client.csr")


def _home(folder: Path | None) -> Path:
    chosen = folder or Path(os.environ.get(HOME_ENV) or data_dir() / "broker-home")
    return chosen.absolute()


def _hand_out(home: Home, name: str, issued: Issued, private: bytes | None) -> None:
    """Everything that the client's machine needs, in one folder."""
    client = home.get(name)
    folder = home.folder / "clients" / client.folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if private is not None:
        write_private(folder / "client.key", private)
    (folder / "client.crt").write_bytes(issued.pem)
    # The broker's own certificate is issued by `services`.
    (folder / "ca.crt").write_bytes(home.issuer("services").pem)
    place = home.place
    port = place.services_port if issuer_of(name) == "services" else place.devices_port
    text = SETTINGS.format(name=name, installed=INSTALLED, site=place.site, host=place.hosts[0], port=port)
    (folder / "citybrain.toml").write_text(text, encoding="utf-8")
    click.echo(f"{name}  expires {issued.expires_at:%Y-%m-%d}  {folder}")


def _expires_within(client: Client, days: int | None, now: datetime) -> bool:
    if days is None:
        return True
    newest = client.newest()
    return newest.revoked_at is None and newest.expires_at <= now + timedelta(days=days)


def _as_dict(client: Client, now: datetime) -> dict[str, Any]:
    return {
        "device": client.name,
        "state": client.state(now),
        "door": client.issuer,
        "analyses": client.analyses,
        "added_at": client.added_at.isoformat(),
        "expires_at": client.newest().expires_at.isoformat(),
        "certificates": [
            {
                "serial": certificate.serial,
                "issued_at": certificate.issued_at.isoformat(),
                "expires_at": certificate.expires_at.isoformat(),
                "retires_at": _iso(certificate.retires_at),
                "revoked_at": _iso(certificate.revoked_at),
            }
            for certificate in client.certificates
        ],
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
