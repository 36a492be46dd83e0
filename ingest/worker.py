"""A worker: from the broker through the gate into the store, and back with acknowledgements."""

import math
import threading
import time
from datetime import UTC, datetime

import psycopg
import structlog

from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import encode
from citybrain.config import Settings
from citybrain.errors import CityBrainError, Unavailable
from citybrain.messages import Health, IngestAck, IntersectionConfig, RoadNetwork
from citybrain.presence import Presence, new_boot
from ingest.acks import Acks
from ingest.database import Connection, connect
from ingest.figures import Figures
from ingest.gate import (
    RETAINED_KINDS,
    STORED_KINDS,
    Admitted,
    Arrival,
    Refused,
    Status,
    Verdict,
    Window,
    admit,
    owner,
)
from ingest.guard import Guard, Limits, Passage
from ingest.intake import Intake
from ingest.migrate import level_of
from ingest.quarantine import sync
from ingest.store import Batch, Outcome, Store

log = structlog.get_logger()

GROUP = "ingest"
QUEUE_BATCHES = 20
IDLE_S = 0.1
SYNC_S = 1.0
REPORT_S = 2.0
LEAVE_S = 5.0
"""To store what is on its way when the end is near."""
BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)


class Worker:
    """Worker `index` of this machine; the first one also takes what is retained, which no group is given.

    `run` blocks until `stop`. While the database is away it goes on reading into a bounded queue,
    acknowledges nothing, and tries again.
    """

    def __init__(self, settings: Settings, index: int = 0) -> None:
        self._settings = settings
        self._site = settings.site.name
        self._is_first = index == 0
        self._intake = Intake(QUEUE_BATCHES * settings.ingest.batch_messages)
        self._figures = Figures()
        self._acks = Acks()
        self._window = Window.of(settings.ingest)
        self._guard = Guard(Limits.of(settings.ingest))
        self._sync_at = 0.0
        self._store: Store | None = None
        self._connection: Connection | None = None
        self._trouble = "starting"
        self._missed_retained = False
        self._stop = threading.Event()
        name = "ingest" if self._is_first else f"ingest-{index + 1}"
        self._presence = Presence(settings, f"service/{name}")
        # Two machines may share the work: the boot keeps their clients apart.
        self._bus = Bus(
            settings.broker.for_device("service/ingest"), f"{self._site}-{name}-worker-{new_boot()}"
        )

    @property
    def intake(self) -> Intake:
        return self._intake

    def stop(self) -> None:
        """Finish the messages at hand, tell what was stored, and leave."""
        self._stop.set()

    def run(self) -> None:
        """Work until `stop`; raises ConfigError where the settings are wrong at the start."""
        try:
            self._open_store()
        except (Unavailable, psycopg.Error) as error:
            self._fail(error)
        reporter = threading.Thread(target=self._report_often, name="reporter", daemon=True)
        self._subscribe()
        self._bus.start(timeout_s=None)
        self._presence.bus.start(timeout_s=None)
        reporter.start()
        log.info("ingest_started", site=self._site)
        try:
            self._work()
        finally:
            self._stop.set()
            reporter.join()
            self._leave()

    def _subscribe(self) -> None:
        for filter_ in self._shared_filters():
            self._bus.subscribe(filter_, self._receive)
        if self._is_first:
            self._subscribe_retained()

    def _subscribe_retained(self) -> None:
        for filter_ in self._retained_filters():
            self._bus.subscribe(filter_, self._receive)
        # MQTT has no filter for `part<n>`; the rest of a network's topics comes by the filters above.
        self._bus.subscribe(topics.matching(self._site, kind="network"), self._receive_part)

    def _shared_filters(self) -> list[str]:
        # A group a filter: rumqttd deals a group's messages out over its filters and drops what fits none.
        return [topics.matching(self._site, what=what, group=f"{GROUP}-{what}") for what in STORED_KINDS]

    def _retained_filters(self) -> list[str]:
        return [topics.matching(self._site, what=what) for what in RETAINED_KINDS]

    def _receive(self, topic: str, payload: bytes, _retained: bool) -> None:
        if not self._intake.put(Arrival(topic, payload)) and not topic.endswith(tuple(STORED_KINDS)):
            self._missed_retained = True

    def _receive_part(self, topic: str, payload: bytes, retained: bool) -> None:
        if topic.rpartition("/")[2].startswith("part"):
            self._receive(topic, payload, retained)

    def _work(self) -> None:
        settings = self._settings.ingest
        waiting = Batch()
        failures = 0
        leave_by = math.inf
        while True:
            if not len(waiting):
                waiting = self._judge(self._intake.take(settings.batch_messages, settings.batch_s, IDLE_S))
            try:
                self._commit(waiting)
                self._sync_quarantine(time.monotonic())
                is_idle = not len(waiting)
                waiting = Batch()
                self._acknowledge(time.monotonic())
                failures = 0
            except (psycopg.Error, CityBrainError) as error:
                self._fail(error)
                if self._stop.wait(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]):
                    # What is at hand was not acknowledged; the spools still have it.
                    return
                failures += 1
                continue
            if self._missed_retained:
                self._fetch_retained()
            if (is_idle and leave_by < math.inf) or time.monotonic() > leave_by:
                return
            if self._stop.is_set() and leave_by == math.inf:
                self._unsubscribe()
                leave_by = time.monotonic() + LEAVE_S

    def _unsubscribe(self) -> None:
        for filter_ in self._shared_filters():
            self._bus.unsubscribe(filter_)

    def _judge(self, arrivals: list[Arrival]) -> Batch:
        now = datetime.now(UTC)
        admitted: list[Admitted] = []
        refused: list[Refused] = []
        statuses = []
        cleared = held = 0
        for arrival in arrivals:
            passage = self._passage(arrival)
            if passage in {Passage.HELD, Passage.TURNED_AWAY}:
                held += 1
                continue
            verdict = self._admit(arrival, now) if passage is Passage.OPEN else self._quarantined(arrival)
            if isinstance(verdict, Admitted):
                admitted.append(verdict)
            elif isinstance(verdict, Refused):
                log.warning(
                    "message_refused", topic=arrival.topic, field=verdict.field, reason=verdict.reason
                )
                refused.append(verdict)
            elif isinstance(verdict, Status):
                statuses.append(verdict.message)
            else:
                cleared += 1
        self._intake.hold(held)
        self._intake.settle(committed=0, duplicate=0, dead_lettered=0, statuses=cleared)
        return Batch(admitted, refused, statuses)

    def _passage(self, arrival: Arrival) -> Passage:
        device = owner(arrival.topic)
        return self._guard.judge(device, time.monotonic()) if device else Passage.OPEN

    def _quarantined(self, arrival: Arrival) -> Refused:
        reason = self._guard.reason(owner(arrival.topic))
        return Refused(arrival, f"its device is in quarantine: {reason}", "")

    def _admit(self, arrival: Arrival, now: datetime) -> Verdict:
        try:
            verdict = admit(arrival, self._window, now)
        except Exception as error:
            log.exception("gate_failed", topic=arrival.topic)
            verdict = Refused(arrival, f"cannot be read: {type(error).__name__}: {error}", "")
        device = owner(arrival.topic)
        if isinstance(verdict, Refused) and device:
            self._guard.refused(device, verdict.reason, time.monotonic())
        return verdict

    def _sync_quarantine(self, now_s: float) -> None:
        """Share the quarantine with the other workers, and hear who was released."""
        if self._connection is None or now_s < self._sync_at:
            return
        self._sync_at = now_s + SYNC_S
        for device, reason in self._guard.news()[0].items():
            log.warning("device_quarantined", device=device, reason=reason)
        sync(self._connection, self._guard)

    def _commit(self, batch: Batch) -> None:
        store = self._store or self._open_store()
        if not len(batch):
            return
        outcome = store.commit(batch)
        self._account(outcome)

    def _account(self, outcome: Outcome) -> None:
        self._intake.settle(
            committed=len(outcome.committed),
            duplicate=len(outcome.duplicates),
            dead_lettered=outcome.dead_lettered,
            statuses=outcome.statuses,
        )
        live = [
            message.at
            for message in outcome.committed
            if not message.is_historical and not isinstance(message, IntersectionConfig | RoadNetwork)
        ]
        self._figures.commit(live, datetime.now(UTC), len(outcome.committed), outcome.rows)
        self._guard.replayed(outcome.duplicates, time.monotonic())
        self._acks.want(outcome.settled)

    def _acknowledge(self, now_s: float) -> None:
        due = self._acks.due(now_s)
        if not due or self._store is None or not self._bus.connected:
            return
        marks = self._store.acknowledge(due)
        at = datetime.now(UTC)
        untold = set()
        for (device, boot), seq in marks.items():
            ack = IngestAck(at=at, device=device, boot=boot, seq=seq)
            # One that is lost on its way is asked for again by the resent message; with thousands of devices
            # that is dear, so what the client has no room for now is told in the next round.
            if not self._bus.publish_now(topics.for_device(self._site, device, "ack"), encode(ack), qos=1):
                untold.add((device, boot))
        self._acks.told([owner for owner in due if owner not in untold], now_s)

    def _open_store(self) -> Store:
        connection = connect(self._settings.database.dsn)
        self._store = Store(connection, level_of(connection))
        self._connection, self._sync_at = connection, 0.0
        self._trouble = ""
        log.info("database_connected")
        return self._store

    def _fail(self, error: Exception) -> None:
        trouble = str(error).strip() or type(error).__name__
        if trouble != self._trouble:
            log.warning("database_away", error=trouble)
        self._trouble = trouble
        if self._store is not None:
            self._store.close()
            self._store = self._connection = None

    def _fetch_retained(self) -> None:
        """Retained messages that were shed come again with a new subscription."""
        self._missed_retained = False
        for filter_ in (*self._retained_filters(), topics.matching(self._site, kind="network")):
            self._bus.unsubscribe(filter_)
        self._subscribe_retained()

    def _report_often(self) -> None:
        while not self._stop.wait(REPORT_S):
            self._report()

    def _report(self) -> None:
        balance = self._intake.balance()
        figures = {
            "received": balance.received,
            "committed": balance.committed,
            "duplicate": balance.duplicate,
            "dead_lettered": balance.dead_lettered,
            "statuses": balance.statuses,
            "shed": balance.shed,
            "queue": balance.queue + balance.in_hand,
            "balance": balance.open,
            "held_for_rate": self._guard.held,
            "quarantined_devices": self._guard.quarantined,
            "quarantine_turned_away": self._guard.turned_away,
            **self._figures.report(),
        }
        health = Health.DEGRADED if self._trouble else Health.OK
        self._presence.report(health, self._trouble, figures=figures)

    def _leave(self) -> None:
        if self._store is not None:
            try:
                self._acknowledge(time.monotonic() + 1)
            except psycopg.Error as error:
                log.warning("last_acknowledgement_failed", error=str(error).strip())
            self._store.close()
        self._bus.stop()
        self._presence.leave()
        balance = self._intake.balance()
        log.info("ingest_stopped", received=balance.received, committed=balance.committed, open=balance.open)
