"""How many intersections the optimiser re-plans in a second, at the horizon and beam that it has in use."""

import itertools
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from bench.machine import machine
from bench.recorded import SCENARIOS, Recorded, copies, record
from bench.results import write
from citybrain.config import Settings
from citybrain.rayconnect import connect, disconnect, ray
from traffic.beam import PLANS
from traffic.horizon import HORIZON_S, WIDTH, plan
from traffic.network import Floats
from traffic.reference import Reference
from traffic.region import Region
from traffic.warm import warm
from traffic.weights import DEFAULT_WEIGHTS

RESULTS = Path(__file__).parent / "results" / "optimiser.json"
LEAD_S = 3
"""Seconds that are decided before any is measured."""
SAMPLE = 12
"""Decisions that are also made by the plain reference."""
PLANNED = ("extend", "change")


class Replanned(NamedTuple):
    """One second of a fleet: CPU of all decisions, and of taking in what each was made on; how many were
    searched for, the others being bound by a minimum green or a change."""

    cpu_s: float
    take_in_ms: Floats
    planned: int


class Fleet:
    """A region of copied intersections, fed with what they recorded and decided second by second."""

    def __init__(self, recorded: Sequence[Recorded], count: int, first: int = 0) -> None:
        self._signals = copies(recorded, count, first)
        self._region = Region([signal.config for signal in self._signals])
        self._take_in_ms: Floats = np.zeros(count)

    def feed(self, second: int) -> None:
        """Take in what all of them say in this second."""
        for n, signal in enumerate(self._signals):
            state, measurement = signal.second(second)
            began = time.thread_time()
            self._region.on_state(state)
            self._region.on_measurement(measurement)
            self._take_in_ms[n] = 1e3 * (time.thread_time() - began)
        self._at = measurement.at

    def replan(self) -> Replanned:
        """Decide all of them together, as a region's agent does with all that waits."""
        began = time.thread_time()
        decisions = self._region.decide_all([signal.id for signal in self._signals], self._at)
        spent_s = time.thread_time() - began
        assert None not in decisions, "an intersection was not decided"
        planned = sum(decision is not None and decision.reason in PLANNED for decision in decisions)
        return Replanned(spent_s, self._take_in_ms, planned)

    def alone(self) -> Floats:
        """CPU ms of each decision made alone, as a region's agent does when nothing else waits."""
        spent_ms = np.zeros(len(self._signals))
        for n, signal in enumerate(self._signals):
            began = time.thread_time()
            self._region.decide(signal.id, self._at)
            spent_ms[n] = 1e3 * (time.thread_time() - began)
        return spent_ms

    def questions(self) -> list[tuple[Any, ...]]:
        """What `plan` is asked for each of them that is free to change."""
        found = []
        for signal in self._signals:
            question = self._region.question(signal.id)
            decision = self._region.decide(signal.id, self._at)
            if question is not None and decision is not None and decision.reason in PLANNED:
                demand, shown = question
                i = self._region.sites[signal.id].index
                found.append((self._region.net, i, demand, shown, DEFAULT_WEIGHTS, HORIZON_S, WIDTH))
        return found


class Crew:
    """Fleets in this process, on as many threads as wanted."""

    def __init__(self, fleets: Sequence[Fleet], threads: int) -> None:
        self._fleets = fleets
        self._pool = ThreadPoolExecutor(threads)

    def feed(self, second: int) -> None:
        for fleet in self._fleets:
            fleet.feed(second)

    def replan(self) -> list[Replanned]:
        return list(self._pool.map(Fleet.replan, self._fleets))

    def alone(self) -> Floats:
        return np.concatenate(list(self._pool.map(Fleet.alone, self._fleets)))

    def close(self) -> None:
        self._pool.shutdown()


class Team:
    """Fleets as region actors on Ray."""

    def __init__(self, recorded: Sequence[Recorded], count: int, actors: int) -> None:
        kind: Any = ray.remote(num_cpus=0)(Fleet)
        shared = ray.put(list(recorded))
        self._actors = [kind.remote(shared, size, first) for first, size in parts(count, actors)]

    def feed(self, second: int) -> None:
        ray.get([actor.feed.remote(second) for actor in self._actors])

    def replan(self) -> list[Replanned]:
        found: list[Replanned] = ray.get([actor.replan.remote() for actor in self._actors])
        return found

    def alone(self) -> Floats:
        return np.concatenate(ray.get([actor.alone.remote() for actor in self._actors]))

    def close(self) -> None:
        for actor in self._actors:
            ray.kill(actor)


