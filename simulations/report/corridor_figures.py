"""Time-space diagrams: greens, bands and vehicles along the corridor."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from simulations.bandwidth import Bandwidth, Intervals
from simulations.corridor import Corridor, Leg
from simulations.recording import Recording
from simulations.report.study import Study
from simulations.report.style import (
    GREEN,
    INBOUND,
    INK,
    MUTED,
    OUTBOUND,
    RED,
    WIDTH_IN,
    YELLOW,
    Picture,
    canvas,
    clock_axis,
    finish,
    house_style,
    named,
)
from simulations.trajectories import axis_of

WINDOW_S = 480.0
"""Shown of the run: as much as can be read."""


def time_space_pictures(study: Study) -> list[Picture]:
    """One diagram a shown controller; none without a corridor or where no vehicle nor signal was recorded."""
    if study.corridor is None:
        return []
    return [_picture(study, study.corridor, controller) for controller in study.shown]


def _picture(study: Study, corridor: Corridor, controller: str) -> Picture:
    recording = study.evidence[controller].recording
    middle_s = 0.5 * (recording.begin_s + recording.end_s)
    begin_s = max(recording.begin_s, middle_s - 0.5 * WINDOW_S)
    end_s = min(recording.end_s, begin_s + WINDOW_S)
    axis = axis_of(corridor)
    with house_style():
        figure = canvas(WIDTH_IN, 3.2 + 0.55 * len(corridor.signals))
        axes = figure.subplots()
        axes.grid(visible=False)
        places = dict(zip(corridor.signals, axis.signals_m, strict=True))
        bar_m = 0.010 * (axis.end_m - axis.begin_m)
        found = study.bandwidths(controller)
        for way, legs, colour, side in (
            ("outbound", corridor.outbound, OUTBOUND, 1),
            ("inbound", corridor.inbound, INBOUND, -1),
        ):
            if way in found:
                _bands(axes, found[way], legs, places, colour)
            for vehicle in recording.trajectories[side]:
                inside = (vehicle[:, 0] >= begin_s) & (vehicle[:, 0] <= end_s)
                axes.plot(*vehicle[inside].T, color=colour, linewidth=0.7, alpha=0.75, zorder=2)
            for leg in legs:
                phase = study.layouts[leg.signal].phase_of(leg.movements)
                if phase is not None:
                    at = places[leg.signal] + (side * 0.62 * bar_m)
                    _signal(
                        axes,
                        recording,
                        leg.signal,
                        phase,
                        at_m=at,
                        height_m=bar_m,
                        window=(begin_s, end_s),
                    )
        clock_axis(axes, begin_s, end_s)
        axes.set_ylim(axis.begin_m, axis.end_m)
        axes.set_yticks(
            list(places.values()), [f"{study.tags[s]}  {place:.0f} m" for s, place in places.items()]
        )
        axes.tick_params(axis="y", length=0)
        axes.set_title(_headline(found), fontsize=9.5, fontweight="normal", color=MUTED)
        _legend(figure, bool(corridor.inbound))
        return finish(
            figure,
            f"time-space-{controller}",
            f"Time-space diagram, {named(controller)}",
            "Up: outbound. Bars at each signal show its corridor phases, the upper one outbound, the lower "
            "one inbound. Thin lines are vehicles; shaded are the green bands, in which a vehicle at the "
            "speed limit meets green at every signal. The figures above are of the whole run.",
            f"Time-space diagram of {len(corridor.signals)} signals under {named(controller)} control",
        )


def _headline(found: dict[str, Bandwidth]) -> str:
    if not found:
        return "no bands: the corridor has no two signals with a phase along it"
    return "\n".join(
        f"{way}: bandwidth {band.bandwidth_s:.0f} s, {band.per_hour:.0f} times an hour; "
        f"efficiency {100 * band.efficiency:.0f} %, attainability {100 * band.attainability:.0f} %"
        if len(band.bands)
        else f"{way}: no common band at the speed limit"
        for way, band in found.items()
    )


def _bands(
    axes: Axes, found: Bandwidth, legs: tuple[Leg, ...], places: dict[str, float], colour: str
) -> None:
    after = np.cumsum([0.0, *(leg.travel_s for leg in legs[1:])])
    at = np.array([places[leg.signal] for leg in legs])
    polygons = [
        np.concatenate([
            np.stack([begin + after, at], axis=1),
            np.stack([end + after, at], axis=1)[::-1],
        ])
        for begin, end in found.bands
    ]  # fmt: skip
    axes.add_collection(
        PolyCollection(polygons, facecolor=colour, alpha=0.16, edgecolor="none", zorder=1), autolim=False
    )


def _signal(
    axes: Axes,
    recording: Recording,
    device: str,
    phase: int,
    *,
    at_m: float,
    height_m: float,
    window: tuple[float, float],
) -> None:
    axes.add_collection(_bars(np.array([window]), at_m, height_m, RED), autolim=False)
    for intervals, colour in (
        (recording.greens(device, phase), GREEN),
        (recording.yellows(device, phase), YELLOW),
    ):
        seen = (intervals[:, 1] > window[0]) & (intervals[:, 0] < window[1])
        axes.add_collection(_bars(intervals[seen], at_m, height_m, colour), autolim=False)


def _bars(intervals: Intervals, at_m: float, height_m: float, colour: str) -> PolyCollection:
    half = 0.5 * height_m
    corners = [
        [(begin, at_m - half), (end, at_m - half), (end, at_m + half), (begin, at_m + half)]
        for begin, end in intervals
    ]
    return PolyCollection(corners, facecolor=colour, edgecolor="none", zorder=3)


def _legend(figure: Figure, both_ways: bool) -> None:
    ways = [("outbound", OUTBOUND)] + ([("inbound", INBOUND)] if both_ways else [])
    handles: list[Line2D | Patch] = []
    for way, colour in ways:
        handles += [
            Line2D([], [], color=colour, linewidth=1.4, label=f"{way} vehicles"),
            Patch(facecolor=colour, alpha=0.25, label=f"{way} band"),
        ]
    handles += [Patch(facecolor=c, label=n) for n, c in (("green", GREEN), ("yellow", YELLOW), ("red", RED))]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        columnspacing=1.2,
        handlelength=1.4,
        labelcolor=INK,
    )
