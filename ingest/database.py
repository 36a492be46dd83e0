"""A connection to the database: which server, which level of storage, failures in one sentence."""

from enum import StrEnum
from typing import LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict

from citybrain.errors import ConfigError, Unavailable

Connection = psycopg.Connection[tuple[object, ...]]

OLDEST_VERSION = 150000
CONNECT_TIMEOUT_S = 5
PASSING = ("starting up", "shutting down", "recovery", "accepting connections", "too many", "terminat")
"""What a server says when it refuses for now."""


class Level(StrEnum):
    """What the server can do; each level stores the same under the same names."""

    PLAIN = "plain"
    """PostgreSQL alone: day partitions, rollups maintained by ingest."""
    APACHE = "apache"
    """TimescaleDB under the Apache licence: hypertables, rollups maintained by ingest."""
    COMMUNITY = "community"
    """TimescaleDB community edition: hypertables, continuous aggregates, columnstore."""

    @property
    def is_plain(self) -> bool:
        return self is Level.PLAIN

    @property
    def maintains_rollups(self) -> bool:
        return self is not Level.COMMUNITY


def connect(dsn: str, *, autocommit: bool = True, name: str = "citybrain-ingest") -> Connection:
    """A connection in UTC.

    Raises:
        ConfigError: the DSN, the account or the database is wrong, or the server too old.
        Unavailable: nobody answers there now.
    """
    try:
        connection = psycopg.connect(
            dsn,
            autocommit=autocommit,
            connect_timeout=CONNECT_TIMEOUT_S,
            application_name=name,
            options="-c timezone=UTC",
        )
    except psycopg.OperationalError as error:
        raise _failure(dsn, error) from None
    except psycopg.ProgrammingError as error:
        raise ConfigError(
            f"database.dsn is not a PostgreSQL DSN ({_first_line(error, dsn)}); "
            "write postgresql://user@host:port/database"
        ) from None
    version = connection.info.server_version
    if version < OLDEST_VERSION:
        connection.close()
        raise ConfigError(
            f"the server of database.dsn is PostgreSQL {version // 10000}; 15 or newer is needed"
        )
    return connection


def one(connection: Connection, query: LiteralString) -> object:
    """The single value of a query's single row."""
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def detect(connection: Connection) -> Level:
    """The level that this server offers; TimescaleDB is switched on in the database where it can be."""
    version = one(
        connection,
        "select (select default_version from pg_available_extensions where name = 'timescaledb')",
    )
    loaded = one(connection, "select current_setting('shared_preload_libraries') ~ 'timescaledb'")
    if version is None or not loaded:
        return Level.PLAIN
    try:
        connection.execute("create extension if not exists timescaledb")
    except psycopg.Error:
        return Level.PLAIN
    licence = one(connection, "select current_setting('timescaledb.license', true)")
    return Level.COMMUNITY if licence == "timescale" else Level.APACHE


def place(dsn: str) -> str:
    """Host, port and database of a DSN: what may be shown of it."""
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        return "the given DSN"
    host, port = parts.get("host", "localhost"), parts.get("port", "5432")
    return f"{host}:{port}/{parts.get('dbname', '')}"


def _failure(dsn: str, error: psycopg.OperationalError) -> ConfigError | Unavailable:
    reason = _first_line(error, dsn)
    # A refused login has no SQLSTATE on the client; the server's own sentence begins with FATAL.
    fatal = reason.partition("FATAL: ")[2].strip()
    if fatal and not any(passing in fatal for passing in PASSING):
        return ConfigError(f"database.dsn ({place(dsn)}) is refused: {fatal}")
    return Unavailable(f"no PostgreSQL answers at {place(dsn)}: {reason}; start it or set database.dsn")


def _first_line(error: psycopg.Error, dsn: str) -> str:
    text = next(iter(str(error).strip().splitlines()), type(error).__name__)
    try:
        password = conninfo_to_dict(dsn).get("password")
    except psycopg.ProgrammingError:
        return "cannot be parsed"
    return text.replace(str(password), "***") if password else text
