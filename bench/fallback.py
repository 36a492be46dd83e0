"""How long a signal's lamps are left alone when its agent hangs, is killed, or is cut off from the cabinet.

    python -m bench.fallback [--rounds 3] [--limit 3.0]

Real processes (`citybrain edge signal`, `citybrain edge watchdog`) on a relay card whose own timer is
switched off, so that only the watchdog can act. Prints seconds from the fault to flash beside
`edge.watchdog_s`; writes bench/results/fallback.json. Exits with 1 where one took longer than the limit.
"""

import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from bench.results import write
from tests.fixtures import relay_card
from tests.unit.edge.test_relay import ALL_RED, wired

RESULTS = Path(__file__).parent / "results" / "fallback.json"
FAULTS = ("hung", "killed", "cut off")


def start(verb: str, address: str, folder: Path, limit_s: float) -> "subprocess.Popen[bytes]":
    """The agent or the watchdog of signal x, without a broker."""
    file = folder / f"{verb}.toml"
    file.write_text(
        f'[broker]\nurl = "mqtt://127.0.0.1:9"\n[edge]\nwatchdog_s = {limit_s}\n[signals.x]\n'
        f'driver = "relay"\naddress = "{address}"\nwiring = "{folder / "wiring.json"}"\n'
    )
    return subprocess.Popen(
        [sys.executable, "-m", "citybrain", "--config", str(file), "edge", verb, "x"],
        env=os.environ | {"CITYBRAIN_DATA_DIR": str(folder / "data")},
        stderr=subprocess.DEVNULL,
    )


def measure(fault: str, limit_s: float) -> float:
    """Seconds from the fault to flash."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        wired(folder)
        card = relay_card.TcpCard(ALL_RED)
        processes = [start("signal", card.doors[0].address, folder, limit_s)]
        try:
            card.until(lambda card: card.shown not in {"flash", ALL_RED})
            processes.append(start("watchdog", card.doors[1].address, folder, limit_s))
            lines = len(card.lines)
            # Long enough for the watchdog to watch, and for a wrong one to bark.
            card.until(lambda card: len(card.lines) > lines + 5 * (10 + 2 * limit_s))
            began = time.monotonic()
            if fault == "cut off":
                card.doors[0].cut()
            else:
                processes[0].send_signal(signal.SIGSTOP if fault == "hung" else signal.SIGKILL)
            card.until(lambda card: card.shown == "flash")
            return card.history[-1][0] - began
        finally:
            for process in processes:
                process.kill()
                process.wait()
            card.close()


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--limit", "limit_s", type=click.FloatRange(0.5, 60), default=3.0, show_default=True)
def main(rounds: int, limit_s: float) -> None:
    """Break the agent in each way."""
    relay_card.SILENT_S = 1e9
    figures: dict[str, object] = {
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "watchdog_s": limit_s,
    }
    print(figures)
    worst_s = 0.0
    for fault in FAULTS:
        taken = [round(measure(fault, limit_s), 2) for _ in range(rounds)]
        figures[fault] = taken
        worst_s = max(worst_s, *taken)
        print(f"{fault:>8}: {' '.join(f'{seconds:.2f}' for seconds in taken)} s")
    write(RESULTS, figures)
    sys.exit(1 if worst_s > limit_s else 0)


if __name__ == "__main__":
    main()
