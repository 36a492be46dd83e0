"""Signing in at an identity provider: OpenID Connect, authorization code with PKCE.

OpenID Connect Core 1.0 (3.1), Discovery 1.0, RFC 7636. What the provider calls roles are ours by name; who
has none of them is refused.
"""

import base64
import hashlib
import secrets
import time
from dataclasses import asdict, dataclass
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from citybrain.config import Oidc
from citybrain.errors import ConfigError, Unavailable
from command.database import Row, act
from command.faults import ApiError
from command.principal import Principal, Role, record
from command.trust import accounts
from command.trust.accounts import principal_of
from command.trust.hosts import is_loopback

ATTEMPT_S = 600
TIMEOUT_S = 10.0
LARGEST_ANSWER = 200_000
KEYS_LAST_S = 3600.0
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is remembered, in a sealed cookie, while the browser is at the provider."""

    state: str
    nonce: str
    verifier: str
    callback: str
    begun_s: float

    @classmethod
    def new(cls, callback: str) -> Self:
        state, nonce, verifier = (secrets.token_urlsafe(size) for size in (24, 24, 48))
        return cls(state, nonce, verifier, callback, time.time())

    def text(self) -> str:
        return msgspec.json.encode(asdict(self)).decode()

    @classmethod
    def read(cls, text: str | None) -> Self | None:
        """None where it is no attempt, or too old."""
        try:
            attempt = msgspec.json.decode(text or "", type=cls)
        except msgspec.MsgspecError:
            return None
        return attempt if time.time() - attempt.begun_s < ATTEMPT_S else None

    @property
    def challenge(self) -> str:
        """RFC 7636, S256."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Provider:
    """One identity provider; what it says of itself is fetched once and kept for an hour."""

    def __init__(self, settings: Oidc) -> None:
        if not is_safe(settings.issuer):
            raise ConfigError("oidc.issuer: it must begin with https://, but on loopback")
        if not settings.client_id:
            raise ConfigError("oidc.client_id: is required where oidc.issuer is set")
        self._settings = settings
        self._known: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._known_s = 0.0

    async def address(self, attempt: Attempt) -> str:
        """Where the browser goes to sign in."""
        known = await self._discover()
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": attempt.callback,
            "scope": self._settings.scope,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        address = str(known["authorization_endpoint"])
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"

    async def redeem(self, attempt: Attempt, code: str) -> dict[str, Any]:
        """The claims of who signed in; ApiError 401 where the provider's answer does not hold."""
        known = await self._discover()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": attempt.callback,
            "client_id": self._settings.client_id,
            "code_verifier": attempt.verifier,
        }
        if self._settings.client_secret:
            form["client_secret"] = self._settings.client_secret
        told = await self._ask("POST", str(known["token_endpoint"]), form)
        keys = self._keys
        assert keys is not None
        claims = JWTClaimsRegistry(
            leeway=60,
            iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": self._settings.client_id},
            sub={"essential": True},
            exp={"essential": True},
            nonce={"essential": True, "value": attempt.nonce},
        )
        try:
            token = jwt.decode(str(told.get("id_token", "")), keys, algorithms=ALGORITHMS)
            claims.validate(token.claims)
        except (JoseError, ValueError) as error:
            raise ApiError(401, "the identity provider's token does not hold; sign in again") from error
        return dict(token.claims)

    async def _discover(self) -> dict[str, Any]:
        if self._keys is None or time.monotonic() - self._known_s > KEYS_LAST_S:
            issuer = self._settings.issuer
            known = await self._ask("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            endpoints = [str(known.get(name, "")) for name in _ENDPOINTS]
            if known.get("issuer") != issuer or not all(map(is_safe, endpoints)):
                raise Unavailable(f"{issuer} says of itself what cannot be: issuer or addresses are wrong")
            self._keys = KeySet.import_key_set(await self._ask("GET", str(known["jwks_uri"])))  # type: ignore[arg-type]
            self._known, self._known_s = known, time.monotonic()
        return self._known

    async def _ask(self, method: str, url: str, form: dict[str, str] | None = None) -> dict[str, Any]:
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
                answer = await client.request(method, url, data=form, headers={"accept": "application/json"})
            if answer.status_code == 400 and form is not None:
                raise ApiError(401, "the identity provider refuses this sign-in; sign in again")
            answer.raise_for_status()
            return msgspec.json.decode(answer.content[:LARGEST_ANSWER], type=dict[str, Any])
        except (httpx.HTTPError, msgspec.MsgspecError) as error:
            raise Unavailable("the identity provider does not answer as it should; try again") from error


_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


def is_safe(url: str) -> bool:
    """By https, or not beyond this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


async def account_of(connection: accounts.Connection, settings: Oidc, claims: dict[str, Any]) -> Principal:
    """The account of these claims, made at the first time; roles and districts as the provider says now."""
    roles = [Role(role) for role in _texts(claims.get(settings.roles_claim)) if role in set(Role)]
    if not roles:
        raise ApiError(401, f"the identity provider gives you no role here (claim {settings.roles_claim})")
    districts = _texts(claims.get(settings.districts_claim))
    found = {"issuer": settings.issuer, "subject": str(claims["sub"])}
    rows = await act(connection, "account_by_subject", found)
    row = rows[0] if rows else None
    if row is None:
        row = await _new(connection, settings, claims, roles, districts)
    elif row["disabled_at"] is not None:
        raise ApiError(401, "this account is shut out; ask an administrator")
    elif (row["roles"], row["districts"]) != (sorted(roles), sorted(districts)):
        change = {"id": row["id"], "roles": sorted(roles), "districts": sorted(districts)}
        (row,) = await act(connection, "account_change", change | {"department": row["department"]})
    return principal_of(row)


async def _new(
    connection: accounts.Connection,
    settings: Oidc,
    claims: dict[str, Any],
    roles: list[Role],
    districts: list[str],
) -> Row:
    name = str(claims.get(settings.name_claim) or claims["sub"])[: accounts.NAME_LENGTH]
    name = "".join(c for c in name if c.isprintable()) or "account"
    subject = str(claims["sub"])
    for attempt in (name, f"{name} ({subject})"[: accounts.NAME_LENGTH], subject[: accounts.NAME_LENGTH]):
        # A local account of the same name is somebody else until an administrator says so.
        row = await accounts.insert(
            connection, attempt, roles, districts=districts, issuer=settings.issuer, subject=subject
        )
        if row is not None:
            details = {"roles": sorted(roles), "districts": sorted(districts), "by": "oidc"}
            await record(connection, principal_of(row), "account.added", f"account/{row['id']}", details)
            return row
    raise ApiError(401, "this account cannot be made here: its name is taken; ask an administrator")


def _texts(claim: object) -> list[str]:
    given = claim.split() if isinstance(claim, str) else claim
    return [one for one in given if isinstance(one, str)] if isinstance(given, list) else []
