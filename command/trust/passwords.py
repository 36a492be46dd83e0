"""Passwords: argon2id hashes, what a new one must be, and how long failures lock an account."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
LONGEST = 128
FREE_FAILURES = 5
FIRST_LOCK_S = 30
LONGEST_LOCK_S = 3600
_ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # nothing that looks like another

_hasher = PasswordHasher()
_NOBODYS = _hasher.hash(secrets.token_urlsafe(24))
"""Verified where there is no account, so that the time of an answer tells nothing."""


def generate() -> str:
    """Four groups of five letters and digits: 115 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))


def fault(password: str, name: str) -> str:
    """Why this cannot be the password of account `name`; empty if it can."""
    if not SHORTEST <= len(password) <= LONGEST:
        return f"a password has {SHORTEST} to {LONGEST} characters"
    if name.lower() in password.lower():
        return "a password does not contain the name of its account"
    if len(set(password)) < 6:
        return "a password has at least six different characters"
    return ""


def hash_of(password: str) -> str:
    return _hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether `password` is the one; takes as long without a stored hash as with one."""
    try:
        _hasher.verify(stored or _NOBODYS, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def is_old(stored: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)


_threads = ThreadPoolExecutor(2, thread_name_prefix="password")
"""A hash costs 64 MiB: two at a time, others wait."""


async def check(stored: str | None, password: str) -> bool:
    """`matches`, beside the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_threads, matches, stored, password)


async def make(password: str) -> str:
    """`hash_of`, beside the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_threads, hash_of, password)


def lock_for(failures: int) -> timedelta:
    """How long an account is locked after so many failures in a row: 30 s, 60 s, ... an hour at most."""
    beyond = failures - FREE_FAILURES
    if beyond < 0:
        return timedelta(0)
    return timedelta(seconds=min(LONGEST_LOCK_S, FIRST_LOCK_S * 2 ** min(beyond, 20)))
