"""How many intersections the optimiser re-plans in a second, at the horizon and beam that the product uses.

    python -m bench.optimiser [--sizes 8,128,1000,10000] [--seconds 8] [--no-ray]

Real intersections (cologne8, ingolstadt21, grid4x4) with what their cameras saw after ten minutes of
simulated traffic, copied to the wanted number, each with its seconds shifted. Every simulated second all of
them are decided: once on one thread, once on a thread for each core, once by region actors on Ray. The wall
time of a second is what one waits for; CPU seconds are what it costs, also on a machine that is doing other
work. The baseline is the plain Python planner of `traffic/reference.py` on the same inputs.
"""

import json
import os
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import click
import numpy as np
from rich.console import Console
from rich.table import Table
from traffic.batch import Batch

from bench.machine import machine
from bench.recorded import SCENARIOS, START, Copy, Recorded, copies, record
from citybrain.config import Settings
from citybrain.rayconnect import connect, disconnect, ray
from traffic.horizon import HORIZON_S, WIDTH, plan
from traffic.network import Floats
from traffic.reference import Reference
from traffic.region import Region
from traffic.warm import warm

RESULTS = Path(__file__).parent / "results" / "optimiser.json"
LEAD_S = 3
"""Seconds that are decided before any is measured."""
SAMPLE = 12
"""Decisions that are also made by the plain reference."""


class Fleet:
    """A region of copied intersections that is fed and decided second by second."""

    def __init__(self, recorded: Sequence[Recorded], count: int, first: int = 0, threads: int = 1) -> None:
        self.signals = copies(recorded, count, first)
        self.batch = Batch([signal.config for signal in self.signals], threads=threads)

    def feed(self, second: int) -> None:
        for signal in self.signals:
            state, measurement = signal.second(second)
            self.batch.on_state(state)
            self.batch.on_measurement(measurement)

    def decide(self, second: int) -> tuple[int, float]:
        """How many were decided, each measurement once, and the CPU seconds of it."""
        used = time.process_time()
        decided = len(self.batch.decide_all(START + timedelta(seconds=second)))
        return decided, time.process_time() - used


