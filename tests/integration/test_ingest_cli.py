"""`citybrain db` and `citybrain ingest` as a person types them, on a real PostgreSQL."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result

from citybrain.cli import root
from citybrain.codec import encode
from citybrain.errors import ConfigError
from ingest.arrival import Arrival
from ingest.database import connect
from ingest.gate import Refused, Window, admit
from ingest.migrate import available, level_of
from ingest.store import Batch, Store
from tests.fixtures import street_messages as make

TOPIC = "city/v1/lanes/a/measurement"


@pytest.fixture
def dsn(migrated_dsn: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("CITYBRAIN__DATABASE__DSN", migrated_dsn)
    return migrated_dsn


def citybrain(*words: str) -> Result:
    return CliRunner().invoke(root, words)


def bury(dsn: str, payload: bytes, topic: str = TOPIC) -> None:
    window = Window(timedelta(days=400), timedelta(seconds=1))
    letter = admit(Arrival(topic, payload), window, make.now())
    assert isinstance(letter, Refused)
    with connect(dsn) as connection:
        Store(connection, level_of(connection)).commit(Batch(refused=[letter]))


def rows(dsn: str, table: str) -> int:
    with connect(dsn) as connection:
        row = connection.execute(f"select count(*) from {table}".encode()).fetchone()
        assert row is not None
        return int(str(row[0]))


def test_migrate_says_what_it_did(database_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYBRAIN__DATABASE__DSN", database_dsn)
    assert "applied 0001_delivery.sql" in citybrain("db", "migrate").output
    assert citybrain("db", "migrate").output == "up to date\n"


def test_status_before_the_first_migration_says_what_to_run(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYBRAIN__DATABASE__DSN", database_dsn)
    result = citybrain("db", "status")
    assert isinstance(result.exception, ConfigError)
    assert "citybrain db migrate" in str(result.exception)


def test_status_tells_level_tables_and_latency(dsn: str) -> None:
    message = make.lanes()
    verdict = admit(Arrival(TOPIC, encode(message)), Window(timedelta(1), timedelta(1)), make.now())
    with connect(dsn) as connection:
        Store(connection, level_of(connection)).commit(Batch([verdict]))  # type: ignore[list-item]
    told = json.loads(citybrain("db", "status", "--json").output)
    assert told["level"] in {"plain", "apache", "community"}
    assert told["last_migration"] == available()[-1].name
    assert 0 <= told["latency_p50_s"] <= told["latency_p99_s"] < 60
    newest = {table["name"]: table["newest_at"] for table in told["tables"]}
    assert newest["lane_measurement"] is not None
    assert newest["signal_state"] is None
    assert "capture to stored p50" in citybrain("db", "status").output


def test_a_dead_letter_is_listed_shown_and_dropped(dsn: str) -> None:
    bury(dsn, encode(make.lanes()).replace(b'"occupancy":0.1', b'"occupancy":9'))
    listed = json.loads(citybrain("ingest", "deadletters", "list", "--json").output)
    assert [(letter["topic"], letter["field"]) for letter in listed] == [(TOPIC, "$.lanes[0].occupancy")]
    id_ = str(listed[0]["id"])
    assert '"occupancy":9' in citybrain("ingest", "deadletters", "show", id_).output
    assert "<= 1" in citybrain("ingest", "deadletters", "retry", id_).output
    assert citybrain("ingest", "deadletters", "retry", id_).exit_code == 1
    assert citybrain("ingest", "deadletters", "drop", id_).output == "dropped 1\n"
    assert "no dead letters" in citybrain("ingest", "deadletters", "list").output


def test_a_dead_letter_that_is_fine_now_is_stored_once(dsn: str) -> None:
    bury(
        dsn, encode(make.lanes(at=make.now() + timedelta(seconds=30)))
    )  # its clock ran ahead of the limit then
    assert "stored" in citybrain("ingest", "deadletters", "retry", "--all").output
    assert (rows(dsn, "lane_measurement"), rows(dsn, "dead_letter"), rows(dsn, "ledger")) == (1, 0, 1)


def test_letters_are_chosen_by_device_reason_field_and_time(dsn: str) -> None:
    wrong = encode(make.lanes()).replace(b'"occupancy":0.1', b'"occupancy":9')
    bury(dsn, wrong)
    bury(dsn, b"no JSON 100%")
    bury(dsn, wrong, "city/v1/lanes/b_b/measurement")

    def found(*words: str) -> list[str]:
        told = json.loads(citybrain("ingest", "deadletters", "list", "--json", *words).output)
        return [f"{letter['topic'].split('/')[3]} {letter['field']}" for letter in reversed(told)]

    assert found("--device", "lanes/b_b") == ["b_b $.lanes[0].occupancy"]
    assert found("--device", "lanes/b%") == []
    assert found("--field", "$.lanes[*") == ["a $.lanes[0].occupancy", "b_b $.lanes[0].occupancy"]
    assert found("--reason", "MALFORMED") == ["a "]
    assert found("--topic", "city/*/a/*") == ["a $.lanes[0].occupancy", "a "]
    assert found("--until", "2020-01-01") == []
    assert len(found("--since", "2020-01-01")) == 3
    told = json.loads(citybrain("ingest", "deadletters", "retry", "--device", "lanes/b_b", "--json").output)
    assert [(letter["stored"], "<= 1" in letter["reason"]) for letter in told] == [(False, True)]
    dropped = json.loads(citybrain("ingest", "deadletters", "drop", "--field", "$*", "--json").output)
    assert len(dropped["dropped"]) == 2
    assert found() == ["a "]


def test_ids_and_all_together_are_wrong_usage(dsn: str) -> None:
    for words in ((), ("3", "--all")):
        assert isinstance(citybrain("ingest", "deadletters", "drop", *words).exception, ConfigError)
    assert isinstance(citybrain("ingest", "deadletters", "show", "3").exception, ConfigError)
