"""The watchdog and the agent as the processes they are: hung, killed and cut off, the lamps flash in time."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fixtures.relay_card import RelayCard, TcpCard
from tests.unit.edge.test_relay import ALL_RED, wired

LIMIT_S = 1.5
LATE_S = 15.0
"""A busy machine may be so late; the card's own timer is switched off, so that only the watchdog can act."""


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Iterator[TcpCard]:
    monkeypatch.setattr("tests.fixtures.relay_card.SILENT_S", 1e9)
    card = TcpCard(ALL_RED)
    yield card
    card.close()


Run = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Start `citybrain edge VERB x` with a driver's settings; there is no broker at all."""
    started: list[subprocess.Popen[bytes]] = []

    def start(verb: str, settings: str) -> "subprocess.Popen[bytes]":
        file = tmp_path / f"{verb}.toml"
        file.write_text(
            f'[broker]\nurl = "mqtt://127.0.0.1:9"\n[edge]\nwatchdog_s = {LIMIT_S}\n[signals.x]\n{settings}'
        )
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "citybrain", "--config", str(file), "edge", verb, "x"],
                env={**os.environ, "CITYBRAIN_DATA_DIR": str(tmp_path / "data")},
                stderr=subprocess.DEVNULL,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def relay(card: TcpCard, folder: Path, door: int) -> str:
    wired(folder)
    return f'driver = "relay"\naddress = "{card.doors[door].address}"\nwiring = "{folder / "wiring.json"}"\n'


def is_lit(card: RelayCard) -> bool:
    return card.shown not in {"flash", ALL_RED}


def both(run: Run, card: TcpCard, folder: Path) -> "subprocess.Popen[bytes]":
    """The agent, which has begun to light the card, and its watchdog, which has seen it."""
    agent = run("signal", relay(card, folder, 0))
    card.until(is_lit)
    run("watchdog", relay(card, folder, 1))
    return agent


def test_a_living_agent_is_left_alone_and_a_hung_or_killed_one_is_followed_by_flash_in_time(
    run: Run, card: TcpCard, tmp_path: Path
) -> None:
    agent = both(run, card, tmp_path)
    lines = len(card.lines)
    card.until(lambda card: len(card.lines) > lines + 5 * 2 * LIMIT_S)
    assert "F" not in card.lines
    agent.send_signal(signal.SIGSTOP)
    hung = time.monotonic()
    card.until(lambda card: card.shown == "flash")
    assert card.history[-1][0] - hung < LIMIT_S + LATE_S
    agent.send_signal(signal.SIGCONT)
    card.until(is_lit)
    after = [shown for at, shown in card.history if at > hung]
    assert after[:2] == ["flash", ALL_RED]  # one that goes on begins anew
    agent.kill()
    card.until(lambda card: card.shown == "flash")


def test_an_agent_that_is_cut_off_from_its_cabinet_is_followed_by_flash(
    run: Run, card: TcpCard, tmp_path: Path
) -> None:
    agent = both(run, card, tmp_path)
    card.doors[0].cut()
    card.until(lambda card: card.shown == "flash")
    assert agent.poll() is None
