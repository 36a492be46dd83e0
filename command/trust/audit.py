"""The audit chain: each entry carries the SHA-256 of the one before; whoever changes one is found.

An entry's hash is over `previous` and its canonical JSON: keys sorted, no spaces, UTF-8, the instant in UTC
with microseconds.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from command.database import act
from command.principal import Principal

START = bytes(32)
SYSTEM = Principal(UUID(int=0), "system", frozenset(), frozenset())
"""Who acts where nobody does: the first start, retention, escalation."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the chain."""

    seq: int
    at: datetime
    actor: UUID
    actor_name: str
    action: str
    subject: str
    details: str
    """Canonical JSON."""
    previous: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Anchor:
    """What was the last entry at some time, kept outside the database."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the chain, and at which entry."""

    seq: int
    reason: str


def canonical(value: object) -> str:
    """One text for one value; TypeError for what JSON cannot say, ValueError for infinity and NaN."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)


def digest(entry: Entry) -> bytes:
    """The hash that this entry must have."""
    told = {
        "seq": entry.seq,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": str(entry.actor),
        "actor_name": entry.actor_name,
        "action": entry.action,
        "subject": entry.subject,
        "details": entry.details,
    }
    return hashlib.sha256(entry.previous + canonical(told).encode()).digest()


class Verifier:
    """Takes the entries in order of their numbers; `faults` are those found so far."""

    def __init__(self, anchors: Iterable[Anchor] = ()) -> None:
        self._anchors = {anchor.seq: anchor.hash for anchor in anchors}
        self._last = Anchor(0, START)
        self.faults: list[Fault] = []
        self.entries = 0

    @property
    def last(self) -> Anchor:
        return self._last

    def take(self, entry: Entry) -> None:
        """Check one entry against the one before and against the anchors."""
        self.entries += 1
        expected = self._last.seq + 1
        if entry.seq != expected:
            missing = f"{expected}" if entry.seq == expected + 1 else f"{expected} to {entry.seq - 1}"
            self._find(expected, f"entries are missing: {missing}")
        elif entry.previous != self._last.hash:
            self._find(
                entry.seq, "it does not follow from the entry before: one of them was changed or moved"
            )
        if digest(entry) != entry.hash:
            self._find(entry.seq, "its hash is not that of its content: it was changed")
        if self._anchors.get(entry.seq, entry.hash) != entry.hash:
            self._find(entry.seq, "it is not what an anchor outside the database says: it was replaced")
        self._last = Anchor(entry.seq, entry.hash)

    def end(self, head: Anchor) -> list[Fault]:
        """All faults, after the last entry; `head` is what the database says is the last."""
        if head != self._last:
            at = min(head.seq, self._last.seq) + 1
            self._find(at, f"the chain ends with {self._last.seq}, its head says {head.seq}")
        beyond = max(self._anchors, default=0)
        if beyond > self._last.seq:
            self._find(
                self._last.seq + 1, f"entries up to {beyond}, known to an anchor, are missing at the end"
            )
        return self.faults

    def _find(self, seq: int, reason: str) -> None:
        self.faults.append(Fault(seq, reason))


async def append(
    connection: psycopg.AsyncConnection[Any],
    principal: Principal,
    action: str,
    subject: str,
    details: Mapping[str, object],
) -> int:
    """Add an entry in the transaction of `connection`; the head's row lock orders all writers."""
    (head,) = await act(connection, "audit_lock_head")
    entry = following(
        Anchor(head["seq"], bytes(head["hash"])),
        head["at"],
        principal,
        action=action,
        subject=subject,
        details=canonical(dict(details)),
    )
    values = {name: getattr(entry, name) for name in Entry.__slots__}
    await act(connection, "audit_append", values)
    await act(connection, "audit_move_head", {"seq": entry.seq, "hash": entry.hash})
    return entry.seq


def following(
    head: Anchor, at: datetime, principal: Principal, *, action: str, subject: str, details: str
) -> Entry:
    """The entry after `head`, with its hash."""
    action, subject, details = map(_without_nul, (action, subject, details))
    bare = Entry(
        head.seq + 1, at, principal.id, principal.name, action, subject, details, head.hash, hash=START
    )
    return replace(bare, hash=digest(bare))


def _without_nul(text: str) -> str:
    """PostgreSQL's text has no NUL."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
