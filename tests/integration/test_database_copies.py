"""`citybrain db backup`, `restore` and `upgrade` on a real PostgreSQL."""

from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from click.testing import CliRunner, Result

from citybrain.cli import root
from citybrain.errors import ConfigError
from citybrain.messages import Stored, StoredMessage
from ingest import upgrade as upgrades
from ingest.arrival import Arrival
from ingest.database import Connection, Level, connect
from ingest.gate import Admitted
from ingest.migrate import level_of, migrate
from ingest.rollup import roll
from ingest.store import Batch, Store
from tests.fixtures import street_messages as make

FAKE_TIMESCALE = """
create function by_range(text, interval) returns text language sql as 'select $1';
create function create_hypertable(regclass, text, create_default_indexes boolean) returns text
    language sql as 'select $1::text';
"""
"""Plain tables instead of hypertables: what moves, and when, is ours; what a hypertable does is not."""


def citybrain(dsn: str, *words: str) -> Result:
    return CliRunner().invoke(root, words, env={"CITYBRAIN__DATABASE__DSN": dsn})


def put(dsn: str, *messages: Stored) -> int:
    with connect(dsn) as connection:
        admitted = [Admitted(Arrival("t", b""), cast("StoredMessage", message)) for message in messages]
        return len(Store(connection, level_of(connection)).commit(Batch(admitted)).committed)


def rows(connection: Connection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query.encode()).fetchall()


def test_a_backup_restored_into_an_empty_database_is_the_same_city(
    migrated_dsn: str, postgres_dsn: str, tmp_path: Path
) -> None:
    put(migrated_dsn, *[make.lanes(seq) for seq in range(1, 20)], make.command(), make.answer())
    file = tmp_path / "city.dump"
    assert citybrain(migrated_dsn, "db", "backup", str(file)).exit_code == 0
    copy = migrated_dsn + "_copy"
    with connect(postgres_dsn) as server:
        server.execute(f'create database "{copy.rpartition("/")[2]}"'.encode())
    try:
        assert "restored" in citybrain(copy, "db", "restore", str(file)).output
        assert migrate(copy) == []
        # A message that comes again is still known, and new ones are taken.
        assert put(copy, make.lanes(7), make.lanes(20)) == 1
        with connect(copy) as connection:
            assert rows(connection, "select count(*) from lane_measurement") == [(20,)]
            assert rows(connection, "select accepted from command_with_answer") == [(True,)]
    finally:
        with connect(postgres_dsn) as server:
            server.execute(f'drop database "{copy.rpartition("/")[2]}" with (force)'.encode())


def test_a_backup_is_never_written_over_and_a_full_database_never_filled(
    migrated_dsn: str, tmp_path: Path
) -> None:
    file = tmp_path / "city.dump"
    citybrain(migrated_dsn, "db", "backup", str(file))
    again = citybrain(migrated_dsn, "db", "backup", str(file))
    assert isinstance(again.exception, ConfigError)
    assert "nothing is written over" in str(again.exception)
    full = citybrain(migrated_dsn, "db", "restore", str(file))
    assert "has a schema already" in str(full.exception)
    assert "no file" in str(citybrain(migrated_dsn, "db", "restore", str(tmp_path / "none")).exception)


def test_an_upgrade_moves_every_row_and_goes_on_where_it_was_cut_off(
    migrated_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = make.now()
    with connect(migrated_dsn) as connection:
        if not level_of(connection).is_plain:
            pytest.skip("TimescaleDB has nothing to upgrade")
        connection.execute(FAKE_TIMESCALE)
    put(migrated_dsn, *[make.lanes(n, at=now - timedelta(hours=n)) for n in range(1, 40)], make.command())
    monkeypatch.setattr(upgrades, "detect", lambda _connection: Level.APACHE)
    moved: list[tuple[str, int]] = []

    def cut_off(table: str, number: int) -> None:
        moved.append((table, number))
        if len(moved) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upgrades.upgrade(migrated_dsn, cut_off)
    assert put(migrated_dsn, make.lanes(40), make.lanes(3)) == 1, "ingest goes on, and knows what it knew"
    with connect(migrated_dsn) as connection:
        assert level_of(connection) is Level.APACHE
        assert roll(connection) == 0, "no minute is made of half its rows"
        assert upgrades.upgrade(migrated_dsn)
        assert roll(connection) > 0
        assert rows(connection, "select count(*), count(distinct seq) from lane_measurement") == [(40, 40)]
        assert rows(connection, "select count(*) from command_with_answer") == [(1,)]
        assert rows(connection, "select sum(samples) from lane_measurement_1day") == [(40,)]
    assert upgrades.upgrade(migrated_dsn) == []
    assert migrate(migrated_dsn) == []


def test_an_upgrade_without_timescaledb_says_what_to_do(migrated_dsn: str) -> None:
    with connect(migrated_dsn) as connection:
        if not level_of(connection).is_plain:
            pytest.skip("TimescaleDB is here")
    with pytest.raises(ConfigError, match="shared_preload_libraries"):
        upgrades.upgrade(migrated_dsn)
