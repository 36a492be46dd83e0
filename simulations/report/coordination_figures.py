"""Purdue coordination diagrams, arrivals on green along the corridor, and how good its green wave is."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from simulations.enumeration import Event
from simulations.recording import Recording
from simulations.report.measures import PhaseMeasures
from simulations.report.study import Study
from simulations.report.style import (
    GREEN,
    INK,
    MUTED,
    RED,
    WIDTH_IN,
    YELLOW,
    Picture,
    canvas,
    clock_axis,
    colour_of,
    finish,
    house_style,
    named,
    only_x_grid,
)

MOST_SIGNALS = 4
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cycles:
    """The cycles of one phase, each from the begin of red: (n,) float64 seconds on the simulation's clock."""

    red_s: _Floats
    green_s: _Floats
    yellow_s: _Floats
    end_s: _Floats


def cycles_of(recording: Recording, device: str, phase: int) -> Cycles:
    """Whole cycles only: red, green, yellow, next red."""
    reds = recording.times(device, Event.PHASE_BEGIN_RED_CLEARANCE, phase)
    greens = recording.times(device, Event.PHASE_BEGIN_GREEN, phase)
    yellows = recording.times(device, Event.PHASE_BEGIN_YELLOW, phase)
    found = []
    for red, end in pairwise(reds):
        green = greens[(greens >= red) & (greens < end)]
        yellow = yellows[(yellows > red) & (yellows <= end)]
        if len(green) and len(yellow):
            found.append((red, green[0], yellow[-1], end))
    table = np.array(found, dtype=np.float64).reshape(-1, 4)
    return Cycles(*table.T)


@dataclass(frozen=True, slots=True)
class LinkQuality:
    """How well vehicles progress over one link of the corridor: atspm's figures of the phase at its end."""

    direction: str
    label: str
    phase: int
    by_controller: dict[str, PhaseMeasures]


def link_qualities(study: Study) -> list[LinkQuality]:
    """The corridor's links, outbound first; links at whose end nobody arrived are left out."""
    found = []
    for direction in ("outbound", "inbound"):
        before = ""
        for way, leg, phase in study.links():
            if way != direction:
                continue
            tag = study.tags[leg.signal]
            label = f"{before} → {tag}" if before else f"entry → {tag}"
            before = tag
            measures = {c: e.phase(leg.signal, phase) for c, e in study.evidence.items()}
            kept = {c: m for c, m in measures.items() if m is not None and m.arrivals}
            if kept:
                found.append(LinkQuality(direction, label, phase, kept))
    return found


def pcd_picture(study: Study) -> Picture | None:
    """Purdue coordination diagrams of the corridor's signals, else of the busiest phases."""
    targets = _targets(study)
    if not targets or not study.shown:
        return None
    columns = len(study.shown)
    with house_style():
        figure = canvas(WIDTH_IN, 0.9 + 2.0 * len(targets))
        grid = figure.subplots(len(targets), columns, sharex=True, sharey="row", squeeze=False)
        for row, (device, phase, label) in zip(grid, targets, strict=True):
            longest_s = 0.0
            for axes, controller in zip(row, study.shown, strict=True):
                evidence = study.evidence[controller]
                longest_s = max(longest_s, _pcd(axes, evidence.recording, device, phase))
                measures = evidence.phase(device, phase)
                axes.set_title(_pcd_title(controller, label, measures), fontsize=9)
                axes.label_outer()
            row[0].set_ylim(0, 1.08 * longest_s if longest_s else 1.0)
            row[0].set_ylabel("time in cycle [s]")
        for axes in grid[-1]:
            axes.set_xlabel("time of day in the simulation")
        handles = [
            Line2D([], [], marker="o", linestyle="", markersize=4, color=INK, label="arrival"),
            *(Line2D([], [], color=c, linewidth=2, label=n) for n, c in
              (("begin of green", GREEN), ("begin of yellow", YELLOW), ("begin of red", RED))),
        ]  # fmt: skip
        figure.legend(handles=handles, loc="outside upper left", ncols=4)
        return finish(
            figure,
            "pcd",
            "Purdue coordination diagram",
            "Each column of dots is one cycle, from the begin of red at the bottom. A dot is a vehicle, at "
            "the moment when it would reach the stop line unhindered: between the green and the yellow "
            "line it arrives on green. Dots packed into the green are a platoon that the signal waits for.",
            "Arrivals within the cycle over time for " + ", ".join(label for _, _, label in targets),
        )


