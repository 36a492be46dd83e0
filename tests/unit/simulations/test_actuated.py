"""The program that SUMO's actuated control gets."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulations.actuated import write_actuated
from simulations.network import RESCO, STREET, Protocol, is_green, read_network
from simulations.scenarios import find_scenario

Phases = list[tuple[str, float, float, float]]


def phases(name: str, protocol: Protocol, folder: Path) -> dict[str, Phases]:
    network = read_network(
        find_scenario(name).net, at=datetime(2026, 1, 1, tzinfo=UTC), boot=1, protocol=protocol
    )
    root = ET.parse(write_actuated(network, folder / "actuated.xml")).getroot()
    return {
        logic.get("id", ""): [
            (
                phase.get("state", ""),
                float(phase.get("duration", "0")),
                float(phase.get("minDur", "0")),
                float(phase.get("maxDur", "0")),
            )
            for phase in logic.iter("phase")
        ]
        for logic in root.iter("tlLogic")
    }


@pytest.mark.parametrize("name", ["cologne1", "cologne8", "ingolstadt7"])
@pytest.mark.parametrize("protocol", [RESCO, STREET], ids=["resco", "street"])
def test_no_green_ends_without_the_yellow_and_all_red_of_the_protocol(
    name: str, protocol: Protocol, tmp_path: Path
) -> None:
    for steps in phases(name, protocol, tmp_path).values():
        for (now, _, _, _), (then, seconds, _, _) in zip(steps, [*steps[1:], steps[0]], strict=True):
            lost = [m for m, (a, b) in enumerate(zip(now, then, strict=True)) if a in "Gg" and b not in "Gg"]
            assert all(then[movement] == "y" for movement in lost)
            if "y" in then:
                assert seconds >= (protocol.yellow_s or 3.0)
        reds = [seconds for state, seconds, shortest, _ in steps if "y" not in state and shortest == 0]
        yellows = [state for state, *_ in steps if "y" in state]
        if protocol.all_red_s:
            assert reds == [protocol.all_red_s] * len(yellows)


@pytest.mark.parametrize("protocol", [RESCO, STREET], ids=["resco", "street"])
def test_every_green_of_the_networks_own_program_is_actuated_within_its_bounds(
    protocol: Protocol, tmp_path: Path
) -> None:
    (steps,) = phases("cologne1", protocol, tmp_path).values()
    greens = [step for step in steps if step[2] > 0]
    assert all(is_green(state) for state, *_ in greens)
    assert len(greens) == 4
    for _, seconds, shortest, longest in greens:
        assert shortest == protocol.min_green_s
        assert shortest <= seconds <= longest == 50.0