def parts(count: int, among: int) -> list[tuple[int, int]]:
    """First number and size of each part when so many are shared out; none is empty."""
    ends = [count * n // among for n in range(among + 1)]
    return [(first, end - first) for first, end in itertools.pairwise(ends) if end > first]


def measure(fleets: Crew | Team, count: int, seconds: int, since: int = 0) -> dict[str, Any]:
    """Wall and CPU seconds for re-planning all intersections once, over `seconds` of them; at the end once
    more, one by one."""
    wall, cpu, take_in, planned = [], [], [], 0
    for second in range(LEAD_S + seconds):
        fleets.feed(since + second)
        began = time.perf_counter()
        found = fleets.replan()
        passed = time.perf_counter() - began
        if second < LEAD_S:
            continue
        wall.append(passed)
        take_in.append(np.concatenate([one.take_in_ms for one in found]))
        cpu.append(sum(one.cpu_s for one in found))
        planned += sum(one.planned for one in found)
    return {
        "wall_s": _spread(wall),
        "cpu_s": _spread(cpu),
        "per_second": round(count / float(np.median(wall))),
        "per_core_second": round(count / float(np.median(cpu))),
        "decision_ms": _percentiles(fleets.alone()),
        "take_in_ms": _percentiles(np.concatenate(take_in)),
        "planned_share": round(planned / (count * seconds), 3),
    }


def against_reference(recorded: Sequence[Recorded]) -> dict[str, Any]:
    """CPU of the plain Python planner and of the kernel, on the same questions, one by one."""
    fleet = Fleet(recorded, len(recorded))
    for second in range(LEAD_S):
        fleet.feed(second)
        asked = fleet.questions()
    chosen = asked[:: max(1, len(asked) // SAMPLE)][:SAMPLE]
    kernel = _cpu_s(lambda: [plan(*arguments) for arguments in chosen], 20)
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
        "kernel_ms": round(1e3 * kernel / len(chosen), 3),
        "ratio": round(plain / kernel),
    }


def add_growth(runs: dict[str, dict[str, Any]]) -> None:
    """Beside each size its CPU over what the smallest size of 100 or more would grow to in proportion."""
    base = next((size for size in sorted(map(int, runs)) if size >= 100), min(map(int, runs)))
    each_s = runs[str(base)]["cpu_s"]["p50"] / base
    for size, one in runs.items():
        one["to_linear"] = round(one["cpu_s"]["p50"] / int(size) / each_s, 2)


def run(
    recorded: list[Recorded], sizes: list[int], seconds: int, threads: list[int], regions: list[int]
) -> dict[str, Any]:
    """All runs by where they ran and by size."""
    found: dict[str, Any] = {f"{n} thread{'s' * (n > 1)}": {} for n in threads}
    for size in sizes:
        fleets = [Fleet(recorded, own, first) for first, own in parts(size, max(threads, default=1))]
        for turn, n in enumerate(threads):
            crew = Crew(fleets, n)
            one = measure(crew, size, seconds, turn * (LEAD_S + seconds))
            found[f"{n} thread{'s' * (n > 1)}"][str(size)] = one
            crew.close()
    if regions:
        found |= _on_ray(recorded, sizes, seconds, regions)
    for runs in found.values():
        add_growth(runs)
    return found


def _on_ray(
    recorded: list[Recorded], sizes: list[int], seconds: int, regions: list[int]
) -> dict[str, dict[str, Any]]:
    connect(Settings())
    found: dict[str, dict[str, Any]] = {}
    try:
        for actors in regions:
            name = f"Ray, {actors} region{'s' * (actors > 1)}"
            found[name] = {}
            for size in sizes:
                team = Team(recorded, size, actors)
                found[name][str(size)] = measure(team, size, seconds)
                team.close()
    finally:
        disconnect()
    return found


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "p50": round(float(np.median(values)), 5),
        "min": round(min(values), 5),
        "max": round(max(values), 5),
    }


def _percentiles(values: Floats) -> dict[str, float]:
    p50, p99 = np.percentile(values, [50, 99])
    return {"mean": round(float(values.mean()), 4), "p50": round(float(p50), 4), "p99": round(float(p99), 4)}


def _cpu_s(work: Callable[[], object], times: int) -> float:
    began = time.thread_time()
    for _ in range(times):
        work()
    return (time.thread_time() - began) / times


def show(found: dict[str, Any]) -> None:
    """Print the figures as a table and say in one line whether a city of the largest size is kept up with."""
    print(", ".join(f"{name} {value}" for name, value in found["machine"].items()))
    print(
        f"horizon {found['horizon_s']} s, {found['width']} plans a phase, {found['plans']} or more in all; "
        f"{found['recorded']} intersections of {', '.join(found['scenarios'])}"
    )
    table = Table(
        "on", "signals", "wall, p50 (min to max)", "CPU", "a core-second", "alone, p50 / p99", "to linear"
    )
    for name, runs in found["runs"].items():
        for size, one in runs.items():
            table.add_row(name, f"{int(size):,}", *_cells(one))
    Console(width=120).print(table)
    print("against plain Python:", ", ".join(f"{n} {value}" for n, value in found["reference"].items()))
    print(found["verdict"])


def _cells(one: dict[str, Any]) -> list[str]:
    wall, cpu, decision = one["wall_s"], one["cpu_s"], one["decision_ms"]
    return [
        f"{wall['p50'] * 1e3:,.1f} ms ({wall['min'] * 1e3:,.1f} to {wall['max'] * 1e3:,.1f})",
        f"{cpu['p50'] * 1e3:,.1f} ms",
        f"{one['per_core_second']:,}",
        f"{decision['p50']:.3f} / {decision['p99']:.3f} ms",
        f"{one['to_linear']:.2f}",
    ]


def verdict(runs: dict[str, Any], cores: int) -> str:
    """The sentence about the largest size, where it went fastest."""
    size = max((size for own in runs.values() for size in own), key=int)
    name = min((name for name in runs if size in runs[name]), key=lambda n: runs[n][size]["wall_s"]["p50"])
    one = runs[name][size]
    held = "are" if one["wall_s"]["p50"] <= 1.0 else "are NOT"
    return (
        f"{int(size):,} intersections {held} re-planned within 1 s on {cores} cores ({name}): "
        f"p50 {one['wall_s']['p50']:.2f} s, worst {one['wall_s']['max']:.2f} s; "
        f"{one['cpu_s']['p50'] / cores:.2f} s of CPU a core"
    )


def _numbers(_context: click.Context, _option: click.Parameter, text: str) -> list[int]:
    try:
        numbers = [int(number) for number in text.split(",") if number]
    except ValueError:
        raise click.BadParameter(f"{text!r}: give whole numbers with commas between them") from None
    if any(number < 1 for number in numbers):
        raise click.BadParameter(f"{text!r}: give numbers of 1 or more")
    return numbers


@click.command(
    epilog="Example: python -m bench.optimiser --sizes 8,1000 --threads 1 --regions '' --seconds 3"
)
@click.option("--sizes", default="8,128,1000,10000", show_default=True, callback=_numbers)
@click.option("--threads", default="1,2", show_default=True, callback=_numbers, help="In this process.")
@click.option("--regions", default="1,2", show_default=True, callback=_numbers, help="Actors on Ray.")
@click.option("--seconds", default=5, show_default=True, type=click.IntRange(1, 60))
@click.option("--scenarios", default=",".join(SCENARIOS), show_default=True)
@click.option("--json", "out", type=click.Path(dir_okay=False, path_type=Path), default=RESULTS)
def main(  # noqa: PLR0917 - click gives them by name
    sizes: list[int], threads: list[int], regions: list[int], seconds: int, scenarios: str, out: Path
) -> None:
    """Measure how many intersections are re-planned in a second.

    Real intersections, with what their cameras saw after 25 minutes of simulated traffic, are copied to
    the wanted number as whole towns, some seconds apart. Every simulated second all of them are decided in
    one call, as region agents do with all that waits: from what was taken in to the phase wanted, building
    the demand included; at the end once more one by one, for the percentiles. Wall time is what one waits
    for; CPU is what it costs, also on a machine that does other work.
    The baseline is the plain Python planner of traffic/reference.py on the same questions.
    """
    warm()
    names = scenarios.split(",")
    recorded = record(30, names)
    cores = len(os.sched_getaffinity(0))
    found: dict[str, Any] = {"machine": machine("numba", "numpy", "ray"), "horizon_s": HORIZON_S}
    found |= {"width": WIDTH, "plans": PLANS, "recorded": len(recorded), "scenarios": names}
    found |= {"seconds": seconds, "reference": against_reference(recorded)}
    found["runs"] = run(recorded, sizes, seconds, threads, regions)
    found["verdict"] = verdict(found["runs"], cores)
    show(found)
    write(out, found)


if __name__ == "__main__":
    main()