def _targets(study: Study) -> list[tuple[str, int, str]]:
    """(device, phase, label): the corridor outbound and inbound in turn, or the phases with most arrivals."""
    links = [(leg.signal, phase, way) for way, leg, phase in study.links()]
    inner = [link for link in links if link[0] != links[0][0]] if links else []
    if inner:
        ways = [[link for link in inner if link[2] == way] for way in ("outbound", "inbound")]
        turns = [link for pair in zip(*ways, strict=False) for link in pair] if all(ways) else inner
        return [(s, p, f"{study.tags[s]} {way}, phase {p}") for s, p, way in turns[:MOST_SIGNALS]]
    first = next(iter(study.evidence.values()), None)
    busiest = sorted(first.phases, key=lambda p: -p.arrivals)[:MOST_SIGNALS] if first else []
    return [(p.device, p.phase, f"{study.tags[p.device]}, phase {p.phase}") for p in busiest if p.arrivals]


def _pcd_title(controller: str, label: str, measures: PhaseMeasures | None) -> str:
    if measures is None or measures.aog is None:
        return f"{label} · {named(controller)}"
    return f"{label} · {named(controller)} · {100 * measures.aog:.0f} % on green"


def _pcd(axes: Axes, recording: Recording, device: str, phase: int) -> float:
    """Draw; the length in seconds that nearly all cycles have at most."""
    cycles = cycles_of(recording, device, phase)
    axes.grid(visible=False)
    if len(cycles.red_s):
        edges = np.append(cycles.red_s, cycles.end_s[-1])
        for times, colour in ((cycles.green_s, GREEN), (cycles.yellow_s, YELLOW), (cycles.end_s, RED)):
            axes.stairs(times - cycles.red_s, edges, color=colour, linewidth=1.2, baseline=None, zorder=1)
        arrivals = recording.arrivals(device, phase)
        index = np.searchsorted(cycles.red_s, arrivals, side="right") - 1
        inside = (index >= 0) & (arrivals < cycles.end_s[np.maximum(index, 0)])
        at, of = arrivals[inside], index[inside]
        into = at - cycles.red_s[of]
        green = (at >= cycles.green_s[of]) & (at < cycles.yellow_s[of])
        axes.scatter(at[green], into[green], s=5, color=INK, linewidth=0, zorder=2)
        axes.scatter(at[~green], into[~green], s=5, color="#9aa5af", linewidth=0, zorder=2)
    clock_axis(axes, recording.begin_s, recording.end_s, label=False)
    cycle_s = cycles.end_s - cycles.red_s
    return float(np.percentile(cycle_s, 98)) if len(cycle_s) else 0.0


def arrivals_picture(study: Study) -> Picture | None:
    """Arrivals on green and platoon ratio by link of the corridor; None without a corridor."""
    links = link_qualities(study)
    if not links:
        return None
    links = links[::-1]
    with house_style():
        figure = canvas(WIDTH_IN, 1.3 + 0.30 * len(links))
        left, right = figure.subplots(1, 2, sharey=True)
        for row, link in enumerate(links):
            for axes, values in (
                (left, [100 * (m.aog or 0.0) for c, m in link.by_controller.items() if c in study.shown]),
                (right, [m.platoon_ratio or 0.0 for c, m in link.by_controller.items() if c in study.shown]),
            ):
                if values:
                    axes.plot([min(values), max(values)], [row, row], color="#c9d2da", linewidth=2, zorder=1)
            for controller in study.shown:
                measures = link.by_controller.get(controller)
                if measures is None:
                    continue
                colour = colour_of(controller, study.controllers)
                label = named(controller) if row == 0 else None
                style = {"s": 42, "color": colour, "edgecolor": "white", "zorder": 3}
                left.scatter([100 * (measures.aog or 0.0)], [row], label=label, **style)
                right.scatter([measures.platoon_ratio or 0.0], [row], **style)
        left.set_yticks(range(len(links)), [f"{link.direction}  {link.label}" for link in links])
        left.set_xlim(0, 100)
        left.set_xlabel("arrivals on green [%]")
        right.axvline(1.0, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)))
        right.set_xlim(left=0)
        right.set_xlabel("platoon ratio (1: as by chance; above 1.15: favourable)")
        for axes in (left, right):
            axes.set_ylim(-0.6, len(links) - 0.4)
            only_x_grid(axes)
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=max(1, len(labels)))
        return finish(
            figure,
            "arrivals-on-green",
            "Green wave: arrivals on green by link",
            "Left: the share of vehicles that reach the stop line on green. Right: that share over the "
            "share of time that is green (HCM platoon ratio), which tells timing from mere green time.",
            "Arrivals on green and platoon ratio by corridor link for " + " and ".join(study.shown),
        )
