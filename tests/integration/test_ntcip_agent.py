"""The signal agent as a whole on an NTCIP 1202 controller: commands by a broker, SNMP, lamps, answers."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import decode, encode
from citybrain.config import Settings
from citybrain.messages import CommandAck, ControlMode, EventKind, SignalCommand, SignalState, TrafficEvent
from edge.drivers.ntcip1202 import NtcipCabinet
from edge.drivers.snmp import Snmp
from edge.drivers.snmp_access import Community
from edge.outbox import now
from edge.postman import Postman
from edge.signal import SignalAgent
from edge.spool import Spool
from edge.wiring import read_wiring
from tests.fixtures.eight_phases import wiring_file
from tests.fixtures.monitor import Monitor
from tests.fixtures.nema import NemaController
from tests.fixtures.snmp_agent import SnmpAgent
from tests.integration.test_ntcip import Field


class Traffic:
    """Commands a phase again and again, and hears what the agent says."""

    def __init__(self, settings: Settings, bus: Bus) -> None:
        self._settings, self._bus = settings, bus
        self._seq = 0
        self._lock = threading.Lock()
        self._heard: list[Any] = []
        for what in ("state", "answer", "event"):
            bus.subscribe(topics.matching(settings.site.name, "signal", "x", what), self._hear)

    def _hear(self, _topic: str, payload: bytes, _retained: bool) -> None:
        with self._lock:
            self._heard.append(decode(payload))

    def of(self, type_: type[Any]) -> list[Any]:
        with self._lock:
            return [message for message in self._heard if isinstance(message, type_)]

    def command(self, phase: int) -> None:
        self._seq += 1
        at = now()
        command = SignalCommand(
            at=at, device="traffic/t", boot=1, seq=self._seq, intersection="x", phase=phase,
            expires_at=at + timedelta(seconds=30),
        )  # fmt: skip
        self._bus.publish_now(
            topics.build(self._settings.site.name, "signal", "x", "command"), encode(command)
        )

    def until(self, condition: Callable[[], Any], phase: int | None = None) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline
            if phase is not None:
                self.command(phase)
            time.sleep(0.02)


@pytest.fixture
def traffic(settings: Settings) -> Iterator[Traffic]:
    with Bus(settings.broker, f"{settings.site.name}-traffic") as bus:
        yield Traffic(settings, bus)


@pytest.fixture
def beats(settings: Settings, tmp_path: Path) -> Iterator[list[int]]:
    """The agent runs; the list grows with its signs of life."""
    stop, beats = threading.Event(), list[int]()
    with SnmpAgent(NemaController()) as agent:
        wiring = read_wiring(wiring_file(tmp_path), "x")
        field = Field(agent, Monitor(wiring.config))
        cabinet = NtcipCabinet(wiring, lambda: Snmp("127.0.0.1", agent.port, Community("public")), 0, field)
        postman = Postman(Spool(tmp_path / "s.sqlite", 10_000_000, 1e9)).start()
        signal = SignalAgent(settings, postman, cabinet, "x", lambda: beats.append(1))
        thread = threading.Thread(target=signal.run, args=(stop,))
        thread.start()
        yield beats
        stop.set()
        thread.join(30)
        assert not thread.is_alive()
        postman.stop()


def test_a_controller_is_commanded_and_goes_back_to_its_own_plan_when_contact_is_lost(
    beats: list[int], traffic: Traffic
) -> None:
    def shows(lamps: str, mode: ControlMode) -> bool:
        return any((s.indications, s.mode) == (lamps, mode) for s in traffic.of(SignalState))

    traffic.until(lambda: shows("rGrrrGrrr", ControlMode.LOCAL))
    traffic.until(lambda: shows("rrrGrrrGr", ControlMode.COMMANDED), phase=5)
    accepted = [answer for answer in traffic.of(CommandAck) if answer.accepted]
    assert accepted
    assert {answer.phase for answer in accepted} == {5}
    traffic.until(lambda: any(e.kind is EventKind.CONTROL_LOST for e in traffic.of(TrafficEvent)))
    count = len(traffic.of(SignalState))
    traffic.until(lambda: any(s.mode is ControlMode.LOCAL for s in traffic.of(SignalState)[count:]))
    assert len(beats) > 10
