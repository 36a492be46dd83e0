"""Signals that come many at a time stop a process and never hang it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
BUSY = """
import os, signal, threading
from citybrain.stopping import stop_on_signals
stop = stop_on_signals()
print("ready", flush=True)
for _ in range(200):
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
assert stop.wait(20)
print("stopped", flush=True)
"""


def test_a_hail_of_signals_stops_a_process_and_does_not_hang_it() -> None:
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", BUSY], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
        )
        assert done.stdout.split() == ["ready", "stopped"]
