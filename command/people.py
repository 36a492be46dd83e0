"""What the API answers and takes about accounts, sessions, tokens, and the audit."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from command.models import View
from command.principal import Role
from command.trust.rights import Action

# PostgreSQL's text cannot hold NUL, and nobody's name has one.
Text = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*$")]
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
Secret = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
DistrictName = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]


class SignInBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Name
    password: Secret
    code: (
        Annotated[str, Meta(max_length=16, description="six digits, where the account wants them")] | None
    ) = None


class LinkBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    token: Secret


class PasswordBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    old: Secret
    new: Secret


class CodeBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: Annotated[str, Meta(max_length=16)]


class ConfirmBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    password: Secret


class TokenBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Name
    scopes: Annotated[list[Action], Meta(min_length=1, max_length=50)]
    days: Annotated[int, Meta(ge=1, le=3660)] = 365


class AccountBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Name
    roles: Annotated[list[Role], Meta(min_length=1, max_length=20)]
    districts: Annotated[tuple[DistrictName, ...], Meta(max_length=200)] = ()
    department: Text | None = None


class AccountChange(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    roles: Annotated[list[Role], Meta(min_length=1, max_length=20)]
    districts: Annotated[tuple[DistrictName, ...], Meta(max_length=200)] = ()
    department: Text | None = None
    disabled: bool = False


class WaysView(View, frozen=True, kw_only=True):
    """How one can sign in here."""

    site: str
    signed_in: Annotated[bool, Meta(description="whether the caller is already")]
    password: bool
    oidc: bool


class MeView(View, frozen=True, kw_only=True):
    id: UUID
    name: str
    roles: Sequence[Role]
    districts: Annotated[Sequence[str], Meta(description="none: the whole city")]
    department: str | None
    actions: Annotated[Sequence[Action], Meta(description="what this account or token may do")]
    by: Annotated[str, Meta(description="session, token or kiosk")]
    csrf: Annotated[str, Meta(description="send it as X-CSRF-Token with every change; empty with a token")]
    ends_at: datetime | None
    totp: Annotated[bool, Meta(description="whether signing in wants a code too")]
    local: Annotated[bool, Meta(description="whether the account has a password here")]


class TotpView(View, frozen=True, kw_only=True):
    secret: Annotated[str, Meta(description="base 32, to be typed where nothing can be scanned")]
    uri: str
    svg: Annotated[str, Meta(description="the QR code of `uri`")]


class TokenView(View, frozen=True, kw_only=True):
    id: UUID
    name: str
    scopes: Sequence[str]
    created_at: datetime
    ends_at: datetime | None
    revoked_at: datetime | None = None
    token: Annotated[str | None, Meta(description="told once, when it is made")] = None


class TokenList(View, frozen=True, kw_only=True):
    items: Sequence[TokenView]


class AccountView(View, frozen=True, kw_only=True):
    id: UUID
    name: str
    roles: Sequence[str]
    districts: Sequence[str]
    department: str | None
    disabled: bool
    locked_until: datetime | None
    totp: bool
    created_at: datetime
    password: Annotated[str | None, Meta(description="told once, when it is made or reset")] = None


class AccountList(View, frozen=True, kw_only=True):
    items: Sequence[AccountView]


class EntryView(View, frozen=True, kw_only=True):
    seq: int
    at: datetime
    actor: UUID
    actor_name: str
    action: str
    subject: str
    details: Annotated[str, Meta(description="JSON")]


class EntryPage(View, frozen=True, kw_only=True):
    items: Sequence[EntryView]
    next: Annotated[int | None, Meta(description="`before` of the next page; none at the end")]
