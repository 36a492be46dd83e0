"""Region agents on a real broker, regions on real Ray, and the optimiser on real SUMO."""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import psutil
import pytest
import ray
from msgspec.structs import replace

from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import decode, encode
from citybrain.config import Settings
from citybrain.messages import (
    AgentStatus,
    Binding,
    EmergencyClass,
    Health,
    LaneMeasurement,
    OrderKind,
    PriorityLeg,
    PriorityPosition,
    PriorityRequest,
    SignalCommand,
    SignalOrder,
    SignalReasons,
)
from tests.fixtures.crossing import crossing, measurement, queue, state
from traffic import service
from traffic.agent import RegionAgent, owns

ROOT = Path(__file__).parents[2]


class Street:
    """Stands for the edge: announces signals, reports lanes, hears commands and statuses."""

    def __init__(self, settings: Settings, bus: Bus) -> None:
        self._site = settings.site.name
        self._bus = bus
        self._clock_s = 0.0
        self.commands: Queue[SignalCommand] = Queue()
        self.statuses: dict[str, AgentStatus] = {}
        bus.subscribe(topics.matching(self._site, "signal", what="command"), self._command)
        bus.subscribe(topics.matching(self._site, what="status"), self._status)

    def announce(self, id_: str) -> None:
        topic = topics.build(self._site, "signal", id_, "config")
        self._bus.publish(topic, encode(crossing(id_)), retain=True)
        self.show(id_)

    def show(self, id_: str) -> None:
        now = datetime.now(UTC)
        shown = state(id_, clock_s=self._clock_s, at=now)
        self._bus.publish(topics.build(self._site, "signal", id_, "state"), encode(shown))

    def report(
        self, id_: str, late_s: float = 0.0, queued: str = "north", clock_step_s: float = 1.0
    ) -> LaneMeasurement:
        self._clock_s += clock_step_s
        at = datetime.now(UTC) - timedelta(seconds=late_s)
        lanes = measurement({queued: queue(4)}, id_, clock_s=self._clock_s, at=at)
        self._bus.publish(topics.build(self._site, "lanes", id_, "measurement"), encode(lanes))
        return lanes

    def command(self, timeout_s: float = 5.0) -> SignalCommand | None:
        try:
            return self.commands.get(timeout=timeout_s)
        except Empty:
            return None

    def _command(self, _topic: str, payload: bytes, retained: bool) -> None:
        message = decode(payload)
        assert isinstance(message, SignalCommand)
        assert not retained
        self.commands.put(message)

    def _status(self, _topic: str, payload: bytes, _retained: bool) -> None:
        message = decode(payload)
        assert isinstance(message, AgentStatus)
        self.statuses[message.device] = message


