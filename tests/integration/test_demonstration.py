"""A fresh system beside a simulated street: a grid, workers and cases that say what they are."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from citybrain import config, topics
from citybrain.bus import Bus
from citybrain.codec import encode
from citybrain.config import Settings
from command.principal import Role
from tests.fixtures import command as street
from tests.fixtures.cases import person
from tests.fixtures.command import Served, serving, until
from tests.fixtures.trust import own_settings


@pytest.fixture(scope="module")
def own(broker_url: str, dsn: str) -> Settings:
    return own_settings(broker_url, dsn, cases=config.Cases(demonstration="on"))


@pytest.fixture(scope="module")
def served(own: Settings) -> Iterator[Served]:
    with Bus(own.broker, f"{own.site.name}-street") as bus:
        for part in street.network(at=datetime.now(UTC)):
            where = topics.build(own.site.name, "network", "city", f"part{part.part}")
            assert bus.publish(where, encode(part), retain=True)
        with serving(own) as found:
            yield found


def test_cases_of_every_stage_are_there_and_marked_and_nobody_signs_in_as_a_player(
    served: Served, dsn: str
) -> None:
    with person(served, dsn, Role.SUPERVISOR) as supervisor:
        items = until(
            lambda: len(have := supervisor.get("/cases")["items"]) > 30 and have, "the cases are there", 60
        )
        assert all(one["is_demonstration"] and one["cell"] for one in items)
        stages = {one["stage"] for one in items}
        assert {"collect", "file", "dispatch", "handle", "verify", "evaluate"} <= stages
        workers = supervisor.get("/workers")["items"]
        assert len(workers) > 10
        assert all(one["worker"].startswith("demo ") and one["fresh"] for one in workers)
        bounds = "6.94,50.93,6.96,50.95"
        assert supervisor.get("/grid/cells", bbox=bounds)["items"]
        league = supervisor.get("/evaluation/league")["items"]
        assert len(league) > 2
    with psycopg.connect(dsn) as connection:
        (players,) = connection.execute(
            "select count(*) from account a where name like 'demo %' and password_hash is null"
            " and not exists (select from api_token t where t.account = a.id)"
        ).fetchone() or (0,)
        (later,) = connection.execute(
            "select count(*) from city_case where created_at > filed_at or filed_at > closed_at"
        ).fetchone() or (1,)
    assert players > 15
    assert later == 0
