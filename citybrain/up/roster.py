"""Who is there: the latest status of every agent and service, as they say it over MQTT."""

import threading
import time
from datetime import UTC, datetime

from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import decode
from citybrain.config import Settings
from citybrain.errors import ContractError
from citybrain.messages import AgentStatus, Health
from citybrain.presence import SILENT_AFTER_S


class Roster:
    """Listens to all status messages of a site; safe to ask from any thread."""

    def __init__(self, settings: Settings, client_id: str) -> None:
        self._lock = threading.Lock()
        self._latest: dict[str, AgentStatus] = {}
        self.bus = Bus(settings.broker.for_device("service/operator"), client_id)
        self.bus.subscribe(topics.matching(settings.site.name, what="status"), self._keep)

    def get(self, device: str) -> AgentStatus | None:
        with self._lock:
            return self._latest.get(device)

    def all(self) -> list[AgentStatus]:
        with self._lock:
            return sorted(self._latest.values(), key=lambda status: status.device)

    def is_serving(self, device: str) -> bool:
        """Whether it said that it works, fully or in part."""
        status = self.get(device)
        return status is not None and status.health in {Health.OK, Health.DEGRADED}

    def settle(self, timeout_s: float = 3.0) -> None:
        """Wait until no new device was heard for half a second: the retained ones have come."""
        deadline, quiet, known = time.monotonic() + timeout_s, time.monotonic(), -1
        while time.monotonic() < min(deadline, quiet + 0.5) or known < 0:
            if len(self.all()) != known:
                known, quiet = len(self.all()), time.monotonic()
            time.sleep(0.05)

    def _keep(self, _topic: str, payload: bytes, _retained: bool) -> None:
        try:
            status = decode(payload)
        except ContractError:
            return  # ingest keeps what is malformed
        if isinstance(status, AgentStatus):
            with self._lock:
                self._latest[status.device] = status


def is_silent(status: AgentStatus, now: datetime | None = None) -> bool:
    """Whether three heartbeats in a row are missing from an agent that did not say goodbye."""
    age_s = ((now or datetime.now(UTC)) - status.at).total_seconds()
    return status.health is not Health.OFFLINE and age_s > SILENT_AFTER_S