def until(holds: Callable[[], Any], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


@pytest.fixture
def street(settings: Settings) -> Iterator[Street]:
    with Bus(settings.broker, f"street-{settings.site.name}") as bus:
        yield Street(settings, bus)


@contextmanager
def running(settings: Settings) -> Iterator[RegionAgent]:
    agent = RegionAgent(settings)
    agent.start()
    until(lambda: agent.figures()["intersections"], 10, "it has heard of a signal, so it hears all")
    try:
        yield agent
    finally:
        agent.stop()


def test_each_measurement_is_answered_with_a_command_that_expires(settings: Settings, street: Street) -> None:
    street.announce("x")
    with running(settings) as agent:
        street.show("x")
        sent = street.report("x")
        first = street.command()
        street.report("x")
        second = street.command()
        assert first is not None
        assert second is not None
        assert (first.intersection, first.phase, first.reason) == ("x", 1, "change")
        assert first.device == "traffic/region-0"
        assert first.boot == second.boot
        assert (first.seq, second.seq) == (1, 2)
        assert (first.expires_at - first.at).total_seconds() == settings.traffic.command_ttl_s
        assert 0 <= (first.at - sent.at).total_seconds() < 2
        assert agent.figures()["decisions"] == 2
    until(lambda: street.statuses["traffic/region-0"].health is Health.OFFLINE, 5, "it says goodbye")


def test_why_a_phase_is_wanted_is_told_but_not_every_second(settings: Settings, street: Street) -> None:
    street.announce("x")
    heard: Queue[SignalReasons] = Queue()

    def hear(_topic: str, payload: bytes, retained: bool) -> None:
        message = decode(payload)
        assert isinstance(message, SignalReasons)
        assert not retained
        heard.put(message)

    with running(settings), Bus(settings.broker, f"map-{settings.site.name}") as looks_on:
        looks_on.subscribe(topics.matching(settings.site.name, "signal", what="reasons"), hear)
        street.show("x")
        for _ in range(3):
            street.report("x")
            assert street.command() is not None
        reasons = heard.get(timeout=5)
        assert (reasons.intersection, reasons.phase, reasons.binding) == ("x", 1, Binding.PLAN)
        assert reasons.plan[0].phase == 1
        assert heard.empty()


def test_an_order_holds_a_phase_until_it_is_released_and_who_has_priority_comes_first(
    settings: Settings, street: Street
) -> None:
    """The queue at the north asks for phase 1; phase 0 is shown and held."""
    street.announce("x")
    site = settings.site.name
    with running(settings) as agent, Bus(settings.broker, f"centre-{site}") as centre:

        def order(id_: str, kind: OrderKind, about: str = "x") -> None:
            now = datetime.now(UTC)
            wish = SignalOrder(
                at=now, intersection=about, order=id_, kind=kind, phase=0, starts_at=now,
                expires_at=now + timedelta(seconds=120),
            )  # fmt: skip
            centre.publish(topics.build(site, "signal", "x", "order"), encode(wish))

        def answer() -> SignalCommand | None:
            street.show("x")
            street.report("x")
            return street.command(1.0)

        def open_orders(count: int) -> None:
            until(lambda: agent.figures()["orders"] == count, 5, f"{count} orders are known")

        order("one", OrderKind.HOLD, about="y")
        until(lambda: agent.figures()["malformed"] == 1, 5, "an order about another signal is refused")
        first = answer()
        assert first is not None
        assert first.phase == 1
        order("one", OrderKind.HOLD)
        open_orders(1)
        held = answer()
        assert held is not None
        assert (held.phase, held.reason) == (0, "order one")

        now = datetime.now(UTC)
        request = PriorityRequest(
            at=now, request="trip", emergency=EmergencyClass.AMBULANCE,
            path=[PriorityLeg("x", [2], 60.0, 5.0)],
            expires_at=now + timedelta(seconds=60),
        )  # fmt: skip
        position = PriorityPosition(at=now, request="trip", travelled_m=0.0, speed_mps=12.0)
        for what, message in (("request", request), ("position", position)):
            centre.publish(topics.build(site, "priority", "trip", what), encode(message))
        until(lambda: agent.figures()["priority_requests"] == 1, 5, "the vehicle is known")
        street.show("x")
        until(lambda: _commanded(street) == 1, 10, "the vehicle gets its green though phase 0 is held")


def _commanded(street: Street) -> int | None:
    street.report("x")
    command = street.command(1.0)
    return command.phase if command else None


def test_an_order_for_the_local_plan_ends_commands_until_it_is_released(
    settings: Settings, street: Street
) -> None:
    street.announce("x")
    site = settings.site.name
    told: Queue[SignalReasons] = Queue()
    with running(settings) as agent, Bus(settings.broker, f"centre-{site}") as centre:
        centre.subscribe(
            topics.matching(site, "signal", what="reasons"),
            lambda _topic, payload, _retained: told.put(_reasons(payload)),
        )

        def order(kind: OrderKind) -> None:
            now = datetime.now(UTC)
            wish = SignalOrder(
                at=now, intersection="x", order="two", kind=kind, starts_at=now,
                expires_at=now + timedelta(seconds=120),
            )  # fmt: skip
            centre.publish(topics.build(site, "signal", "x", "order"), encode(wish))

        order(OrderKind.LOCAL)
        until(lambda: agent.figures()["orders"] == 1, 5, "the order is known")
        street.show("x")
        street.report("x")
        reasons = told.get(timeout=5)
        assert (reasons.binding, reasons.phase, reasons.detail) == (Binding.ORDER, 0, "order two")
        assert street.command(0.3) is None
        order(OrderKind.RELEASE)
        until(lambda: _commanded(street) == 1, 10, "it is commanded again")


def _reasons(payload: bytes) -> SignalReasons:
    message = decode(payload)
    assert isinstance(message, SignalReasons)
    return message


def test_late_or_malformed_messages_get_no_command_and_are_counted(
    settings: Settings, street: Street
) -> None:
    street.announce("x")
    with running(settings) as agent, Bus(settings.broker, f"bad-{settings.site.name}") as stranger:
        street.show("x")
        stranger.publish(topics.build(settings.site.name, "lanes", "x", "measurement"), b"[]")
        street.report("x", late_s=5.0)
        # Two clients speak: a broker keeps the order of each, not of both.
        until(lambda: agent.figures()["late"] == 1, 30, "the late one is counted")
        until(lambda: agent.figures()["malformed"] == 1, 30, "the malformed one is counted")
        street.report("x")
        command = street.command()
        assert command is not None
        assert command.seq == 1


def test_more_signals_than_a_broker_hands_out_at_once_are_known_once_they_speak(
    settings: Settings, street: Street
) -> None:
    ids = [f"x{number}" for number in range(130)]
    for id_ in ids:
        street.announce(id_)
    with running(settings) as agent:
        for id_ in ids:
            street.show(id_)
        until(lambda: agent.figures()["intersections"] == len(ids), 20, "every signal is known")


def test_a_signal_that_cannot_be_driven_safely_is_not_planned(settings: Settings, street: Street) -> None:
    street.announce("x")
    with running(settings) as agent, Bus(settings.broker, f"bad-{settings.site.name}") as stranger:
        unsafe = crossing("y", phases=("GGGGGGGG", "rrGgrrGg"))
        stranger.publish(topics.build(settings.site.name, "signal", "y", "config"), encode(unsafe))
        until(lambda: agent.figures()["malformed"] == 1, 30, "it is counted")
        street.show("y")
        street.report("y")
        assert street.command(1.0) is None


def test_a_decision_that_the_rules_overrule_leaves_as_they_want_it(
    settings: Settings, street: Street
) -> None:
    street.announce("x")
    with running(settings) as agent:
        street.show("x")
        for _ in range(40):
            street.report("x", queued="west", clock_step_s=5.0)
            command = street.command()
            assert command is not None
            if command.phase == 1:
                assert command.reason == "phase 1 has reached its maximum red and comes first"
                break
        assert command is not None
        assert command.phase == 1
        assert agent.figures()["overruled"] == 1


@pytest.mark.parametrize(("speed", "lives_s"), [(2.0, 1.5), (10.0, 1.0)])
def test_commands_expire_sooner_on_a_faster_street_but_live_a_second(
    settings: Settings, street: Street, speed: float, lives_s: float
) -> None:
    fast = replace(settings, street=replace(settings.street, speed=speed))
    street.announce("x")
    with running(fast):
        street.show("x")
        street.report("x")
        command = street.command()
    assert command is not None
    assert (command.expires_at - command.at).total_seconds() == pytest.approx(lives_s, abs=1e-3)


def test_every_intersection_has_exactly_one_region() -> None:
    for count in (1, 2, 8):
        for number in range(50):
            assert sum(owns(index, count, f"junction-{number}") for index in range(count)) == 1


def test_a_killed_region_is_back_with_its_configurations_and_the_service_stays(
    settings: Settings, street: Street
) -> None:
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    two = replace(settings, traffic=replace(settings.traffic, regions=2))
    ids = ["a", "b", "c", "d"]
    for id_ in ids:
        street.announce(id_)
    ray.init(
        namespace="citybrain", include_dashboard=False, num_cpus=2, object_store_memory=100_000_000,
        logging_level=logging.ERROR, log_to_driver=False,
    )  # fmt: skip
    stop = threading.Event()
    thread = threading.Thread(target=service.main, args=(two, stop))
    thread.start()
    try:
        boots = _all_answer(street, ids)
        assert set(boots) == {"traffic/region-0", "traffic/region-1"}
        until(lambda: street.statuses["service/traffic"].health is Health.OK, 30, "the service is well")
        _kill_a_region()
        until(lambda: street.statuses["service/traffic"].figures.get("restarts") == 1, 60, "it is noticed")
        until(lambda: _all_answer(street, ids).items() - boots.items(), 60, "a region has booted anew")
        again = _all_answer(street, ids)
        assert len(again.items() & boots.items()) == 1, "the other one was left alone"
        assert set(again) == set(boots)
    finally:
        stop.set()
        thread.join(60)
        ray.shutdown()
    assert not thread.is_alive()
    assert street.statuses["service/traffic"].health is Health.OFFLINE


def _kill_a_region() -> None:
    """End one region's process as a crash would; only processes of this test are looked at."""
    below = psutil.Process().children(recursive=True)
    workers = [process for process in below if "RegionActor" in " ".join(process.cmdline())]
    assert len(workers) == 2
    workers[0].kill()


def _all_answer(street: Street, ids: list[str]) -> dict[str, int]:
    """Report until every intersection was answered; boot number by region."""
    boots: dict[str, int] = {}
    missing = set(ids)
    deadline = time.monotonic() + 90
    while missing:
        assert time.monotonic() < deadline, f"no command for {missing}"
        for id_ in ids:
            street.show(id_)
            street.report(id_)
        while (command := street.command(0.3)) is not None:
            missing.discard(command.intersection)
            boots[command.device] = command.boot
    return boots


@pytest.mark.parametrize("controller", ["fixed", "adaptive"])
def test_a_scenario_runs_to_its_end_from_the_command_line(controller: str, tmp_path: Path) -> None:
    figures = _simulate(tmp_path, controller)
    assert figures["simulated_s"] == 300
    assert figures["vehicles"] > 100
    assert 0 <= figures["unfinished"] < figures["vehicles"]


def test_the_optimiser_loses_far_less_time_than_the_fixed_plan(tmp_path: Path) -> None:
    fixed, adaptive = _simulate(tmp_path, "fixed"), _simulate(tmp_path, "adaptive")
    assert adaptive["vehicles"] == fixed["vehicles"]
    assert adaptive["delay_s"] < 0.7 * fixed["delay_s"]


def _simulate(folder: Path, controller: str) -> dict[str, Any]:
    path = folder / f"{controller}.json"
    subprocess.run(
        [sys.executable, "-m", "citybrain", "sim", "run", "--scenario", "cologne1",
         "--controller", controller, "--duration", "300", "--json", str(path)],
        cwd=ROOT, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    figures: dict[str, Any] = json.loads(path.read_bytes())
    return figures
