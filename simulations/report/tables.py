"""The tables of a report, as plain cells."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from simulations.report.approach_figures import approach_rows
from simulations.report.coordination_figures import link_qualities
from simulations.report.kpis import KPIS, change, spread
from simulations.report.progress import progress_of
from simulations.report.study import Study
from simulations.report.style import colour_of, named, signed

NONE = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Cell:
    """`small` stands below the text; `best` is set bold; `colour` puts a dot before it."""

    text: str
    small: str = ""
    best: bool = False
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    heads: tuple[str, ...]
    rows: list[list[Cell]]
    note: str = ""
    folded: bool = False
    text_columns: frozenset[int] = field(default_factory=frozenset)


def kpi_table(study: Study) -> Table:
    """Every key figure of every controller, and the lead's change against `before`."""
    lead, before = study.lead, study.before
    compares = lead != before
    heads = [
        "",
        *map(named, study.controllers),
        *([f"{named(lead)} against {named(before)}"] if compares else []),
    ]
    rows = []
    for kpi in KPIS:
        spreads = {c: spread(study.runs_of(c), kpi.field) for c in study.controllers}
        means = [found.mean for found in spreads.values()]
        best = max(means) if kpi.better > 0 else min(means)
        row = [Cell(kpi.name, kpi.unit)]
        for found in spreads.values():
            text = f"{found.mean:,.{kpi.digits}f}"
            within = (
                f"{max(0.0, found.low):,.{kpi.digits}f} to {found.high:,.{kpi.digits}f}"
                if found.low is not None and found.high is not None and found.high > found.low
                else ""
            )
            row.append(Cell(text, within, best=found.mean == best and max(means) > min(means)))
        if compares:
            row.append(_change_cell(study, kpi.field))
        rows.append(row)
    heads_ = tuple(heads)
    seeds = study.comparison.seeds
    note = (
        "Means over the seeds "
        + ", ".join(map(str, seeds))
        + "; below them the 95 % confidence interval. All scheduled vehicles count, also those that never "
        "entered or never finished. Bold: the best."
        if len(seeds) > 1
        else f"One seed ({seeds[0]}): no confidence intervals. All scheduled vehicles count, also those that "
        "never entered or never finished. Bold: the best."
    )
    return Table("", heads_, rows, note)


def _change_cell(study: Study, field_: str) -> Cell:
    found = change(study.runs, study.lead, study.before, field_)
    if found is None:
        return Cell(NONE)
    if found.low is None or found.high is None:
        return Cell(f"{signed(found.percent, 1)} %")
    sure = "" if found.is_significant else ", not significant"
    return Cell(f"{signed(found.percent, 1)} %", f"{signed(found.low, 1)} to {signed(found.high, 1)} %{sure}")


def approach_table(study: Study) -> Table:
    """All approaches, delay and queues of the recorded controllers."""
    shown = [c for c in study.controllers if c in study.evidence]
    heads = (
        "signal",
        "approach",
        *(f"{named(c)} {what}" for what in ("delay [s]", "max queue") for c in shown),
    )
    rows = []
    for approach, figures in approach_rows(study):
        row = [Cell(study.tags[approach.intersection]), Cell(approach.label)]
        row += [Cell(f"{figures[c].delay_s:.1f}") for c in shown]
        row += [Cell(f"{figures[c].queue_p95:.0f}", f"{figures[c].reach_m:.0f} m") for c in shown]
        rows.append(row)
    note = (
        "Max queue: the 95th percentile of the minutes' largest queues in vehicles; below it how far back "
        "from the stop line a slow vehicle was seen at most (a camera sees 200 m)."
    )
    return Table("All approaches", heads, rows, note, folded=True, text_columns=frozenset({1}))


def wait_table(study: Study) -> Table | None:
    """The approaches where vehicles stood longest, from all seeds; None where waits were not scored."""
    rows: dict[tuple[str, str], dict[str, list[float]]] = {}
    for run in study.runs:
        for wait in run.approaches:
            key = (wait.intersection, wait.approach)
            rows.setdefault(key, {}).setdefault(run.controller, []).append(wait.p95_s)
    if not rows:
        return None
    controllers = study.controllers
    means = {
        key: {c: sum(values) / len(values) for c, values in found.items()} for key, found in rows.items()
    }
    worst = sorted(means.items(), key=lambda item: -item[1].get(study.before, 0.0))[:12]
    labels = {
        (a.intersection, a.edge): a.label for layout in study.layouts.values() for a in layout.approaches
    }
    table = [
        [
            Cell(study.tags.get(key[0], key[0])),
            Cell(labels.get(key, key[1])),
            *(Cell(f"{found[c]:.0f}" if c in found else NONE) for c in controllers),
        ]
        for key, found in worst
    ]
    return Table(
        "Longest waits: standing time of the slowest one in twenty [s]",
        ("signal", "approach", *map(named, controllers)),
        table,
        "Mean over the seeds of the 95th percentile of standing time on the way to the signal; the twelve "
        f"approaches where it is longest with {named(study.before)} control.",
        text_columns=frozenset({1}),
    )


