"""A month of one-minute data as a city of 500 lanes leaves it in plain PostgreSQL, made by the server."""

from datetime import UTC, datetime, timedelta

import psycopg

LANES_AN_INTERSECTION = 8
STEPS = (("15min", "15 minutes", "1min"), ("1h", "1 hour", "15min"), ("1day", "1 day", "1h"))
SUMS = (
    "samples", "weight_s", "vehicle_s", "queued_s", "queue_m_s", "speed_weight", "speed_sum", "occupancy_s",
    "crossed", "stops", "delay_s", "quality_s",
)  # fmt: skip
FIRST = ("samples", "weight_s", "vehicle_s", "queued_s", "queued_max", "queue_m_s", "queue_m_max",
         "speed_weight", "speed_sum", "occupancy_s", "crossed", "stops", "delay_s", "quality_s")  # fmt: skip

# Busy at eight and seventeen o'clock, quiet at night, another on each lane; the same at each run.
LOAD = (
    "(0.15 + exp(-power(hour - 8, 2) / 4) + exp(-power(hour - 17, 2) / 6))"
    " * (0.6 + 0.4 * abs(sin(lane * 1.7 + epoch / 5000)))"
)


def fill(connection: psycopg.Connection, lanes: int, days: int) -> None:
    """Fill a migrated database up to the present minute, rows in the order in which they would have come."""
    connection.execute("set synchronous_commit = off")
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    _places(connection, lanes)
    connection.execute("alter table lane_rollup_1min drop constraint lane_rollup_1min_pkey")
    connection.execute("drop index lane_rollup_1min_bucket_idx")
    for back in range(days - 1, -1, -1):
        day = today - timedelta(days=back)
        _day(connection, day, min(day + timedelta(days=1), datetime.now(UTC)), lanes)
        connection.commit()
    connection.execute("alter table lane_rollup_1min add primary key (lane, bucket, device)")
    connection.execute("create index lane_rollup_1min_bucket_idx on lane_rollup_1min (bucket)")
    _latest(connection)
    _signals(connection, datetime.now(UTC) - timedelta(days=2), datetime.now(UTC))
    _alarms(connection, days)
    connection.commit()
    connection.autocommit = True
    connection.execute("vacuum analyze")


