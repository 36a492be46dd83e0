"""A cabinet of the simulated street: who drives it, and that it changes hands through yellow and red."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from edge.control import SignalControl
from edge.safety import SafetyGuard
from simulations.cabinet import CLEAR_RED_S, CLEAR_YELLOW_S, SILENT_S, Cabinet
from simulations.network import read_network
from simulations.scenarios import find_scenario
from simulations.simulator import Simulator

LONG = 60


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    scenario = find_scenario("cologne1")
    network = read_network(scenario.net, at=datetime.now(UTC), boot=1, additional=scenario.additional)
    simulator = Simulator(scenario, network, seed=1)
    yield simulator
    simulator.close()


@pytest.fixture
def cabinet(simulator: Simulator) -> Cabinet:
    scenario = find_scenario("cologne1")
    network = read_network(scenario.net, at=datetime.now(UTC), boot=1, additional=scenario.additional)
    return Cabinet(simulator, next(iter(network.configs.values())))


def step(simulator: Simulator, cabinet: Cabinet) -> str:
    cabinet.tick()
    simulator.step()
    return cabinet.indications


def test_an_agent_that_falls_silent_is_left_through_yellow_and_red(
    simulator: Simulator, cabinet: Cabinet
) -> None:
    assert cabinet.is_own
    cabinet.adopt()
    green = cabinet.config.phases[0].indications
    shown = []
    for second in range(LONG):
        if second < 10:
            assert cabinet.show(green) == ""
        shown.append(step(simulator, cabinet))
    assert shown[:15] == [green] * 15
    clearing = "".join("y" if light in "Gg" else "r" for light in green)
    silent = shown.index(clearing)
    assert SILENT_S <= silent - 9 <= SILENT_S + 2
    assert shown[silent : silent + 4] == [clearing] * int(CLEAR_YELLOW_S)
    assert shown[silent + 4 : silent + 6] == ["r" * len(green)] * int(CLEAR_RED_S)
    assert cabinet.is_own
    assert any("G" in one for one in shown[silent + 6 :])


def test_a_silent_agent_that_speaks_again_must_begin_from_what_is_shown(
    simulator: Simulator, cabinet: Cabinet
) -> None:
    cabinet.adopt()
    green = cabinet.config.phases[0].indications
    cabinet.show(green)
    for _ in range(LONG):
        step(simulator, cabinet)
    assert "begin again" in cabinet.show(green)
    guard = SafetyGuard(cabinet.config, cabinet.adopt())
    before = cabinet.indications
    for _ in range(LONG):
        assert cabinet.show(guard.step(simulator.clock_s).indications) == ""
        after = step(simulator, cabinet)
        for old, new in zip(before, after, strict=True):
            assert not (old in "Gg" and new == "r"), "a green was cut off"
        before = after


def test_conflicting_greens_and_wrong_lengths_are_refused(simulator: Simulator, cabinet: Cabinet) -> None:
    cabinet.adopt()
    assert "conflicting greens" in cabinet.show("G" * len(cabinet.config.movements))
    assert "movements" in cabinet.show("G")


def test_when_the_demand_is_over_the_street_begins_anew_and_its_clock_goes_on(
    simulator: Simulator, cabinet: Cabinet
) -> None:
    control = SignalControl(cabinet.config, 6.0, cabinet.adopt(), simulator.clock_s)
    before, jumps = simulator.clock_s, 0
    for _ in range(3700):
        cabinet.show(control.step(simulator.clock_s).shown.indications)
        cabinet.tick()
        if simulator.step():
            cabinet.begin_anew()
            jumps += 1
        else:
            assert simulator.clock_s == before + 1.0
        before = simulator.clock_s
        assert not cabinet.is_own
    assert jumps == 1
    assert simulator.run == 2
    assert simulator.figures.arrived > 1000
    assert (simulator.figures.teleports, simulator.figures.collisions) == (0, 0)
