"""A region on MQTT: hears configurations, states and measurements, and answers each measurement at once.

The network thread only decodes and queues; one worker thread remembers, decides and publishes. So it keeps
the street's own pace: a decision per measurement, whatever the speed. What comes late gets no command, and
the signal's own plan takes over.
"""

import queue
import threading
import zlib
from collections import deque
from datetime import UTC, datetime, timedelta

import numpy as np
import structlog

from citybrain import topics
from citybrain.codec import decode, encode
from citybrain.config import Settings
from citybrain.errors import ConfigError, ContractError
from citybrain.messages import (
    AnyMessage,
    CommandAck,
    Health,
    IntersectionConfig,
    LaneMeasurement,
    OrderKind,
    Outflow,
    PriorityCancel,
    PriorityPosition,
    PriorityRequest,
    SignalCommand,
    SignalOrder,
    SignalState,
)
from citybrain.presence import HEARTBEAT_S, Presence
from traffic.atlas import Atlas
from traffic.desk import Desk
from traffic.disposal import Disposal
from traffic.orders import Orders, ordered
from traffic.pace import wall_s
from traffic.region import Decision, Region
from traffic.warm import warm

log = structlog.get_logger()

MAX_QUEUED = 5_000
REPORT_S = 5.0
QUIET_S = 10.0
"""Without a decision for so long the agent reports that it is degraded."""
LEAST_TELL_S = 0.2
EXPLAIN_EVERY_S = 2.0
"""How often the reasons of each intersection are told, at most."""
_RECENT = 2_000
FIGURES = ("decisions", "overruled", "late", "malformed", "dropped", "refused")
"""What is counted: `overruled` by the rules before it left, `refused` by the edge."""

_Priority = PriorityRequest | PriorityPosition | PriorityCancel
_Heard = IntersectionConfig | SignalState | LaneMeasurement | Outflow | SignalOrder | _Priority


def owns(index: int, count: int, intersection: str) -> bool:
    """Whether region `index` of `count` plans this intersection; each is planned by exactly one."""
    return zlib.crc32(intersection.encode()) % count == index


