"""Measurements to network state to signal plans: the optimiser and its shells."""

import hashlib
from pathlib import Path
from typing import Any

import numba

from citybrain.paths import data_dir


def _cache_folder() -> Path:
    """Where compiled kernels are kept, a folder of its own for each state of the sources.

    Numba looks only at the file of a function, not at those of what it calls and takes in: after a change of
    the latter alone it would go on with what was compiled before.
    """
    here = Path(__file__).parent
    digest = hashlib.blake2b(digest_size=8)
    for source in sorted(here.glob("*.py")):
        digest.update(source.read_bytes())
    name = f"numba-{digest.hexdigest()}"
    folder = here / "__pycache__" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return data_dir() / name
    return folder


_config: Any = numba.config
if not _config.CACHE_DIR:
    _config.CACHE_DIR = str(_cache_folder())
