"""The database as the API sees it: named queries from `.sql` files over a pool that survives outages."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from time import monotonic
from typing import Any, cast

import psycopg
import structlog
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from citybrain.errors import ConfigError, Unavailable

log = structlog.get_logger()

WAIT_S = 2.0
"""After so long without a connection a server is away, unless the pool holds some: then it is busy."""
BUSY_S = 10.0
AWAY_S = 1.0
AWAY = "the database does not answer; history is back when it is"
BUSY = "the database has too much to do; try again in a few seconds"
STATEMENT_TIMEOUT_MS = 10_000
POOL_SIZE = 8
"""Of each of the two pools. A page asks for about nine things at once when it comes in."""
MAX_WAITING = 100

_HEAD = re.compile(r"^-- name: ([a-z][a-z0-9_]*)$", re.MULTILINE)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """A named statement; `about` is the comment under its name."""

    name: str
    about: str
    sql: str


@cache
def queries() -> Mapping[str, Query]:
    """All queries of `command/sql/queries`, by name."""
    return _load("queries")


def _load(folder: str) -> Mapping[str, Query]:
    found: dict[str, Query] = {}
    for file in sorted(files("command").joinpath("sql", folder).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".sql"):
            for query in parse(file.read_text(encoding="utf-8")):
                assert query.name not in found, f"two queries are named {query.name}"
                found[query.name] = query
    return found


@cache
def acts() -> Mapping[str, Query]:
    """All statements of `command/sql/acts`, which write, by name."""
    return _load("acts")


def parse(text: str) -> list[Query]:
    """The queries in one file: `-- name: x`, comment lines that describe it, the statement."""
    pieces = _HEAD.split(text)[1:]
    parsed = []
    for name, body in zip(pieces[::2], pieces[1::2], strict=True):
        lines = body.strip().splitlines()
        about = [line.removeprefix("--").strip() for line in lines if line.startswith("--")]
        sql = "\n".join(line for line in lines if not line.startswith("--")).strip().removesuffix(";")
        parsed.append(Query(name, " ".join(about), sql))
    return parsed


def check_dsn(dsn: str) -> None:
    """ConfigError where `dsn` is not a connection string at all."""
    try:
        conninfo_to_dict(dsn)
    except psycopg.ProgrammingError as error:
        raise ConfigError(
            f"database.dsn is not a PostgreSQL connection string: {str(error).strip()}"
        ) from error


async def act(
    connection: psycopg.AsyncConnection[Row], name: str, values: Mapping[str, object] | None = None
) -> list[Row]:
    """Run the statement of `command/sql/acts` called `name`; its rows, none where it returns none."""
    cursor = await connection.execute(acts()[name].sql.encode(), values or {})
    return await cursor.fetchall() if cursor.description else []


class Database:
    """Read-only but in `transaction`; a failure to reach it is Unavailable, and the next call tries again."""

    def __init__(self, dsn: str) -> None:
        check_dsn(dsn)
        self._away_until_s = 0.0
        self._pool = self._pool_of(dsn, "command", "-c default_transaction_read_only=on")
        self._acts = self._pool_of(dsn, "command acts", "")

    @staticmethod
    def _pool_of(dsn: str, name: str, options: str) -> AsyncConnectionPool:
        return AsyncConnectionPool(
            dsn,
            min_size=0,
            max_size=POOL_SIZE,
            max_waiting=MAX_WAITING,
            timeout=WAIT_S,
            # Give up soon: with longer attempts the pool backs off, and comes back a minute after the server.
            reconnect_timeout=0.5,
            open=False,
            name=name,
            check=AsyncConnectionPool.check_connection,
            kwargs={
                "autocommit": True,
                "row_factory": dict_row,
                # Optional filters need a plan for the values at hand, never a generic one.
                "prepare_threshold": None,
                "connect_timeout": 2,
                "options": f"-c timezone=UTC -c statement_timeout={STATEMENT_TIMEOUT_MS} {options}",
                "application_name": f"citybrain {name}",
            },
        )

    async def open(self) -> None:
        await self._pool.open()
        await self._acts.open()

    async def close(self) -> None:
        await asyncio.gather(self._pool.close(timeout=2), self._acts.close(timeout=2))

    async def fetch(self, name: str, values: Mapping[str, object] | None = None, view: str = "") -> list[Row]:
        """All rows of the query called `name`; `view` stands in where the query leaves its source open.

        Raises:
            Unavailable: no connection, not migrated yet, or it took too long.
        """
        # The text comes from our own files only; values travel apart from it.
        statement = SQL(queries()[name].sql).format(view=Identifier(view))
        async with self._connection(self._pool) as connection:
            cursor = await connection.execute(statement, values or {})
            return await cursor.fetchall()

    async def check(self) -> str:
        """`ok`, or one sentence that says what is wrong."""
        try:
            await self.fetch("is_migrated")
        except Unavailable as error:
            return str(error)
        return "ok"

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[psycopg.AsyncConnection[Row]]:
        """A connection that may write, in a transaction that ends with the block.

        Raises:
            Unavailable: as `fetch`.
        """
        async with self._connection(self._acts) as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def _connection(self, pool: AsyncConnectionPool) -> AsyncIterator[psycopg.AsyncConnection[Row]]:
        # One request in a while waits for a server that is away; the others are told at once.
        if monotonic() < self._away_until_s:
            raise Unavailable(AWAY)
        try:
            async with AsyncExitStack() as stack:
                yield cast("psycopg.AsyncConnection[Row]", await _free(pool, stack))
        except TooManyRequests as error:
            raise Unavailable(BUSY) from error
        except PoolTimeout as error:
            if _holds_some(pool):
                raise Unavailable(BUSY) from error
            self._away_until_s = monotonic() + AWAY_S
            raise Unavailable(AWAY) from error
        except psycopg.errors.QueryCanceled as error:
            raise Unavailable(
                "the database took too long; ask for a shorter range or a wider bucket"
            ) from error
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
            raise Unavailable("the database is not migrated; run `citybrain db migrate`") from error
        except psycopg.OperationalError as error:
            log.warning("database_lost", reason=str(error).strip()[:300])
            raise Unavailable("the database went away; history is back when it is") from error


async def _free(pool: AsyncConnectionPool, stack: AsyncExitStack) -> object:
    """A connection that is given back with `stack`."""
    give_up_s = monotonic() + BUSY_S
    while True:
        try:
            return await stack.enter_async_context(pool.connection())
        except PoolTimeout:
            if not _holds_some(pool) or monotonic() > give_up_s:
                raise


def _holds_some(pool: AsyncConnectionPool) -> bool:
    """Whether the server is there, as far as the pool knows."""
    return pool.get_stats().get("pool_size", 0) > 0