class Team:
    """Fleets as actors on Ray, one to a core."""

    def __init__(self, recorded: Sequence[Recorded], count: int, actors: int) -> None:
        kind: Any = ray.remote(num_cpus=1)(Fleet)
        shared = ray.put(list(recorded))
        share = [count // actors + (n < count % actors) for n in range(actors)]
        self._actors = [kind.remote(shared, own, sum(share[:n])) for n, own in enumerate(share) if own]

    def feed(self, second: int) -> None:
        ray.get([actor.feed.remote(second) for actor in self._actors])

    def decide(self, second: int) -> tuple[int, float]:
        parts = ray.get([actor.decide.remote(second) for actor in self._actors])
        return sum(decided for decided, _ in parts), sum(used for _, used in parts)

    def close(self) -> None:
        for actor in self._actors:
            ray.kill(actor)


def measure(fleet: Fleet | Team, count: int, seconds: int) -> dict[str, Any]:
    """Wall and CPU seconds for deciding all intersections once, over `seconds` of them."""
    wall, cpu = [], []
    for second in range(LEAD_S + seconds):
        fleet.feed(second)
        began = time.perf_counter()
        decided, used = fleet.decide(second)
        if second >= LEAD_S:
            wall.append(time.perf_counter() - began)
            cpu.append(used)
        assert decided == count, f"{decided} of {count} intersections were decided"
    return {
        "wall_s": _spread(wall),
        "cpu_s": _spread(cpu),
        "per_second": round(count / float(np.median(wall))),
        "per_core_second": round(count / float(np.median(cpu))),
        "headroom": round(1.0 / max(wall), 2),
    }


def single(signals: Sequence[Copy], seconds: int) -> dict[str, Any]:
    """One by one, as a region agent answers measurements: taking in and deciding, in milliseconds of CPU."""
    region = Region([signal.config for signal in signals])
    taken, decided = [], []
    for second in range(LEAD_S + seconds):
        for signal in signals:
            state, measurement = signal.second(second)
            began = time.thread_time()
            region.on_state(state)
            region.on_measurement(measurement)
            between = time.thread_time()
            region.decide(signal.id, measurement.at)
            if second >= LEAD_S:
                taken.append(1e3 * (between - began))
                decided.append(1e3 * (time.thread_time() - between))
    return {
        f"{name}_{p}_ms": round(float(np.percentile(values, int(p[1:]))), 3)
        for name, values in (("take_in", taken), ("decision", decided))
        for p in ("p50", "p99")
    }


def against_reference(signals: Sequence[Copy]) -> dict[str, Any]:
    """CPU seconds of the plain Python planner and of the kernel, on the same questions."""
    asked: list[Any] = []

    def keep(*arguments: Any) -> tuple[int, float, Floats]:
        asked.append(arguments)
        answer: tuple[int, float, Floats] = plan(*arguments)
        return answer

    with patch("traffic.region.plan", keep):
        single(signals, 1)
    chosen = asked[:: max(1, len(asked) // SAMPLE)][:SAMPLE]
    fast = _cpu_s(lambda: [plan(*arguments) for arguments in chosen], 20)
    plain = _cpu_s(
        lambda: [
            Reference(net, i, demand, weights).plan(shown, horizon, width)
            for net, i, demand, shown, weights, horizon, width in chosen
        ],
        1,
    )
    return {
        "decisions": len(chosen),
        "reference_ms": round(1e3 * plain / len(chosen), 1),
        "kernel_ms": round(1e3 * fast / len(chosen), 3),
        "ratio": round(plain / fast),
    }


def growth(runs: dict[str, dict[str, Any]]) -> float:
    """Exponent of CPU time over the number of intersections, 1 where it is linear; sizes from 100 on."""
    sizes = [size for size in sorted(map(int, runs)) if size >= 100] or sorted(map(int, runs))
    if len(sizes) < 2:
        return 1.0
    cpu = [runs[str(size)]["cpu_s"]["p50"] for size in sizes]
    return round(float(np.polyfit(np.log(sizes), np.log(cpu), 1)[0]), 3)


def run(recorded: list[Recorded], sizes: list[int], seconds: int, with_ray: bool) -> dict[str, Any]:
    """All figures."""
    cores = len(os.sched_getaffinity(0))
    found: dict[str, Any] = {}
    for name, threads in {"1 thread": 1, f"{cores} threads": cores}.items():
        found[name] = {}
        for size in sizes:
            fleet = Fleet(recorded, size, 0, threads)
            found[name][str(size)] = measure(fleet, size, seconds)
            fleet.batch.close()
    if with_ray:
        found[f"{cores} actors on Ray"] = _on_ray(recorded, sizes, seconds, cores)
    return found


def _on_ray(recorded: list[Recorded], sizes: list[int], seconds: int, actors: int) -> dict[str, Any]:
    connect(Settings())
    found = {}
    try:
        for size in sizes:
            team = Team(recorded, size, actors)
            found[str(size)] = measure(team, size, seconds)
            team.close()
    finally:
        disconnect()
    return found


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "p50": round(float(np.median(values)), 5),
        "p99": round(float(np.percentile(values, 99)), 5),
        "min": round(min(values), 5),
        "max": round(max(values), 5),
    }


def _cpu_s(work: Callable[[], object], times: int) -> float:
    began = time.thread_time()
    for _ in range(times):
        work()
    return (time.thread_time() - began) / times


def show(found: dict[str, Any]) -> None:
    """Print the figures as a table and say in one line whether a city of the largest size is kept up with."""
    print(", ".join(f"{name} {value}" for name, value in found["machine"].items()))
    print(f"horizon {found['horizon_s']} s, {found['width']} plans a phase, {', '.join(SCENARIOS)}")
    table = Table("on", "signals", "wall, p50 (min to max)", "CPU", "a second", "a core-second", "headroom")
    for name, runs in found["runs"].items():
        for size, one in runs.items():
            table.add_row(name, f"{int(size):,}", *_cells(one))
    Console(width=110).print(table)
    print("one by one:", ", ".join(f"{name} {value}" for name, value in found["single"].items()))
    print("against plain Python:", ", ".join(f"{n} {value}" for n, value in found["reference"].items()))
    print("growth (1 is linear):", ", ".join(f"{name} {value}" for name, value in found["growth"].items()))
    print(found["verdict"])


def _cells(one: dict[str, Any]) -> list[str]:
    wall, cpu = one["wall_s"], one["cpu_s"]
    low, high = wall["min"] * 1e3, wall["max"] * 1e3
    return [
        f"{wall['p50'] * 1e3:.1f} ms ({low:.1f} to {high:.1f})",
        f"{cpu['p50'] * 1e3:.1f} ms",
        f"{one['per_second']:,}",
        f"{one['per_core_second']:,}",
        f"{one['headroom']:.1f}",
    ]


def verdict(found: dict[str, Any], cores: int) -> str:
    """The sentence about the largest size, on all cores."""
    name = f"{cores} threads" if f"{cores} threads" in found["runs"] else "1 thread"
    size = max(found["runs"][name], key=int)
    wall = found["runs"][name][size]["wall_s"]
    held = "are" if wall["p50"] <= 1.0 else "are NOT"
    return (
        f"{int(size):,} intersections {held} re-planned within 1 s on the {cores} cores of this machine, "
        f"horizon and beam as used: p50 {wall['p50']:.2f} s, worst {wall['max']:.2f} s; "
        f"{found['runs'][name][size]['cpu_s']['p50'] / cores:.2f} s of CPU a core"
    )


@click.command()
@click.option("--sizes", default="8,128,1000,10000", show_default=True, help="Numbers of intersections.")
@click.option("--seconds", default=8, show_default=True, type=click.IntRange(2, 60))
@click.option("--scenarios", default=",".join(SCENARIOS), show_default=True)
@click.option("--ray/--no-ray", "with_ray", default=True, show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=RESULTS, show_default=True)
def main(*, sizes: str, seconds: int, scenarios: str, with_ray: bool, out: Path) -> None:
    """Measure how many intersections are re-planned in a second."""
    warm()
    recorded = record(30, scenarios.split(","))
    found: dict[str, Any] = {"machine": machine("numba", "numpy", "ray"), "horizon_s": HORIZON_S}
    found |= {"width": WIDTH, "recorded": len(recorded), "seconds": seconds}
    found["single"] = single(copies(recorded, len(recorded)), seconds)
    found["reference"] = against_reference(copies(recorded, len(recorded)))
    found["runs"] = run(recorded, [int(size) for size in sizes.split(",")], seconds, with_ray)
    found["growth"] = {name: growth(runs) for name, runs in found["runs"].items()}
    found["verdict"] = verdict(found, found["machine"]["cores"])
    show(found)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(f"written: {out}")


if __name__ == "__main__":
    main()
