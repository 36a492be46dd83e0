"""Signs of life that a signal's agent leaves for its watchdog: a counter in a file that nobody waits for."""

import os
import struct
from pathlib import Path

from citybrain.paths import data_dir

_BEAT = struct.Struct("<qq")


def beat_path(intersection: str) -> Path:
    """Where the agent and the watchdog of a signal meet."""
    return data_dir() / "beat" / intersection


class Beat:
    """The agent's side: `strike` after each tick in which the cabinet was told what to show."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        self._count = 0

    def strike(self) -> None:
        self._count += 1
        os.pwrite(self._file, _BEAT.pack(os.getpid(), self._count), 0)


def read_beat(path: Path) -> tuple[int, int] | None:
    """Process id and count of the last beat; None where there was none yet."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if len(data) < _BEAT.size:
        return None
    pid, count = _BEAT.unpack_from(data)
    return pid, count
