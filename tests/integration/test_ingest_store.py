"""The store against a real PostgreSQL: exactly once, alone in its faults, the latest as it is."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from citybrain.codec import encode
from citybrain.messages import GivenUp, Health, Message, Severity, Stored, StoredMessage
from ingest.arrival import Arrival
from ingest.database import Connection, connect
from ingest.gate import Admitted, Refused
from ingest.housekeeper import close_gaps, retain
from ingest.migrate import level_of
from ingest.store import Batch, Store
from tests.fixtures import street_messages as make


@pytest.fixture
def database(migrated_dsn: str) -> Iterator[Connection]:
    with connect(migrated_dsn) as connection:
        yield connection


@pytest.fixture
def store(migrated_dsn: str) -> Iterator[Store]:
    connection = connect(migrated_dsn)
    made = Store(connection, level_of(connection))
    yield made
    made.close()


def batch(*messages: Stored) -> Batch:
    return Batch([Admitted(_arrival(message), cast("StoredMessage", message)) for message in messages])


def _arrival(message: Message) -> Arrival:
    return Arrival("city/v1/test", encode(message))


def rows(database: Connection, query: str, *values: Any) -> list[tuple[Any, ...]]:
    return database.execute(query.encode(), values).fetchall()


def test_each_kind_of_message_lands_in_its_table(store: Store, database: Connection) -> None:
    everything = batch(
        make.lanes(), make.turning(), make.state(), make.command(), make.answer(2), make.observation(),
        make.event(2), make.config(3), make.network(),
    )  # fmt: skip
    outcome = store.commit(everything)
    assert len(outcome.committed) == 9
    for table, expected in {
        "lane_measurement": 1, "turning_count": 2, "signal_state": 1, "signal_command": 1, "command_ack": 1,
        "sensor_observation": 1, "traffic_event_history": 1, "traffic_event": 1, "intersection": 1,
        "road_segment": 1, "lane_latest": 1, "signal_latest": 1, "sensor_latest": 1,
    }.items():  # fmt: skip
        assert rows(database, f"select count(*) from {table}") == [(expected,)], table
    answered = "select accepted, reason, answer from command_with_answer"
    assert rows(database, answered) == [(True, "queue", "")]


def test_values_come_back_as_they_were_sent(store: Store, database: Connection) -> None:
    lane = make.reading("Köln/Ring_0", mean_speed_mps=None, queue_m=12.25)
    message = make.lanes(period_s=5.0, lanes=[lane], quality=0.5)
    sent = make.state(max_remaining_s=4.5, command_seq=2**40)
    store.commit(batch(message, sent))
    row = rows(
        database,
        "select at, device, boot, seq, intersection, period_s, quality, lane, vehicles, queued, queue_m, "
        "mean_speed_mps, occupancy, crossed, stops, delay_s from lane_measurement",
    )[0]
    assert row == (
        message.at, "lanes/a", message.boot, 1, "x1", 5.0, 0.5, "Köln/Ring_0", 3, 1, 12.25, None,
        pytest.approx(0.1), 2, 1, 1.5,
    )  # fmt: skip
    stored = rows(
        database, "select indications, interval, max_remaining_s, mode, command_seq from signal_latest"
    )
    assert stored == [("GGrr", "green", 4.5, "local", 2**40)]


def test_a_single_road_user_is_never_stored(store: Store, database: Connection) -> None:
    store.commit(batch(make.lanes()))
    columns = rows(
        database, "select column_name from information_schema.columns where table_schema = 'public'"
    )
    assert "observed" not in {name for (name,) in columns}


def test_a_message_sent_twice_is_stored_once(store: Store, database: Connection, migrated_dsn: str) -> None:
    message = make.lanes()
    within = store.commit(batch(message, message))
    assert (len(within.committed), len(within.duplicates)) == (1, 1)
    assert not store.commit(batch(message)).committed
    store.acknowledge({("lanes/a", message.boot)})  # pruned from the ledger: the watermark speaks
    assert rows(database, "select count(*) from ledger") == [(0,)]
    connection = connect(migrated_dsn)
    restarted = Store(connection, level_of(connection))
    assert len(restarted.commit(batch(message)).duplicates) == 1
    restarted.close()
    assert rows(database, "select count(*) from lane_measurement") == [(1,)]


def test_the_watermark_stops_at_a_gap_and_goes_on_when_it_is_filled(store: Store) -> None:
    owner = ("lanes/a", make.BOOT)
    store.commit(batch(make.lanes(1), make.lanes(2), make.lanes(4)))
    assert store.acknowledge({owner}) == {owner: 2}
    store.commit(batch(make.lanes(5)))
    assert store.acknowledge({owner}) == {owner: 2}
    store.commit(batch(make.lanes(3)))
    assert store.acknowledge({owner}) == {owner: 5}


def test_a_gap_that_no_spool_can_fill_any_more_is_passed(store: Store, database: Connection) -> None:
    owner = ("lanes/a", make.BOOT)
    store.commit(batch(make.lanes(1), make.lanes(4)))
    now = make.now()
    close_gaps(database, now - timedelta(days=7), now - timedelta(days=400))
    assert store.acknowledge({owner}) == {owner: 1}
    close_gaps(database, now + timedelta(seconds=1), now - timedelta(days=400))
    assert store.acknowledge({owner}) == {owner: 4}


def gap(first: int, last: int) -> GivenUp:
    return GivenUp(
        at=make.now(), device="lanes/a", boot=make.BOOT, first=first, last=last, reason="disk full"
    )


def test_what_a_device_gave_up_is_recorded_and_passed_at_once(store: Store, database: Connection) -> None:
    owner = ("lanes/a", make.BOOT)
    store.commit(batch(make.lanes(1), make.lanes(4), make.lanes(9)))
    assert store.acknowledge({owner}) == {owner: 1}
    store.commit(Batch(gaps=[gap(2, 5)]))
    assert store.acknowledge({owner}) == {owner: 5}
    store.commit(Batch(gaps=[gap(2, 8), gap(2, 8)]))  # it grew, and is told again
    assert store.acknowledge({owner}) == {owner: 9}
    found = rows(database, "select first_seq, last_seq, missing, reason from ledger_gap")
    assert found == [(2, 8, 6, "disk full")], "the fourth was stored before"


def test_a_gap_told_before_anything_else_introduces_its_device(store: Store) -> None:
    owner = ("lanes/a", make.BOOT)
    assert store.commit(Batch(gaps=[gap(1, 3)])).settled == {owner}
    assert store.acknowledge({owner}) == {owner: 3}


def test_the_balance_tells_what_became_of_each_number_of_a_device(store: Store, database: Connection) -> None:
    owner = ("lanes/a", make.BOOT)
    letter = Refused(Arrival("city/v1/lanes/a/measurement", b"{}"), "no lanes", "$.lanes", (*owner, 3))
    store.commit(batch(make.lanes(1), make.lanes(2), make.lanes(2), make.lanes(8)))
    store.commit(Batch(batch(make.lanes(1)).admitted, [letter], gaps=[gap(4, 5)]))
    store.commit(Batch(statuses=[make.status("lanes/a", sent=10, spooled=2)]))
    query = (
        "select numbered, committed, duplicates, dead_lettered, given_up, spooled, open from delivery_balance"
    )
    for _ in range(2):  # before and after the watermark has moved
        assert rows(database, query) == [(10, 3, 2, 1, 2, 2, 2)]
        store.acknowledge({owner})


def test_the_balance_is_never_below_zero_for_what_came_after_the_last_status(
    store: Store, database: Connection
) -> None:
    store.commit(Batch(statuses=[make.status("lanes/a", sent=2, spooled=1)]))
    store.commit(batch(make.lanes(1), make.lanes(2), make.lanes(3), make.lanes(5)))
    query = "select numbered, committed, spooled, open from delivery_balance"
    for _ in range(2):  # before and after the watermark has moved
        assert rows(database, query) == [(5, 4, 1, 0)], "the fourth is still spooled"
        store.acknowledge({("lanes/a", make.BOOT)})
    store.commit(Batch(gaps=[gap(4, 8)]))
    assert rows(database, query) == [(8, 4, 1, 0)]


def test_a_refused_message_of_an_honest_sender_is_buried_once_and_counts_as_settled(
    store: Store, database: Connection
) -> None:
    owner = ("lanes/a", make.BOOT)
    letter = Refused(Arrival("city/v1/lanes/a/measurement", b"{}"), "no lanes", "$.lanes", (*owner, 1))
    outcome = store.commit(Batch([], [letter]))
    assert outcome.dead_lettered == 1
    assert store.commit(Batch([], [letter])).dead_lettered == 0
    assert store.acknowledge({owner}) == {owner: 1}
    assert rows(database, "select topic, reason, field, payload from dead_letter") == [
        ("city/v1/lanes/a/measurement", "no lanes", "$.lanes", b"{}")
    ]


@pytest.mark.parametrize("place", [0, 3, 6])
def test_a_poisonous_message_becomes_a_dead_letter_and_all_others_are_stored(
    store: Store, database: Connection, place: int
) -> None:
    messages: list[Stored] = [make.lanes(seq) for seq in range(1, 7)]
    messages.insert(place, make.event(1, detail="a NUL \x00 that PostgreSQL cannot hold"))
    outcome = store.commit(batch(*messages))
    assert len(outcome.committed) == 6
    assert outcome.dead_lettered == 1
    letter = rows(database, "select reason, field from dead_letter")[0]
    assert "0x00" in letter[0]
    assert letter[1] == "detail"
    assert store.acknowledge({("vision/group-1", make.BOOT)}) == {("vision/group-1", make.BOOT): 1}


def test_a_poisonous_status_hurts_nobody(store: Store, database: Connection) -> None:
    good = make.status("signal/x2")
    outcome = store.commit(Batch(batch(make.lanes()).admitted, statuses=[make.status(detail="\x00"), good]))
    assert (len(outcome.committed), outcome.statuses) == (1, 2)
    assert rows(database, "select device from agent_latest") == [("signal/x2",)]


def test_late_data_is_recorded_but_is_not_the_latest(store: Store, database: Connection) -> None:
    now = make.now()
    store.commit(batch(make.lanes(2, at=now, intersection="new")))
    store.commit(batch(make.lanes(1, at=now - timedelta(hours=1), intersection="old", is_historical=True)))
    assert rows(database, "select intersection, seq from lane_latest") == [("new", 2)]
    assert rows(database, "select count(*) from lane_measurement") == [(2,)]


def test_an_event_keeps_its_end_whatever_the_order(store: Store, database: Connection) -> None:
    start = make.now()
    opened = make.event(1, at=start, start_at=start)
    worse = make.event(2, at=start + timedelta(seconds=2), start_at=start, severity=Severity.CRITICAL)
    closed = make.event(
        3, at=start + timedelta(seconds=9), start_at=start, end_at=start + timedelta(seconds=8)
    )
    for message in (closed, opened, worse):
        store.commit(batch(message))
    assert rows(database, "select seq, severity, end_at from traffic_event") == [
        (3, "warning", closed.end_at)
    ]
    assert rows(database, "select count(*) from traffic_event_history") == [(3,)]


def test_what_a_device_saw_begin_before_it_started_anew_has_ended(store: Store, database: Connection) -> None:
    device, restarted = "signal/x1", make.now() + timedelta(minutes=1)
    before = make.event(1, device=device, event="before", end_at=None)
    after = make.event(1, device=device, event="after", end_at=None, boot=make.BOOT + 1)
    store.commit(Batch(batch(before, after).admitted, statuses=[make.status(device, boot=make.BOOT)]))
    assert rows(database, "select count(*) from traffic_event where end_at is null") == [(2,)]
    store.commit(Batch(statuses=[make.status(device, boot=make.BOOT + 1, started_at=restarted)]))
    ended = rows(database, "select event, end_at from traffic_event order by event desc")
    assert ended == [("before", restarted), ("after", None)]


def test_an_agents_history_has_a_line_for_each_change_of_health(store: Store, database: Connection) -> None:
    began = make.now()
    seconds = iter(range(1, 100))

    def tell(health: Health, at: datetime | None = None, boot: int = make.BOOT) -> None:
        moment = at or began + timedelta(seconds=next(seconds))
        store.commit(Batch(statuses=[make.status(health=health, at=moment, boot=boot, started_at=began)]))

    tell(Health.STARTING)
    tell(Health.OK)
    tell(Health.OK)
    tell(Health.OFFLINE, at=began)  # a last will is as old as the connection, and yet true
    assert rows(database, "select health from agent_latest") == [("offline",)]
    tell(Health.OK)
    tell(Health.FAILED, boot=make.BOOT - 1)  # of a life before: too late
    history = rows(database, "select health from agent_status_history order by stored_at")
    assert [health for (health,) in history] == ["starting", "ok", "offline", "ok"]


def test_a_new_version_of_the_network_replaces_the_old_when_it_is_complete(
    store: Store, database: Connection
) -> None:
    later = make.now() + timedelta(seconds=1)
    segment = make.network().segments[0]
    store.commit(batch(make.network(1)))
    store.commit(batch(make.network(2, version="v2", part=1, parts=2, at=later, segments=[segment])))
    assert rows(database, "select distinct version from road_segment") == [("v1",)]
    store.commit(batch(make.network(3, version="v2", part=2, parts=2, at=later, segments=[])))
    assert rows(database, "select distinct version from road_segment") == [("v2",)]
    assert rows(database, "select distinct version from road_network_segment") == [("v2",)]


def test_rows_of_near_days_get_partitions_and_old_ones_the_default(
    store: Store, database: Connection
) -> None:
    if not level_of(database).is_plain:
        pytest.skip("TimescaleDB makes its own chunks")
    now = make.now()
    store.commit(batch(*(make.lanes(n, at=now - timedelta(days=d)) for n, d in enumerate((0, 3, 30), 1))))
    parts = rows(database, "select tableoid::regclass::text from lane_measurement order by at")
    days = [f"lane_measurement_{now - timedelta(days=d):%Y%m%d}" for d in (3, 0)]
    assert [name for (name,) in parts] == ["lane_measurement_default", *days]


def test_a_partition_made_late_takes_its_rows_out_of_the_default_one(
    store: Store, database: Connection
) -> None:
    if not level_of(database).is_plain:
        pytest.skip("TimescaleDB makes its own chunks")
    database.execute(
        "insert into signal_command (at, device, boot, seq, intersection, phase, expires_at, reason) "
        "values (now(), 'traffic/t', 1, 1, 'x1', 0, now(), '')"
    )
    store.commit(batch(make.command()))
    assert rows(database, "select count(*) from signal_command_default") == [(0,)]
    assert rows(database, "select count(*) from signal_command") == [(2,)]


def test_retention_drops_what_is_too_old_and_nothing_else(
    store: Store, database: Connection, settings: Any
) -> None:
    now = make.now()
    ages = (0, 5, 399, 402)
    store.commit(batch(*(make.lanes(n, at=now - timedelta(days=age)) for n, age in enumerate(ages, 1))))
    retain(database, level_of(database), settings)
    assert rows(database, "select seq from lane_measurement order by seq") == [(1,), (2,), (3,)]
