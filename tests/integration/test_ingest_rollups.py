"""Rollups equal what is computed from the records, whatever comes, however late."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from citybrain.messages import LaneMeasurement, RoadUser, Stored, StoredMessage
from ingest.arrival import Arrival
from ingest.database import Connection, connect
from ingest.gate import Admitted
from ingest.migrate import level_of
from ingest.rollup import roll
from ingest.store import Batch, Store
from tests.fixtures import street_messages as make

WIDTHS = {"1min": "1 minute", "15min": "15 minutes", "1h": "1 hour", "1day": "1 day"}

LANES_ANEW = """
select date_bin(%s::interval, at, 'epoch') as bucket, lane, device, max(intersection), count(*),
    sum(vehicles * period_s) / sum(period_s), max(queued), sum(queue_m * period_s) / sum(period_s),
    max(queue_m), sum(mean_speed_mps * greatest(vehicles, 1) * period_s)
        / nullif(sum(greatest(vehicles, 1) * period_s) filter (where mean_speed_mps is not null), 0),
    sum(crossed), sum(stops), sum(delay_s::float8)
from lane_measurement group by 1, 2, 3 order by 1, 2, 3
"""
COUNTS_ANEW = """
select date_bin(%s::interval, at, 'epoch') as bucket, camera, movement, road_user, sum(count), count(*)
from turning_count group by 1, 2, 3, 4 order by 1, 2, 3, 4
"""

VALUES_ANEW = """
select date_bin(%s::interval, at, 'epoch') as bucket, device, datastream, unit, count(*),
    avg(value), min(value), max(value), avg(quality::float8)
from sensor_observation group by 1, 2, 3, 4 order by 1, 2, 3, 4
"""


@pytest.fixture
def database(migrated_dsn: str) -> Iterator[Connection]:
    with connect(migrated_dsn) as connection:
        if not level_of(connection).maintains_rollups:
            pytest.skip("continuous aggregates do this")
        yield connection


@pytest.fixture
def store(migrated_dsn: str, database: Connection) -> Iterator[Store]:
    connection = connect(migrated_dsn)
    made = Store(connection, level_of(connection))
    yield made
    made.close()


def put(store: Store, *messages: Stored) -> None:
    arrival = Arrival("t", b"")
    store.commit(Batch([Admitted(arrival, cast("StoredMessage", message)) for message in messages]))


def close(row: tuple[Any, ...]) -> list[Any]:
    # Records are in single precision; sums are of doubles on the one side and of singles on the other.
    return [pytest.approx(value, rel=1e-4) if isinstance(value, float) else value for value in row]


def check_all(database: Connection) -> None:
    for step, width in WIDTHS.items():
        made = database.execute(
            "select bucket, lane, device, intersection, samples, vehicles, queued_max, queue_m, queue_m_max,"
            f" mean_speed_mps, crossed, stops, delay_s from lane_measurement_{step} order by 1, 2, 3".encode()
        ).fetchall()
        anew = database.execute(LANES_ANEW, [width]).fetchall()
        assert [list(row) for row in made] == [close(row) for row in anew], step
        counts = database.execute(
            f"select bucket, camera, movement, road_user, count, samples from turning_count_{step} "
            "order by 1, 2, 3, 4".encode()
        ).fetchall()
        assert counts == database.execute(COUNTS_ANEW, [width]).fetchall(), step
        values = database.execute(
            "select bucket, device, datastream, unit, samples, value, value_min, value_max, quality "
            f"from sensor_observation_{step} order by 1, 2, 3, 4".encode()
        ).fetchall()
        anew = database.execute(VALUES_ANEW, [width]).fetchall()
        assert [list(row) for row in values] == [close(row) for row in anew], step


def random_lanes(chance: random.Random, seq: int, at: datetime) -> LaneMeasurement:
    device = chance.choice(["lanes/a", "lanes/b"])
    lanes = [
        make.reading(
            f"lane_{n}", vehicles=chance.randrange(30), queued=chance.randrange(10),
            queue_m=chance.random() * 200, occupancy=chance.random(), crossed=chance.randrange(5),
            stops=chance.randrange(5), delay_s=chance.random() * 60,
            mean_speed_mps=chance.choice([None, chance.random() * 14]),
        )
        for n in range(chance.randrange(4))
    ]  # fmt: skip
    return make.lanes(seq, device, at=at, lanes=lanes, period_s=chance.choice([1.0, 5.0, 0.1]))


def test_rollups_equal_a_recomputation_from_the_records(store: Store, database: Connection) -> None:
    seed = 20
    print("seed", seed)
    chance = random.Random(seed)
    start = datetime.now(UTC) - timedelta(days=3)
    for _round in range(4):
        messages: list[Stored] = []
        for n in range(60):
            seq = _round * 100 + n + 1
            at = start + timedelta(seconds=chance.choice([chance.random() * 300, chance.random() * 250_000]))
            messages.append(random_lanes(chance, seq, at))
            counts = {user: chance.randrange(9) for user in chance.sample(list(RoadUser), 2)}
            messages.append(make.turning(seq, at=at, counts=counts, movement=chance.choice(["n", "s"])))
            sensor, unit = chance.choice(["sensor/a", "sensor/b"]), chance.choice(["Cel", "K"])
            messages.append(make.observation(seq, sensor, at=at, value=chance.gauss(9, 40), unit=unit))
        put(store, *messages)
        roll(database)
        check_all(database)  # the later rounds are late data into buckets that were made before
    assert database.execute("select count(*) from rollup_touched").fetchone() == (0,)


def test_a_note_of_an_open_transaction_is_kept_until_its_records_are_there(
    store: Store, database: Connection, migrated_dsn: str
) -> None:
    at = datetime.now(UTC).replace(second=5)
    put(store, make.lanes(1, at=at))
    with connect(migrated_dsn) as other:
        other.execute("begin")
        slow = Store(other, level_of(other))
        put(slow, make.lanes(2, device="lanes/b", at=at))
        assert roll(database) == 1
        other.execute("commit")
    assert roll(database) == 1
    check_all(database)


def test_only_one_roller_works_at_a_time(store: Store, database: Connection, migrated_dsn: str) -> None:
    put(store, make.lanes())
    with connect(migrated_dsn) as other:
        other.execute("select pg_advisory_lock(%s)", [0x72_6F_6C_6C])
        assert roll(database) == 0
        other.execute("select pg_advisory_unlock(%s)", [0x72_6F_6C_6C])
    assert roll(database) == 1
