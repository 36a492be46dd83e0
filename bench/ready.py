"""Waiting for a server of a bench."""

import time

from citybrain.errors import Unavailable
from ingest.database import connect


def await_database(dsn: str, timeout_s: float = 120.0) -> None:
    """Until the server takes a query: it listens before it has recovered."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            connect(dsn, name="bench").close()
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
