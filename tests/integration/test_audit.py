"""The audit chain in a real database: whole under many writers, and nothing done to it goes unseen."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from click.testing import CliRunner

from citybrain import topics
from citybrain.bus import Bus
from citybrain.cli import root
from citybrain.codec import pack_frame
from citybrain.config import Database, Settings, Trust
from command.principal import Role, record
from command.trust import check, direct
from command.trust.audit import SYSTEM
from tests.fixtures import command as street
from tests.fixtures import people
from tests.fixtures.command import JPEG, broker_is_there, serving, until
from tests.fixtures.trust import NORTH, SOUTH

ENTRIES = 6
SAME = "at, actor, actor_name, action, subject, details"


class Undone(Exception):
    """Ends a transaction whose work is not to stay."""


@pytest.fixture
def settings_here(dsn: str, tmp_path: Path) -> Settings:
    return msgspec.structs.replace(
        Settings(), database=Database(dsn=dsn), trust=Trust(anchor_folder=str(tmp_path))
    )


@pytest.fixture(scope="module")
def chain(dsn: str) -> str:
    """The DSN of a chain that begins with six entries; what tests add to it is taken back."""

    async def write(connection: Any) -> None:
        for number in range(ENTRIES):
            details = {"number": number, "text": "grüße, 城市", "share": 0.1, "none": None}
            await record(connection, SYSTEM, "test.done", f"thing/{number}", details)

    people.in_database(dsn, write)
    return dsn


def verify(settings: Settings, *statements: str, entries: int = 0) -> check.Report:
    """What is found after these statements of one who may do everything; all is taken back."""
    found: list[check.Report] = []

    async def job(connection: Any) -> None:
        await connection.execute("set local session_replication_role = replica")
        for statement in statements:
            await connection.execute(statement)
        for number in range(entries):
            await record(connection, SYSTEM, "test.done", f"thing/{number}", {})
        found.append(await check.verify(connection, settings))
        raise Undone

    with contextlib.suppress(Undone):
        people.in_database(settings.database.dsn, job)
    return found[0]


def test_a_chain_that_nobody_touched_verifies(chain: str, settings_here: Settings) -> None:
    report = verify(settings_here)
    assert (report.entries, report.faults) == (ENTRIES, [])


@pytest.mark.parametrize(
    "statement", ["update audit set subject = 'x'", "delete from audit", "truncate audit"]
)
def test_the_role_in_use_can_neither_change_nor_remove_an_entry(chain: str, statement: str) -> None:
    with (
        psycopg.connect(chain) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="append"),
    ):
        connection.execute(statement.encode())


@pytest.mark.parametrize(
    ("statements", "found_at"),
    [
        (["update audit set subject = 'thing/9' where seq = 3"], 3),
        (["update audit set actor_name = 'somebody else' where seq = 3"], 3),
        (["update audit set at = at + interval '1 us' where seq = 3"], 3),
        (["update audit set details = replace(details, '0.1', '0.10') where seq = 3"], 3),
        (["update audit set hash = sha256('x') where seq = 3"], 3),
        (["delete from audit where seq = 3"], 3),
        (["delete from audit where seq = 6"], 6),
        (["delete from audit where seq = 3", "update audit set seq = seq - 1 where seq > 3"], 3),
        (
            [
                "update audit set seq = 99 where seq = 3",
                "update audit set seq = 3 where seq = 4",
                "update audit set seq = 4 where seq = 99",
            ],
            3,
        ),
        ([f"insert into audit select 7, {SAME}, hash, hash from audit where seq = 6"], 7),
    ],
)  # fmt: skip
def test_whatever_is_done_to_a_row_is_found(
    chain: str, settings_here: Settings, statements: list[str], found_at: int
) -> None:
    faults = verify(settings_here, *statements).faults
    assert faults
    assert min(fault.seq for fault in faults) == found_at


def test_an_end_that_was_cut_off_with_its_head_is_found_by_an_anchor(
    chain: str, settings_here: Settings
) -> None:
    assert not verify(settings_here).faults  # which notes an anchor
    (fault,) = verify(
        settings_here,
        "delete from audit where seq > 4",
        "update audit_head set (seq, hash) = (select seq, hash from audit where seq = 4)",
    ).faults
    assert "anchor" in fault.reason


def test_a_chain_that_was_written_anew_is_found_by_an_anchor(chain: str, settings_here: Settings) -> None:
    assert not verify(settings_here).faults
    emptied = ("delete from audit", "update audit_head set seq = 0, hash = decode(repeat('00', 32), 'hex')")
    (fault,) = verify(settings_here, *emptied, entries=ENTRIES).faults
    assert (fault.seq, "replaced" in fault.reason) == (ENTRIES, True)


def test_many_writers_at_once_make_one_chain(dsn: str, settings_here: Settings) -> None:
    before = verify(settings_here).entries

    async def write(connection: Any) -> None:
        await record(connection, SYSTEM, "test.done", "thing", {"thread": threading.get_ident()})

    async def write_some() -> None:
        for _ in range(10):
            async with direct.connected(dsn) as connection:
                await write(connection)

    threads = [threading.Thread(target=lambda: asyncio.run(write_some())) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = verify(settings_here)
    assert (report.entries, report.faults) == (before + 60, [])


def test_an_act_that_is_rolled_back_leaves_no_entry_and_no_gap(dsn: str, settings_here: Settings) -> None:
    before = verify(settings_here).entries

    async def fail(connection: Any) -> None:
        await record(connection, SYSTEM, "test.undone", "thing", {})
        raise Undone

    with pytest.raises(Undone):
        people.in_database(dsn, fail)
    people.in_database(dsn, lambda connection: record(connection, SYSTEM, "test.done", "thing", {}))
    report = verify(settings_here)
    assert (report.entries, report.faults) == (before + 1, [])


def test_the_command_line_says_what_it_found_by_its_exit_code(dsn: str, tmp_path: Path) -> None:
    runner = CliRunner(env={"CITYBRAIN__DATABASE__DSN": dsn, "CITYBRAIN_DATA_DIR": str(tmp_path)})
    sound = runner.invoke(root, ["audit", "verify"])
    assert sound.exit_code == 0
    assert "nothing was changed" in sound.output
    listed = json.loads(runner.invoke(root, ["audit", "list", "--json", "--subject", "thing/3"]).output)
    assert [(entry["seq"], entry["action"]) for entry in listed] == [(4, "test.done")]
    with psycopg.connect(dsn) as connection:
        connection.execute("set local session_replication_role = replica")
        connection.execute("update audit set subject = 'thing/9' where seq = 4")
    told = runner.invoke(root, ["audit", "verify"])
    assert (told.exit_code, told.output.splitlines()[0].startswith("entry 4: ")) == (1, True)


@pytest.fixture
def own(settings: Settings, migrated_dsn: str) -> Settings:
    return msgspec.structs.replace(
        settings, database=Database(dsn=migrated_dsn), districts={"north": NORTH, "south": SOUTH}
    )


@pytest.fixture
def bus(own: Settings) -> Iterator[Bus]:
    with Bus(own.broker, f"{own.site.name}-street") as found:
        yield found


def test_a_look_at_a_camera_is_recorded_before_the_first_byte(own: Settings, bus: Bus) -> None:
    dsn = own.database.dsn
    principal, headers = people.account(dsn, Role.OPERATOR)

    def looks() -> list[tuple[str, str, str]]:
        with psycopg.connect(dsn) as connection:
            query = (
                "select actor_name, subject, details from audit where action = 'video.viewed' order by seq"
            )
            return connection.execute(query).fetchall()

    with serving(own) as served, served.client() as client:
        client.headers.update(headers)
        topic = topics.build(own.site.name, "camera", "demo", "picture")
        broker_is_there(client)
        assert bus.publish(topic, pack_frame(street.frame(1, datetime.now(UTC)), JPEG), 0)
        path = "/api/v1/cameras/demo/picture.jpg"
        until(lambda: client.get("/api/v1/cameras").json()["items"], "the camera is known")
        assert looks() == []
        assert client.get(path, params={"purpose": "curiosity"}).status_code == 422
        assert looks() == [], "nothing was shown, so nothing is recorded"
        picture = {"purpose": "case", "case": "A-17"}
        until(lambda: client.get(path, params=picture).status_code == 200, "the picture")
        client.get(path, params=picture)
        recorded = '{"case":"A-17","event":null,"purpose":"case","reason":null}'
        told = (recorded, principal.name, "camera/demo")
        assert [(details, name, subject) for name, subject, details in looks()] == [told]
        with client.stream("GET", "/api/v1/cameras/demo/stream.mjpg") as answer:
            assert JPEG in next(answer.iter_raw())
            assert len(looks()) == 2, "another purpose is another look"
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("alter table audit rename to audit_away")
            refused = client.get(path, params={"purpose": "maintenance"})
            assert (refused.status_code, JPEG in refused.content) == (503, False)
            connection.execute("alter table audit_away rename to audit")
