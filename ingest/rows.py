"""Messages into rows of binary COPY, table by table. Pure; about a microsecond a lane.

People are not tracked: `LaneReading.observed` has no column.
"""

import struct
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from citybrain.messages import (
    CommandAck,
    IntersectionConfig,
    LaneMeasurement,
    RoadNetwork,
    SensorObservation,
    SignalCommand,
    SignalState,
    Stored,
    TrafficEvent,
    TurningCount,
)
from ingest.wire import boolean, fields, float4, float8, instant, int2, int4, int8, jsonb, name, text

_HEAD = ("at", "device", "boot", "seq")

COLUMNS: dict[str, tuple[str, ...]] = {
    "lane_measurement": (
        *_HEAD, "intersection", "period_s", "quality", "lane", "vehicles", "queued", "queue_m",
        "mean_speed_mps", "occupancy", "crossed", "stops", "delay_s",
    ),
    "turning_count": (
        *_HEAD, "camera", "movement", "start_at", "end_at", "quality", "road_user", "count",
    ),
    "signal_state": (
        *_HEAD, "intersection", "clock_s", "indications", "phase", "next_phase", "interval", "elapsed_s",
        "min_remaining_s", "max_remaining_s", "mode", "command_seq",
    ),
    "signal_command": (*_HEAD, "intersection", "phase", "expires_at", "reason"),
    "command_ack": (
        *_HEAD, "intersection", "command_device", "command_boot", "command_seq", "phase", "issued_at",
        "accepted", "reason",
    ),
    "sensor_observation": (*_HEAD, "datastream", "value", "unit", "lon", "lat", "quality"),
    "traffic_event_history": (
        *_HEAD, "event", "kind", "severity", "start_at", "end_at", "intersection", "camera", "lane", "lon",
        "lat", "detail", "evidence", "quality",
    ),
}  # fmt: skip
"""The columns of each row, in the order of its fields; `stored_at` is the server's."""

_KEY = struct.Struct(">iqiq")
_LANE = struct.Struct(">iiiiifififiiiiif")
_LANE_NO_SPEED = struct.Struct(">iiiiifiifiiiiif")


class Rows:
    """What a batch writes: rows by table, the newest of each thing, and what is upserted one by one."""

    def __init__(self) -> None:
        self.records: dict[str, list[bytes]] = defaultdict(list)
        self.latest: dict[str, dict[object, tuple[datetime, bytes]]] = defaultdict(dict)
        """By record table: the newest row of each thing, with its time."""
        self.minutes: set[tuple[str, datetime]] = set()
        """(record table, minute) that rollups must look at again."""
        self.events: list[TrafficEvent] = []
        self.configs: list[IntersectionConfig] = []
        self.networks: list[RoadNetwork] = []
        self.number = 0

    def add(self, message: Stored) -> None:
        """Encode a message; raises whatever encoding raises, and then leaves nothing of it here."""
        _ADD[type(message)](self, message)

    def record(self, table: str, rows: list[bytes]) -> None:
        self.records[table] += rows
        self.number += len(rows)

    def newest(self, table: str, thing: object, at: datetime, row: bytes) -> None:
        known = self.latest[table].get(thing)
        if known is None or at >= known[0]:
            self.latest[table][thing] = (at, row)


def minute_of(at: datetime) -> datetime:
    """The start of the minute, in UTC."""
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def _head(message: Stored, table: str) -> bytes:
    return (
        fields(len(COLUMNS[table]))
        + instant(message.at)
        + name(message.device)
        + _KEY.pack(8, message.boot, 8, message.seq)
    )


