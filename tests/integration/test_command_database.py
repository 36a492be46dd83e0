"""The command centre's road to the database when many come at once, and when nothing answers."""

import asyncio

import pytest

from citybrain.errors import Unavailable
from citybrain.up.ports import free_port
from command.database import BUSY, Database


async def at_once(dsn: str, number: int, each_s: float) -> list[BaseException | None]:
    database = Database(dsn)
    await database.open()

    async def hold() -> None:
        async with database.transaction() as connection:
            await connection.execute("select pg_sleep(%s)", (each_s,))

    try:
        return await asyncio.gather(*(hold() for _ in range(number)), return_exceptions=True)
    finally:
        await database.close()


def test_who_comes_while_every_connection_is_in_use_waits(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("command.database.POOL_SIZE", 1)
    monkeypatch.setattr("command.database.WAIT_S", 0.1)
    assert asyncio.run(at_once(dsn, 4, 0.2)) == [None] * 4


def test_who_waited_long_is_told_that_the_database_is_busy(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("command.database.POOL_SIZE", 1)
    monkeypatch.setattr("command.database.WAIT_S", 0.1)
    monkeypatch.setattr("command.database.BUSY_S", 0.3)
    told = [str(error) for error in asyncio.run(at_once(dsn, 2, 2.0)) if error is not None]
    assert told == [BUSY]


def test_a_server_that_is_not_there_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("command.database.WAIT_S", 0.3)
    (error,) = asyncio.run(at_once(f"postgresql://nobody@127.0.0.1:{free_port()}/none", 1, 0.0))
    assert isinstance(error, Unavailable)
    assert "does not answer" in str(error)
