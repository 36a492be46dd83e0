"""Where City Brain keeps what it owns on a machine: one folder, chosen by environment."""

import os
from pathlib import Path


def data_dir() -> Path:
    """The user's data: `CITYBRAIN_DATA_DIR`, `$XDG_DATA_HOME/citybrain` or `~/.local/share/citybrain`.

    It is not created here; who writes first makes it.
    """
    if own := os.environ.get("CITYBRAIN_DATA_DIR"):
        return Path(own).expanduser().absolute()
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser().absolute() / "citybrain"
