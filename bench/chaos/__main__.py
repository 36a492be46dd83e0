"""Nothing lost, nothing twice, whatever dies: a seeded run in which everything dies.

    python -m bench.chaos [--seconds 600] [--devices 50] [--kills 110] [--seed 1]

Exit code 1 where a message was lost, doubled, altered or out of order, or the balance does not close.
"""

import argparse
import json
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bench.chaos.run import Report, run
from citybrain.up.broker import broker_name

RESULTS = Path(__file__).parent.parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--devices", type=int, default=50)
    parser.add_argument("--processes", type=int, default=5, help="agent processes that share the devices")
    parser.add_argument("--kills", type=int, default=110)
    parser.add_argument("--rate", type=float, default=2.0, help="messages a second of each device")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--logs", type=Path, help="a new folder that keeps the logs of all processes")
    given = parser.parse_args()
    load = os.getloadavg()
    report = run(**vars(given))
    show(report)
    about = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"), "cores": os.cpu_count(), "load_before": load,
        "broker": broker_name(),
    }  # fmt: skip
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(about | asdict(report), indent=2)
    (RESULTS / "chaos.json").write_text(text + "\n", encoding="utf-8")
    sys.exit(0 if report.is_sound else 1)


def seconds(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1f} s"


def show(report: Report) -> None:
    """Print it for people."""
    verdict = report.verdict
    print(
        f"seed {report.seed}, {report.seconds:.0f} s, {report.devices} devices, {report.kills} kills with -9"
    )
    print(f"{'fault':20} {'times':>6} {'lost':>6} {'twice':>6} {'recovered p50':>14} {'max':>8}")
    for kind in report.kinds:
        print(
            f"{kind.kind:20} {kind.number:6} {kind.lost:6} {kind.duplicated:6} "
            f"{seconds(kind.recovered_p50_s):>14} {seconds(kind.recovered_max_s):>8}"
        )
    print("spools empty:", "never" if report.settled_s is None else f"after {report.settled_s:.1f} s")
    print(f"generated {verdict.generated}, durable at the edge {verdict.durable}, stored {verdict.stored}")
    print(f"killed before they reached the disk: {verdict.generated - max(verdict.durable, verdict.stored)}")
    print(
        f"lost {len(verdict.lost)}, duplicated {len(verdict.duplicated)}, altered {len(verdict.altered)}, "
        f"never generated {len(verdict.foreign)}, out of order {verdict.out_of_order}"
    )
    closed = "closed" if not verdict.unbalanced and not verdict.late_watermarks else "open"
    print(f"balance {closed}", *verdict.unbalanced[:10], *verdict.late_watermarks[:10])


if __name__ == "__main__":
    main()
