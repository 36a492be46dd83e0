"""From MQTT into the live state: decodes on the client's thread, applies on the event loop.

The way between the two is a bounded queue that drops its oldest message; ingest keeps what must be kept.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import decode, unpack_frame
from citybrain.config import Settings
from citybrain.errors import ContractError
from citybrain.messages import AnyMessage, FrameMeta
from citybrain.presence import new_boot
from command.live import Live
from command.pictures import PictureBoard

log = structlog.get_logger()

QUEUE_MESSAGES = 20_000

LISTENS_TO = (
    ("signal", "config", 1),
    ("signal", "state", 1),
    ("signal", "reasons", 0),
    ("lanes", "measurement", 1),
    ("camera", "measurement", 1),
    ("vision", "measurement", 1),
    ("network", "+", 1),
    ("+", "event", 1),
    ("+", "status", 1),
    ("camera", "picture", 0),
)
"""kind, what, quality of service"""


class Feed:
    """Listens on the bus and keeps `live` and `pictures` up to date.

    `on_change` runs on the event loop after messages were applied.
    """

    def __init__(
        self, settings: Settings, live: Live, pictures: PictureBoard, on_change: Callable[[], None]
    ) -> None:
        self._live = live
        self._pictures = pictures
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._queue: deque[AnyMessage | tuple[FrameMeta, bytes]] = deque(maxlen=QUEUE_MESSAGES)
        self._scheduled = False
        self.messages = 0
        self.malformed = 0
        self.dropped = 0
        self.bus = Bus(
            settings.broker.for_device("service/command"), f"{settings.site.name}-command-feed-{new_boot()}"
        )
        for kind, what, qos in LISTENS_TO:
            handler = self._on_picture if what == "picture" else self._on_message
            self.bus.subscribe(topics.matching(settings.site.name, kind, what=what), handler, qos)

    def start(self) -> None:
        """Connect in the background and keep trying."""
        self.bus.start(timeout_s=None)

    async def stop(self) -> None:
        await asyncio.to_thread(self.bus.stop)

    def _on_message(self, topic: str, payload: bytes, _retained: bool) -> None:
        if not payload:  # an empty retained message deletes one
            return
        try:
            self._put(decode(payload))
        except ContractError as error:
            self._refuse(topic, error)

    def _on_picture(self, topic: str, payload: bytes, _retained: bool) -> None:
        try:
            meta, jpeg = unpack_frame(payload)
            camera = topics.parse(topic).id
        except ContractError as error:
            self._refuse(topic, error)
            return
        if meta.camera != camera:
            self._refuse(topic, ContractError(f"a picture of {meta.camera} on this topic", "$.camera"))
            return
        self._put((meta, jpeg))

    def _refuse(self, topic: str, error: ContractError) -> None:
        self.malformed += 1
        log.warning("message_refused", topic=topic[:200], reason=str(error)[:300])

    def _put(self, item: AnyMessage | tuple[FrameMeta, bytes]) -> None:
        with self._lock:
            self.messages += 1
            self.dropped += len(self._queue) == QUEUE_MESSAGES
            self._queue.append(item)
            if self._scheduled:
                return
            self._scheduled = True
        try:
            self._loop.call_soon_threadsafe(self._apply)
        except RuntimeError:
            log.debug("feed_after_shutdown")  # the loop closed between two messages

    def _apply(self) -> None:
        with self._lock:
            items = list(self._queue)
            self._queue.clear()
            self._scheduled = False
        now = datetime.now(UTC)
        for item in items:
            try:
                self._apply_one(item, now)
            except Exception:
                log.exception("message_not_applied")
        self._on_change()

    def _apply_one(self, item: AnyMessage | tuple[FrameMeta, bytes], now: datetime) -> None:
        if not isinstance(item, tuple):
            self._live.apply(item, now)
        elif self._pictures.put(*item):
            self._live.cameras.picture(item[0])
