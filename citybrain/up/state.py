"""The record of a running `citybrain up`, so that a second terminal finds it and a second start cleans up."""

import os
import signal
from pathlib import Path

import msgspec
import psutil

from citybrain.paths import data_dir


class Running(msgspec.Struct, frozen=True):
    """One process of a running city."""

    name: str
    pid: int
    created_s: float
    """Start time by the operating system; with the pid it names a process for good."""
    restarts: int


class UpState(msgspec.Struct, frozen=True):
    """What `citybrain up` wrote down."""

    pid: int
    created_s: float
    config: str
    url: str
    log: str
    processes: list[Running]


def state_path() -> Path:
    return data_dir() / "run" / "up.json"


def created_s(pid: int) -> float | None:
    """When the process was created, None if there is none."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def write(state: UpState) -> None:
    path = state_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(state))
    fresh.replace(path)


def read() -> UpState | None:
    """The record, if there is one; it may be of a city that is gone."""
    try:
        return msgspec.json.decode(state_path().read_bytes(), type=UpState)
    except (OSError, msgspec.MsgspecError):
        return None


def is_alive(pid: int, created: float) -> bool:
    """Whether that very process still runs."""
    now = created_s(pid)
    return now is not None and abs(now - created) < 1.0


def end_leftovers(state: UpState) -> list[str]:
    """Kill the processes of a city whose supervisor is gone; their names."""
    ended = []
    for process in state.processes:
        if is_alive(process.pid, process.created_s):
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
            ended.append(process.name)
    return ended


def forget() -> None:
    state_path().unlink(missing_ok=True)
