"""The database as the command line uses it: one connection, no server needed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import psycopg
from psycopg.rows import dict_row

from citybrain.config import Settings
from citybrain.errors import ConfigError, Unavailable
from command.database import check_dsn
from command.trust.accounts import Connection

T = TypeVar("T")


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Connection]:
    """A connection in a transaction that ends with the block.

    Raises:
        ConfigError: the DSN is wrong, or the database has no schema yet.
        Unavailable: nobody answers.
    """
    check_dsn(dsn)
    try:
        connection = await psycopg.AsyncConnection.connect(
            dsn,
            row_factory=dict_row,
            connect_timeout=5,
            application_name="citybrain account",
            options="-c timezone=UTC",
        )
    except psycopg.OperationalError as error:
        raise Unavailable(
            "the database of database.dsn does not answer; start it or set database.dsn"
        ) from error
    try:
        async with connection:
            yield connection
    except psycopg.errors.UndefinedTable as error:
        raise ConfigError("the database has no schema yet: run `citybrain db migrate`") from error


def run(settings: Settings, job: Callable[[Connection], Awaitable[T]]) -> T:
    """What `job` returns, in one transaction of the settings' database."""

    async def whole() -> T:
        async with connected(settings.database.dsn) as connection:
            return await job(connection)

    return asyncio.run(whole())
