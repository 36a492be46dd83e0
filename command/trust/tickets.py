"""What callers hold to show who they are, and what of it is kept: a SHA-256, never the thing itself."""

import hashlib
import hmac
import secrets

TOKEN_PREFIX = "cbt_"  # noqa: S105  (so that a leaked token is recognised by those who scan for them)


def new() -> str:
    """256 random bits, safe in a URL."""
    return secrets.token_urlsafe(32)


def new_token() -> str:
    return TOKEN_PREFIX + new()


def kept(secret: str) -> bytes:
    """What the database holds of it."""
    return hashlib.sha256(secret.encode()).digest()


def csrf_of(session: str) -> str:
    """What a page must send along with each change; only who can read our answers knows it."""
    return hmac.new(session.encode(), b"csrf", hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())
