"""The receiver: one subscriber's connection to the broker, made to take in thousands of messages a second.

It reads as much as there is, hands the messages on as one list, and answers them together. While `deliver`
holds it up it reads nothing: the broker queues, and what it cannot queue is still in the spools.
"""

import contextlib
import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import structlog

from citybrain import tls
from citybrain.codec import MAX_FRAME_BYTES
from citybrain.config import Broker
from ingest import packets
from ingest.arrival import Arrival
from ingest.packets import PacketError, Read

log = structlog.get_logger()

READ_BYTES = 262_144
GATHER_S = 0.003
"""Between two reads of messages: one read of ten costs a third of ten reads."""
MAX_PACKET_BYTES = 4 * MAX_FRAME_BYTES
CONNECT_S = 30.0
"""For a handshake, and for a write: a broker to which thousands come back at once answers late."""
BACKOFF_S = (0.5, 1.0, 2.0, 4.0, 8.0)
STEADY_S = 10.0
"""A connection that held for so long was sound."""
MAX_WAITING = 20_000
"""Packets that wait to be written."""

Deliver = Callable[[list[Arrival]], None]


class Receiver:
    """Subscribed to `filters` whenever there is a broker; `deliver` runs on the receiver's own thread."""

    def __init__(self, broker: Broker, client_id: str, filters: Sequence[str], deliver: Deliver) -> None:
        self._broker = broker
        self._client_id = client_id
        self._filters = list(filters)
        self._deliver = deliver
        self._outgoing: deque[bytes] = deque(maxlen=MAX_WAITING)
        self._numbers = 0
        self._lock = threading.Lock()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._connected = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)
        self._told = ""

    @property
    def connected(self) -> bool:
        return self._connected.is_set()

    def start(self) -> None:
        """Connect, and go on trying."""
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, disconnect, end the thread."""
        self._stop.set()
        self._wake()
        if self._thread.is_alive():
            self._thread.join()
        self._wake_in.close()
        self._wake_out.close()

    def publish(self, topic: str, payload: bytes) -> bool:
        """Send a message at QoS 1; False where there is no connection: it is not kept for later."""
        if not self.connected:
            return False
        self._outgoing.append(packets.publish(self._number(), topic, payload))
        self._wake()
        return True

    def subscribe(self, filters: Sequence[str]) -> None:
        """Hear `filters` too; those that are heard already bring their retained messages again."""
        self._filters += [filter_ for filter_ in filters if filter_ not in self._filters]
        self._ask(packets.subscribe(self._number(), list(filters)))

    def unsubscribe(self, filters: Sequence[str]) -> None:
        """Hear `filters` no more."""
        self._filters = [filter_ for filter_ in self._filters if filter_ not in filters]
        self._ask(packets.unsubscribe(self._number(), list(filters)))

    def _ask(self, packet: bytes) -> None:
        if self.connected:  # otherwise the next connection subscribes to what is wanted then
            self._outgoing.append(packet)
            self._wake()

    def _number(self) -> int:
        with self._lock:
            self._numbers = self._numbers % 0xFFFF + 1
            return self._numbers

    def _wake(self) -> None:
        # Full of wakes that were not heard yet, it needs no further one; and nobody may wait here.
        with contextlib.suppress(BlockingIOError):
            self._wake_in.send(b"x")

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                with self._connect() as connection:
                    self._converse(connection)
            except (OSError, PacketError) as error:
                self._tell(str(error) or type(error).__name__)
            except Exception:
                log.exception("receiver_failed")
            finally:
                self._connected.clear()
                self._outgoing.clear()
            if time.monotonic() > began + STEADY_S:
                failures, self._told = 0, ""
            if self._stop.wait(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]):
                return
            failures += 1

    def _tell(self, trouble: str) -> None:
        if trouble != self._told:
            log.warning("broker_lost", reason=trouble)
        self._told = trouble

    def _connect(self) -> socket.socket:
        parts = urlsplit(self._broker.url)
        is_tls = parts.scheme == "mqtts"
        host, port = parts.hostname or "127.0.0.1", parts.port or (8883 if is_tls else 1883)
        connection = socket.create_connection((host, port), CONNECT_S)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if is_tls:
                connection = tls.context(self._broker).wrap_socket(connection, server_hostname=host)
            keepalive_s = self._broker.keepalive_s
            connection.sendall(packets.connect(self._client_id, keepalive_s, parts.username, parts.password))
        except BaseException:
            connection.close()
            raise
        return connection

    def _converse(self, connection: socket.socket) -> None:
        ping_s = self._broker.keepalive_s / 2
        asked = heard = time.monotonic()
        rest = b""
        while not self._stop.is_set() or self._outgoing:
            if self._is_readable(connection, 0.0 if self._outgoing else min(1.0, ping_s)):
                data = _read(connection)
                if not data:
                    raise PacketError("the broker closed the connection")
                found = packets.read(rest + data, MAX_PACKET_BYTES)
                rest = self._handle(connection, found)
                heard = time.monotonic()
                if found.messages:
                    time.sleep(GATHER_S)
            now = time.monotonic()
            if written := self._take_outgoing():
                connection.sendall(written)
            if now - asked > ping_s:
                asked = now
                connection.sendall(packets.PINGREQ)
            if now - heard > 2 * self._broker.keepalive_s:
                raise PacketError("the broker is silent")
        connection.sendall(packets.DISCONNECT)

    def _handle(self, connection: socket.socket, found: Read) -> bytes:
        if found.connack is not None:
            if found.connack != packets.ACCEPTED:
                reason = packets.REFUSALS.get(found.connack, str(found.connack))
                raise PacketError(f"the broker refuses this client: {reason}")
            if self._filters:
                connection.sendall(packets.subscribe(self._number(), self._filters))
            self._connected.set()
        if packets.FAILURE in found.subacks:
            log.error("subscription_refused", client=self._client_id, filters=self._filters)
        if found.messages:
            self._deliver(found.messages)
        if found.replies:
            connection.sendall(found.replies)
        return found.rest

    def _is_readable(self, connection: socket.socket, wait_s: float) -> bool:
        pending = getattr(connection, "pending", None)
        if pending is not None and pending():  # TLS has decrypted more than was read
            return True
        readable, _, _ = select.select([connection, self._wake_out], [], [], wait_s)
        if self._wake_out in readable:
            self._wake_out.recv(4096)
        return connection in readable

    def _take_outgoing(self) -> bytes:
        taken = []
        while self._outgoing:
            taken.append(self._outgoing.popleft())
        return b"".join(taken)


def _read(connection: socket.socket) -> bytes:
    """As much as there is. TLS gives one record at a time, and a broker puts each message into its own."""
    data = connection.recv(READ_BYTES)
    if not isinstance(connection, ssl.SSLSocket) or not data:
        return data
    parts, size = [data], len(data)
    while size < READ_BYTES and (connection.pending() or select.select([connection], [], [], 0.0)[0]):
        more = connection.recv(READ_BYTES - size)
        if not more:
            break  # the next read finds the end again
        parts.append(more)
        size += len(more)
    return b"".join(parts)
