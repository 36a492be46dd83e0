"""The receiver over TLS: what has come is read and answered together, though each has a record of its own."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from citybrain.config import Broker
from ingest import packets
from ingest.arrival import Arrival
from ingest.receiver import Receiver

T = TypeVar("T")
CONNACK = b"\x20\x02\x00\x00"
MESSAGES = 400


def certificate(folder: Path) -> Path:
    """Certificate and key of localhost, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "localhost.pem"
    path.write_bytes(made.public_bytes(pem) + private)
    return path


class OneSided:
    """A broker that sends all its records in one go, and counts what is answered."""

    def __init__(self, path: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(path)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.answers = b""
        self.reads = 0

    def serve(self, wires: Iterable[bytes], answers: int) -> None:
        raw, _ = self._listener.accept()
        with self._listener, raw:
            came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = self._context.wrap_bio(came, goes, server_side=True)

            def pump(step: Callable[[], T]) -> T:
                while True:
                    try:
                        result = step()
                    except ssl.SSLWantReadError:
                        raw.sendall(goes.read())
                        came.write(raw.recv(65_536))
                    else:
                        raw.sendall(goes.read())
                        return result

            pump(tls.do_handshake)
            pump(lambda: tls.read(65_536))
            for wire in wires:
                tls.write(wire)
            raw.sendall(goes.read())
            while len(self.answers) < answers:
                self.answers += pump(lambda: tls.read(65_536))
                self.reads += 1


def test_messages_in_records_of_their_own_are_taken_and_answered_together(tmp_path: Path) -> None:
    path = certificate(tmp_path)
    broker = OneSided(path)
    wires = [packets.publish(number, "a/b", b"x" * 40) for number in range(1, MESSAGES + 1)]
    serving = threading.Thread(target=broker.serve, args=([CONNACK, *wires], 4 * MESSAGES))
    serving.start()
    heard: list[list[Arrival]] = []
    receiver = Receiver(
        Broker(url=f"mqtts://localhost:{broker.port}", ca_file=str(path)), "r", [], heard.append
    )
    receiver.start()
    serving.join(60)
    receiver.stop()
    assert not serving.is_alive()
    assert sum(map(len, heard)) == MESSAGES
    assert len(heard) < MESSAGES / 10
    assert broker.reads < MESSAGES / 10, "each answer would have a record of its own"
