"""Who asks: the signed-in account as every route sees it, and the record of what it did."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import psycopg
from fastapi import Depends, Request

from command.faults import ApiError


class Role(StrEnum):
    """What an account is for; it may have several."""

    ACCEPTOR = "acceptor"
    DISPATCHER = "dispatcher"
    DEPARTMENT = "department"
    HANDLER = "handler"
    GRID_WORKER = "grid_worker"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"
    CITIZEN = "citizen"


@dataclass(frozen=True, slots=True)
class Principal:
    """An account, or the account that a token belongs to."""

    id: UUID
    name: str
    roles: frozenset[Role]
    districts: frozenset[str]
    """Empty: the whole city."""
    department: str | None = None


def signed_in(request: Request) -> Principal:
    """The principal of this request; ApiError 401 where nobody is signed in."""
    principal = getattr(request.state, "principal", None)
    if not isinstance(principal, Principal):
        raise ApiError(401, "sign in first: nobody is signed in, or the session is over")
    return principal


SignedIn = Annotated[Principal, Depends(signed_in)]


async def record(
    connection: psycopg.AsyncConnection[Any],
    principal: Principal,
    action: str,
    subject: str,
    details: Mapping[str, object],
) -> int:
    """Append to the audit chain inside the caller's transaction; returns the entry's number.

    Call it last: from here to the end of the transaction every other entry waits. `details` holds what JSON
    can say: texts, numbers, booleans, None, lists and objects.
    """
    from command.trust import audit  # the chain knows principals, not the other way round

    return await audit.append(connection, principal, action, subject, details)
