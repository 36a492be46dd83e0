"""Acknowledgements: whose watermark is to be looked at and told, at most twice a second a device."""

from collections.abc import Iterable

from ingest.store import Owner

EVERY_S = 0.5
MOST_AT_ONCE = 2_000


class Acks:
    """Devices (with their boot) that wait for an acknowledgement."""

    def __init__(self) -> None:
        self._waiting: dict[Owner, None] = {}
        self._told_at: dict[Owner, float] = {}

    def want(self, owners: Iterable[Owner]) -> None:
        """Something of theirs was settled, or came again because an acknowledgement was lost."""
        self._waiting.update(dict.fromkeys(owners))

    def due(self, now_s: float) -> list[Owner]:
        """Who may be told now, the longest waiting first."""
        due = [owner for owner in self._waiting if self._told_at.get(owner, -EVERY_S) <= now_s - EVERY_S]
        return due[:MOST_AT_ONCE]

    def told(self, owners: Iterable[Owner], now_s: float) -> None:
        """They were told."""
        for owner in owners:
            self._waiting.pop(owner, None)
            self._told_at[owner] = now_s
        if len(self._told_at) > 10 * MOST_AT_ONCE:
            self._told_at = {owner: at for owner, at in self._told_at.items() if at > now_s - EVERY_S}
