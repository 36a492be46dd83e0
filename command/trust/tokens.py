"""API tokens: made for an account, told once, kept as a hash."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID, uuid4

from command.database import Row, act
from command.principal import Principal, record
from command.trust import tickets
from command.trust.accounts import Connection
from command.trust.rights import Action


async def make(
    connection: Connection,
    by: Principal,
    account: UUID,
    name: str,
    scopes: Iterable[Action],
    *,
    days: int,
) -> tuple[Row, str]:
    """A token of `account` for so many days: what is told of it, and the token itself."""
    token = tickets.new_token()
    given = sorted({scope.value for scope in scopes})
    values = {
        "id": uuid4(),
        "account": account,
        "name": name,
        "token_hash": tickets.kept(token),
        "scopes": given,
        "lasts": timedelta(days=days),
    }
    (row,) = await act(connection, "token_add", values)
    details = {"scopes": given, "days": days, "account": str(account)}
    await record(connection, by, "token.made", f"token/{row['id']}", details)
    return row, token
