"""Presence of an agent or service: birth, health, last will, and the numbers of its boot."""

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from citybrain import __version__, topics
from citybrain.bus import Bus
from citybrain.codec import encode
from citybrain.config import Settings
from citybrain.fields import LonLat
from citybrain.messages import AgentStatus, Health

HEARTBEAT_S = 10.0
SILENT_AFTER_S = 3 * HEARTBEAT_S
"""Without a word for this long an agent is taken for silent."""


def new_boot() -> int:
    """A number for this start of a device, greater than that of any start before (ms since 1970)."""
    return time.time_ns() // 1_000_000


class Presence:
    """Says, retained, that a device is there, how it is, and, by last will, that it is gone.

    Call `report` whenever something changed and at least every `HEARTBEAT_S`; listeners take three missed
    heartbeats for silence. The connection is this device's own, because a last will belongs to a connection.
    """

    def __init__(
        self, settings: Settings, device: str, position: LonLat | None = None, boot: int | None = None
    ) -> None:
        self.device = device
        self.boot = new_boot() if boot is None else boot
        self._topic = topics.for_device(settings.site.name, device, "status")
        self._started_at = datetime.now(UTC)
        self._lock = threading.Lock()
        self._status = AgentStatus(
            at=self._started_at,
            device=device,
            boot=self.boot,
            health=Health.STARTING,
            version=__version__,
            started_at=self._started_at,
            position=position,
        )
        client_id = f"{settings.site.name}-{device.replace('/', '-')}"
        self.bus = Bus(settings.broker.for_device(device), client_id, self._will())
        self.bus.on_connected(self._publish)

    def report(
        self,
        health: Health,
        detail: str = "",
        *,
        spooled: int = 0,
        sent: int = 0,
        figures: Mapping[str, float] | None = None,
        position: LonLat | None = None,
    ) -> None:
        """Publish how the device is now; a `position` is kept for the reports that follow."""
        with self._lock:
            self._status = AgentStatus(
                at=datetime.now(UTC),
                device=self.device,
                boot=self.boot,
                health=health,
                version=__version__,
                started_at=self._started_at,
                detail=detail[:500],
                position=position or self._status.position,
                spooled=spooled,
                sent=sent,
                figures=dict(figures or {}),
            )
        if self.bus.connected:
            self._publish()

    def leave(self) -> None:
        """Say goodbye and disconnect; a clean disconnect sends no last will."""
        if self.bus.connected:
            self.bus.publish(self._topic, self._will()[1], retain=True)
            time.sleep(0.05)  # the network thread needs a moment to write it out
        self.bus.stop()

    def _publish(self) -> None:
        with self._lock:
            payload = encode(self._status)
        self.bus.publish(self._topic, payload, retain=True)

    def _will(self) -> tuple[str, bytes]:
        gone = AgentStatus(
            at=self._started_at,
            device=self.device,
            boot=self.boot,
            health=Health.OFFLINE,
            version=__version__,
            started_at=self._started_at,
            position=self._status.position,
        )
        return self._topic, encode(gone)
