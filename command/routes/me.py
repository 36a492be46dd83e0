"""One's own account: password, authenticator, tokens."""

from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from command import bodies
from command.answers import Json, documented
from command.centre import Centre
from command.database import Row, act
from command.faults import ApiError
from command.people import CodeBody, ConfirmBody, PasswordBody, TokenBody, TokenList, TokenView, TotpView
from command.principal import Principal, SignedIn, record
from command.shared import Shared
from command.trust import accounts, passwords, totp
from command.trust import tokens as tokens_of
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["me"], dependencies=[requires(Action.OWN_ACCOUNT)])


@router.put(
    "/me/password",
    status_code=204,
    responses=documented(None, "Changed; all other sessions are over.", 413, status=204),
    openapi_extra=bodies.described(PasswordBody),
)
async def password(request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Change the password; the old one is asked for."""
    body = await bodies.read(request, PasswordBody)
    if fault := passwords.fault(body.new, principal.name):
        raise ApiError(422, f"new: {fault}", "new")
    await _confirm(centre, principal, body.old, "old")
    hashed = await passwords.make(body.new)
    key = request.state.pass_.key
    async with centre.database.transaction() as connection:
        await act(connection, "account_password", {"id": principal.id, "password_hash": hashed})
        await act(connection, "session_end_all", {"account": principal.id, "but": key})
        await record(connection, principal, "account.password_changed", f"account/{principal.id}", {})
    centre.passes.forget_account(principal.id, but=key)
    return Response(status_code=204)


@router.post("/me/totp", responses=documented(TotpView, "A secret that waits for its first code.", 409))
async def begin_totp(centre: Shared, principal: SignedIn) -> Response:
    """Begin to set up an authenticator; nothing changes until its first code comes."""
    secret = totp.new_secret()
    async with centre.database.transaction() as connection:
        row = await _row(connection, principal)
        if row["password_hash"] is None:
            raise ApiError(409, "the identity provider asks for codes, not this site")
        if row["totp_sealed"] is not None:
            raise ApiError(409, "there is an authenticator already; remove it first")
        sealed = centre.seal(secret)
        await act(connection, "account_totp_pending", {"id": principal.id, "sealed": sealed})
    uri = totp.uri(secret, principal.name, centre.settings.site.name)
    return Json(TotpView(secret=secret, uri=uri, svg=totp.picture(uri)))


@router.put(
    "/me/totp",
    status_code=204,
    responses=documented(None, "Signing in wants a code from now on.", 409, 413, status=204),
    openapi_extra=bodies.described(CodeBody),
)
async def confirm_totp(request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Put the authenticator in force by its first code."""
    body = await bodies.read(request, CodeBody)
    async with centre.database.transaction() as connection:
        row = await _row(connection, principal)
        if row["totp_pending"] is None:
            raise ApiError(409, "no authenticator waits for its first code; begin with POST")
        secret = centre.unseal(bytes(row["totp_pending"]))
        step = totp.step_of(secret, body.code, datetime.now(UTC), None)
        if step is None:
            raise ApiError(422, "code: it is not the one that the authenticator shows now", "code")
        await act(connection, "account_totp_confirm", {"id": principal.id, "step": step})
        await record(connection, principal, "account.totp_set", f"account/{principal.id}", {})
    return Response(status_code=204)


@router.post(
    "/me/totp/removal",
    status_code=204,
    responses=documented(None, "Signing in wants no code any more.", 413, status=204),
    openapi_extra=bodies.described(ConfirmBody),
)
async def remove_totp(request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Remove the authenticator; the password is asked for."""
    body = await bodies.read(request, ConfirmBody)
    await _confirm(centre, principal, body.password, "password")
    async with centre.database.transaction() as connection:
        await act(connection, "account_totp_remove", {"id": principal.id})
        await record(connection, principal, "account.totp_removed", f"account/{principal.id}", {})
    return Response(status_code=204)


@router.get("/me/tokens", responses=documented(TokenList, "The account's tokens, latest first."))
async def tokens(centre: Shared, principal: SignedIn) -> Response:
    """Which tokens act for this account; what they are is told only when they are made."""
    async with centre.database.transaction() as connection:
        rows = await act(connection, "token_list", {"account": principal.id})
    return Json(TokenList(items=[TokenView(**row) for row in rows]))


@router.post(
    "/me/tokens",
    status_code=201,
    responses=documented(TokenView, "The token, told this once.", 413, status=201),
    openapi_extra=bodies.described(TokenBody),
)
async def add_token(request: Request, centre: Shared, principal: SignedIn) -> Response:
    """A token that may do part of what this account may."""
    body = await bodies.read(request, TokenBody)
    beyond = set(body.scopes) - (request.state.actions - {Action.OWN_ACCOUNT})
    if beyond:
        raise ApiError(
            422, f"scopes: a token of this account cannot have {', '.join(sorted(beyond))}", "scopes"
        )
    async with centre.database.transaction() as connection:
        row, token = await tokens_of.make(
            connection, principal, principal.id, body.name, body.scopes, days=body.days
        )
    return Json(TokenView(**row, token=token), 201)


@router.delete(
    "/me/tokens/{token}", status_code=204, responses=documented(None, "It is worth nothing.", 404, status=204)
)
async def revoke_token(token: UUID, centre: Shared, principal: SignedIn) -> Response:
    """Revoke a token of this account."""
    async with centre.database.transaction() as connection:
        found = await act(connection, "token_revoke", {"id": token, "account": principal.id})
        if not found:
            raise ApiError(404, "the account has no such token in force", "token")
        await record(connection, principal, "token.revoked", f"token/{token}", {})
    centre.passes.forget_tokens(principal.id)
    return Response(status_code=204)


async def _row(connection: accounts.Connection, principal: Principal) -> Row:
    row = await accounts.by_id(connection, principal.id)
    if row is None:
        raise ApiError(401, "the account is gone")
    return row


async def _confirm(centre: Centre, principal: Principal, given: str, field: str) -> None:
    """ApiError 422 unless this is the account's password; wrong ones count as failures."""
    if not await centre.sign_in.confirm(principal, given):
        raise ApiError(
            422, f"{field}: this is not the account's password, or it is locked for a while", field
        )
