"""What an agent speaks through: its presence, its numbers, its letters."""

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
import structlog

from citybrain import topics
from citybrain.bus import Handler
from citybrain.codec import decode, encode
from citybrain.config import Settings
from citybrain.errors import ContractError
from citybrain.fields import LonLat
from citybrain.messages import GivenUp, Health, IngestAck, Stored
from citybrain.paths import data_dir
from citybrain.presence import HEARTBEAT_S, Presence
from edge.clock import ClockOffset
from edge.machine import Machine
from edge.postman import Postman
from edge.spool import Ack, Gap, Letter

log = structlog.get_logger()

UNNUMBERED = 1
"""For `seq` of a message that `Outbox.send` will number."""


class Outbox:
    """One device's way to the broker. `start`, then `send` and `report`; `close` says goodbye."""

    def __init__(self, settings: Settings, postman: Postman, device: str) -> None:
        self.device = device
        self._site = settings.site.name
        self._presence = Presence(settings, device)
        self._postman = postman
        self._lock = threading.Lock()
        self._seq = 0
        self._retained: dict[str, bytes] = {}
        self._reported: tuple[Health, str] | None = None
        self._reported_at = 0.0
        self._clock = ClockOffset()
        self._machine = Machine(data_dir())
        bus = self._presence.bus
        bus.subscribe(topics.for_device(self._site, device, "ack"), self._on_ack)
        bus.on_connected(self._on_connected)
        postman.enlist(device, self._publish, self._announce)

    @property
    def boot(self) -> int:
        return self._presence.boot

    @property
    def connected(self) -> bool:
        return self._presence.bus.connected

    def start(self) -> None:
        """Connect, and go on trying; nothing is lost meanwhile."""
        self._presence.bus.start(timeout_s=None)

    def subscribe(self, what: str, handler: Handler) -> None:
        """Hear the topic `<kind>/<id>/<what>` of this device."""
        self._presence.bus.subscribe(topics.for_device(self._site, self.device, what), handler)

    def send(self, what: str, message: Stored, *, retain: bool = False) -> int:
        """Number `message` for this device and boot, spool it and publish it; the number.

        A retained message is also announced anew after each connect.
        """
        topic = topics.for_device(self._site, self.device, what)
        with self._lock:
            seq = self._seq + 1
            numbered = msgspec.structs.replace(message, device=self.device, boot=self.boot, seq=seq)
            payload = encode(numbered)
            now_s = time.time()
            letter = Letter(self.device, self.boot, seq, topic, now_s, now_s, payload)
            self._seq = seq
            if retain:
                self._retained[topic] = payload
            self._postman.post(letter, self._publish_retained if retain else self._publish)
        return seq

    def report(
        self,
        health: Health,
        detail: str = "",
        figures: Mapping[str, float] | None = None,
        position: LonLat | None = None,
    ) -> None:
        """Say how the device is: at once where that changed, else once a heartbeat. Call it often."""
        if health is Health.OK:
            fault = "the spool cannot be written" if self._postman.is_failing else self._clock.fault
            health, detail = (Health.DEGRADED, fault) if fault else (health, detail)
        now = time.monotonic()
        if (health, detail) == self._reported and now < self._reported_at + HEARTBEAT_S:
            return
        self._reported, self._reported_at = (health, detail), now
        self._presence.report(
            health,
            detail,
            spooled=min(self._postman.waiting(self.device), 1_000_000),
            sent=self._seq,
            figures={**(figures or {}), **self._own_figures()},
            position=position,
        )

    def now(self) -> datetime:
        """The time by ingest's clock, as far as it is known: what the expiry of a command is judged by."""
        return now() + timedelta(seconds=self._clock.offset_s or 0.0)

    def close(self) -> None:
        """Disconnect cleanly; what is not acknowledged stays on disk."""
        self._presence.leave()

    def _own_figures(self) -> dict[str, float]:
        figures = self._machine.figures() | {
            "dropped": float(self._postman.dropped),
            "spool_bytes": float(self._postman.spool_bytes),
        }
        offset_s = self._clock.offset_s
        return figures if offset_s is None else figures | {"clock_offset_s": round(offset_s, 3)}

    def _publish(self, topic: str, payload: bytes) -> bool:
        # Nothing waits in the client's own queue: that is what the disk is for.
        return self._presence.bus.publish_now(topic, payload, qos=1)

    def _publish_retained(self, topic: str, payload: bytes) -> bool:
        bus = self._presence.bus
        return bus.connected and bus.publish(topic, payload, retain=True)

    def _announce(self, gap: Gap) -> bool:
        message = GivenUp(
            at=now(), device=gap.device, boot=gap.boot, first=gap.first, last=gap.last, reason=gap.reason
        )
        return self._publish(topics.for_device(self._site, self.device, "gap"), encode(message))

    def _on_connected(self) -> None:
        with self._lock:
            retained = list(self._retained.items())
        for topic, payload in retained:
            self._publish_retained(topic, payload)
        self._postman.reconnected(self.device)

    def _on_ack(self, _topic: str, payload: bytes, _retained: bool) -> None:
        try:
            message = decode(payload)
        except ContractError as error:
            log.warning("ack_malformed", device=self.device, reason=str(error))
            return
        if isinstance(message, IngestAck) and message.device == self.device:
            self._clock.hear(message.at, now())
            self._postman.acknowledge(Ack(message.device, message.boot, message.seq))


def now() -> datetime:
    """The wall clock, aware."""
    return datetime.now(UTC)
