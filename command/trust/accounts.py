"""Accounts in the database: made, found, changed, each act in the audit."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg

from citybrain.errors import ConfigError
from command.database import Row, act
from command.principal import Principal, Role, record
from command.trust import passwords

Connection = psycopg.AsyncConnection[Row]

NAME_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Made:
    """A new account, or one with a new password, which is told here and nowhere else."""

    name: str
    roles: tuple[Role, ...]
    password: str


def principal_of(row: Row) -> Principal:
    """The principal of a row of `account`; a role that this release does not know gives nothing."""
    known = {role.value for role in Role}
    return Principal(
        id=row["id"],
        name=row["name"],
        roles=frozenset(Role(role) for role in row["roles"] if role in known),
        districts=frozenset(row["districts"]),
        department=row["department"],
    )


def check_name(name: str) -> str:
    """The name without spaces around it; ConfigError where it cannot be one."""
    clean = name.strip()
    if not 0 < len(clean) <= NAME_LENGTH or not clean.isprintable():
        raise ConfigError(f"name: {name!r} must have 1 to {NAME_LENGTH} printable characters")
    return clean


async def add(
    connection: Connection,
    by: Principal,
    name: str,
    roles: Collection[Role],
    *,
    districts: Collection[str] = (),
    department: str | None = None,
) -> Made:
    """A local account with a generated password; ConfigError where the name is taken."""
    password = passwords.generate()
    row = await insert(
        connection,
        check_name(name),
        roles,
        districts=districts,
        department=department,
        hash_=await passwords.make(password),
    )
    if row is None:
        raise ConfigError(f"name: there is an account {name!r} already; choose another name")
    details = {"roles": sorted(roles), "districts": sorted(districts), "department": department}
    await record(connection, by, "account.added", f"account/{row['id']}", details)
    return Made(row["name"], tuple(sorted(roles)), password)


async def insert(
    connection: Connection,
    name: str,
    roles: Collection[Role],
    *,
    districts: Collection[str] = (),
    department: str | None = None,
    hash_: str | None = None,
    issuer: str | None = None,
    subject: str | None = None,
) -> Row | None:
    """The new row, or None where name or subject are taken; not audited here."""
    values = {
        "id": uuid4(), "name": name, "roles": sorted(roles), "districts": sorted(districts),
        "department": department, "password_hash": hash_, "issuer": issuer, "subject": subject,
    }  # fmt: skip
    rows = await act(connection, "account_add", values)
    return rows[0] if rows else None


async def by_name(connection: Connection, name: str) -> Row:
    """The row, held until the transaction ends; ConfigError where there is none."""
    rows = await act(connection, "account_by_name", {"name": name})
    if not rows:
        raise ConfigError(f"there is no account {name!r}; see `citybrain account list`")
    return rows[0]


async def by_id(connection: Connection, id_: UUID) -> Row | None:
    rows = await act(connection, "account_by_id", {"id": id_})
    return rows[0] if rows else None


async def reset(connection: Connection, by: Principal, row: Row) -> Made:
    """A new generated password, no TOTP, all sessions and tokens over."""
    password = passwords.generate()
    values: dict[str, Any] = {"id": row["id"], "account": row["id"], "but": None}
    await act(connection, "account_password", values | {"password_hash": await passwords.make(password)})
    await act(connection, "account_totp_remove", values)
    await end_all(connection, row["id"])
    await record(connection, by, "account.reset", f"account/{row['id']}", {})
    return Made(row["name"], tuple(Role(role) for role in row["roles"]), password)


async def disable(connection: Connection, by: Principal, row: Row, *, disabled: bool) -> None:
    """Shut an account out with all its sessions and tokens, or let it in again."""
    await act(connection, "account_disable", {"id": row["id"], "disabled": disabled})
    if disabled:
        await end_all(connection, row["id"])
    what = "account.disabled" if disabled else "account.enabled"
    await record(connection, by, what, f"account/{row['id']}", {})


async def end_all(connection: Connection, account: UUID) -> None:
    """All its sessions and tokens are over."""
    await act(connection, "session_end_all", {"account": account, "but": None})
    await act(connection, "token_revoke_all", {"account": account})