def link_table(study: Study) -> Table | None:
    """Green-wave quality by link; None without a corridor."""
    links = link_qualities(study)
    if not links:
        return None
    shown = [c for c in study.controllers if any(c in link.by_controller for link in links)]
    heads = ("direction", "link", "phase", *map(named, shown))
    rows = []
    for link in links:
        row = [Cell(link.direction), Cell(link.label), Cell(str(link.phase))]
        for controller in shown:
            found = link.by_controller.get(controller)
            aog = NONE if found is None or found.aog is None else f"{100 * found.aog:.0f} %"
            ratio = NONE if found is None or found.platoon_ratio is None else f"{found.platoon_ratio:.2f}"
            kind = f", type {found.arrival_type}" if found is not None and found.arrival_type else ""
            row.append(Cell(aog, f"{found.arrivals} veh, ratio {ratio}{kind}" if found else ""))
        rows.append(row)
    note = (
        "Share of arrivals on green; below it how many vehicles arrived, the platoon ratio, and the HCM "
        "arrival type (1 worst, 3 by chance, 6 best)."
    )
    return Table("Links of the corridor", heads, rows, note, text_columns=frozenset({1}))


def band_table(study: Study) -> Table | None:
    """Bandwidth and progress along the corridor by controller and direction."""
    rows = []
    for controller in [c for c in study.controllers if c in study.evidence]:
        colour = colour_of(controller, study.controllers)
        bands = study.bandwidths(controller)
        for way, side in (("outbound", 1), ("inbound", -1)):
            if way not in bands:
                continue
            band = bands[way]
            progress = progress_of(study.evidence[controller].recording, side)
            rows.append(
                [
                    Cell(named(controller), colour=colour),
                    Cell(way),
                    Cell(f"{band.bandwidth_s:.1f} s", f"{band.per_hour:.0f} per hour"),
                    Cell(f"{100 * band.efficiency:.1f} %"),
                    Cell(f"{100 * band.attainability:.1f} %"),
                    Cell(f"{progress.speed_kmh:.1f}" if progress else NONE),
                    Cell(f"{progress.stops_per_km:.2f}" if progress else NONE),
                ]
            )
    if not rows:
        return None
    heads = (
        "controller", "direction", "bandwidth", "efficiency", "attainability", "speed [km/h]", "stops per km",
    )  # fmt: skip
    note = (
        "Bandwidth: mean width of the green bands of two seconds or more. Efficiency: share of time in a "
        "band (B/C under a common cycle). Attainability: band time over the green time of the signal with "
        "the least. Speed and stops: of all vehicles on the corridor in the recorded quarter of an hour, "
        "waits included. An adaptive controller aims at vehicles, not at bands: judge it by arrivals on "
        "green, speed and stops."
    )
    return Table("Bands and progress", heads, rows, note, text_columns=frozenset({1}))


def signal_table(study: Study) -> Table:
    """What S1, S2 and so on are."""
    on_corridor = set(study.corridor.signals) if study.corridor else set()
    rows = [
        [
            Cell(tag),
            Cell(id_),
            Cell(study.layouts[id_].name if study.layouts[id_].name != id_ else NONE),
            Cell("yes" if id_ in on_corridor else ""),
            Cell(_phases(study, id_)),
        ]
        for id_, tag in study.tags.items()
    ]
    heads = ("signal", "intersection", "streets", "corridor", "phases")
    return Table("Signals and their phases", heads, rows, folded=True, text_columns=frozenset({1, 2, 4}))


def _phases(study: Study, id_: str) -> str:
    layout = study.layouts[id_]
    labels = {approach.edge: approach.label for approach in layout.approaches}
    told = [f"{g.phase}: {labels.get(g.approach, 'walk')} {'/'.join(g.turns)}" for g in layout.groups]
    return "; ".join(told)


def present(tables: Sequence[Table | None]) -> list[Table]:
    """Those that there are."""
    return [table for table in tables if table is not None]
