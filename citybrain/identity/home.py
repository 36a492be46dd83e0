"""A broker's home: the folder with the authority, everybody's certificates, and the files the broker reads.

mosquitto.conf   what to start the broker with
broker/          what the broker reads: its certificate and key, acl, revocation lists; data/ is its own
ca/              the issuers' keys; nobody but the owner may look
clients/         one folder a client, to be carried to its machine and then deleted here
registry.json    who has which certificate
"""

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from citybrain.errors import ConfigError, ContractError
from citybrain.identity.authority import CRL_SLACK, ISSUERS, Issued, Issuer, PublicKey, Revoked, write_private
from citybrain.identity.rights import SERVICE_KINDS, Rights, check_name, rights_of

MAX_NAME = 64
"""Longest common name of a certificate (RFC 5280, ub-common-name)."""


class Certificate(msgspec.Struct):
    """One certificate that was issued to a client."""

    serial: str
    issued_at: datetime
    expires_at: datetime
    retires_at: datetime | None = None
    """When a newer one has taken its place for good; it is revoked then."""
    revoked_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        return self.revoked_at is None and self.expires_at > now


class Client(msgspec.Struct):
    """A device or service, by `kind/id`."""

    name: str
    added_at: datetime
    certificates: list[Certificate] = msgspec.field(default_factory=list)
    analyses: bool = False
    """A camera that publishes counts and events by itself."""

    @property
    def issuer(self) -> str:
        return issuer_of(self.name)

    @property
    def folder(self) -> str:
        return self.name.replace("/", "-")

    def newest(self) -> Certificate:
        return self.certificates[-1]

    def is_valid(self, now: datetime) -> bool:
        return any(certificate.is_valid(now) for certificate in self.certificates)

    def state(self, now: datetime) -> str:
        """`valid`, `expired` or `revoked`, by the newest certificate."""
        newest = self.newest()
        if newest.revoked_at is not None:
            return "revoked"
        return "valid" if newest.is_valid(now) else "expired"


class Place(msgspec.Struct, frozen=True):
    """Where the broker is and how it is told apart."""

    site: str
    hosts: tuple[str, ...]
    """Names and addresses that clients use for it; the first one is written into their settings."""
    bind: str
    devices_port: int
    services_port: int
    user: str = ""
    """Account that the broker runs as; empty: whoever starts it."""
    data: str = ""
    """Where it keeps what is retained and queued; empty: `broker/data` in its home."""


class Registry(msgspec.Struct):
    """What `registry.json` holds."""

    place: Place
    clients: dict[str, Client] = msgspec.field(default_factory=dict)
    lists: dict[str, tuple[int, datetime]] = msgspec.field(default_factory=dict)
    """Number and time of each issuer's last revocation list."""


