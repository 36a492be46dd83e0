"""MQTT 3.1.1 packets as far as a subscriber needs them (OASIS standard, 2014). Pure: bytes in, values out.

Many packets are taken from one read at once: a general client's loop, system calls and objects for each
message cost several times what storing the message does.
"""

import struct
from dataclasses import dataclass

from ingest.arrival import Arrival

PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"
ACCEPTED = 0
REFUSALS = {
    1: "protocol version not supported", 2: "client id refused", 3: "server unavailable",
    4: "bad user name or password", 5: "not authorised",
}  # fmt: skip
"""Return codes of CONNACK (section 3.2.2.3)."""
FAILURE = 0x80
"""Return code of SUBACK for a filter that the broker refuses."""

_PUBLISH, _CONNACK, _SUBACK = 3, 2, 9
_PUBACK_HEAD = b"\x40\x02"
_MOST_LENGTH_BYTES = 4
_SHORT = struct.Struct(">H")


class PacketError(Exception):
    """The peer does not speak MQTT 3.1.1."""


@dataclass(slots=True)
class Read:
    """What one read held."""

    messages: list[Arrival]
    replies: bytes
    """What the messages must be answered with."""
    connack: int | None
    """Return code, where a CONNACK was among it."""
    subacks: list[int]
    """Return codes of subscriptions."""
    rest: bytes
    """The beginning of a packet that is not complete."""


def connect(client_id: str, keepalive_s: int, user: str | None = None, password: str | None = None) -> bytes:
    """CONNECT of a clean session without a will."""
    flags = 0x02 | (0x80 if user is not None else 0) | (0x40 if password is not None else 0)
    body = _text("MQTT") + bytes((4, flags)) + _SHORT.pack(keepalive_s) + _text(client_id)
    body += b"".join(_text(value) for value in (user, password) if value is not None)
    return _packet(0x10, body)


def subscribe(number: int, filters: list[str]) -> bytes:
    """SUBSCRIBE at QoS 1; `number`: 1 to 65535."""
    return _packet(0x82, _SHORT.pack(number) + b"".join(_text(filter_) + b"\x01" for filter_ in filters))


def unsubscribe(number: int, filters: list[str]) -> bytes:
    """UNSUBSCRIBE."""
    return _packet(0xA2, _SHORT.pack(number) + b"".join(map(_text, filters)))


def publish(number: int, topic: str, payload: bytes) -> bytes:
    """PUBLISH at QoS 1, not retained."""
    return _packet(0x32, _text(topic) + _SHORT.pack(number) + payload)


def read(data: bytes, max_bytes: int) -> Read:
    """All complete packets of `data`; raises PacketError for what is none, or longer than `max_bytes`."""
    found = Read([], b"", None, [], b"")
    replies: list[bytes] = []
    start, end = 0, len(data)
    while end - start >= 2:
        body, length = _length(data, start + 1, end)
        if length > max_bytes:
            raise PacketError(f"a packet of {length} bytes")
        if body < 0 or body + length > end:
            break
        kind = data[start] >> 4
        if kind == _PUBLISH:
            message, reply = _message(data[start : start + 1] + data[body : body + length])
            found.messages.append(message)
            replies.append(reply)
        elif kind == _CONNACK and length == 2:
            found.connack = data[body + 1]
        elif kind == _SUBACK:
            found.subacks += data[body + 2 : body + length]
        elif kind not in {4, 11, 13}:  # PUBACK, UNSUBACK and PINGRESP need nothing
            raise PacketError(f"a packet of kind {kind}")
        start = body + length
    found.replies = b"".join(replies)
    found.rest = data[start:]
    return found


def _message(packet: bytes) -> tuple[Arrival, bytes]:
    """The message of a whole PUBLISH less its length, and what it must be answered with."""
    qos = packet[0] >> 1 & 3
    after = 3 + (packet[1] << 8 | packet[2]) if len(packet) >= 3 else len(packet) + 1
    if qos > 1 or after + 2 * qos > len(packet):
        raise PacketError("a message that is cut short or of QoS 2")
    # Not UTF-8: the gate says so of the topic.
    topic = packet[3:after].decode(errors="backslashreplace")
    if not qos:
        return Arrival(topic, packet[after:]), b""
    return Arrival(topic, packet[after + 2 :]), _PUBACK_HEAD + packet[after : after + 2]


def _length(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Where the body begins, and its length (section 2.2.3); -1 where the length is not complete."""
    length = data[at]
    if length < 0x80:
        return at + 1, length
    length &= 0x7F
    for place in range(1, _MOST_LENGTH_BYTES):
        if at + place >= end:
            return -1, 0
        byte = data[at + place]
        length |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return at + place + 1, length
    raise PacketError("a length of more than four bytes")


def _packet(head: int, body: bytes) -> bytes:
    length, left = bytearray(), len(body)
    while True:
        left, byte = left >> 7, left & 0x7F
        length.append(byte | (0x80 if left else 0))
        if not left:
            return bytes((head,)) + bytes(length) + body


def _text(value: str) -> bytes:
    raw = value.encode()
    return _SHORT.pack(len(raw)) + raw
