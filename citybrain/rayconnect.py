"""The road to Ray, the only compute engine: its environment, its import, one way to connect.

Ray reads parts of its environment once, when it is first imported; therefore rooms take `ray` from here.
"""

import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from citybrain.rayenv import SETTLED, cluster_address, ensure_token

os.environ.update({**SETTLED, **os.environ})

import ray
import structlog

from citybrain.config import Settings
from citybrain.errors import Unavailable
from citybrain.paths import data_dir

__all__ = ["NAMESPACE", "connect", "disconnect", "local_token", "ray"]

NAMESPACE = "citybrain"
OBJECT_STORE_BYTES = 100_000_000
"""Frames never pass through the object store; this is just above the least that Ray takes."""
CONNECT_TIMEOUT_S = 5.0
PASSED_ON = ("CITYBRAIN_DATA_DIR", "CITYBRAIN_LOG", "XDG_DATA_HOME")

log = structlog.get_logger()


def connect(settings: Settings) -> None:
    """Connect this process to Ray, once; start a local Ray where no cluster is named.

    Workers import City Brain from where this process does, so a source checkout needs no installation.

    Raises:
        Unavailable: the named cluster cannot be reached, or Ray does not start here.
    """
    if ray.is_initialized():
        return
    address = cluster_address(settings)
    if address:
        _require_answer(address)
    else:
        local_token()
    start = {} if address else _local_options()
    try:
        with _own_signals():
            ray.init(
                address=address or "local",
                namespace=NAMESPACE,
                log_to_driver=False,
                logging_level=logging.ERROR,
                runtime_env={"env_vars": _worker_environment()},
                **start,
            )
    except Exception as error:
        named = f"the Ray cluster at {address}" if address else "Ray on this machine"
        raise Unavailable(f"{named} cannot be used: {_first_line(error)}; check ray.address") from error
    log.info("ray_connected", address=address or "local", version=ray.__version__)


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Keep the process's own handlers: Ray puts some in their place that end it without a goodbye."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    own = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in own.items():
            signal.signal(number, handler)


def disconnect() -> None:
    """Leave Ray; a Ray that `connect` started here ends."""
    if ray.is_initialized():
        ray.shutdown()


def local_token() -> None:
    """Make the token with which a Ray on this machine answers only to those who may read the user's data.

    Ray turns to token mode by itself where RAY_AUTH_MODE does not say otherwise; a mode or token that the
    environment names already is kept.
    """
    if any(name in os.environ for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")):
        return
    token = data_dir() / "ray_token"
    ensure_token(token)
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(token)


def _local_options() -> dict[str, Any]:
    return {
        "include_dashboard": False,
        "num_cpus": max(2, os.cpu_count() or 1),
        "object_store_memory": OBJECT_STORE_BYTES,
    }


def _worker_environment() -> dict[str, str]:
    """Where workers find the packages, and where they find the user's data."""
    root = str(Path(__file__).resolve().parent.parent)
    paths = [root, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**passed, "PYTHONPATH": os.pathsep.join(dict.fromkeys(path for path in paths if path))}


def _require_answer(address: str) -> None:
    """Ray itself would try for minutes."""
    parts = urlsplit(address if "://" in address else f"ray-gcs://{address}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise Unavailable(f"ray.address = {address!r} is not host:port: {error}") from error
    if host is None or port is None:
        return  # "auto" and the like: Ray knows
    try:
        socket.create_connection((host, port), CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise Unavailable(
            f"no Ray cluster answers at {address}: {error.strerror or error}; start one or set ray.address"
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
