"""Preemption over fixed-time programs once gridlocked ingolstadt21: that case, as long as fits a test."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_preemption_over_fixed_programs_does_not_gridlock_ingolstadt21(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    done = subprocess.run(
        [
            sys.executable, "-m", "citybrain", "sim", "emergency", "--scenario", "ingolstadt21",
            "--trips", "6",
            "--seeds", "1", "--controllers", "fixed", "--duration", "1500", "--json", str(figures),
        ],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    without, with_ = json.loads(figures.read_bytes())["summaries"]
    assert (without["name"], with_["name"]) == ("fixed", "fixed+priority")
    # One of the six drives into streets that the fixed programs have filled up; it may still be under way.
    assert with_["arrived"] >= 5 > without["arrived"]
    assert with_["travel_s"] < without["travel_s"]
    assert with_["signal_delay_s"] < 0.5 * without["signal_delay_s"]
    assert with_["others_delay_s"] < 1.15 * without["others_delay_s"]
    assert with_["others_unfinished"] < 1.15 * without["others_unfinished"]
