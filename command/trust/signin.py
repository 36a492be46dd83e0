"""Signing in: by password and code, by a one-time link, or as an identity provider's; and out again."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from citybrain.config import Settings
from command.database import Database, Row, act
from command.faults import ApiError
from command.principal import Principal, record
from command.trust import accounts, passwords, tickets, totp
from command.trust.accounts import principal_of
from command.trust.seal import unseal

WRONG = (
    "name, password or code are wrong, or the account is locked for a while after several failures;"
    " try again later or ask an administrator"
)
CODE_NEEDED = "code: this account wants the six digits of its authenticator too"
LINK_LASTS = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Begun:
    """A session that has just begun."""

    secret: str
    """What the cookie holds."""
    principal: Principal
    ends_at: datetime


class SignIn:
    """The ways into one site."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._lasts = timedelta(hours=settings.trust.session_hours)
        self._key_file = settings.trust.key_file

    async def by_password(self, name: str, password: str, code: str | None) -> Begun:
        """ApiError 401 where anything is wrong; the same text for all of it."""
        async with self._database.transaction() as connection:
            rows = await act(connection, "account_by_name", {"name": name})
        known = rows[0] if rows and rows[0]["disabled_at"] is None else None
        # Outside the transaction: a hash takes its time, and connections are few.
        right = await passwords.check(known["password_hash"] if known else None, password)
        if known is None:
            raise ApiError(401, WRONG)
        begun = await self._judge(known["id"], known["password_hash"], right=right, code=code)
        if passwords.is_old(known["password_hash"]):
            fresh = {"id": known["id"], "password_hash": await passwords.make(password)}
            async with self._database.transaction() as connection:
                await act(connection, "account_rehash", fresh)
        return begun

    async def _judge(self, id_: UUID, tried: str | None, *, right: bool, code: str | None) -> Begun:
        async with self._database.transaction() as connection:
            row = await accounts.by_id(connection, id_)
            refusal = ApiError(401, WRONG)
            if row is not None and not _is_locked(row) and row["password_hash"] == tried:
                fault, step = self._check(row, code) if right else (refusal, None)
                if fault is None:
                    await act(connection, "account_succeeded", {"id": id_, "totp_step": step})
                    return await self.begin(connection, principal_of(row), "password")
                refusal = fault
                if refusal.message == WRONG:
                    await self._failed(connection, row)
        raise refusal

    async def confirm(self, principal: Principal, password: str) -> bool:
        """Whether this is the password of who is signed in; a wrong one is a failure like any other."""
        async with self._database.transaction() as connection:
            row = await accounts.by_id(connection, principal.id)
        if row is None or _is_locked(row):
            return False
        right = await passwords.check(row["password_hash"], password)
        if not right:
            async with self._database.transaction() as connection:
                if row := await accounts.by_id(connection, principal.id):
                    await self._failed(connection, row)
        return right

    def _check(self, row: Row, code: str | None) -> tuple[ApiError | None, int | None]:
        """What is wrong with the code, or the time step that it used up."""
        if row["totp_sealed"] is None:
            return None, None
        if not code:
            return ApiError(401, CODE_NEEDED, "code"), None
        secret = unseal(self._key_file, bytes(row["totp_sealed"]))
        step = totp.step_of(secret, code, datetime.now(UTC), row["totp_step"])
        return (ApiError(401, WRONG), None) if step is None else (None, step)

    async def _failed(self, connection: accounts.Connection, row: Row) -> None:
        failures = row["failures"] + 1
        lock = passwords.lock_for(failures)
        await act(connection, "account_failed", {"id": row["id"], "lock": lock})
        details = {"failures": failures, "locked_s": int(lock.total_seconds())}
        await record(connection, principal_of(row), "session.refused", f"account/{row['id']}", details)

    async def by_link(self, secret: str) -> Begun:
        """Take a one-time link; ApiError 401 where it was used or is too old."""
        async with self._database.transaction() as connection:
            taken = await act(connection, "link_take", {"token_hash": tickets.kept(secret)})
            row = await accounts.by_id(connection, taken[0]["account"]) if taken else None
            if row is not None and taken[0]["in_force"] and row["disabled_at"] is None:
                return await self.begin(connection, principal_of(row), "link")
        raise ApiError(401, "the link was used before, or is too old; ask for a new one, or sign in")

    async def begin(self, connection: accounts.Connection, principal: Principal, way: str) -> Begun:
        """A session of this principal, in the caller's transaction."""
        secret = tickets.new()
        values = {"token_hash": tickets.kept(secret), "account": principal.id, "lasts": self._lasts}
        (row,) = await act(connection, "session_add", values)
        await record(connection, principal, "session.begun", f"account/{principal.id}", {"by": way})
        return Begun(secret, principal, row["ends_at"])

    async def end(self, principal: Principal, key: bytes) -> None:
        """Sign out."""
        async with self._database.transaction() as connection:
            await act(connection, "session_end", {"token_hash": key})
            await record(connection, principal, "session.ended", f"account/{principal.id}", {})


async def link_for(connection: accounts.Connection, by: Principal, account: UUID) -> str:
    """The secret of a new one-time link into this account."""
    secret = tickets.new()
    values = {"token_hash": tickets.kept(secret), "account": account, "lasts": LINK_LASTS}
    await act(connection, "link_add", values)
    await record(connection, by, "link.made", f"account/{account}", {})
    return secret


def _is_locked(row: Row) -> bool:
    return row["locked_until"] is not None and row["locked_until"] > datetime.now(UTC)
