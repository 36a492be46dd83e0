"""`citybrain cases`, and what becomes of cases when they are old or tampered with."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner

from citybrain.cli import root
from command import retention
from command.cases import classes
from command.cases.check import check
from command.cases.desk import Desk
from command.cases.intake import Report, merge, take
from command.database import Database
from command.districts import Districts
from command.live import Live
from command.principal import Principal, Role
from tests.fixtures import people
from tests.fixtures.cases import SPOT, set_up
from tests.fixtures.trust import own_settings


def run(dsn: str, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(
        root, ["cases", *arguments], env={"CITYBRAIN__DATABASE__DSN": dsn}, catch_exceptions=code != 0
    )
    assert result.exit_code == code, f"{result.output}\n{result.exception}"
    return result.output


def test_a_city_is_set_up_by_command(dsn: str, tmp_path: Path) -> None:
    worker, _ = people.account(dsn, Role.GRID_WORKER)
    assert "classes" in run(dsn, "classes", "import", "--default")
    bounds = ("--bounds", "6.94", "50.93", "6.96", "50.95")
    assert run(dsn, "grid", "generate", "110105001002", *bounds).startswith("345 cells in 1 communities")
    wide = ("--bounds", "7.00", "50.90", "7.06", "50.95")
    assert "communities" in run(dsn, "grid", "generate", "110105002", *wide)
    run(dsn, "grid", "bind", "north-1", "110105001002", "--worker", worker.name)
    run(dsn, "grid", "territory", "110105001", "north-office")
    (row,) = [one for one in json.loads(run(dsn, "grid", "list", "--json")) if one["grid"] == "north-1"]
    assert (row["community"], row["worker"], row["cells"]) == ("110105001002", worker.name, 345)
    run(dsn, "workers", "skills", worker.name, "--skill", "water")
    assert worker.name in run(dsn, "workers", "list")
    lamps = tmp_path / "lamps.csv"
    lamps.write_text(
        "class,lon,lat,name,owner\nc01004,6.95,50.94,Lamp 1,lighting\nc01004,6.951,50.94,Lamp 2,\n"
    )
    codes = run(dsn, "components", "import", "110105", str(lamps)).split()
    assert codes == ["1101050100400001", "1101050100400002"]
    own = tmp_path / "own.csv"
    own.write_text(",".join(classes.COLUMNS) + "\ne09001,Own,,Something else,,low,continuous,1h,,,f,c,,,,,\n")
    run(dsn, "classes", "import", str(own), "--retire")
    assert [one["code"] for one in json.loads(run(dsn, "classes", "list", "--json"))] == ["e09001"]
    run(dsn, "classes", "import", "--default")


@pytest.mark.parametrize(
    "arguments",
    [
        ("grid", "generate", "1", "--bounds", "6", "50", "7", "51"), ("grid", "territory", "12", "x"),
        ("grid", "bind", "g", "999999999999"), ("workers", "skills", "nobody at all"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(dsn: str, arguments: tuple[str, ...]) -> None:
    run(dsn, *arguments, code=1)


async def _merged(dsn: str, broker_url: str, actor: Principal) -> tuple[str, str]:
    """Two cases of one place, one merged into the other."""
    own = own_settings(broker_url, dsn)
    database = Database(dsn)
    await database.open()
    desk = Desk(
        own, database, Districts(own.districts), Live(), lambda _pins: None, lambda _to, _message: None
    )
    try:
        made = []
        for _ in range(2):
            async with desk.acting(actor) as acting:
                report = Report(id=uuid4(), class_="c02001", position=SPOT, source="operator", text="a hole")
                made.append((await take(acting, report))["id"])
        async with desk.acting(actor) as acting:
            await merge(acting, made[0], made[1])
    finally:
        await database.close()
    return str(made[0]), str(made[1])


async def _purge(dsn: str, broker_url: str, later: timedelta) -> int:
    database = Database(dsn)
    await database.open()
    try:
        return await retention.purge(database, own_settings(broker_url, dsn), datetime.now(UTC) + later)
    finally:
        await database.close()


def test_tampering_with_one_line_of_a_history_is_found(migrated_dsn: str, broker_url: str) -> None:
    set_up(migrated_dsn)
    actor, _ = people.account(migrated_dsn, Role.ACCEPTOR)
    people.in_thread(_merged(migrated_dsn, broker_url, actor))
    assert "4 lines compared, 0 faults" in run(migrated_dsn, "verify")
    with psycopg.connect(migrated_dsn) as connection:
        connection.execute("alter table case_entry disable trigger all")
        connection.execute("update case_entry set text = 'another word' where what = 'merged'")
        connection.execute("delete from case_entry where what = 'joined'")
    found = people.in_database(migrated_dsn, check)
    assert sorted(fault.reason.split()[0] for fault in found.faults) == ["1", "line"]
    assert "it was changed" in run(migrated_dsn, "verify", code=1)


def test_old_cases_go_with_their_history_and_a_receipt_and_open_ones_stay(
    migrated_dsn: str, broker_url: str
) -> None:
    set_up(migrated_dsn)
    actor, _ = people.account(migrated_dsn, Role.ACCEPTOR)
    gone, kept = people.in_thread(_merged(migrated_dsn, broker_url, actor))
    with psycopg.connect(migrated_dsn) as connection:
        connection.execute(
            "update city_case set closed_at = now() - interval '40 days' where id = %s", [gone]
        )
        connection.execute(
            "insert into worker_position (account, at, lon, lat) values (%s, now(), 1, 1)", [actor.id]
        )
    people.in_thread(_purge(migrated_dsn, broker_url, timedelta(days=31)))
    people.in_thread(_purge(migrated_dsn, broker_url, timedelta(days=1830)))
    with psycopg.connect(migrated_dsn) as connection:
        assert connection.execute("select id::text from city_case").fetchall() == [(kept,)]
        assert connection.execute("select count(*) from case_entry").fetchone() == (2,)
        assert connection.execute("select count(*) from worker_position").fetchone() == (0,)
        receipts = connection.execute(
            "select subject from audit where action = 'retention.purged' order by seq"
        ).fetchall()
    assert {subject for (subject,) in receipts} >= {"retention/cases", "retention/positions of workers"}
    assert "0 faults" in run(migrated_dsn, "verify")
