"""Decodes a JPEG that came over the network: its size is read and bounded before a pixel is made of it."""

import struct

import cv2
import numpy as np
from numpy.typing import NDArray

from citybrain.errors import ContractError

MAX_PIXELS = 16_000_000
_STANDALONE = {0x01, *range(0xD0, 0xD9)}
_START_OF_FRAME = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def decode_jpeg(jpeg: bytes) -> NDArray[np.uint8]:
    """The picture (h, w, 3) uint8 BGR.

    Raises:
        ContractError: not a JPEG, cut short before its pixels, or of more than `MAX_PIXELS`.
    """
    width, height = jpeg_size(jpeg)
    if width * height > MAX_PIXELS:
        raise ContractError(
            f"a picture of {width}x{height}, at most {MAX_PIXELS} pixels are allowed", "$.jpeg"
        )
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ContractError("the picture cannot be decoded", "$.jpeg")
    return np.asarray(picture, np.uint8)


def encode_jpeg(picture: NDArray[np.uint8], quality: int = 75) -> bytes:
    """`picture`: (h, w, 3) uint8 BGR as JPEG."""
    _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(jpeg)


def jpeg_size(jpeg: bytes) -> tuple[int, int]:
    """Width and height as the start-of-frame segment says (ITU-T T.81, B.2.2)."""
    at = 2
    while jpeg[:2] == b"\xff\xd8" and at + 9 <= len(jpeg) and jpeg[at] == 0xFF:
        marker = jpeg[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _STANDALONE:
            at += 2
        elif marker in _START_OF_FRAME:
            height, width = struct.unpack_from(">HH", jpeg, at + 5)
            if not width or not height:
                break
            return width, height
        else:
            at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    raise ContractError("not a JPEG: no size is stated", "$.jpeg")
