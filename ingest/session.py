"""The database as a command of ours opens it."""

from collections.abc import Iterator
from contextlib import contextmanager

from citybrain.config import Settings
from ingest.database import Connection, connect
from ingest.migrate import level_of


@contextmanager
def database(settings: Settings) -> Iterator[Connection]:
    with connect(settings.database.dsn, name="citybrain-cli") as connection:
        level_of(connection)  # says what to run where there is no schema
        yield connection