class RegionAgent:
    """Region `index` of `count`; device `traffic/region-<index>`."""

    def __init__(self, settings: Settings, index: int = 0, count: int = 1) -> None:
        self._settings = settings
        self._owns = (index, count)
        self._presence = Presence(settings, f"traffic/region-{index}")
        self._heard: queue.Queue[_Heard | None] = queue.Queue(MAX_QUEUED)
        self._atlas = Atlas()
        self._states: dict[str, SignalState] = {}
        self._asked: set[str] = set()
        self._early: dict[str, LaneMeasurement] = {}
        self._region: Region | None = None
        self._explained_at: dict[str, datetime] = {}
        self._measured: list[str] = []
        """Intersections whose latest measurement is not yet answered."""
        self._disposal = Disposal()
        self._desk = Desk(self._presence.device, lambda id_: owns(index, count, id_), settings.street.speed)
        self._orders = Orders()
        self._seq = 0
        self._figures = dict.fromkeys(FIGURES, 0)
        self._spent_s: deque[float] = deque(maxlen=_RECENT)
        self._decided_at = self._told_at = datetime.min.replace(tzinfo=UTC)
        self._worker = threading.Thread(target=self._work, name="decide", daemon=True)

    def start(self, timeout_s: float | None = 10.0) -> None:
        """Connect and decide until `stop`; raises Unavailable without a broker (see `Bus.start`)."""
        site = self._settings.site.name
        bus = self._presence.bus
        warm()
        # Configurations come last: who is known has nothing more to wait for.
        for kind, what in (
            ("signal", "state"),
            ("lanes", "measurement"),
            ("signal", "answer"),
            ("signal", "outflow"),
            ("signal", "config"),
        ):
            bus.subscribe(topics.matching(site, kind, what=what), self._hear)
        bus.subscribe(topics.matching(site, "signal", what="order"), self._hear_order)
        for what in ("request", "position", "cancel"):
            bus.subscribe(topics.matching(site, "priority", what=what), self._hear_priority)
        bus.start(timeout_s)
        self._worker.start()

    def stop(self) -> None:
        """Finish the decision under way, say goodbye and disconnect."""
        if self._worker.is_alive():
            self._heard.put(None)
            self._worker.join(10)
        self._presence.leave()

    def figures(self) -> dict[str, float]:
        """What was done since the start, and the time of the latest decisions."""
        spent = np.array(list(self._spent_s) or [0.0])
        return {
            "intersections": float(len(self._atlas.own)),
            "priority_requests": float(self._desk.open),
            "orders": float(len(self._orders.held)),
            **{name: float(value) for name, value in self._figures.items()},
            "decision_p50_s": float(np.percentile(spent, 50)),
            "decision_p99_s": float(np.percentile(spent, 99)),
        }

    def _hear(self, topic: str, payload: bytes, _retained: bool) -> None:
        about = topics.parse(topic)
        is_own = owns(*self._owns, about.id)
        if about.what == "outflow":
            is_wanted = about.id in self._atlas.beyond or about.id not in self._asked
        else:
            is_wanted = is_own or about.what == "config"
        message = self._decode(topic, payload) if is_wanted else None
        if isinstance(message, CommandAck):
            self._figures["refused"] += not message.accepted
        elif isinstance(message, IntersectionConfig | SignalState | LaneMeasurement | Outflow):
            self._put(message)

    def _hear_priority(self, topic: str, payload: bytes, retained: bool) -> None:
        """Every region hears every request; a retained one is of another time and means nothing."""
        message = None if retained else self._decode(topic, payload)
        if isinstance(message, _Priority):
            if message.request == topics.parse(topic).id:
                self._put(message)
            else:
                self._figures["malformed"] += 1
                log.warning("message_malformed", topic=topic, reason="it is about another request")

    def _hear_order(self, topic: str, payload: bytes, retained: bool) -> None:
        """What a person wants of a signal of ours; a retained order is of another time and means nothing."""
        about = topics.parse(topic).id
        message = None if retained or not owns(*self._owns, about) else self._decode(topic, payload)
        if not isinstance(message, SignalOrder):
            return
        if message.intersection == about:
            self._put(message)
        else:
            self._figures["malformed"] += 1
            log.warning("message_malformed", topic=topic, reason="it is about another intersection")

    def _decode(self, topic: str, payload: bytes) -> AnyMessage | None:
        try:
            return decode(payload)
        except ContractError as error:
            self._figures["malformed"] += 1
            log.warning("message_malformed", topic=topic, reason=str(error))
            return None

    def _put(self, message: _Heard) -> None:
        try:
            self._heard.put_nowait(message)
        except queue.Full:
            self._figures["dropped"] += 1

    def _work(self) -> None:
        reported = datetime.min.replace(tzinfo=UTC)
        while True:
            try:
                if not self._take_waiting():
                    return
            except Exception:
                log.exception("decision_failed")
            now = datetime.now(UTC)
            self._tell(now)
            if (now - reported).total_seconds() >= REPORT_S:
                self._report(now)
                reported = now

    def _take_waiting(self) -> bool:
        """Take in all that waits, or wait a second for one, and decide on it; False at the end."""
        for n in range(max(1, self._heard.qsize())):
            try:
                message = self._heard.get(block=n == 0, timeout=1.0)
            except queue.Empty:
                break
            if message is None:
                return False
            self._take(message)
        self._decide_measured()
        return True

    def _take(self, message: _Heard) -> None:
        if isinstance(message, IntersectionConfig):
            self._decide_measured()
            self._learn(message)
            return
        if isinstance(message, _Priority):
            if not self._desk.hear(message):
                self._figures["dropped"] += 1
            return
        if isinstance(message, SignalOrder):
            if not self._orders.hear(message, datetime.now(UTC)):
                self._figures["dropped"] += 1
                log.warning("order_dropped", intersection=message.intersection, order=message.order)
            return
        if message.intersection not in self._atlas.own and message.intersection not in self._atlas.beyond:
            self._ask(message.intersection)
        if isinstance(message, SignalState):
            is_first = message.intersection not in self._states
            self._states[message.intersection] = message
            self._disposal.on_state(message)
            if self._region is not None:
                self._region.on_state(message)
            early = self._early.pop(message.intersection, None) if is_first else None
            if early is not None:
                self._take(early)
        elif isinstance(message, Outflow):
            if self._region is not None:
                self._region.on_outflow(message, datetime.now(UTC))
        elif message.intersection not in self._states:
            # A broker keeps order within a subscription only: the first state may come after it.
            self._early[message.intersection] = message
        elif message.intersection in self._atlas.own:
            self._answer(message)

    def _ask(self, intersection: str) -> None:
        """Fetch the retained configuration of a signal that speaks and is not known.

        The embedded broker (rumqttd) hands out no more than 100 retained messages for one subscription.
        """
        if intersection not in self._asked:
            self._asked.add(intersection)
            self._presence.bus.subscribe(self._config_topic(intersection), self._hear)

    def _config_topic(self, intersection: str) -> str:
        return topics.build(self._settings.site.name, "signal", intersection, "config")

    def _learn(self, config: IntersectionConfig) -> None:
        if config.intersection in self._asked:
            self._presence.bus.unsubscribe(self._config_topic(config.intersection))
        is_own = owns(*self._owns, config.intersection)
        try:
            is_new = self._atlas.learn(config, is_own=is_own)
        except ConfigError as error:
            self._region = None
            # Another region's is that region's to complain of.
            self._figures["malformed"] += is_own
            log.warning("config_unsafe", intersection=config.intersection, reason=str(error))
            return
        if is_new:
            self._region = None
        if is_new and is_own:
            self._disposal.on_config(config)

    def _answer(self, measurement: LaneMeasurement) -> None:
        if measurement.intersection in self._measured:
            self._decide_measured()  # each is answered
        region = self._region or self._rebuild()
        if region.on_measurement(measurement):
            self._disposal.on_measurement(measurement)
            self._measured.append(measurement.intersection)

    def _decide_measured(self) -> None:
        """Answer all that was measured since the last time, together."""
        measured, self._measured = self._measured, []
        region = self._region
        if region is None or not measured:
            return
        now = datetime.now(UTC)
        orders: dict[str, SignalOrder] = {}
        for intersection in measured:
            claims = self._desk.claims(intersection, now)
            region.claim(intersection, claims)
            order = self._orders.in_force(intersection, now)
            if order is not None and not claims:  # who has priority comes before any order
                orders[intersection] = order
        decisions = region.decide_all(measured, now)
        for intersection, decision in zip(measured, decisions, strict=True):
            shown = region.shown(intersection)
            if decision is None or shown is None:
                self._figures["late"] += intersection in self._states
            elif (order := orders.get(intersection)) is not None and order.kind is OrderKind.LOCAL:
                local = Decision(intersection, shown.target, f"order {order.order}", 0.0)
                self._decided_at = now
                self._explain(region, local, now, is_ordered=True)
            else:
                wish = decision if order is None else ordered(decision, order)
                settled, is_overruled = self._disposal.settle(wish, shown)
                self._figures["overruled"] += is_overruled
                self._command(settled, now)
                self._explain(region, settled, now, is_overruled=is_overruled, is_ordered=order is not None)
        spent_s = (datetime.now(UTC) - now).total_seconds() / len(measured)
        self._spent_s.extend(spent_s for decision in decisions if decision is not None)
        for intersection in measured:
            if intersection in self._atlas.edge:
                self._tell_others(region, intersection)

    def _tell_others(self, region: Region, intersection: str) -> None:
        """What leaves for other regions; a lost word is made good by the next, a second later."""
        outflow = region.outflow(intersection, self._presence.device)
        if outflow is not None:
            topic = topics.build(self._settings.site.name, "signal", intersection, "outflow")
            self._presence.bus.publish_now(topic, encode(outflow))

    def _explain(
        self,
        region: Region,
        decision: Decision,
        now: datetime,
        *,
        is_overruled: bool = False,
        is_ordered: bool = False,
    ) -> None:
        """Why this is wanted, for who looks at the map; a lost word is made good by the next."""
        told_at = self._explained_at.get(decision.intersection)
        if told_at is not None and (now - told_at).total_seconds() < EXPLAIN_EVERY_S:
            return
        reasons = region.reasons(
            decision, is_overruled=is_overruled, is_ordered=is_ordered, device=self._presence.device
        )
        if reasons is not None:
            self._explained_at[decision.intersection] = now
            topic = topics.build(self._settings.site.name, "signal", decision.intersection, "reasons")
            self._presence.bus.publish_now(topic, encode(reasons))

    def _command(self, decision: Decision, now: datetime) -> None:
        traffic = self._settings.traffic
        command = SignalCommand(
            at=now,
            device=self._presence.device,
            boot=self._presence.boot,
            seq=self._next_seq(),
            intersection=decision.intersection,
            phase=decision.phase,
            expires_at=now + timedelta(seconds=wall_s(traffic.command_ttl_s, self._settings.street.speed)),
            reason=decision.reason,
        )
        topic = topics.build(self._settings.site.name, "signal", decision.intersection, "command")
        if self._presence.bus.publish_now(topic, encode(command), qos=1):
            self._figures["decisions"] += 1
            self._decided_at = now

    def _tell(self, now: datetime) -> None:
        """Answer requests for priority, and put their begin and end on record."""
        if now - self._told_at < timedelta(seconds=LEAST_TELL_S):
            return
        self._told_at = now
        site, bus = self._settings.site.name, self._presence.bus
        for status in self._desk.statuses(now):
            bus.publish_now(topics.build(site, "priority", status.request, "grant"), encode(status), qos=1)
            event = self._desk.event(status, self._presence.boot, self._next_seq)
            if event is not None:
                bus.publish_now(topics.for_device(site, event.device, "event"), encode(event), qos=1)

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def _rebuild(self) -> Region:
        """A region over all configurations heard so far, with the states heard so far."""
        self._region = self._atlas.region(self._settings.street.speed)
        for state in self._states.values():
            self._region.on_state(state)
        log.info("region_built", intersections=len(self._atlas.own), beyond=len(self._atlas.beyond))
        return self._region

    def _report(self, now: datetime) -> None:
        health, detail = Health.OK, ""
        if not self._atlas.own:
            health, detail = Health.DEGRADED, "no signal has announced itself"
        elif (now - self._decided_at).total_seconds() > QUIET_S:
            health, detail = Health.DEGRADED, "no fresh measurement with a signal state"
        self._presence.report(health, detail, sent=self._seq, figures=self.figures())


assert REPORT_S < HEARTBEAT_S
