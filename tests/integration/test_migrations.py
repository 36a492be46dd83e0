"""Migrations against a real PostgreSQL."""

import re
import threading
from types import SimpleNamespace

import psycopg
import pytest

from citybrain.errors import ConfigError, Unavailable
from citybrain.up.ports import free_port
from ingest import migrate as migrations
from ingest.database import Level, connect
from ingest.migrate import level_of, migrate

RECORDS = (
    "lane_measurement", "turning_count", "signal_state", "signal_command", "command_ack",
    "sensor_observation", "traffic_event_history", "agent_status_history",
)  # fmt: skip


def test_a_second_run_finds_nothing_to_do(database_dsn: str) -> None:
    first = migrate(database_dsn)
    assert first[0] == "0001_delivery.sql"
    assert migrate(database_dsn) == []


def test_two_runs_at_once_apply_each_file_once(database_dsn: str) -> None:
    applied: list[list[str]] = []
    runs = [threading.Thread(target=lambda: applied.append(migrate(database_dsn))) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sorted(map(bool, applied)) == [False, True]


def test_every_record_table_and_every_documented_view_can_be_read(migrated_dsn: str) -> None:
    views = [
        f"{name}_{step}" for name in ("lane_measurement", "turning_count")
        for step in ("1min", "15min", "1h", "1day")
    ]  # fmt: skip
    with connect(migrated_dsn) as connection:
        for name in (*RECORDS, *views, "road_segment", "command_with_answer", "traffic_event"):
            assert connection.execute(f'select * from "{name}"'.encode()).fetchall() == []


def test_the_level_is_detected_and_recorded(migrated_dsn: str) -> None:
    with connect(migrated_dsn) as connection:
        timescale = connection.execute(
            "select 1 from pg_available_extensions where name = 'timescaledb'"
        ).fetchone()
        level = level_of(connection)
    assert (level is Level.PLAIN) == (timescale is None)


def test_a_file_changed_after_it_was_applied_is_told_by_name(
    migrated_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *rest = migrations.available()
    changed = migrations.Migration(first.number, first.name, first.where, first.sql + "-- changed")
    monkeypatch.setattr(migrations, "available", lambda: [changed, *rest])
    with pytest.raises(ConfigError, match=r"0001_delivery\.sql was changed"):
        migrate(migrated_dsn)


def test_a_database_of_a_newer_release_is_left_alone(
    migrated_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = migrations.available()[:-1]
    monkeypatch.setattr(migrations, "available", lambda: older)
    with pytest.raises(ConfigError, match="newer release"):
        migrate(migrated_dsn)


def test_a_failing_file_leaves_no_trace(database_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = migrations.available()
    broken = migrations.Migration(9999, "9999_broken.sql", "", "create table half_made (); select 1 / 0")
    monkeypatch.setattr(migrations, "available", lambda: [*known, broken])
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(database_dsn)
    monkeypatch.setattr(migrations, "available", lambda: known)
    assert migrate(database_dsn) == []
    with connect(database_dsn) as connection:
        assert connection.execute("select to_regclass('half_made')").fetchone() == (None,)


def test_a_server_that_is_away_is_unavailable_and_no_password_is_shown() -> None:
    with pytest.raises(Unavailable, match=re.escape("database.dsn")) as caught:
        migrate(f"postgresql://someone:hunter2@127.0.0.1:{free_port()}/city")
    assert "hunter2" not in str(caught.value)


def test_a_wrong_database_name_is_the_operators_matter(postgres_dsn: str) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        migrate(postgres_dsn.rsplit("/", 1)[0] + "/no_such_city")


def test_a_dsn_that_is_none_is_told_so_in_one_sentence() -> None:
    with pytest.raises(ConfigError, match="not a PostgreSQL DSN"):
        migrate("this is:not a dsn with secret hunter2")


def test_an_unmigrated_database_says_what_to_run(database_dsn: str) -> None:
    with connect(database_dsn) as connection, pytest.raises(ConfigError, match="citybrain db migrate"):
        level_of(connection)


def test_a_migration_that_finds_a_lock_lets_ingest_go_first_and_tries_again(
    migrated_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = migrations.available()
    change = "alter table dead_letter add column extra text"
    later = migrations.Migration(9999, "9999_later.sql", "", change)
    monkeypatch.setattr(migrations, "available", lambda: [*known, later])
    waits: list[str] = []
    holder = connect(migrated_dsn, autocommit=False)
    holder.execute("select * from dead_letter")  # a reader holds the change up; nobody may queue behind it

    def pause(_seconds: float) -> None:
        with connect(migrated_dsn) as ingest:
            ingest.execute("set statement_timeout = '20s'")
            ingest.execute("insert into dead_letter (topic, reason, payload) values ('t', 'r', '')")
        waits.append("inserted meanwhile")
        if len(waits) == 2:
            holder.rollback()

    monkeypatch.setattr("ingest.migrate.time", SimpleNamespace(sleep=pause))
    assert migrate(migrated_dsn) == ["9999_later.sql"]
    assert len(waits) == 2
    holder.close()


def test_a_lock_that_is_never_given_up_is_told_with_what_to_do(
    migrated_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = migrations.available()
    later = migrations.Migration(9999, "9999_later.sql", "", "alter table dead_letter add column extra text")
    monkeypatch.setattr(migrations, "available", lambda: [*known, later])
    monkeypatch.setattr(migrations, "LOCK_TRIES", 2)
    with connect(migrated_dsn, autocommit=False) as holder:
        holder.execute("select * from dead_letter")
        with pytest.raises(Unavailable, match=r"9999_later\.sql.*pg_stat_activity"):
            migrate(migrated_dsn)
