"""The agent beside a sensor: whatever it says becomes observations with units, spooled like all the rest."""

import threading
import time
from collections import Counter
from datetime import datetime, timedelta

import structlog

from citybrain.config import Settings
from citybrain.errors import ConfigError, Unavailable
from citybrain.messages import Health, SensorObservation
from edge.feeds.feed import Batch, Feed, name_of, open_feed
from edge.outbox import UNNUMBERED, Outbox, now
from edge.postman import Postman
from edge.readings import Missing, Value
from edge.sensorfile import Http, Modbus, SensorFile

log = structlog.get_logger()

LOOK_S = 1.0
FAULT_S = 10.0
RETRY_S = (1.0, 2.0, 5.0, 10.0, 30.0)
PAST = timedelta(days=7)
FUTURE = timedelta(seconds=60)


class SensorAgent:
    """One sensor's agent; `run` until told to stop, in a thread of its own."""

    def __init__(
        self, settings: Settings, postman: Postman, file: SensorFile, feed: Feed | None = None
    ) -> None:
        self.device = f"sensor/{file.sensor.id}"
        self._file = file
        self._feed = feed or open_feed(file)
        self._outbox = Outbox(settings, postman, self.device)
        self._counts = Counter(dict.fromkeys(("observations", "malformed", "missing", "implausible"), 0))
        self._fault = ""
        self._fault_until_s = 0.0
        self._heard_s = 0.0
        self._silent_s = _silent_s(file)
        self._log = log.bind(device=self.device)

    def run(self, stop: threading.Event) -> None:
        """Serve the sensor until `stop`; one that is away is tried again after 1 to 30 s."""
        self._outbox.start()
        attempt = 0
        while not stop.is_set():
            told = self._counts.total()
            try:
                self._feed.open()
                self._log.info("sensor_found")
                self._heard_s = time.monotonic()
                self._serve(stop)
            except (Unavailable, ConfigError) as error:
                self._outbox.report(Health.DEGRADED, str(error), self._figures())
                self._log.warning("sensor_lost", reason=str(error))
            except Exception as error:
                self._outbox.report(Health.FAILED, f"{type(error).__name__}: {error}")
                self._log.exception("sensor_failed")
            self._feed.close()
            attempt = 0 if self._counts.total() > told else attempt + 1
            stop.wait(RETRY_S[min(attempt, len(RETRY_S) - 1)])
        self._outbox.close()

    def _serve(self, stop: threading.Event) -> None:
        while not stop.is_set():
            batch = self._feed.read(LOOK_S)
            if batch is not None:
                self._heard_s = time.monotonic()
                self._take(batch)
            self._report()

    def _take(self, batch: Batch) -> None:
        at = now()
        if batch.malformed:
            self._counts["malformed"] += 1
            self._blame(batch.malformed)
        for found in batch.found:
            if isinstance(found, Missing):
                if not batch.is_partial:
                    self._counts["missing"] += 1
                    self._blame(f"{found.stream.name} {found.reason}")
            elif not is_plausible(found):
                self._counts["implausible"] += 1
                self._blame(f"{found.stream.name} is {found.value:g} {found.stream.unit}: beyond its bounds")
            else:
                self._send(found, batch.levels, at)

    def _blame(self, fault: str) -> None:
        """Tell a fault, and keep it for a while: one of many devices must not make the status flicker."""
        if time.monotonic() >= self._fault_until_s:
            self._fault = fault
            self._fault_until_s = time.monotonic() + FAULT_S

    def _send(self, found: Value, levels: tuple[str, ...], at: datetime) -> None:
        self._counts["observations"] += 1
        self._outbox.send(
            "observation",
            SensorObservation(
                at=believed(found.at, at),
                device=self.device,
                boot=self._outbox.boot,
                seq=UNNUMBERED,
                datastream=name_of(found.stream.name, levels),
                value=found.value,
                unit=found.stream.unit,
                position=found.stream.position or self._file.sensor.position,
            ),
        )

    def _report(self) -> None:
        silent_s = time.monotonic() - self._heard_s
        if time.monotonic() >= self._fault_until_s:
            self._fault = ""
        fault = f"nothing was heard for {self._silent_s:.0f} s" if silent_s > self._silent_s else self._fault
        health = Health.DEGRADED if fault else Health.OK
        self._outbox.report(health, fault, self._figures(), self._file.sensor.position)

    def _figures(self) -> dict[str, float]:
        return {name: float(count) for name, count in self._counts.items()}


def is_plausible(found: Value) -> bool:
    """Whether a value is within its datastream's bounds."""
    least, most = found.stream.least, found.stream.most
    return (least is None or found.value >= least) and (most is None or found.value <= most)


def believed(said: datetime | None, at: datetime) -> datetime:
    """The source's own time where it can be true, else the time of hearing."""
    return said if said is not None and at - PAST <= said <= at + FUTURE else at


def _silent_s(file: SensorFile) -> float:
    source = file.source
    return 5 * source.every_s + 10.0 if isinstance(source, Modbus | Http) else source.silent_s


def look_once(file: SensorFile, timeout_s: float) -> Batch | None:
    """What the source says now, for `--check`; raises Unavailable."""
    feed = open_feed(file)
    try:
        feed.open()
        deadline = time.monotonic() + timeout_s
        while (left_s := deadline - time.monotonic()) > 0:
            batch = feed.read(min(left_s, LOOK_S))
            if batch is not None:
                return batch
        return None
    finally:
        feed.close()
