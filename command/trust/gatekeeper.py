"""Who is it? Every request passes here: cookie or token, rate, and that no other site's page sent it.

Plain ASGI, as the guard around it; an open stream ends when its session does.
"""

from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from citybrain.config import Settings
from citybrain.errors import ConfigError, Unavailable
from command.centre import Centre
from command.faults import refusal
from command.trust import passes, tickets
from command.trust.hosts import is_loopback
from command.trust.passes import Pass
from command.trust.rates import Rates

SAFE = {"GET", "HEAD", "OPTIONS"}
BY_ITSELF = ("/telemetry/", "/stream", "/picture.jpg", "/stream.mjpg", "/pictures")
"""What the map's page asks for without anybody doing anything."""
COOKIE = "citybrain_session"
CSRF_HEADER = b"x-csrf-token"


class Over(Exception):
    """The session of an open stream is over."""


class Gatekeeper:
    """Wraps the app; puts `principal`, `actions` and `pass_` into the request's state."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._rates = Rates(settings.trust.requests_per_minute)
        if settings.trust.kiosk and not is_loopback(settings.command.host):
            raise ConfigError("trust.kiosk: only where command.host is loopback, such as 127.0.0.1")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state.update({"principal": None, "actions": frozenset(), "pass_": None, "trust_fault": ""})
        headers = dict(scope["headers"])
        held = await self._pass_of(scope, headers, state)
        wait_s = self._rates.wait_s(held.key if held and held.kind != "kiosk" else address_of(scope))
        if wait_s > 0:
            answer = refusal(429, "too many requests; ask again later")
            answer.headers["retry-after"] = str(int(wait_s) + 1)
            await answer(scope, receive, send)
        elif reason := self._foreign(scope, headers, held):
            await refusal(403, reason)(scope, receive, send)
        elif held:
            state.update({"principal": held.principal, "actions": held.actions, "pass_": held})
            await self._held_open(held, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _pass_of(
        self, scope: Scope, headers: dict[bytes, bytes], state: dict[str, object]
    ) -> Pass | None:
        if not scope["path"].startswith("/api/") and scope["path"] not in {"/metrics", "/openapi.json"}:
            return None  # pages and their parts are the same for everybody
        centre: Centre = scope["app"].state.centre
        kind, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        session = cookie_of(headers)
        try:
            if kind.lower() == "bearer":
                return await centre.passes.of_token(token.strip())
            if session:
                is_use = not any(part in scope["path"] for part in BY_ITSELF)
                if held := await centre.passes.of_session(session, is_use=is_use):
                    return held
        except Unavailable:
            state["trust_fault"] = "the database is away, so nobody can be recognised; try again"
            return None
        if self._settings.trust.kiosk and is_loopback(_host(headers)):
            return passes.kiosk()
        return None

    def _foreign(self, scope: Scope, headers: dict[bytes, bytes], held: Pass | None) -> str:
        """Why this change may come from another site's page; empty where it does not."""
        if scope["method"] in SAFE:
            return ""
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin and not self._is_own(origin, headers):
            return "origin: another site's page may not do this"
        if held is None or held.kind != "session":
            return ""
        given = headers.get(CSRF_HEADER, b"").decode("latin-1")
        if tickets.same(given, held.csrf):
            return ""
        return "x-csrf-token: send what GET /api/v1/me told as `csrf`"

    def _is_own(self, origin: str, headers: dict[bytes, bytes]) -> bool:
        if self._settings.trust.public_url:
            return origin.rstrip("/") == self._settings.trust.public_url.rstrip("/")
        return urlsplit(origin).netloc == headers.get(b"host", b"").decode("latin-1")

    async def _held_open(self, held: Pass, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app; each piece of a stream asks whether the session is good still."""
        pieces = 0

        async def watched(message: Message) -> None:
            nonlocal pieces
            if message["type"] == "http.response.body" and message.get("more_body"):
                pieces += 1
                if pieces > 1 and not await scope["app"].state.centre.passes.still(held):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                    raise Over
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Over:
            pass
        except BaseExceptionGroup as group:
            # The framework runs streams in task groups, which wrap what ends them.
            _, rest = group.split(Over)
            if rest is not None:
                raise rest from None


def cookie_name(*, secure: bool) -> str:
    """With the prefix, browsers accept it only over https and for this host alone."""
    return f"__Host-{COOKIE}" if secure else COOKIE


def cookie_of(headers: dict[bytes, bytes]) -> str:
    """The session that the browser sent, empty if none."""
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(headers.get(b"cookie", b"").decode("latin-1"))
    except CookieError:
        return ""
    for name in (cookie_name(secure=True), cookie_name(secure=False)):
        if name in jar:
            return jar[name].value
    return ""


def address_of(scope: Scope) -> str:
    """The address of the caller's end of the connection."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _host(headers: dict[bytes, bytes]) -> str:
    return urlsplit(f"//{headers.get(b'host', b'').decode('latin-1')}").hostname or ""
