"""A worker: from the broker through the gate into the store, and back with acknowledgements."""

import math
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import psycopg
import structlog

from citybrain import topics
from citybrain.codec import encode
from citybrain.config import Settings
from citybrain.errors import CityBrainError, Unavailable
from citybrain.messages import AgentStatus, Health, IngestAck, IntersectionConfig, RoadNetwork
from citybrain.presence import Presence, new_boot
from ingest.acks import Acks
from ingest.arrival import Arrival
from ingest.database import Connection, connect
from ingest.disk import Disk
from ingest.figures import Figures
from ingest.gate import Admitted, Gap, Refused, Status, Verdict, admit, owner
from ingest.guard import Guard, Limits, Passage
from ingest.intake import Intake
from ingest.migrate import level_of
from ingest.quarantine import sync
from ingest.receiver import Receiver
from ingest.retention import window_of
from ingest.store import Batch, Outcome, Store
from ingest.subscriptions import is_shared, is_wanted, retained_filters, shared_filters

log = structlog.get_logger()

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
        self._window = window_of(settings)
        self._guard = Guard(Limits.of(settings.ingest))
        self._sync_at = 0.0
        self._disk = Disk(settings.database.dsn, settings.database.max_bytes)
        self._store: Store | None = None
        self._connection: Connection | None = None
        self._trouble = "starting"
        self._missed_retained = False
        self._stop = threading.Event()
        name = "ingest" if self._is_first else f"ingest-{index + 1}"
        self._presence = Presence(settings, f"service/{name}")
        # Two machines may share the work: the boot keeps their clients apart.
        filters = shared_filters(self._site) + (retained_filters(self._site) if self._is_first else [])
        client = f"{self._site}-{name}-worker-{new_boot()}"
        broker = settings.broker.for_device("service/ingest")
        self._receiver = Receiver(broker, client, filters, self._receive)

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
        self._receiver.start()
        self._presence.bus.start(timeout_s=None)
        reporter.start()
        log.info("ingest_started", site=self._site)
        try:
            self._work()
        finally:
            self._stop.set()
            reporter.join()
            self._leave()

    def _receive(self, arrivals: list[Arrival]) -> None:
        shed = self._intake.put([arrival for arrival in arrivals if is_wanted(arrival.topic)])
        if any(not is_shared(arrival.topic) for arrival in shed):
            self._missed_retained = True

    def _work(self) -> None:
        # While the database works on one batch, the next is taken and judged.
        with ThreadPoolExecutor(1, "gate") as gate:
            ready = gate.submit(self._gather)
            failures = 0
            leave_by = math.inf
            waiting = Batch()
            while True:
                if not len(waiting):
                    waiting = ready.result()
                    ready = gate.submit(self._gather)
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
                    self._receiver.unsubscribe(shared_filters(self._site))
                    leave_by = time.monotonic() + LEAVE_S

    def _gather(self) -> Batch:
        settings = self._settings.ingest
        return self._judge(self._intake.take(settings.batch_messages, settings.batch_s, IDLE_S))

    def _judge(self, arrivals: list[Arrival]) -> Batch:
        now = datetime.now(UTC)
        admitted: list[Admitted] = []
        refused: list[Refused] = []
        statuses = []
        gaps = []
        cleared = held = 0
        for arrival in arrivals:
            passage = self._passage(arrival)
            if passage in {Passage.HELD, Passage.TURNED_AWAY} or self._disk.must_wait(arrival.topic):
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
            elif isinstance(verdict, Gap):
                log.warning(
                    "messages_given_up",
                    device=verdict.message.device,
                    first=verdict.message.first,
                    last=verdict.message.last,
                    reason=verdict.message.reason,
                )
                gaps.append(verdict.message)
            else:
                cleared += 1
        self._intake.hold(held)
        self._intake.settle(committed=0, duplicate=0, dead_lettered=0, statuses=cleared)
        return Batch(admitted, refused, statuses, gaps)

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
        for device, reason in sync(self._connection, self._guard).items():
            log.warning("device_quarantined", device=device, reason=reason)

    def _commit(self, batch: Batch) -> None:
        store = self._store or self._open_store()
        if self._connection is not None:
            self._disk.look(self._connection, time.monotonic())
        if not len(batch):
            return
        outcome = store.commit(batch)
        self._account(outcome)
        self._answer(batch.statuses)

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

    def _answer(self, statuses: Sequence[AgentStatus]) -> None:
        """A camera numbers nothing that could be acknowledged; it is answered, so that it knows its clock."""
        for status in statuses:
            is_there = status.health is not Health.OFFLINE
            if status.device.startswith("camera/") and is_there and not status.sent:
                ack = IngestAck(at=datetime.now(UTC), device=status.device, boot=status.boot, seq=0)
                self._receiver.publish(topics.for_device(self._site, status.device, "ack"), encode(ack))

    def _acknowledge(self, now_s: float) -> None:
        due = self._acks.due(now_s)
        if not due or self._store is None or not self._receiver.connected:
            return
        marks = self._store.acknowledge(due)
        at = datetime.now(UTC)
        untold = set()
        for (device, boot), seq in marks.items():
            ack = IngestAck(at=at, device=device, boot=boot, seq=seq)
            # One that is lost on its way is asked for again by the resent message; with thousands of devices
            # that is dear, so what cannot be sent now is told in the next round.
            if not self._receiver.publish(topics.for_device(self._site, device, "ack"), encode(ack)):
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
        filters = retained_filters(self._site)
        self._receiver.unsubscribe(filters)
        self._receiver.subscribe(filters)

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
        if self._disk.fill.share is not None:
            figures["disk_share"] = round(self._disk.fill.share, 4)
        trouble = self._trouble or self._disk.trouble
        self._presence.report(Health.DEGRADED if trouble else Health.OK, trouble, figures=figures)

    def _leave(self) -> None:
        if self._store is not None:
            try:
                self._acknowledge(time.monotonic() + 1)
            except psycopg.Error as error:
                log.warning("last_acknowledgement_failed", error=str(error).strip())
            self._store.close()
        self._receiver.stop()
        self._presence.leave()
        balance = self._intake.balance()
        log.info("ingest_stopped", received=balance.received, committed=balance.committed, open=balance.open)
