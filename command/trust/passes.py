"""Sessions and tokens in use: found in the database, kept in memory for a moment, gone when revoked."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from citybrain.config import Settings
from citybrain.errors import Unavailable
from command.database import Database, Row, act
from command.principal import Principal, Role
from command.trust import tickets
from command.trust.accounts import principal_of
from command.trust.rights import Action, allowed

Kind = Literal["session", "token", "kiosk"]

FRESH_S = 5.0
"""So long a look into the database holds; so late at most a revocation elsewhere is noticed."""
GRACE_S = 900.0
"""So long a known session goes on while the database is away: the live map needs no database."""
USE_S = 30.0
MOST_HELD = 10_000


@dataclass(slots=True)
class Pass:
    """One credential in use."""

    principal: Principal
    actions: frozenset[Action]
    kind: Kind
    key: bytes
    """SHA-256 of the secret; what rates are counted by."""
    ends_at: datetime | None = None
    csrf: str = ""
    ended: bool = False
    checked_s: float = field(default_factory=time.monotonic)
    used_s: float = 0.0

    @property
    def in_force(self) -> bool:
        return not self.ended and (self.ends_at is None or self.ends_at > datetime.now(UTC))


def kiosk() -> Pass:
    """What everybody has on a kiosk: the role of an operator and a name that says so."""
    principal = Principal(UUID(int=1), "kiosk", frozenset({Role.OPERATOR}), frozenset())
    beyond = {Action.OWN_ACCOUNT, Action.HANDLE_ALARMS, Action.REPORT_CASES, Action.ORDER_SIGNALS}
    return Pass(principal, allowed(principal) - beyond, "kiosk", b"kiosk")


class Passes:
    """All credentials in use at this server. For one event loop."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._idle = timedelta(minutes=settings.trust.session_idle_minutes)
        self._held: dict[bytes, Pass] = {}

    async def of_session(self, secret: str, *, is_use: bool) -> Pass | None:
        """The session, or None where it is over; Unavailable where nobody knows it and the database is away.

        `is_use`: whether a person does something; what a page fetches by itself keeps no session alive.
        """
        held = await self._find("session", secret)
        if held and is_use and time.monotonic() - held.used_s > USE_S:
            held.used_s = time.monotonic()
            try:
                async with self._database.transaction() as connection:
                    await act(connection, "session_use", {"token_hash": held.key, "idle": self._idle})
            except Unavailable:
                held.used_s = 0.0
        return held

    async def of_token(self, secret: str) -> Pass | None:
        """The token, or None where it is not in force; Unavailable as `of_session`."""
        return await self._find("token", secret)

    async def still(self, held: Pass) -> bool:
        """Whether a pass that opened a stream is good still."""
        if held.in_force and held.kind != "kiosk" and time.monotonic() - held.checked_s > FRESH_S:
            try:
                row = await self._row(held.kind, held.key)
            except Unavailable:
                return time.monotonic() - held.checked_s < GRACE_S
            held.checked_s = time.monotonic()
            held.ended = row is None
        return held.in_force

    def forget(self, key: bytes) -> None:
        """It is over at once, with its open streams."""
        if held := self._held.pop(key, None):
            held.ended = True

    def forget_account(self, account: UUID, but: bytes | None = None) -> None:
        """All passes of an account are over at once, but the one given."""
        for key in [key for key, held in self._held.items() if held.principal.id == account and key != but]:
            self.forget(key)

    def forget_tokens(self, account: UUID) -> None:
        """The tokens of an account are looked up anew."""
        for key, held in list(self._held.items()):
            if held.principal.id == account and held.kind == "token":
                self.forget(key)

    async def _find(self, kind: Kind, secret: str) -> Pass | None:
        key = tickets.kept(secret)
        held = self._held.get(key)
        now_s = time.monotonic()
        if held and now_s - held.checked_s < FRESH_S:
            return held if held.in_force else None
        try:
            row = await self._row(kind, key)
        except Unavailable:
            if held and held.in_force and now_s - held.checked_s < GRACE_S:
                return held
            raise
        if row is None:
            self.forget(key)
            return None
        return self._keep(kind, key, row, secret, held)

    async def _row(self, kind: Kind, key: bytes) -> Row | None:
        async with self._database.transaction() as connection:
            rows = await act(connection, f"{kind}_find", {"token_hash": key, "idle": self._idle})
        return rows[0] if rows else None

    def _keep(self, kind: Kind, key: bytes, row: Row, secret: str, known: Pass | None) -> Pass:
        principal = principal_of(row)
        scopes = frozenset(row["scopes"]) if kind == "token" else None
        found = Pass(
            principal,
            allowed(principal, scopes),
            kind,
            key,
            ends_at=row["ends_at"],
            csrf=tickets.csrf_of(secret) if kind == "session" else "",
            used_s=known.used_s if known else 0.0,
        )
        if known and (known.principal, known.actions) == (found.principal, found.actions):
            known.checked_s, known.ends_at = found.checked_s, found.ends_at
            return known
        if known:
            known.ended = True  # rights changed: its open streams begin anew with the new ones
        if len(self._held) >= MOST_HELD:
            self._held.pop(next(iter(self._held)))
        self._held[key] = found
        return found
