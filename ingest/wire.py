"""Fields and rows in PostgreSQL's binary COPY format (documentation of COPY, "Binary Format")."""

import struct
from datetime import UTC, datetime, timedelta
from functools import lru_cache

HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack(">ii", 0, 0)
TRAILER = struct.pack(">h", -1)
NULL = struct.pack(">i", -1)

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_INT2 = struct.Struct(">ih")
_INT4 = struct.Struct(">ii")
_INT8 = struct.Struct(">iq")
_FLOAT4 = struct.Struct(">if")
_FLOAT8 = struct.Struct(">id")
_BOOL = struct.Struct(">i?")
_LENGTH = struct.Struct(">i")
_FIELDS = struct.Struct(">h")


def fields(number: int) -> bytes:
    """What opens a row of so many fields."""
    return _FIELDS.pack(number)


def int2(value: int) -> bytes:
    return _INT2.pack(2, value)


def int4(value: int) -> bytes:
    return _INT4.pack(4, value)


def int8(value: int) -> bytes:
    return _INT8.pack(8, value)


def float4(value: float | None) -> bytes:
    return NULL if value is None else _FLOAT4.pack(4, value)


def float8(value: float | None) -> bytes:
    return NULL if value is None else _FLOAT8.pack(8, value)


def boolean(value: bool) -> bytes:
    return _BOOL.pack(1, value)


def instant(value: datetime | None) -> bytes:
    """A timestamptz: microseconds since 2000."""
    return NULL if value is None else _INT8.pack(8, (value - _EPOCH) // _MICROSECOND)


def text(value: str | None) -> bytes:
    """Text; a NUL in it is refused by the server, not here."""
    if value is None:
        return NULL
    raw = value.encode()
    return _LENGTH.pack(len(raw)) + raw


@lru_cache(maxsize=65_536)
def name(value: str) -> bytes:
    """Text that comes again and again: ids of devices, lanes, intersections."""
    raw = value.encode()
    return _LENGTH.pack(len(raw)) + raw


def jsonb(raw: bytes) -> bytes:
    """A jsonb from JSON text."""
    return _LENGTH.pack(len(raw) + 1) + b"\x01" + raw
