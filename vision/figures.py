"""A camera's lanes and zones over a period as the messages that storage and the map know."""

import zlib
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from citybrain.calibration import Calibration
from citybrain.messages import LaneMeasurement, SensorObservation, Stored
from vision.lanes import reading
from vision.scene import SceneFigures

MAX_NAME = 64
UNITS = {"headway": "s", "flow": "/h", "stopped": "{vehicles}", "occupancy": "{users}", "dwell": "s"}
"""UCUM, by the last part of a datastream's name."""


def measured(
    camera: str, known: Calibration, figures: SceneFigures, *, period_s: float, now_s: float, quality: float
) -> list[Stored]:
    """Lanes as one `LaneMeasurement`, and as datastreams `<camera>.<lane or zone>.<figure>` what that has no
    field for. Not numbered yet; `quality` is that of the looking.
    """
    at = datetime.fromtimestamp(now_s, UTC)
    names = {lane.lane: lane.map_lane or f"{camera}.{lane.lane}" for lane in known.lanes}
    messages: list[Stored] = []
    if figures.lanes:
        known_share = sum(lane.quality for lane in figures.lanes) / len(figures.lanes)
        readings = [reading(lane) for lane in figures.lanes]
        messages.append(
            LaneMeasurement(
                at=at, device=f"camera/{camera}", boot=1, seq=1, intersection=camera,
                period_s=round(period_s, 3), clock_s=now_s,
                lanes=[msgspec.structs.replace(one, lane=names[one.lane]) for one in readings],
                quality=round(min(known_share, 1.0) * quality, 3),
            )
        )  # fmt: skip
    for place, figure, value in _further(figures):
        messages.append(
            SensorObservation(
                at=at, device=f"camera/{camera}", boot=1, seq=1, datastream=_stream(camera, place, figure),
                value=value, unit=UNITS[figure], quality=quality,
            )
        )  # fmt: skip
    return messages


def _further(figures: SceneFigures) -> Iterator[tuple[str, str, float]]:
    for lane in figures.lanes:
        yield lane.lane, "flow", lane.flow_per_h
        yield lane.lane, "stopped", float(lane.stopped)
        if lane.headway_s is not None:
            yield lane.lane, "headway", lane.headway_s
    for zone in figures.zones:
        yield zone.zone, "occupancy", zone.occupancy
        if zone.dwell_s is not None:
            yield zone.zone, "dwell", zone.dwell_s


def _stream(camera: str, place: str, figure: str) -> str:
    """The datastream's name; where it is too long, its middle is a checksum."""
    name = f"{camera}.{place}.{figure}"
    if len(name) <= MAX_NAME:
        return name
    return f"{camera[:40]}.{zlib.crc32(name.encode()):08x}.{figure}"
