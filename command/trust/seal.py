"""Secrets that must be read again (TOTP, webhooks), sealed with a key that is not in the database."""

import contextlib
import os
import tempfile
from functools import cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from citybrain.errors import ConfigError
from citybrain.paths import data_dir


def key_path(configured: str) -> Path:
    """`trust.key_file`, or `trust.key` in the data folder."""
    return Path(configured).expanduser() if configured else data_dir() / "trust.key"


def seal(configured: str, text: str) -> bytes:
    return _box(key_path(configured)).encrypt(text.encode())


def unseal(configured: str, sealed: bytes) -> str:
    """The text; ConfigError where it was sealed with another key."""
    path = key_path(configured)
    try:
        return _box(path).decrypt(sealed).decode()
    except InvalidToken as error:
        raise ConfigError(
            f"{path} is not the key that the database's secrets were sealed with: restore that key, or set "
            "trust.key_file to where it is"
        ) from error


@cache
def _box(path: Path) -> Fernet:
    if not path.exists():
        _make(path)
    try:
        return Fernet(path.read_bytes())
    except ValueError as error:
        raise ConfigError(f"trust.key_file: {path} is not a key; restore it from a backup") from error


def _make(path: Path) -> None:
    """A new key, whole or not at all, though two processes start at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name) as fresh:
        fresh.write(Fernet.generate_key())
        fresh.flush()
        with contextlib.suppress(FileExistsError):
            os.link(fresh.name, path)
