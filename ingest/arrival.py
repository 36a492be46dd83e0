"""A message as it came."""

from typing import NamedTuple


class Arrival(NamedTuple):
    """Topic and payload, unread."""

    topic: str
    payload: bytes
