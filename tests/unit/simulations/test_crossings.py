"""Streets that people cross: their clearance, their recall, and that cars beside them go on."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from citybrain.messages import LaneReading
from simulations.network import RESCO, STREET, Protocol, SignalNetwork, read_network
from simulations.signals import Signals
from tests.fixtures.monitor import GREEN, Monitor
from tests.fixtures.walkers import walkers_scenario

ROOT = Path(__file__).parents[3]
AT = datetime(2025, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return walkers_scenario(tmp_path_factory.mktemp("walkers"))


def network(net: Path, protocol: Protocol = STREET) -> SignalNetwork:
    return read_network(net, at=AT, boot=1, protocol=protocol)


def nobody(read: SignalNetwork, queued: int = 0) -> dict[str, list[LaneReading]]:
    return {
        id_: [LaneReading(lane.lane, queued, queued, 0.0, None, 0.0, 0, 0, 0.0) for lane in config.lanes]
        for id_, config in read.configs.items()
    }


def test_a_phase_in_which_only_the_crossings_have_turned_red_is_no_phase_of_its_own(net: Path) -> None:
    config = network(net).configs["c"]
    assert len(config.phases) == 2
    assert [movement.turn for movement in config.movements].count("pedestrian") == 4
    assert all(any(shown == "G" for shown in phase.indications[-4:]) for phase in config.phases)
    assert all(movement.length_m > 5 for movement in config.movements if movement.turn == "pedestrian")


@pytest.mark.parametrize("protocol", [RESCO, STREET])
def test_crossings_are_recalled_and_cleared_whatever_is_wished(net: Path, protocol: Protocol) -> None:
    read = network(net, protocol)
    signals, monitor = Signals(read), Monitor(read.configs["c"])
    timer = signals.timers["c"]
    red_s = [0] * 4
    longest = 0
    for _ in range(600):
        signals.step({"c": 0}, nobody(read))
        monitor.see(timer.indications, 1.0)
        red_s = [
            0 if shown in GREEN else s + 1 for shown, s in zip(timer.indications[-4:], red_s, strict=True)
        ]
        longest = max(longest, *red_s)
    recall_s = read.configs["c"].crossing_recall_s
    assert recall_s <= longest <= recall_s + 15
    assert signals.refused > 0


def test_cars_beside_a_crossing_keep_their_green_while_it_clears(net: Path) -> None:
    read = network(net)
    signals = Signals(read)
    timer, config = signals.timers["c"], read.configs["c"]
    for _ in range(8):
        signals.step({"c": 0}, nobody(read))
    shown: list[str] = []
    while not shown or timer.is_changing:
        signals.step({"c": 1}, nobody(read))
        shown.append(timer.indications)
    through = next(
        m for m, movement in enumerate(config.movements)
        if movement.turn == "through" and config.phases[0].indications[m] == "G"
    )  # fmt: skip
    walk = next(m for m in range(12, 16) if config.phases[0].indications[m] == "G")
    assert "".join(light[through] for light in shown) == "GGG" + "yyyy" + "rr" + "r"
    assert "".join(light[walk] for light in shown) == "r" * 10
    assert shown[-1] == config.phases[1].indications


@pytest.mark.parametrize(("protocol", "ends"), [(RESCO, False), (STREET, True)])
def test_on_a_street_a_maximum_green_ends_where_a_queue_is_seen(
    net: Path, protocol: Protocol, ends: bool
) -> None:
    read = network(net, protocol)
    config = msgspec.structs.replace(read.configs["c"], crossing_recall_s=600.0)
    signals = Signals(replace(read, configs={"c": config}))
    longest_s = int(config.phases[0].max_green_s)
    for _ in range(longest_s):
        signals.step({"c": 0}, nobody(read, queued=2))
        assert not signals.timers["c"].is_changing
    signals.step({"c": 0}, nobody(read, queued=2))
    assert signals.timers["c"].is_changing is ends


def test_people_and_cars_get_through_under_the_street_protocol(net: Path, tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    subprocess.run(
        [sys.executable, "-m", "citybrain", "sim", "run", "--scenario", str(net), "--controller", "adaptive",
         "--protocol", "street", "--duration", "300", "--json", str(path)],
        cwd=ROOT, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    figures = json.loads(path.read_bytes())
    assert figures["vehicles"] > 100
    assert figures["never_departed"] == 0
    assert figures["unfinished"] < 25
