"""What every request passes, as plain ASGI: limits, security headers, counters.

Plain ASGI, because a wrapper that copies bodies would break streams and hide a client's disconnect.
"""

import re
import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from command.centre import Centre
from command.faults import refusal

log = structlog.get_logger()

API = "/api/v1"
MAX_BODY_BYTES = 64_000
LARGER = (
    (re.compile(r"/api/v1/(uploads/[^/]+|public/follow/photos)"), 12_000_000),
    (re.compile(r"/api/v1/field/batch"), 1_000_000),
)
"""Paths that take more."""
MAX_QUERY_BYTES = 16_000

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; worker-src 'self';"
    " font-src 'self'; manifest-src 'self';"
    " base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
PERMISSIONS = (
    ("/phone/", "camera=(), geolocation=(self), microphone=(self)"),
    ("/report/", "camera=(), geolocation=(self), microphone=()"),
    ("/", "camera=(), geolocation=(), microphone=()"),
)
"""What pages below these paths may ask the device for; the first that fits."""
_RAW_HEADERS = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


class TooLarge(Exception):
    """A body that has grown past the limit."""


class Guard:
    """Wraps the app; `scope["app"].state.centre` is there once the app has started."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        is_stream = False
        is_started = False
        started_s = time.perf_counter()

        async def guarded(message: Message) -> None:
            nonlocal status, is_stream, is_started
            if message["type"] == "http.response.start":
                is_started = True
                status = message["status"]
                kind = dict(message["headers"]).get(b"content-type", b"")
                is_stream = kind.startswith((b"text/event-stream", b"multipart/"))
                names = {name for name, _ in message["headers"]}
                # Live state is of this moment: nobody may keep it unless the answer says so.
                if b"cache-control" not in names:
                    message["headers"] = [*message["headers"], (b"cache-control", b"no-store")]
                message["headers"] = [*message["headers"], *_RAW_HEADERS, _permissions(scope["path"])]
            await send(message)

        too_large = _too_large(scope)
        try:
            if too_large:
                await refusal(413, too_large)(scope, receive, guarded)
            else:
                await self._app(scope, _limited(receive, limit_of(scope)), guarded)
        except TooLarge as error:
            await refusal(413, str(error))(scope, receive, guarded)
        except Exception:
            log.exception("request_failed", method=scope["method"], path=scope["path"][:200])
            if is_started:
                raise  # the rest of an answer cannot be made up; the connection ends
            await refusal(500, "the server failed on this request; its log says why")(scope, receive, guarded)
        finally:
            _count(scope, status, None if is_stream else time.perf_counter() - started_s)


def _permissions(path: str) -> tuple[bytes, bytes]:
    allowed = next(
        (allowed for prefix, allowed in PERMISSIONS if path.startswith(prefix)), PERMISSIONS[-1][1]
    )
    return b"permissions-policy", allowed.encode()


def _too_large(scope: Scope) -> str:
    if len(scope["query_string"]) > MAX_QUERY_BYTES:
        return f"the query is longer than {MAX_QUERY_BYTES} bytes"
    length = dict(scope["headers"]).get(b"content-length", b"0")
    limit = limit_of(scope)
    if length.isdigit() and int(length) > limit:
        return f"the body is longer than {limit} bytes"
    return ""


def limit_of(scope: Scope) -> int:
    """How many bytes a body may have on this path."""
    path = scope["path"]
    return next((limit for pattern, limit in LARGER if pattern.fullmatch(path)), MAX_BODY_BYTES)


def _limited(receive: Receive, limit: int) -> Receive:
    """A chunked body has no length beforehand: count what comes."""
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > limit:
                raise TooLarge(f"the body is longer than {limit} bytes")
        return message

    return limited


def _count(scope: Scope, status: int, took_s: float | None) -> None:
    # Without a centre the app did not start; there is nobody to count for.
    centre = getattr(scope["app"].state, "centre", None) if "app" in scope else None
    if not isinstance(centre, Centre):
        return
    route = scope.get("route")
    # The path of a known route only: names that a client makes up must not become series.
    path = getattr(route, "path_format", None) or getattr(route, "path", None) or "other"
    # FastAPI tells an included route's path with or without its prefix, by version.
    if scope["path"].startswith(f"{API}/") and path.startswith("/") and not path.startswith(API):
        path = API + path
    centre.figures.requests.labels(scope["method"], path, str(status)).inc()
    if took_s is not None:
        centre.figures.request_s.labels(path).observe(took_s)
