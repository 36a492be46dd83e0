"""How long each stream is kept and when it is compressed, by the settings."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog
from psycopg.sql import SQL, Identifier, Literal

from citybrain.config import Settings, Stream
from citybrain.messages import (
    CommandAck,
    LaneMeasurement,
    SensorObservation,
    SignalCommand,
    SignalState,
    TrafficEvent,
    TurningCount,
)
from ingest.database import Connection, Level, one
from ingest.gate import Window

log = structlog.get_logger()

STREAM_OF: Mapping[type[object], Stream] = {
    LaneMeasurement: "lane_measurement",
    TurningCount: "turning_count",
    SignalState: "signal_state",
    SignalCommand: "signal_command",
    CommandAck: "command_ack",
    SensorObservation: "sensor_observation",
    TrafficEvent: "traffic_event_history",
}
SEGMENTS: Mapping[Stream, str] = {
    "lane_measurement": "lane",
    "turning_count": "camera",
    "signal_state": "intersection",
    "signal_command": "intersection",
    "command_ack": "intersection",
    "sensor_observation": "datastream",
}
"""Streams that are compressed, and by which column their rows lie together."""
ROLLUPS = ("rollup_1min", "rollup_15min", "rollup_1h", "rollup_1day")


def days(settings: Settings, stream: str) -> int | None:
    """Days that a stream is kept; None: for ever. Coarse rollups are, unless the settings say otherwise."""
    kept = next((kept for name, kept in settings.ingest.retain_days.items() if name == stream), None)
    if kept is None and stream not in ROLLUPS[1:]:
        kept = settings.ingest.retention_days
    return kept


def before(settings: Settings, stream: str, now: datetime) -> datetime | None:
    """What is older goes."""
    kept = days(settings, stream)
    return None if kept is None else now - timedelta(days=kept)


def window_of(settings: Settings) -> Window:
    """The times of capture that are believed.

    Nothing is let in that its stream's retention would drop: late rows of a day whose other rows are gone
    would make its rollups wrong.
    """
    ingest = settings.ingest
    most = ingest.past_days or ingest.retention_days
    return Window(
        past=timedelta(days=min(most, ingest.retention_days)),
        future=timedelta(seconds=ingest.future_s),
        past_of={
            type_: timedelta(days=min(ingest.past_days or kept, kept))
            for type_, stream in STREAM_OF.items()
            if (kept := ingest.retain_days.get(stream)) is not None
        },
    )


def compress(connection: Connection, level: Level, settings: Settings) -> list[str]:
    """Bring the columnstore policies in line with the settings; returns the streams that have one.

    Only TimescaleDB's community licence has a columnstore; elsewhere there is nothing to do.
    """
    if (
        level.is_plain
        or one(connection, "select current_setting('timescaledb.license', true)") != "timescale"
    ):
        return []
    for stream, segment in SEGMENTS.items():
        after = settings.ingest.compress_after_days.get(stream, settings.ingest.compress_days)
        table = Identifier(stream)
        connection.execute(
            SQL(
                "alter table {} set (timescaledb.enable_columnstore, timescaledb.segmentby = {}, "
                "timescaledb.orderby = 'at')"
            ).format(table, Literal(segment))
        )
        # A policy cannot be changed in place.
        connection.execute("call remove_columnstore_policy(%s::regclass, if_exists => true)", [stream])
        connection.execute(
            "call add_columnstore_policy(%s::regclass, after => %s::interval)",
            [stream, timedelta(days=after)],
        )
    log.info("compression_policies_set", streams=len(SEGMENTS))
    return list(SEGMENTS)
