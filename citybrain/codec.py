"""Messages and frames as bytes: what goes on the wire, and what of it is let in."""

import struct
from typing import Any

import msgspec

from citybrain.errors import ContractError
from citybrain.messages import AnyMessage, FrameMeta, Message

MAX_MESSAGE_BYTES = 1_000_000
MAX_FRAME_BYTES = 2_000_000

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(AnyMessage)
_frame_decoder = msgspec.json.Decoder(FrameMeta)
_FRAME_HEAD = struct.Struct(">4sI")
_FRAME_MAGIC = b"CBF1"


def encode(message: Message) -> bytes:
    """The message as UTF-8 JSON."""
    return _encoder.encode(message)


def decode(payload: bytes) -> AnyMessage:
    """The message in `payload`.

    Raises:
        ContractError: not JSON, an unknown type or version, or a field out of its bounds; names the field.
    """
    if len(payload) > MAX_MESSAGE_BYTES:
        raise ContractError(f"message of {len(payload)} bytes, at most {MAX_MESSAGE_BYTES} are allowed")
    try:
        message: AnyMessage = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _contract_error(error) from error
    return message


def pack_frame(meta: FrameMeta, jpeg: bytes) -> bytes:
    """A frame on the wire: `CBF1`, length of the metadata (uint32, big-endian), metadata, JPEG."""
    head = _encoder.encode(meta)
    return _FRAME_HEAD.pack(_FRAME_MAGIC, len(head)) + head + jpeg


def unpack_frame(payload: bytes) -> tuple[FrameMeta, bytes]:
    """Metadata and JPEG of a frame packed by `pack_frame`; the JPEG itself is not decoded here.

    Raises:
        ContractError: not a frame, too large, or metadata out of bounds.
    """
    if len(payload) > MAX_FRAME_BYTES:
        raise ContractError(f"frame of {len(payload)} bytes, at most {MAX_FRAME_BYTES} are allowed")
    if len(payload) < _FRAME_HEAD.size:
        raise ContractError("frame shorter than its head")
    magic, length = _FRAME_HEAD.unpack_from(payload)
    body = _FRAME_HEAD.size + length
    if magic != _FRAME_MAGIC or body > len(payload):
        raise ContractError("not a frame: wrong magic or length")
    try:
        meta = _frame_decoder.decode(payload[_FRAME_HEAD.size : body])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _contract_error(error) from error
    jpeg = payload[body:]
    if not jpeg.startswith(b"\xff\xd8"):
        raise ContractError("the picture is not a JPEG", "$.jpeg")
    return meta, jpeg


def _contract_error(error: Exception) -> ContractError:
    """Msgspec says `reason - at `$.path``; split it so that the field can be stored on its own."""
    reason, _, path = str(error).partition(" - at `")
    return ContractError(reason or type(error).__name__, path.rstrip("`"))
