"""Pictures to a helper process over its standard input, one answer a line: each with its length in front."""

import struct
from typing import BinaryIO

_LENGTH = struct.Struct(">I")
MOST_BYTES = 16_000_000


def packed(jpeg: bytes) -> bytes:
    """One picture as it goes through the pipe."""
    return _LENGTH.pack(len(jpeg)) + jpeg


def next_picture(stream: BinaryIO) -> bytes | None:
    """The next one; None at the end, and where the stream makes no sense."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    picture = stream.read(length) if length <= MOST_BYTES else b""
    return picture if len(picture) == length else None
