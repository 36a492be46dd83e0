"""Photos: time and place are read from their metadata, then they are encoded anew without any of it. Pure."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import cv2
import numpy as np

from citybrain.fields import LonLat

MOST_PIXELS = 60_000_000
LONGEST = 2_048
"""Pixels of the longer side that are kept."""
QUALITY = 85
JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
# TIFF 6.0 and Exif 2.32: tags, and bytes of each type.
EXIF_IFD, GPS_IFD = 0x8769, 0x8825
TAKEN, OFFSET = 0x9003, 0x9011
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 9: 4, 10: 8}
MOST_ENTRIES = 500


class NotAPhoto(Exception):
    """What cannot be read as a JPEG or PNG picture of a usual size."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture without metadata, and what its metadata said."""

    jpeg: bytes
    taken_at: datetime | None
    position: LonLat | None


def clean(data: bytes) -> Photo:
    """The picture encoded anew as JPEG, turned upright, at most 2,048 pixels long; NotAPhoto."""
    width, height = size_of(data)
    if not 0 < width * height <= MOST_PIXELS:
        raise NotAPhoto(f"{width} x {height} pixels are too many, or none")
    taken_at, position = read(data)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise NotAPhoto("the picture is broken")
    longer = max(image.shape[:2])
    if longer > LONGEST:
        scale = LONGEST / longer
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return Photo(jpeg.tobytes(), taken_at, position)


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height, from the header alone: nothing is decoded before they are known."""
    if data.startswith(PNG) and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    if not data.startswith(JPEG):
        raise NotAPhoto("it is neither JPEG nor PNG")
    at = 2
    while at + 9 < len(data):
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at] != 0xFF:
            break
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + length
    raise NotAPhoto("the JPEG has no size")


def read(data: bytes) -> tuple[datetime | None, LonLat | None]:
    """When and where a JPEG was taken, as far as it says so; broken metadata says nothing."""
    try:
        tiff = _tiff(data)
        if tiff is None:
            return None, None
        order = "<" if tiff[:2] == b"II" else ">"
        first = _entries(tiff, order, struct.unpack_from(order + "I", tiff, 4)[0])
        return _taken(tiff, order, first), _place(tiff, order, first)
    except (struct.error, ValueError, IndexError, ZeroDivisionError, OverflowError):
        return None, None


def _tiff(data: bytes) -> bytes | None:
    """The TIFF block of the APP1 segment."""
    if not data.startswith(JPEG):
        return None
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if data[at + 1] == 0xE1 and body.startswith(b"Exif\0\0"):
            return body[6:]
        at += 2 + length
    return None


Entries = Mapping[int, tuple[int, int, int]]
"""Tag: type, count, where its value lies."""


def _entries(tiff: bytes, order: str, at: int) -> Entries:
    (count,) = struct.unpack_from(order + "H", tiff, at)
    found = {}
    for number in range(min(count, MOST_ENTRIES)):
        place = at + 2 + 12 * number
        tag, kind, length = struct.unpack_from(order + "HHI", tiff, place)
        fits = SIZES.get(kind, 1) * length <= 4
        found[tag] = (
            kind,
            length,
            place + 8 if fits else struct.unpack_from(order + "I", tiff, place + 8)[0],
        )
    return found


def _inner(tiff: bytes, order: str, entries: Entries, tag: int) -> Entries:
    if tag not in entries:
        return {}
    return _entries(tiff, order, struct.unpack_from(order + "I", tiff, entries[tag][2])[0])


def _text(tiff: bytes, entries: Entries, tag: int) -> str:
    _, length, at = entries[tag]
    return tiff[at : at + min(length, 64)].split(b"\0")[0].decode("ascii", "replace").strip()


def _taken(tiff: bytes, order: str, first: Entries) -> datetime | None:
    exif = _inner(tiff, order, first, EXIF_IFD)
    if TAKEN not in exif:
        return None
    naive = datetime.strptime(_text(tiff, exif, TAKEN), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - its zone follows
    offset = _text(tiff, exif, OFFSET) if OFFSET in exif else ""
    zone = UTC
    if len(offset) == 6 and offset[0] in "+-":
        minutes = int(offset[1:3]) * 60 + int(offset[4:6])
        zone = timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
    return naive.replace(tzinfo=zone).astimezone(UTC)


def _place(tiff: bytes, order: str, first: Entries) -> LonLat | None:
    gps = _inner(tiff, order, first, GPS_IFD)
    if not {1, 2, 3, 4} <= gps.keys():
        return None
    lat = _degrees(tiff, order, gps[2]) * (-1 if _text(tiff, gps, 1) == "S" else 1)
    lon = _degrees(tiff, order, gps[4]) * (-1 if _text(tiff, gps, 3) == "W" else 1)
    return (lon, lat) if -180 <= lon <= 180 and -90 <= lat <= 90 else None


def _degrees(tiff: bytes, order: str, entry: tuple[int, int, int]) -> float:
    values: tuple[int, ...] = struct.unpack_from(order + "6I", tiff, entry[2])
    degrees, minutes, seconds = (values[i] / values[i + 1] for i in (0, 2, 4))
    return degrees + minutes / 60 + seconds / 3600