def _places(connection: psycopg.Connection, lanes: int) -> None:
    connection.execute(
        "insert into intersection select 'i' || n, now(), now(), 'signal/i' || n, 1, n + 1, 'Junction ' || n,"
        " 6.9 + 0.004 * (n %% 10), 50.9 + 0.004 * (n / 10), '{}' from generate_series(0, %s) n",
        [(lanes - 1) // LANES_AN_INTERSECTION],
    )


def _day(connection: psycopg.Connection, start: datetime, end: datetime, lanes: int) -> None:
    # Filled first and attached then: its indexes are built in one go.
    own = f"lane_measurement_{start:%Y%m%d}"
    connection.execute(
        f"create table {own} (like lane_measurement including defaults including constraints)".encode()
    )
    connection.execute(
        f"insert into {own} select at, at, 'lanes/i' || lane / {LANES_AN_INTERSECTION}, 1,"
        f" extract(epoch from at) / 60, 'i' || lane / {LANES_AN_INTERSECTION}, 'l' || lane, 60,"
        " 8 * load, 4 * load, 30 * load, 14 - 6 * least(load, 2), least(1, load / 2), 12 * load, 6 * load,"
        " 120 * load * load, 1"
        f" from (select at, lane, {LOAD} as load from (select at, extract(epoch from at)::float8 as epoch,"
        " extract(epoch from at - date_trunc('day', at, 'UTC'))::float8 / 3600 as hour"
        " from generate_series(%s, %s, interval '1 minute') at) m,"
        " generate_series(0, %s) lane offset 0) n".encode(),
        [start, end - timedelta(seconds=1), lanes - 1],
    )
    for table, partition in (
        ("lane_measurement", own),
        *((name, f"{name}_{start:%Y%m%d}") for name in ("signal_state", "traffic_event_history")),
    ):
        if partition != own:
            connection.execute(f"create table {partition} (like {table} including all)".encode())
        connection.execute(
            f"alter table {table} attach partition {partition} for values"
            f" from ('{start:%Y-%m-%d} 00:00+00')"
            f" to ('{start + timedelta(days=1):%Y-%m-%d} 00:00+00')".encode()
        )
    connection.execute(
        f"insert into lane_rollup_1min (bucket, lane, device, intersection, {', '.join(FIRST)})"
        " select at, lane, device, intersection, 1, 60, vehicles * 60, queued * 60, queued, queue_m * 60,"
        " queue_m, greatest(vehicles, 1) * 60, mean_speed_mps * greatest(vehicles, 1) * 60, occupancy * 60,"
        " crossed, stops, delay_s, 60 from lane_measurement where at >= %s and at < %s".encode(),
        [start, end],
    )
    for coarser, width, finer in STEPS:
        sums = ", ".join(f"sum({name})" if name in SUMS else f"max({name})" for name in FIRST)
        connection.execute(
            f"insert into lane_rollup_{coarser} (bucket, lane, device, intersection, {', '.join(FIRST)})"
            f" select date_bin('{width}', bucket, '2000-01-01 00:00+00'), lane, device, max(intersection),"
            f" {sums} from lane_rollup_{finer} where bucket >= %s and bucket < %s group by 1, 2, 3".encode(),
            [start, end],
        )


def _latest(connection: psycopg.Connection) -> None:
    connection.execute(
        "insert into lane_latest select distinct on (lane) lane, at, stored_at, device, boot, seq,"
        " intersection, period_s, vehicles, queued, queue_m, mean_speed_mps, occupancy, crossed, stops,"
        " delay_s, quality from lane_measurement where at > now() - interval '10 minutes'"
        " order by lane, at desc"
    )


def _signals(connection: psycopg.Connection, start: datetime, end: datetime) -> None:
    connection.execute(
        "insert into signal_state select at, at, i.device, 1, extract(epoch from at) / 5, i.intersection, 0,"
        " 'GGrrGGrr', 0, 1, 'green', 5, 3, 20, 'commanded', 1"
        " from generate_series(%s, %s, interval '5 seconds') at, intersection i",
        [start, end],
    )


def _alarms(connection: psycopg.Connection, days: int) -> None:
    """200 events and 20 alarms a day; all but the latest are over."""
    columns = (
        "device, event, at, stored_at, boot, seq, kind, severity, start_at, end_at, intersection, lon, lat,"
        " detail, evidence, quality"
    )
    rows = (
        " select 'vision/c' || n %% 40, 'e' || n, at, at, 1, n, 'stopped_vehicle', 'warning', at,"
        " at + interval '4 minutes', 'i' || n %% 60, 6.9, 50.9, 'stands', '{}', 1"
        " from (select n, now() - n * interval '432 seconds' - interval '5 minutes' as at"
        " from generate_series(0, %s) n) m"
    )
    for table in ("traffic_event", "traffic_event_history"):
        connection.execute(f"insert into {table} ({columns}){rows}".encode(), [200 * days - 1])
    connection.execute(
        "insert into alarm (id, key, kind, severity, state, raised_at, last_at, ended_at, changed_at,"
        " districts, intersection, device, lon, lat) select gen_random_uuid(), event, kind, severity,"
        " 'closed', start_at, start_at, end_at, end_at + interval '10 minutes', array['north'],"
        " intersection, device, lon, lat from traffic_event where substr(event, 2)::integer % 10 = 0"
    )
    connection.execute(
        "insert into alarm_event select device, key, id, severity, raised_at, ended_at from alarm"
    )
    connection.execute(
        "insert into alarm_entry (alarm, at, what) select id, raised_at, 'raised' from alarm"
        " union all select id, changed_at, 'closed' from alarm"
    )
