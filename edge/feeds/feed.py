"""What a sensor's agent needs of a source."""

import re
from typing import NamedTuple, Protocol

from citybrain.errors import ConfigError
from edge.readings import Missing, Value
from edge.sensorfile import Http, Modbus, Mqtt, SensorFile, Serial


class Batch(NamedTuple):
    """What a source said at one time; `levels` are what the `+` of a topic matched."""

    found: list[Value | Missing]
    levels: tuple[str, ...] = ()
    malformed: str = ""
    """Why what it said could not be read; then nothing was found."""
    is_partial: bool = False
    """Whether others say the rest, so that what is missing is no fault."""


class Feed(Protocol):
    """A source. Methods raise Unavailable while it cannot be reached."""

    def open(self) -> None:
        """Connect."""

    def read(self, timeout_s: float) -> Batch | None:
        """The next values; None when none came in time."""

    def close(self) -> None:
        """Let go of it."""


def open_feed(file: SensorFile) -> Feed:
    """The feed for the file's source; not yet connected."""
    if isinstance(file.source, Modbus):
        from edge.feeds.modbus import ModbusFeed

        return ModbusFeed(file.source, file.datastreams)
    if isinstance(file.source, Serial):
        from edge.feeds.serial import SerialFeed

        return SerialFeed(file.source, file)
    if isinstance(file.source, Http):
        from edge.feeds.http import HttpFeed

        return HttpFeed(file.source, file)
    if isinstance(file.source, Mqtt):
        from edge.feeds.mqtt import MqttFeed

        return MqttFeed(file.source, file)
    raise ConfigError(f"unknown kind of source: {file.source}")


def name_of(template: str, levels: tuple[str, ...]) -> str:
    """The datastream's name, `{1}` replaced by the first matched level of the topic, made an id."""
    named = re.sub(r"\{(\d+)\}", lambda match: levels[int(match[1]) - 1], template)
    clean = re.sub(r"[^A-Za-z0-9_.-]", "-", named)[:64]
    return clean if re.match(r"[A-Za-z0-9]", clean) else f"x{clean}"[:64]
