"""Devices that publish on an MQTT broker of their own: Zigbee2MQTT, Tasmota and the like."""

import queue
from uuid import uuid4

from citybrain.bus import Bus
from citybrain.config import Broker
from citybrain.errors import ContractError, Unavailable
from edge.feeds.feed import Batch
from edge.readings import read
from edge.sensorfile import Mqtt, SensorFile

MOST_WAITING = 2_000
CONNECT_S = 10.0


class MqttFeed:
    """What is published on a topic filter (`edge.feeds.feed.Feed`)."""

    def __init__(self, source: Mqtt, file: SensorFile) -> None:
        self._source = source
        self._file = file
        self._heard: queue.Queue[tuple[str, bytes]] = queue.Queue(MOST_WAITING)
        self._bus: Bus | None = None

    def open(self) -> None:
        self.close()
        broker = Broker(url=self._source.url, ca_file=self._source.ca_file)
        bus = Bus(broker, f"citybrain-bridge-{uuid4().hex[:12]}")
        bus.subscribe(self._source.topic, self._hear)
        bus.start(CONNECT_S)
        self._bus = bus

    def read(self, timeout_s: float) -> Batch | None:
        try:
            topic, payload = self._heard.get(timeout=timeout_s)
        except queue.Empty:
            if self._bus is not None and not self._bus.connected:
                raise Unavailable(f"the broker {self._source.url.rpartition('@')[2]} is gone") from None
            return None
        levels = matched(self._source.topic, topic)
        try:
            found = read(self._source.format, payload, self._file.datastreams, self._file.time)
        except ContractError as error:
            return Batch([], levels, malformed=f"{topic[:80]}: {error}")
        return Batch(found, levels, is_partial=True)

    def close(self) -> None:
        if self._bus is not None:
            self._bus.stop()
        self._bus = None

    def _hear(self, topic: str, payload: bytes, retained: bool) -> None:
        # A retained value is of an unknown age.
        if retained or not payload:
            return
        try:
            self._heard.put_nowait((topic, payload))
        except queue.Full:
            self._heard.get_nowait()
            self._heard.put_nowait((topic, payload))


def matched(filter_: str, topic: str) -> tuple[str, ...]:
    """What each `+` of the filter is in the topic."""
    pairs = zip(filter_.split("/"), topic.split("/"), strict=False)
    return tuple(level for wanted, level in pairs if wanted == "+")
