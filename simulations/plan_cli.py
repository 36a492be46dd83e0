"""`citybrain sim optimise-plan`: the best fixed plan for a corridor or a whole network."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from citybrain.errors import ConfigError
from simulations.plan import Plan, Validation, fallback, optimise_plan, validate
from simulations.scenarios import find_scenario
from simulations.turncounts import read_turn_counts
from traffic.bandwidth import Band, corridor_band
from traffic.design import CYCLES_S

_COMPARED = ("delay_s", "trip_time_s", "waiting_s", "p95_delay_s", "unfinished", "never_departed")


@click.command(name="optimise-plan")
@click.option("--scenario", default="cologne8", show_default=True, help="A name of `sim list`, or a path.")
@click.option(
    "--corridor", default="", help="Intersections along a road, a,b,c; the others keep their plans."
)
@click.option("--protocol", type=click.Choice(["resco", "street"]), default="street", show_default=True)
@click.option(
    "--counts",
    type=click.Path(path_type=Path),
    help="Turning counts (CSV: begin,end,from_edge,to_edge,count) instead of the scenario's own routes.",
)
@click.option("--cycles", default="", help="Cycles to try, in seconds: 60,70,80.")
@click.option(
    "--refine",
    type=click.IntRange(0),
    help="Trials in simulation after the design; default 80 up to 10 signals, 40 up to 30, else none.",
)
@click.option(
    "--seeds", default="1,2,3", show_default=True, help="For validation; the design never sees them."
)
@click.option("--validate/--no-validate", "validates", default=True, help="Simulate before and after.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write SUMO programs there (--additional-files)."
)
@click.option(
    "--plan", "plan_path", type=click.Path(path_type=Path), help="Write City Brain's fallback plan."
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write plan and figures there.")
def optimise_plan_command(
    *,
    scenario: str,
    corridor: str,
    protocol: str,
    counts: Path | None,
    cycles: str,
    refine: int | None,
    seeds: str,
    validates: bool,
    out: Path | None,
    plan_path: Path | None,
    json_path: Path | None,
) -> None:
    """Design the best fixed plan: cycle, splits, offsets and phase sequence.

    Demand comes from the scenario's own routes, or from turning counts. The plan is chosen and refined in
    simulation and then validated on other seeds; where the network's own programs do better, the command says
    so, writes no plan and exits with 1.

    \b
    Example:
      citybrain sim optimise-plan --scenario cologne3 --out plan.add.xml --json plan.json
    """
    chosen, wanted_seeds = find_scenario(scenario), _numbers("--seeds", seeds)
    demand = None if counts is None else read_turn_counts(counts, chosen, protocol)
    ids = [id_.strip() for id_ in corridor.split(",") if id_.strip()]
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(chosen.name, total=1.0)
        plan = optimise_plan(
            chosen,
            protocol,
            corridor=ids,
            demand=demand,
            cycles_s=_numbers("--cycles", cycles) or CYCLES_S,
            refine=refine,
            progress=lambda text, done: progress.update(task, description=text, completed=done),
        )
        checked = None
        if validates:
            task = progress.add_task("validation", total=1.0)
            checked = validate(plan, wanted_seeds, lambda done: progress.update(task, completed=done))
    _show(plan, checked, ids)
    is_better = plan.is_better if checked is None else checked.is_better
    if json_path is not None:
        json_path.write_bytes(msgspec.json.format(msgspec.json.encode(_figures(plan, checked, ids))))
    if not is_better:
        click.echo("The network's own programs do better: keep them. No plan was written.", err=True)
        raise click.exceptions.Exit(1)
    if out is not None:
        plan.additional(out)
    if plan_path is not None:
        plan_path.write_bytes(fallback(plan))


def _numbers(option: str, text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise ConfigError(f"{option} {text!r} is no list of whole numbers: write 1,2,3") from error


def _bands(plan: Plan, corridor: list[str]) -> list[Band]:
    ways = (corridor, corridor[::-1]) if len(corridor) > 1 else ()
    found = (corridor_band(plan.network.configs, plan.design, plan.demand, way) for way in ways)
    return [band for band in found if band is not None]


def _show(plan: Plan, checked: Validation | None, corridor: list[str]) -> None:
    console = Console()
    table = Table("intersection", "phases", "green s", "offset s", "saturation", title=_title(plan))
    for id_, own in plan.design.signals.items():
        table.add_row(
            id_,
            " ".join(map(str, own.order)),
            " ".join(map(str, own.green_s)),
            str(own.offset_s),
            f"{plan.design.saturation[id_]:.2f}",
        )
    console.print(table)
    bands = _bands(plan, corridor)
    if bands:
        table = Table("direction", "band s", "efficiency", "attainability")
        for band in bands:
            way = f"{band.intersections[0]} to {band.intersections[-1]}"
            table.add_row(way, str(band.band_s), f"{band.efficiency:.0%}", f"{band.attainability:.0%}")
        console.print(table)
    if checked is not None:
        table = Table("mean of the seeds", "own programs", "optimised", "change")
        for name in _COMPARED:
            before, after = checked.mean(name)
            change = f"{after / before - 1:+.0%}" if before else ""
            table.add_row(name, f"{before:.1f}", f"{after:.1f}", change)
        console.print(table)


def _title(plan: Plan) -> str:
    return f"{plan.scenario.name}, {plan.protocol}: cycle {plan.design.cycle_s} s"


def _figures(plan: Plan, checked: Validation | None, corridor: list[str]) -> dict[str, Any]:
    return {
        "scenario": plan.scenario.name,
        "protocol": plan.protocol,
        "cycle_s": plan.design.cycle_s,
        "signals": {id_: asdict(own) for id_, own in plan.design.signals.items()},
        "saturation": plan.design.saturation,
        "trial_delay_s": {"own": plan.own_delay_s, "optimised": plan.delay_s},
        "bands": [asdict(band) for band in _bands(plan, corridor)],
        "validation": None
        if checked is None
        else {"own": [asdict(r) for r in checked.own], "optimised": [asdict(r) for r in checked.planned]},
    }
