"""Accounts, as administrators see and change them."""

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from citybrain.errors import ConfigError
from command import bodies
from command.answers import Json, documented
from command.database import Row, act
from command.faults import ApiError
from command.people import AccountBody, AccountChange, AccountList, AccountView
from command.principal import Principal, SignedIn, record
from command.shared import Shared
from command.trust import accounts as kept
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["accounts"], dependencies=[requires(Action.MANAGE_ACCOUNTS)])


@router.get("/accounts", responses=documented(AccountList, "All accounts by name."))
async def accounts(centre: Shared, principal: SignedIn) -> Response:
    """Every account with its roles and districts; reading the list is recorded."""
    async with centre.database.transaction() as connection:
        rows = await act(connection, "account_list")
        await record(connection, principal, "account.listed", "accounts", {"number": len(rows)})
    return Json(AccountList(items=[_view(row) for row in rows]))


@router.post(
    "/accounts",
    status_code=201,
    responses=documented(AccountView, "The account, its password told this once.", 409, 413, status=201),
    openapi_extra=bodies.described(AccountBody),
)
async def add(request: Request, centre: Shared, principal: SignedIn) -> Response:
    """A local account with a generated password."""
    body = await bodies.read(request, AccountBody)
    async with centre.database.transaction() as connection:
        try:
            made = await kept.add(
                connection,
                principal,
                body.name,
                frozenset(body.roles),
                districts=frozenset(body.districts),
                department=body.department,
            )
        except ConfigError as error:
            raise ApiError(409, str(error), "name") from error
        row = await kept.by_name(connection, made.name)
    return Json(_view(row, made.password), 201)


@router.put(
    "/accounts/{account}",
    responses=documented(AccountView, "As it is now.", 404, 409, 413),
    openapi_extra=bodies.described(AccountChange),
)
async def change(account: UUID, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Give roles, districts and department; shut the account out or let it in."""
    body = await bodies.read(request, AccountChange)
    if account == principal.id:
        raise ApiError(409, "nobody changes one's own rights; another administrator does")
    async with centre.database.transaction() as connection:
        row = await _row(connection, account)
        if body.disabled != (row["disabled_at"] is not None):
            await kept.disable(connection, principal, row, disabled=body.disabled)
        row = await _give(connection, principal, row, body)
    centre.passes.forget_account(account)
    return Json(_view(row))


@router.post(
    "/accounts/{account}/reset", responses=documented(AccountView, "The password, told this once.", 404)
)
async def reset(account: UUID, centre: Shared, principal: SignedIn) -> Response:
    """A new password and no authenticator; all sessions and tokens are over."""
    async with centre.database.transaction() as connection:
        made = await kept.reset(connection, principal, await _row(connection, account))
        row = await _row(connection, account)
    centre.passes.forget_account(account)
    return Json(_view(row, made.password))


async def _give(connection: kept.Connection, by: Principal, row: Row, body: AccountChange) -> Row:
    given = {
        "roles": sorted(set(body.roles)),
        "districts": sorted(set(body.districts)),
        "department": body.department,
    }
    if all(row[name] == value for name, value in given.items()):
        return await _row(connection, row["id"])
    (changed,) = await act(connection, "account_change", {"id": row["id"], **given})
    before = {name: row[name] for name in given}
    await record(connection, by, "account.changed", f"account/{row['id']}", {"before": before, "now": given})
    return changed


async def _row(connection: kept.Connection, account: UUID) -> Row:
    row = await kept.by_id(connection, account)
    if row is None:
        raise ApiError(404, "there is no such account", "account")
    return row


def _view(row: Row, password: str | None = None) -> AccountView:
    return AccountView(
        id=row["id"],
        name=row["name"],
        roles=row["roles"],
        districts=row["districts"],
        department=row["department"],
        disabled=row["disabled_at"] is not None,
        locked_until=row["locked_until"],
        totp=row["totp_sealed"] is not None,
        created_at=row["created_at"],
        password=password,
    )
