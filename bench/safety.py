"""A million random command sequences against the edge's safety module, under a conflict monitor.

    python -m bench.safety --sequences 1000000 --seed 1

Each sequence takes over a random intersection in a random state and sends it up to 30 commands: known and
unknown phases, late, replayed and out of order, from several senders, for other signals, or none at all, so
that the local plan takes over; the device's clock ticks, hangs, stops, runs backwards or cannot be read. The
monitor sees the lamps only. Prints what was sent and refused, and the first unsafe moment if there is one
(then it exits with 1), also when it is stopped before
the end; writes bench/results/safety.json.
"""

import math
import multiprocessing
import os
import platform
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import click
import numpy as np

from bench.conflict_monitor import judge, limits_of
from bench.results import write
from citybrain.messages import IntersectionConfig, Movement, Phase, Ring, SignalCommand
from citybrain.stopping import stop_on_signals
from edge.control import SignalControl

RESULTS = Path(__file__).parent / "results" / "safety.json"
BATCH = 200
"""Sequences on one intersection."""
AT = datetime(2026, 1, 1, tzinfo=UTC)
LATE, IN_TIME = AT - timedelta(seconds=1), AT + timedelta(seconds=3)
TICKS_S = (0.1, 0.5, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0)
SENDERS = ("traffic/a", "traffic/b")
_NO_DIGITS = str.maketrans("0123456789", "##########")