class Home:
    """A broker's home, opened by `Home.open`; every change is written whole before it is told."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.folder = folder
        self._registry = registry

    @property
    def place(self) -> Place:
        return self._registry.place

    @property
    def clients(self) -> list[Client]:
        return [self._registry.clients[name] for name in sorted(self._registry.clients)]

    @classmethod
    @contextlib.contextmanager
    def open(cls, folder: Path) -> Iterator["Home"]:
        """The home in `folder`, alone: other commands wait meanwhile; ConfigError where there is none."""
        path = folder / "registry.json"
        if not path.is_file():
            raise ConfigError(f"{folder} is no broker's home: make one by `citybrain broker init {folder}`")
        with (folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                yield cls(folder, msgspec.json.decode(path.read_bytes(), type=Registry))
            except msgspec.DecodeError as error:
                raise ConfigError(f"{path} is damaged ({error}): restore it from a backup") from error

    @classmethod
    def create(cls, folder: Path, place: Place) -> "Home":
        """A new home with its two issuers; ConfigError where there is one, or the folder cannot be made."""
        if (folder / "registry.json").exists():
            raise ConfigError(
                f"{folder} is a broker's home already: choose another folder, or delete this one"
            )
        try:
            for path, mode in ((folder, 0o755), (folder / "broker", 0o750), (folder / "ca", 0o700)):
                path.mkdir(parents=True, exist_ok=True)
                path.chmod(mode)
            (folder / "clients").mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{folder} cannot be made: {error.strerror}") from error
        for name in ISSUERS:
            Issuer.create(folder / "ca", name, place.site)
        home = cls(folder, Registry(place))
        home.save()
        return home

    def issuer(self, name: str) -> Issuer:
        return Issuer.load(self.folder / "ca", name)

    def get(self, name: str) -> Client:
        """The client; ConfigError where nobody has this name."""
        client = self._registry.clients.get(name)
        if client is None:
            raise ConfigError(f"there is no {name}: see `citybrain device list`")
        return client

    def add(self, name: str, key: PublicKey, lifetime: timedelta, *, analyses: bool = False) -> Issued:
        """Enter a new client and issue its certificate; raises ConfigError as `check_new` does."""
        self.check_new(name)
        client = self._registry.clients.setdefault(name, Client(name, datetime.now(UTC)))
        client.analyses = analyses
        return self._issue(client, key, lifetime)

    def check_new(self, name: str) -> None:
        """Raise ConfigError for a name that may not be, or one that has a certificate already."""
        check(name)
        known = self._registry.clients.get(name)
        if known is not None and known.is_valid(datetime.now(UTC)):
            raise ConfigError(f"{name} has a certificate already: use `citybrain device rotate {name}`")

    def rotate(self, name: str, key: PublicKey, lifetime: timedelta, overlap: timedelta) -> Issued:
        """Issue another certificate; those before it stay good for `overlap`, then `retire` revokes them."""
        client, now = self.get(name), datetime.now(UTC)
        for certificate in client.certificates:
            if certificate.is_valid(now):
                ends = now + overlap
                certificate.retires_at = min(ends, certificate.retires_at or ends)
        issued = self._issue(client, key, lifetime)
        self.retire()
        return issued

    def revoke(self, name: str, serial: str = "") -> list[Certificate]:
        """Take certificates back: all of a client, or the one of this serial number; returns them."""
        client, now = self.get(name), datetime.now(UTC)
        chosen = [c for c in client.certificates if serial in {"", c.serial} and c.revoked_at is None]
        if not chosen:
            what = f"certificate {serial}" if serial else "certificate that is not revoked"
            raise ConfigError(f"{name} has no {what}: see `citybrain device list --json`")
        for certificate in chosen:
            certificate.revoked_at = now
        return chosen

    def retire(self) -> None:
        """Revoke what was replaced and has had its time."""
        now = datetime.now(UTC)
        for client in self._registry.clients.values():
            for certificate in client.certificates:
                due = certificate.retires_at is not None and certificate.retires_at <= now
                if due and certificate.revoked_at is None:
                    certificate.revoked_at = now

    def rights(self) -> Iterator[tuple[str, Rights]]:
        """Each client that has a valid certificate, with its rights; the others have none."""
        now = datetime.now(UTC)
        for client in self.clients:
            if client.is_valid(now):
                yield client.name, rights_of(self.place.site, client.name, analyses=client.analyses)

    def revocations(self, issuer: str) -> bytes:
        """The issuer's next revocation list."""
        number, last = self._registry.lists.get(issuer, (0, None))
        at = datetime.now(UTC).replace(microsecond=0) - CRL_SLACK
        if last is not None:
            at = max(at, last + timedelta(seconds=1))
        self._registry.lists[issuer] = (number + 1, at)
        return self.issuer(issuer).revocations(self._revoked(issuer), number + 1, at)

    def save(self) -> None:
        """Write the registry, whole or not at all."""
        path = self.folder / "registry.json"
        new = path.with_suffix(".new")
        write_private(new, msgspec.json.format(msgspec.json.encode(self._registry)))
        with new.open("rb") as file:
            os.fsync(file.fileno())
        new.replace(path)

    def _issue(self, client: Client, key: PublicKey, lifetime: timedelta) -> Issued:
        issued = self.issuer(client.issuer).issue_client(client.name, key, lifetime)
        client.certificates.append(Certificate(issued.serial, datetime.now(UTC), issued.expires_at))
        return issued

    def _revoked(self, issuer: str) -> Iterable[Revoked]:
        for client in self.clients:
            for certificate in client.certificates:
                if client.issuer == issuer and certificate.revoked_at is not None:
                    yield Revoked(certificate.serial, certificate.revoked_at)


def issuer_of(name: str) -> str:
    """Which of the two doors a client uses."""
    return "services" if name.partition("/")[0] in SERVICE_KINDS else "devices"


def check(name: str) -> None:
    """Raise ConfigError for a name that no client may have."""
    try:
        check_name(name)
    except ContractError as error:
        raise ConfigError(f"device name: {error.reason}") from error
    if len(name) > MAX_NAME:
        raise ConfigError(f"device name: {name} has {len(name)} characters, a certificate holds {MAX_NAME}")
