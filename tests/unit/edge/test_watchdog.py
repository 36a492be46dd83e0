"""The watchdog's judgement, on a clock of its own, and what it does to a controller."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from citybrain.config import Settings, Signal
from edge.beat import Beat, read_beat
from edge.drivers.fallbacks import open_fallback
from edge.watchdog import Step, Vigil
from tests.fixtures.eight_phases import wiring_file
from tests.fixtures.nema import FLASH, NemaController
from tests.fixtures.snmp_agent import SnmpAgent


def test_a_counter_that_stands_still_for_the_limit_is_acted_on_again_and_again_until_it_goes_on() -> None:
    vigil = Vigil(3.0, 0.0)
    assert vigil.look((9, 1), 1.0) is Step.NOTHING
    assert vigil.look((9, 1), 3.9) is Step.NOTHING
    assert vigil.look((9, 1), 4.0) is Step.FALL_BACK
    assert vigil.look((9, 1), 4.5) is Step.NOTHING
    assert vigil.look((9, 1), 5.0) is Step.FALL_BACK
    assert vigil.look((9, 2), 5.5) is Step.RESTORE
    assert vigil.look((9, 2), 8.4) is Step.NOTHING


def test_an_agent_that_never_came_is_acted_on() -> None:
    vigil = Vigil(3.0, 0.0)
    assert vigil.look(None, 2.9) is Step.NOTHING
    assert vigil.look(None, 3.0) is Step.FALL_BACK


def test_a_counter_of_an_agent_that_was_dead_before_the_watchdog_came_is_no_sign_of_life() -> None:
    vigil = Vigil(3.0, 0.0, (9, 5))
    assert vigil.look((9, 5), 3.0) is Step.FALL_BACK
    assert vigil.look((10, 1), 3.5) is Step.RESTORE


def test_a_beat_is_read_as_it_was_struck(tmp_path: Path) -> None:
    assert read_beat(tmp_path / "x") is None
    beat = Beat(tmp_path / "x")
    beat.strike()
    first = read_beat(tmp_path / "x")
    beat.strike()
    second = read_beat(tmp_path / "x")
    assert first is not None
    assert second is not None
    assert (first[0], first[1] + 1) == second


@pytest.fixture
def agent() -> Iterator[SnmpAgent]:
    with SnmpAgent(NemaController()) as agent:
        agent.controller.orders.hold = 0b0000_1000
        yield agent


def settings(agent: SnmpAgent, folder: Path, fallback: str) -> Settings:
    signal = Signal(
        driver="ntcip1202",
        address=f"127.0.0.1:{agent.port}",
        wiring=str(wiring_file(folder)),
        fallback=fallback,
    )
    return Settings(signals={"x": signal})


def test_a_controllers_orders_are_taken_back(agent: SnmpAgent, tmp_path: Path) -> None:
    fallback = open_fallback(settings(agent, tmp_path, "plan"), "x")
    assert "own plan" in fallback.fall_back()
    assert agent.controller.orders.hold == 0
    fallback.restore()


def test_a_controller_is_brought_to_flash_and_back(agent: SnmpAgent, tmp_path: Path) -> None:
    fallback = open_fallback(settings(agent, tmp_path, "flash"), "x")
    fallback.fall_back()
    assert (agent.controller.orders.hold, agent.controller.pattern) == (0, FLASH)
    fallback.restore()
    assert agent.controller.pattern == 0


def test_the_street_falls_back_by_itself() -> None:
    assert "by itself" in open_fallback(Settings(), "x").fall_back()