@dataclass(slots=True)
class Tally:
    """What was done, and the first unsafe moment of each batch that had one."""

    sequences: int = 0
    commands: int = 0
    accepted: int = 0
    steps: int = 0
    changes: int = 0
    signal_s: float = 0.0
    refused: Counter[str] = field(default_factory=Counter)
    unsafe: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        for name in ("sequences", "commands", "accepted", "steps", "changes", "signal_s"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.refused += other.refused
        self.unsafe += other.unsafe


def run_batch(seed: int, number: int, sequences: int = BATCH) -> Tally:
    """`sequences` on the intersection that `seed` and `number` draw."""
    rng = random.Random(f"{seed}/{number}")
    config = any_intersection(rng)
    shown: list[str] = []
    passed_s: list[float] = []
    begins: list[bool] = []
    tally = Tally(sequences)
    for _ in range(sequences):
        begins.append(True)
        for lamps, real_s in play(rng, config, tally):
            shown.append(lamps)
            passed_s.append(real_s)
            begins.append(False)
        begins.pop()
    lamps_of = np.frombuffer("".join(shown).encode("ascii"), np.uint8).reshape(len(shown), -1)
    finding = judge(limits_of(config), lamps_of, np.array(passed_s), np.array(begins))
    if finding.row >= 0:
        around = shown[max(finding.row - 8, 0) : finding.row + 1]
        tally.unsafe.append(f"batch {number}: {finding.fault}, movement {finding.movement}: {around}")
    tally.steps = len(shown)
    tally.signal_s = float(np.sum(passed_s))
    # Lamps that differ from those of the row before.
    tally.changes = int(np.count_nonzero((lamps_of[1:] != lamps_of[:-1]).any(axis=1)))
    return tally


def play(rng: random.Random, config: IntersectionConfig, tally: Tally) -> Iterator[tuple[str, float]]:
    """One sequence: what is shown, and the seconds that really passed before it was."""
    start = rng.choice([*(phase.indications for phase in config.phases), "", _foreign(rng, config)])
    clock_s = rng.choice((0.0, 1e6))
    control = SignalControl(config, contact_lost_s=rng.choice((2.0, 6.0)), shown=start, clock_s=clock_s)
    seq = 0
    for _ in range(rng.randrange(5, 31)):
        if rng.random() < 0.7:
            seq += 1
            verdict = control.judge(_command(rng, config, seq), AT)
            tally.commands += 1
            tally.accepted += verdict.accepted
            if not verdict.accepted:
                tally.refused[_kind(verdict.reason)] += 1
        real_s, read_s = _tick(rng, clock_s)
        clock_s = clock_s if math.isnan(read_s) else read_s
        yield control.step(read_s).shown.indications, real_s


def _command(rng: random.Random, config: IntersectionConfig, seq: int) -> SignalCommand:
    dice = rng.random()
    return SignalCommand(
        at=AT,
        device=rng.choice(SENDERS),
        boot=1 if dice < 0.95 else 2,
        seq=seq if dice > 0.1 else rng.randrange(1, seq + 1),
        intersection="x" if dice < 0.98 else "y",
        phase=rng.randrange(len(config.phases) + (dice > 0.9)),
        expires_at=IN_TIME if rng.random() < 0.93 else LATE,
    )


def _tick(rng: random.Random, clock_s: float) -> tuple[float, float]:
    """Seconds that really pass, and what the device's clock then reads."""
    dice = rng.random()
    real_s = rng.choice(TICKS_S) if dice < 0.9 else rng.uniform(0.0, 30.0)  # else the agent hung
    if dice < 0.95:
        return real_s, clock_s + real_s
    if dice < 0.97:
        return real_s, clock_s  # it stands still
    if dice < 0.99:
        return real_s, clock_s - rng.uniform(0.0, 1e4)
    return real_s, math.nan


def _foreign(rng: random.Random, config: IntersectionConfig) -> str:
    return "".join(rng.choice("Ggyr") for _ in config.movements)


def _kind(reason: str) -> str:
    return reason.partition(":")[0].translate(_NO_DIGITS)[:60]


def any_intersection(rng: random.Random) -> IntersectionConfig:
    """Up to eight movements with or without rings, random foes, crossings, timing."""
    return _with_rings(rng) if rng.random() < 0.4 else _without_rings(rng)


def _without_rings(rng: random.Random) -> IntersectionConfig:
    count = rng.randrange(1, 9)
    density = rng.choice((0.2, 0.5, 0.9))
    foes = [[j for j in range(count) if j != i and rng.random() < density] for i in range(count)]
    phases = []
    for _ in range(rng.randrange(1, 6)):
        lamps: list[str] = []
        for i in range(count):
            light = rng.choice("GGgrrs")
            hit = any(lamps[j] == "G" and (j in foes[i] or i in foes[j]) for j in range(i))
            lamps.append("g" if light == "G" and hit else light)
        phases.append(_phase(rng, "".join(lamps), rng.uniform(1, 60), []))
    return _intersection(rng, [_movement(rng, i, own) for i, own in enumerate(foes)], phases, [])


def _with_rings(rng: random.Random) -> IntersectionConfig:
    numbers = iter(range(1, 9))
    rings = [Ring([[next(numbers) for _ in range(rng.randrange(1, 3))] for _ in range(2)]) for _ in range(2)]
    place = {g: (r, s) for r, ring in enumerate(rings) for s, side in enumerate(ring.sides) for g in side}
    groups = sorted(place)
    movements = [
        _movement(rng, i, [
            j for j, other in enumerate(groups)
            if other != group and (place[other][0] == place[group][0] or place[other][1] != place[group][1])
        ])
        for i, group in enumerate(groups)
    ]  # fmt: skip
    phases = []
    for side in range(2):
        ways = list(product(rings[0].sides[side], rings[1].sides[side]))
        for way in ways:
            lamps = "".join("G" if group in way else "r" for group in groups)
            split_s = 0.0 if len(ways) == 4 and way == ways[1] else 20.0
            phases.append(_phase(rng, lamps, split_s, list(way)))
    return _intersection(rng, movements, phases, rings)


def _movement(rng: random.Random, i: int, foes: list[int]) -> Movement:
    return Movement(
        f"a_{i}", f"b_{i}", foes=foes, turn=rng.choice(("through", "left", "pedestrian")),
        length_m=rng.uniform(0, 20), yellow_s=rng.choice((3.0, 3.5, 4.0, rng.uniform(3, 5))),
    )  # fmt: skip


def _phase(rng: random.Random, lamps: str, split_s: float, groups: list[int]) -> Phase:
    min_green_s = rng.uniform(0, 8)
    return Phase(lamps, min_green_s, min_green_s + rng.uniform(0, 30), split_s, groups)


def _intersection(
    rng: random.Random, movements: list[Movement], phases: list[Phase], rings: list[Ring]
) -> IntersectionConfig:
    return IntersectionConfig(
        at=AT, device="signal/x", boot=1, seq=1, intersection="x", position=(7.0, 51.0), lanes=[],
        movements=movements, phases=phases, all_red_s=rng.choice((0.0, 1.0, 2.0, rng.uniform(0, 3))),
        rings=rings, crossing_recall_s=rng.uniform(10, 120),
    )  # fmt: skip


def _be_deaf() -> None:
    """Ctrl-C is for the process that tells what was done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run(job: tuple[int, int, int]) -> Tally:
    return run_batch(*job)


@click.command()
@click.option("--sequences", type=click.IntRange(1), default=1_000_000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--processes", type=click.IntRange(1), default=os.cpu_count() or 1)
def main(sequences: int, seed: int, processes: int) -> None:
    """Fuzz the safety module."""
    jobs = [(seed, i, min(BATCH, sequences - i * BATCH)) for i in range(math.ceil(sequences / BATCH))]
    total, began = Tally(), time.perf_counter()
    stop = stop_on_signals()
    with multiprocessing.get_context("spawn").Pool(processes, _be_deaf) as pool:
        results = pool.imap_unordered(_run, jobs, chunksize=4)
        with click.progressbar(results, length=len(jobs), label=f"seed {seed}", file=sys.stderr) as bar:
            for tally in bar:
                total.add(tally)
                if stop.is_set():
                    break  # what is done is told
    _tell(total, seed, time.perf_counter() - began)
    sys.exit(1 if total.unsafe else 0)


def _tell(total: Tally, seed: int, wall_s: float) -> None:
    figures = {
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "seed": seed,
        "sequences": total.sequences,
        "commands": total.commands,
        "accepted": total.accepted,
        "refused": dict(total.refused.most_common()),
        "steps": total.steps,
        "lamp_changes": total.changes,
        "signal_hours": round(total.signal_s / 3600, 1),
        "unsafe": total.unsafe,
        "wall_s": round(wall_s, 1),
    }
    for name, value in figures.items():
        if name == "refused":
            print("refused:")
            for reason, count in total.refused.most_common(12):
                print(f"  {count:>10,}  {reason}")
        else:
            print(f"{name}: {value:,}" if isinstance(value, int | float) else f"{name}: {value}")
    write(RESULTS, figures)


if __name__ == "__main__":
    main()
