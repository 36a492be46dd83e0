"""Requests for priority on a real broker: heard by the region, answered, on record, and in its commands."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from queue import Empty, Queue

import pytest

from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import decode, encode
from citybrain.config import Settings
from citybrain.messages import (
    EmergencyClass,
    EventKind,
    PriorityCancel,
    PriorityLeg,
    PriorityMessage,
    PriorityPosition,
    PriorityRequest,
    PriorityState,
    PriorityStatus,
    SignalCommand,
    TrafficEvent,
)
from tests.fixtures.crossing import crossing, measurement, queue, state
from traffic.agent import RegionAgent

WEST_THROUGH = 0


class Dispatch:
    """Stands for the one who asks, and for a street with one signal, x, whose cross street is full."""

    def __init__(self, settings: Settings, bus: Bus) -> None:
        self._site, self._bus = settings.site.name, bus
        self._clock_s = 0.0
        self.answers: Queue[PriorityStatus] = Queue()
        self.commands: Queue[SignalCommand] = Queue()
        self.events: Queue[TrafficEvent] = Queue()
        for kind, what in (("priority", "grant"), ("signal", "command"), ("traffic", "event")):
            bus.subscribe(topics.matching(self._site, kind, what=what), self._hear)
        bus.publish(topics.build(self._site, "signal", "x", "config"), encode(crossing()), retain=True)

    def say(self, message: PriorityMessage, what: str, topic_id: str = "") -> None:
        topic = topics.build(self._site, "priority", topic_id or message.request, what)
        self._bus.publish(topic, encode(message))

    def ask(self, id_: str = "trip", valid_s: float = 600.0) -> None:
        now = datetime.now(UTC)
        path = [PriorityLeg("x", [WEST_THROUGH], 500.0, 40.0)]
        expires_at = now + timedelta(seconds=valid_s)
        request = PriorityRequest(
            at=now, request=id_, emergency=EmergencyClass.FIRE, path=path, expires_at=expires_at
        )
        self.say(request, "request")

    def at(self, travelled_m: float, id_: str = "trip") -> None:
        now = datetime.now(UTC)
        self.say(PriorityPosition(at=now, request=id_, travelled_m=travelled_m, speed_mps=12.5), "position")

    def drive_to(self, travelled_m: float, id_: str = "trip", *, phase: int) -> None:
        """Say so until it shows in the command: brokers keep no order between topics."""
        for _ in range(10):
            self.at(travelled_m, id_)
            if self.decide().phase == phase:
                return
        pytest.fail(f"phase {phase} is never commanded")

    def settle(self) -> None:
        """Until the region answers: it has subscribed, and knows the signal."""
        for _ in range(100):
            self._report()
            try:
                self.commands.get(timeout=0.2)
            except Empty:
                continue
            time.sleep(0.5)
            self.commands.queue.clear()
            return
        pytest.fail("the region never commands anything")

    def decide(self) -> SignalCommand:
        """Green for the west, and six vehicles wait in the north and south: what is commanded?"""
        self._report()
        return self.commands.get(timeout=10)

    def _report(self) -> None:
        self._clock_s += 1.0
        now = datetime.now(UTC)
        shown = state(clock_s=self._clock_s, at=now)
        waiting = {"north": queue(6), "south": queue(6)}
        lanes = measurement(waiting, clock_s=self._clock_s, at=now)
        self._bus.publish(topics.build(self._site, "signal", "x", "state"), encode(shown))
        self._bus.publish(topics.build(self._site, "lanes", "x", "measurement"), encode(lanes))

    def answer(self, wanted: PriorityState) -> PriorityStatus:
        """The next answer of this state; others before it are let by."""
        while True:
            status = self.answers.get(timeout=10)
            if status.state is wanted:
                return status

    def _hear(self, _topic: str, payload: bytes, _retained: bool) -> None:
        message = decode(payload)
        if isinstance(message, PriorityStatus):
            self.answers.put(message)
        elif isinstance(message, SignalCommand):
            self.commands.put(message)
        elif isinstance(message, TrafficEvent):
            self.events.put(message)


@pytest.fixture
def dispatch(settings: Settings) -> Iterator[Dispatch]:
    with Bus(settings.broker, f"dispatch-{settings.site.name}") as bus:
        yield Dispatch(settings, bus)


@pytest.fixture
def region(settings: Settings, dispatch: Dispatch) -> Iterator[RegionAgent]:
    agent = RegionAgent(settings)
    agent.start()
    try:
        dispatch.settle()
        yield agent
    finally:
        agent.stop()


def test_a_request_turns_the_next_decision_and_its_cancel_turns_it_back(
    region: RegionAgent, dispatch: Dispatch
) -> None:
    assert dispatch.decide().phase == 1
    dispatch.ask()
    dispatch.answer(PriorityState.SILENT)
    dispatch.drive_to(450.0, phase=0)  # 50 m before the line at 12.5 m/s
    granted = dispatch.answer(PriorityState.GRANTED)
    assert granted.request == "trip"
    assert granted.device == "traffic/region-0"
    (leg,) = granted.legs
    assert leg.intersection == "x"
    assert leg.eta_s is not None
    assert 0 < leg.eta_s <= 4.5
    assert region.figures()["priority_requests"] == 1
    dispatch.say(PriorityCancel(at=datetime.now(UTC), request="trip"), "cancel")
    dispatch.answer(PriorityState.CANCELLED)
    assert dispatch.decide().phase == 1
    assert region.figures()["priority_requests"] == 0


def test_begin_and_end_are_on_record_without_where_the_vehicle_was(
    region: RegionAgent, dispatch: Dispatch
) -> None:
    dispatch.ask("trip-7")
    dispatch.answer(PriorityState.SILENT)
    dispatch.drive_to(480.0, "trip-7", phase=0)
    dispatch.answer(PriorityState.GRANTED)
    dispatch.at(510.0, "trip-7")
    begun = dispatch.events.get(timeout=10)
    ended = dispatch.events.get(timeout=10)
    assert begun.event == ended.event == "trip-7"
    assert begun.kind is EventKind.PRIORITY
    assert begun.end_at is None
    assert ended.end_at is not None
    assert begun.seq != ended.seq
    assert ended.evidence == {"intersections": 1.0, "passed": 1.0}
    assert ended.position is None


def test_a_request_that_has_expired_is_answered_so(region: RegionAgent, dispatch: Dispatch) -> None:
    dispatch.ask(valid_s=0.0)
    dispatch.answer(PriorityState.EXPIRED)
    dispatch.at(450.0)
    dispatch.decide()
    assert dispatch.decide().phase == 1


def test_what_is_not_a_request_or_about_another_is_counted_and_changes_nothing(
    region: RegionAgent, dispatch: Dispatch
) -> None:
    dispatch.say(PriorityCancel(at=datetime.now(UTC), request="one"), "cancel", topic_id="other")
    for _ in range(10):
        assert dispatch.decide().phase == 1
        if region.figures()["malformed"]:
            break
    assert region.figures()["malformed"] == 1
    with pytest.raises(Empty):
        dispatch.answers.get(timeout=0.3)
