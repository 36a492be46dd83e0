"""Our small certificate authority: issues certificates for clients and the broker, and lists the revoked.

There are two issuers, `devices` and `services`, one for each door of the broker: a certificate from a street
cabinet opens no door of the data centre. Keys are of the curve P-256; private keys are for their owner only.
"""

import ipaddress
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from citybrain.errors import ConfigError

ISSUERS = ("devices", "services")
ISSUER_DAYS = 3650
CLOCK_SLACK = timedelta(minutes=5)
"""Devices whose clock is behind by less than this can use a new certificate at once."""
CRL_SLACK = timedelta(hours=1)

PublicKey = ec.EllipticCurvePublicKey


class Issued(NamedTuple):
    """A certificate that was made."""

    pem: bytes
    serial: str
    """Hexadecimal, as openssl shows it."""
    expires_at: datetime


class Revoked(NamedTuple):
    """One line of a revocation list."""

    serial: str
    at: datetime


class Issuer:
    """One of the authority's two names, with its key; `create` it once, then `load` it."""

    def __init__(self, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self.name = name
        self._key = key
        self.certificate = certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @classmethod
    def create(cls, folder: Path, name: str, site: str) -> "Issuer":
        """A new issuer whose key and certificate lie in `folder`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(f"City Brain {site} {name}")
        now = datetime.now(UTC)
        certificate = (
            _builder(subject, subject, key.public_key(), now, timedelta(days=ISSUER_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        write_private(folder / f"{name}.key", _key_pem(key))
        (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return cls(name, key, certificate)

    @classmethod
    def load(cls, folder: Path, name: str) -> "Issuer":
        """The issuer that `create` made; raises ConfigError where its files are away or damaged."""
        path = folder / f"{name}.key"
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
            certificate = x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())
        except (OSError, ValueError) as error:
            raise ConfigError(f"the authority's key {path} cannot be used: {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ConfigError(f"the authority's key {path} is not one that `citybrain broker init` made")
        return cls(name, key, certificate)

    def issue_client(self, name: str, key: PublicKey, lifetime: timedelta) -> Issued:
        """A client's certificate; the common name is the device, `kind/id`, which the broker reads."""
        return self._issue(name, key, lifetime, ExtendedKeyUsageOID.CLIENT_AUTH, ())

    def issue_server(self, hosts: Sequence[str], key: PublicKey, lifetime: timedelta) -> Issued:
        """The broker's certificate for host names and addresses."""
        return self._issue(hosts[0], key, lifetime, ExtendedKeyUsageOID.SERVER_AUTH, hosts)

    def revocations(self, revoked: Iterable[Revoked], number: int, updated_at: datetime) -> bytes:
        """The list as PEM; `number` and `updated_at` must grow with each, brokers keep the newest.

        It is good for as long as the issuer: it is pushed to the broker, not fetched, and a broker that held
        an old list for expired would let nobody in.
        """
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(updated_at)
            .next_update(self.certificate.not_valid_after_utc)
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(self._key_identifier(), critical=False)
        )
        for entry in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(int(entry.serial, 16))
                .revocation_date(entry.at)
                .build()
            )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _issue(
        self, name: str, key: PublicKey, lifetime: timedelta, use: x509.ObjectIdentifier, hosts: Sequence[str]
    ) -> Issued:
        builder = (
            _builder(_name(name), self.certificate.subject, key, datetime.now(UTC), lifetime)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .add_extension(self._key_identifier(), critical=False)
        )
        if hosts:
            builder = builder.add_extension(
                x509.SubjectAlternativeName(list(map(_host, hosts))), critical=False
            )
        certificate = builder.sign(self._key, hashes.SHA256())
        return Issued(
            certificate.public_bytes(serialization.Encoding.PEM),
            f"{certificate.serial_number:x}",
            certificate.not_valid_after_utc,
        )

    def _key_identifier(self) -> x509.AuthorityKeyIdentifier:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())


def new_key() -> tuple[PublicKey, bytes]:
    """A fresh key: its public half, and the private one as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.public_key(), _key_pem(key)


def new_request(name: str) -> tuple[bytes, bytes]:
    """A private key and a request for a certificate, both as PEM: the key need never leave its device."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(_name(name)).sign(key, hashes.SHA256())
    return _key_pem(key), request.public_bytes(serialization.Encoding.PEM)


def read_request(path: Path, name: str) -> PublicKey:
    """The key that a request asks a certificate for.

    Raises:
        ConfigError: no request, made for another name, not signed by its own key, or of another kind of key.
    """
    try:
        request = x509.load_pem_x509_csr(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} is no certificate request: {error}") from error
    names = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    asked = str(names[0].value) if names else ""
    key = request.public_key()
    if asked != name:
        raise ConfigError(f"{path} asks for a certificate of {asked!r}, not of {name!r}")
    if not request.is_signature_valid or not isinstance(key, ec.EllipticCurvePublicKey):
        raise ConfigError(
            f"{path} is not signed by a P-256 key of its own: make it by `citybrain device request`"
        )
    return key


def write_private(path: Path, content: bytes) -> None:
    """A file that only its owner can read, from its first byte on; one that is there is replaced."""
    path.unlink(missing_ok=True)
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(opened, "wb") as file:
        file.write(content)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PublicKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, now + lifetime) - CLOCK_SLACK)
        .not_valid_after(now + lifetime)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=signs, crl_sign=signs,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
