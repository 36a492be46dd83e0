"""The relay driver: lamps as outputs, and a wiring in which one lamp could contradict another is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from citybrain.errors import ConfigError, Unavailable
from edge.control import SignalControl
from edge.drivers.relay import RelayCabinet, framed, outputs, unframed
from edge.wiring import Wiring, read_wiring
from tests.fixtures.relay_card import PtyCard, TcpCard
from tests.unit.edge.configs import crossroads

OUTPUTS = [{"red": 3 * i + 1, "yellow": 3 * i + 2, "green": 3 * i + 3} for i in range(5)]
ALL_RED = sum(1 << 3 * i for i in range(5))


def wired(folder: Path, wires: list[dict[str, Any]] | None = None, **changes: Any) -> Wiring:
    config = msgspec.to_builtins(crossroads(**changes))
    for name in ("type", "at", "device", "boot", "seq", "intersection"):
        config.pop(name)
    path = folder / "wiring.json"
    path.write_text(json.dumps({"intersection": config, "wires": wires or OUTPUTS}, default=str))
    return read_wiring(path, "x")


def test_each_movement_lights_its_own_outputs(tmp_path: Path) -> None:
    mask = outputs(wired(tmp_path), "GgyrG")
    assert [number for number in range(1, 16) if mask >> number - 1 & 1] == [3, 6, 8, 10, 15]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda wires: wires[0].pop("green"), "movement 0 lacks an output"),
        (lambda wires: wires[1].update(yellow=4), "give different ones"),
        (lambda wires: wires[3].update(wires[0]), "movements 0 and 3 share output 1"),
        (lambda wires: wires.pop(), "4 wires for 5 movements"),
        (lambda wires: wires[2].update(blue=9), "not valid"),
    ],
)
def test_a_wiring_that_contradicts_itself_is_refused(
    change: Callable[[list[dict[str, Any]]], object], reason: str, tmp_path: Path
) -> None:
    wires = [dict(wire) for wire in OUTPUTS]
    change(wires)
    with pytest.raises(ConfigError, match=reason):
        RelayCabinet(wired(tmp_path, wires), "127.0.0.1:9")


def test_a_damaged_line_is_noticed() -> None:
    assert unframed(framed("A 1f")) == "A 1f"
    with pytest.raises(ValueError, match="damaged"):
        unframed(framed("A 1f").replace(b"1f", b"1e"))


def test_an_agent_lights_a_card_on_a_serial_line_from_all_red_on(tmp_path: Path) -> None:
    card = PtyCard(ALL_RED)
    wiring = wired(tmp_path)
    cabinet = RelayCabinet(wiring, card.path)
    config, look = cabinet.connect()
    assert card.shown == ALL_RED
    control = SignalControl(config, 6.0, look.indications, look.clock_s)
    for _ in range(3):
        shown = control.step(cabinet.look(1.0).clock_s).shown
        cabinet.show(shown.indications, shown.next_phase)
        assert card.shown == outputs(wiring, shown.indications)
    assert cabinet.look(1.0).indications == shown.indications
    cabinet.close()


def test_a_card_that_flashes_or_lights_otherwise_is_reported_and_greeted_anew(tmp_path: Path) -> None:
    card = TcpCard(ALL_RED)
    cabinet = RelayCabinet(wired(tmp_path), card.doors[0].address)
    cabinet.connect()
    card.answer(framed("F"))
    with pytest.raises(Unavailable, match="flashes until it is greeted"):
        cabinet.show("GgGrr", 0)
    cabinet.connect()
    cabinet.show("GgGrr", 0)
    card.broken = 4
    with pytest.raises(Unavailable, match=r"lights .* instead of"):
        cabinet.show("GgGrr", 0)
    card.close()
    with pytest.raises(Unavailable, match=r"refuses|gone|no relay card"):
        cabinet.connect()
    cabinet.close()
