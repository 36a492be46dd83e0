"""The simulated street, its cabinets, and the agents that drive them, with a real broker and real SUMO."""

import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from citybrain import config, topics
from citybrain.bus import Bus
from citybrain.codec import decode, encode
from citybrain.conflicts import conflicts
from citybrain.messages import (
    AgentStatus,
    AnyMessage,
    CommandAck,
    ControlMode,
    EventKind,
    Health,
    IngestAck,
    IntersectionConfig,
    LaneMeasurement,
    RoadNetwork,
    SignalCommand,
    SignalState,
    TrafficEvent,
)
from citybrain.up.ports import free_port

M = TypeVar("M", bound=AnyMessage)
SPEED = 10.0
REPOSITORY = Path(__file__).parents[2]


class City:
    """A street and its agents as processes, and an ear on the broker."""

    def __init__(self, settings: config.Settings, folder: Path, bus: Bus) -> None:
        self.settings = settings
        self.bus = bus
        self.heard: dict[type, list[AnyMessage]] = defaultdict(list)
        self._folder = folder
        self._file = folder / "citybrain.toml"
        self._file.write_text(config.to_toml(settings))
        self._processes: list[subprocess.Popen[bytes]] = []
        self._sequence = 0
        self._boot = time.time_ns() // 1_000_000
        bus.subscribe(topics.matching(settings.site.name), self._hear)

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        log = (self._folder / "log.txt").open("ab")
        process = subprocess.Popen(
            [sys.executable, "-m", "citybrain", "--config", str(self._file), *arguments],
            cwd=REPOSITORY,
            stderr=log,
            env={**os.environ, "CITYBRAIN_DATA_DIR": str(self._folder), "PYTHONPATH": str(REPOSITORY)},
        )
        log.close()
        self._processes.append(process)
        return process

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise

    def until(self, condition: Callable[[], object], seconds: float = 40.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, (self._folder / "log.txt").read_text()[-3000:]
            time.sleep(0.05)

    def command(self, intersection: str, phase: int, *, expires_in_s: float = 3.0) -> int:
        self._sequence += 1
        now = datetime.now(UTC)
        message = SignalCommand(
            at=now,
            device="traffic/test",
            boot=self._boot,
            seq=self._sequence,
            intersection=intersection,
            phase=phase,
            expires_at=now + timedelta(seconds=expires_in_s),
        )
        topic = topics.build(self.settings.site.name, "signal", intersection, "command")
        self.bus.publish(topic, encode(message))
        return self._sequence

    def answer(self, sequence: int) -> CommandAck:
        def found() -> list[CommandAck]:
            return [one for one in self.of(CommandAck) if one.command_seq == sequence]

        self.until(found)
        return found()[0]

    def of(self, type_: type[M]) -> list[M]:
        return [message for message in self.heard[type_] if isinstance(message, type_)]

    def _hear(self, _topic: str, payload: bytes, _retained: bool) -> None:
        message = decode(payload)
        self.heard[type(message)].append(message)


@pytest.fixture
def city(settings: config.Settings, tmp_path: Path) -> Iterator[City]:
    street = config.Street(scenario="cologne1", speed=SPEED, port=free_port())
    with Bus(settings.broker, f"{settings.site.name}-ear") as bus:
        city = City(msgspec.structs.replace(settings, street=street), tmp_path, bus)
        try:
            yield city
        finally:
            city.stop()


def latest(city: City) -> SignalState:
    return city.of(SignalState)[-1]


def own_programs(city: City) -> float:
    reports = [one for one in city.of(AgentStatus) if one.device == "service/street"]
    return reports[-1].figures.get("signals_on_own_program", -1.0) if reports else -1.0


def test_the_street_is_seen_and_its_signal_obeys_refuses_and_helps_itself(city: City) -> None:
    city.start("run", "street")
    city.start("edge", "street")
    city.until(lambda: len(city.of(LaneMeasurement)) > 20 and city.of(SignalState))

    [network] = city.of(RoadNetwork)[:1]
    signal = city.of(IntersectionConfig)[0]
    known = {segment.lane for segment in network.segments}
    assert {lane.lane for lane in signal.lanes} <= known
    city.until(lambda: any(lane.vehicles for one in city.of(LaneMeasurement) for lane in one.lanes))
    assert latest(city).mode is ControlMode.LOCAL

    # It obeys: every phase in turn, by command, as soon as it is safe.
    for phase in range(len(signal.phases)):
        begin = time.monotonic()
        while not (latest(city).phase == phase and latest(city).mode is ControlMode.COMMANDED):
            assert time.monotonic() < begin + 20
            city.command(signal.intersection, phase)
            time.sleep(1.5 / SPEED)
    assert any(one.accepted for one in city.of(CommandAck))

    # It refuses, with the reason.
    assert "unknown" in city.answer(city.command(signal.intersection, 60)).reason
    assert "expired" in city.answer(city.command(signal.intersection, 0, expires_in_s=-5)).reason
    city.bus.publish(
        topics.build(city.settings.site.name, "signal", signal.intersection, "command"), b"not a command"
    )

    # Nobody commands any more: the local plan takes over, and says so.
    city.until(lambda: latest(city).mode is ControlMode.LOCAL)
    city.until(lambda: EventKind.CONTROL_LOST in {one.kind for one in city.of(TrafficEvent)})
    city.command(signal.intersection, latest(city).next_phase)
    city.until(lambda: EventKind.CONTROL_RESTORED in {one.kind for one in city.of(TrafficEvent)})
    lost = [one for one in city.of(TrafficEvent) if one.kind is EventKind.CONTROL_LOST]
    city.until(lambda: any(one.end_at for one in city.of(TrafficEvent) if one.event == lost[0].event))

    for state in city.of(SignalState):
        assert not conflicts(signal, state.indications)
    assert own_programs(city) == 0.0


def test_agents_that_are_killed_leave_the_cabinet_to_itself_and_lose_nothing(city: City) -> None:
    city.start("run", "street")
    agents = city.start("edge", "street")
    city.until(lambda: len(city.of(LaneMeasurement)) > 20)
    agents.kill()
    agents.wait()
    city.until(lambda: own_programs(city) == 1.0)
    offline = {one.device for one in city.of(AgentStatus) if one.health is Health.OFFLINE}
    city.until(
        lambda: len(offline | {o.device for o in city.of(AgentStatus) if o.health is Health.OFFLINE}) == 2
    )

    first_boot = {one.boot for one in city.of(LaneMeasurement)}
    city.heard.clear()
    city.start("edge", "street")
    city.until(lambda: own_programs(city) == 0.0)

    # What the killed process had on disk comes again, from its first number on, until it is acknowledged.
    def old() -> list[int]:
        return [one.seq for one in city.of(LaneMeasurement) if one.boot in first_boot]

    city.until(lambda: len(old()) >= 10)
    assert old()[:10] == list(range(1, 11))
    for device in {one.device for one in city.of(LaneMeasurement)}:
        ack = IngestAck(at=datetime.now(UTC), device=device, boot=min(first_boot), seq=10_000)
        city.bus.publish(topics.for_device(city.settings.site.name, device, "ack"), encode(ack))
    time.sleep(1.0)
    heard = len(old())
    time.sleep(2.0)
    assert len(old()) == heard


def test_agents_wait_for_a_street_that_is_not_there_yet(city: City) -> None:
    city.start("edge", "street")
    time.sleep(1.0)
    assert city.of(SignalState) == []
    city.start("run", "street")
    city.until(lambda: city.of(SignalState))


def test_a_street_that_restarts_finds_its_agents_again(city: City) -> None:
    street = city.start("run", "street")
    city.start("edge", "street")
    city.until(lambda: own_programs(city) == 0.0)
    street.kill()
    street.wait()
    city.until(lambda: any(one.health is Health.DEGRADED for one in city.of(AgentStatus)))
    city.heard.clear()
    city.start("run", "street")
    city.until(lambda: own_programs(city) == 0.0 and city.of(SignalState))


@pytest.mark.parametrize(
    ("scenario", "sentence"),
    [("atlantis", "scenario 'atlantis' is unknown"), ("LICENSE", "needs a .sumocfg")],
)
def test_a_scenario_that_is_not_there_gets_one_sentence(
    city: City, tmp_path: Path, scenario: str, sentence: str
) -> None:
    street = msgspec.structs.replace(city.settings.street, scenario=scenario)
    file = tmp_path / "wrong.toml"
    file.write_text(config.to_toml(msgspec.structs.replace(city.settings, street=street)))
    done = subprocess.run(
        [sys.executable, "-m", "citybrain", "--config", str(file), "run", "street"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_gets_one_sentence(city: City) -> None:
    city.start("run", "street")
    city.until(lambda: own_programs(city) >= 0.0)
    second = city.start("run", "street")
    assert second.wait(30) == 2
    assert "street.port" in (city._folder / "log.txt").read_text()