def _lanes(rows: Rows, message: LaneMeasurement) -> None:
    table = "lane_measurement"
    head = _head(message, table) + name(message.intersection)
    head += float4(message.period_s) + float4(message.quality)
    made = []
    for reading in message.lanes:
        if reading.mean_speed_mps is None:
            numbers = _LANE_NO_SPEED.pack(
                4, reading.vehicles, 4, reading.queued, 4, reading.queue_m, -1, 4, reading.occupancy,
                4, reading.crossed, 4, reading.stops, 4, reading.delay_s,
            )  # fmt: skip
        else:
            numbers = _LANE.pack(
                4, reading.vehicles, 4, reading.queued, 4, reading.queue_m, 4, reading.mean_speed_mps,
                4, reading.occupancy, 4, reading.crossed, 4, reading.stops, 4, reading.delay_s,
            )  # fmt: skip
        made.append(head + name(reading.lane) + numbers)
    rows.record(table, made)
    newest, at = rows.latest[table], message.at
    for reading, row in zip(message.lanes, made, strict=True):
        known = newest.get(reading.lane)
        if known is None or at >= known[0]:
            newest[reading.lane] = (at, row)
    rows.minutes.add((table, minute_of(message.at)))


def _counts(rows: Rows, message: TurningCount) -> None:
    table = "turning_count"
    head = (
        _head(message, table) + name(message.camera) + name(message.movement)
        + instant(message.start_at) + instant(message.end_at) + float4(message.quality)
    )  # fmt: skip
    made = [head + name(user.value) + int4(count) for user, count in message.counts.items()]
    rows.record(table, made)
    rows.minutes.add((table, minute_of(message.at)))


def _state(rows: Rows, message: SignalState) -> None:
    table = "signal_state"
    row = (
        _head(message, table) + name(message.intersection) + float8(message.clock_s)
        + name(message.indications) + int2(message.phase) + int2(message.next_phase)
        + name(message.interval.value) + float4(message.elapsed_s) + float4(message.min_remaining_s)
        + float4(message.max_remaining_s) + name(message.mode.value) + int8(message.command_seq)
    )  # fmt: skip
    rows.record(table, [row])
    rows.newest(table, message.intersection, message.at, row)


def _command(rows: Rows, message: SignalCommand) -> None:
    table = "signal_command"
    row = (
        _head(message, table) + name(message.intersection) + int2(message.phase)
        + instant(message.expires_at) + text(message.reason)
    )  # fmt: skip
    rows.record(table, [row])


def _answer(rows: Rows, message: CommandAck) -> None:
    table = "command_ack"
    row = (
        _head(message, table) + name(message.intersection) + name(message.command_device)
        + int8(message.command_boot) + int8(message.command_seq) + int2(message.phase)
        + instant(message.issued_at) + boolean(message.accepted) + text(message.reason)
    )  # fmt: skip
    rows.record(table, [row])


def _observation(rows: Rows, message: SensorObservation) -> None:
    table = "sensor_observation"
    lon, lat = message.position or (None, None)
    row = (
        _head(message, table) + name(message.datastream) + float8(message.value) + name(message.unit)
        + float8(lon) + float8(lat) + float4(message.quality)
    )  # fmt: skip
    rows.record(table, [row])
    rows.newest(table, (message.device, message.datastream), message.at, row)
    rows.minutes.add((table, minute_of(message.at)))


def _event(rows: Rows, message: TrafficEvent) -> None:
    table = "traffic_event_history"
    lon, lat = message.position or (None, None)
    row = (
        _head(message, table) + text(message.event) + name(message.kind.value)
        + name(message.severity.value) + instant(message.start_at) + instant(message.end_at)
        + text(message.intersection) + text(message.camera) + text(message.lane) + float8(lon)
        + float8(lat) + text(message.detail) + jsonb(msgspec.json.encode(message.evidence))
        + float4(message.quality)
    )  # fmt: skip
    rows.record(table, [row])
    rows.events.append(message)


def _config(rows: Rows, message: IntersectionConfig) -> None:
    rows.configs.append(message)
    rows.number += 1


def _network(rows: Rows, message: RoadNetwork) -> None:
    rows.networks.append(message)
    rows.number += len(message.segments)


_ADD: dict[type[Any], Callable[[Rows, Any], None]] = {
    LaneMeasurement: _lanes,
    TurningCount: _counts,
    SignalState: _state,
    SignalCommand: _command,
    CommandAck: _answer,
    SensorObservation: _observation,
    TrafficEvent: _event,
    IntersectionConfig: _config,
    RoadNetwork: _network,
}
