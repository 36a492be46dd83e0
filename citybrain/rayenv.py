"""What has to be known of Ray before it is imported: where it runs, and the token that opens it."""

import contextlib
import os
import secrets
from pathlib import Path

from citybrain.config import Settings

SETTLED = {
    # Else `uv run` would make Ray build each worker an environment of its own.
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    # An actor that reserves no GPU may still see one.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # Ray's own choice, 15, lets signals wait for whatever else this machine does.
    "RAY_worker_niceness": "0",
}
"""What we ask of Ray, where the environment does not say otherwise."""


def cluster_address(settings: Settings) -> str:
    """The running cluster to use: `ray.address`, else RAY_ADDRESS, else "" for one on this machine."""
    return settings.ray.address or os.environ.get("RAY_ADDRESS", "")


def ensure_token(path: Path) -> None:
    """Make the token, readable by this user only, unless it is there.

    Whole or not at all, and the first writer wins, as services start side by side.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secrets.token_hex(32))
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
