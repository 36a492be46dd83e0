"""The file of one sensor: where its values come from, and which observations they become."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from citybrain.errors import ConfigError
from citybrain.fields import Id, LonLat
from edge.units import check_unit

Every = Annotated[float, Meta(ge=0.1, le=86_400)]
Format = Literal["json", "csv", "line"]
_NAME = re.compile(r"[A-Za-z0-9{][A-Za-z0-9_.{}-]{0,63}", re.ASCII)


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file."""


class About(Part, frozen=True):
    id: Id
    """The agent is `sensor/<id>`."""
    position: LonLat | None = None


class Modbus(Part, frozen=True, kw_only=True, tag_field="kind", tag="modbus"):
    host: str
    port: Annotated[int, Meta(ge=1, le=65535)] = 502
    device: Annotated[int, Meta(ge=0, le=255)] = 1
    every_s: Every = 10.0
    words: Literal["big", "little"] = "big"
    """Which word of a value of several registers comes first: the most significant, or the least."""


class Serial(Part, frozen=True, kw_only=True, tag_field="kind", tag="serial"):
    port: str
    """A device, or an address of pyserial (`socket://host:port`)."""
    baud: Annotated[int, Meta(ge=50, le=4_000_000)] = 9600
    format: Format = "csv"
    silent_s: Every = 60.0


class Http(Part, frozen=True, kw_only=True, tag_field="kind", tag="http"):
    url: Annotated[str, Meta(pattern=r"^https?://[^\s]+$")]
    every_s: Every = 60.0
    headers: dict[str, str] = {}
    format: Format = "json"


class Mqtt(Part, frozen=True, kw_only=True, tag_field="kind", tag="mqtt"):
    url: Annotated[str, Meta(pattern=r"^mqtts?://[^/\s]+$")]
    topic: Annotated[str, Meta(min_length=1, max_length=200)]
    """A filter; what its `+` match is {1}, {2} and so on in the names of datastreams."""
    ca_file: str = ""
    format: Format = "json"
    silent_s: Every = 900.0


Source = Modbus | Serial | Http | Mqtt


class Datastream(Part, frozen=True, kw_only=True):
    """One value of what the source says; where it stands there depends on the format."""

    name: str
    unit: str
    path: str = ""
    """JSON: `BME280.Temperature`, `values[0]`, `sensordatavalues[value_type=P1].value`."""
    column: int | str | None = None
    """CSV: number from 1, or the name in the first line of an HTTP answer."""
    measurement: str = ""
    """Line protocol; empty: any."""
    field: str = ""
    """Line protocol."""
    tags: dict[str, str] = {}
    """Line protocol: tags that a line must have."""
    register: Annotated[int, Meta(ge=0, le=65535)] | None = None
    """Modbus: address from 0."""
    table: Literal["holding", "input", "coil", "discrete"] = "holding"
    type: Literal["int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"] = "uint16"
    scale: float = 1.0
    offset: float = 0.0
    """The observation is value * scale + offset."""
    least: float | None = None
    most: float | None = None
    """Beyond these a value is a fault of the sensor: counted, and not told."""
    position: LonLat | None = None


class SensorFile(Part, frozen=True, kw_only=True):
    """The whole file."""

    sensor: About
    source: Source
    datastreams: Annotated[list[Datastream], Meta(min_length=1, max_length=500)]
    time: str = ""
    """JSON path or CSV column of the source's own time (ISO 8601, or seconds or milliseconds since 1970)."""


def read_sensor_file(path: Path) -> SensorFile:
    """The file at `path`.

    Raises:
        ConfigError: it cannot be read, or what it says cannot be used; names the place.
    """
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), SensorFile, strict=True)
    except OSError as error:
        raise ConfigError(f"the sensor file {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"the sensor file {path}: {error}") from error
    names = [stream.name for stream in found.datastreams]
    for index, stream in enumerate(found.datastreams):
        where = f"the sensor file {path}: datastreams[{index}]"
        if names.count(stream.name) > 1:
            raise ConfigError(f"{where}: {stream.name!r} is named twice; give each datastream its own name")
        _check(found.source, stream, where)
    return found


def _check(source: Source, stream: Datastream, where: str) -> None:
    if not _NAME.fullmatch(stream.name):
        raise ConfigError(f"{where}: {stream.name!r} is no name: 1 to 64 of A-Z a-z 0-9 _ . -")
    check_unit(stream.unit, where)
    wildcards = source.topic.count("+") if isinstance(source, Mqtt) else 0
    used = [int(number) for number in re.findall(r"\{(\d+)\}", stream.name)]
    if "{" in re.sub(r"\{\d+\}", "", stream.name) or any(not 1 <= number <= wildcards for number in used):
        raise ConfigError(f"{where}: {stream.name!r} names a level that the topic has no + for")
    if isinstance(source, Modbus):
        wanted, given = "register", stream.register is not None
    else:
        key = {"json": "path", "csv": "column", "line": "field"}[source.format]
        wanted, given = key, bool(getattr(stream, key))
    if not given:
        raise ConfigError(f"{where}: {wanted} is required for this source")
