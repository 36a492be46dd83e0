"""Splits over the day, split failures, and who crosses the stop line around the begin of red."""

import itertools

import numpy as np
from matplotlib.axes import Axes

from simulations.recording import Recording
from simulations.report.study import Study
from simulations.report.style import (
    MUTED,
    PHASES,
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
MOST_ROWS = 16
_BIN_S = 300.0


def splits_picture(study: Study) -> Picture | None:
    """Each green of some signals over the run, with the five-minute means."""
    if not study.shown:
        return None
    signals = list(study.tags)[:MOST_SIGNALS]
    with house_style():
        figure = canvas(WIDTH_IN, 0.8 + 2.0 * len(signals))
        grid = figure.subplots(len(signals), len(study.shown), sharex=True, sharey="row", squeeze=False)
        for row, id_ in zip(grid, signals, strict=True):
            stages = _together(study, id_)
            for axes, controller in zip(row, study.shown, strict=True):
                recording = study.evidence[controller].recording
                for phases, colour in zip(stages, itertools.cycle(PHASES)):
                    _split(axes, recording, id_, phases, colour)
                clock_axis(axes, recording.begin_s, recording.end_s, label=False)
                axes.set_title(f"{study.tags[id_]} · {named(controller)}", fontsize=9)
                axes.label_outer()
            row[0].set_ylabel("green [s]")
            row[0].set_ylim(bottom=0)
            row[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title="phases", title_fontsize=8.5)
        for axes in grid[-1]:
            axes.set_xlabel("time of day in the simulation")
        more = f" The first {len(signals)} of {len(study.tags)} signals." if len(study.tags) > 4 else ""
        return finish(
            figure,
            "splits",
            "Splits over the day",
            f"Each dot is one green of one phase; the lines are means over five minutes.{more} Phases are "
            "numbered as on a dual-ring controller: 2 and 6 the main street, 4 and 8 the side street, odd "
            "the left turns, 9 and up further groups; phases that are always green together share a line. "
            "Greens that never end are not drawn.",
            "Green times by phase over time for " + " and ".join(study.shown),
        )


def _together(study: Study, device: str) -> list[tuple[int, ...]]:
    """The signal's phases, those with the same greens in every shown run as one."""
    found: dict[tuple[bytes, ...], list[int]] = {}
    for phase in sorted({g.phase for g in study.layouts[device].groups if not g.is_pedestrian}):
        greens = [study.evidence[c].recording.greens(device, phase) for c in study.shown]
        found.setdefault(tuple(green.tobytes() for green in greens), []).append(phase)
    return [tuple(phases) for phases in found.values()]


def _split(axes: Axes, recording: Recording, device: str, phases: tuple[int, ...], colour: str) -> None:
    greens = recording.greens(device, phases[0])
    greens = greens[greens[:, 1] < recording.end_s]
    label = ", ".join(map(str, phases))
    if not len(greens):
        axes.plot([], [], color=colour, linewidth=1.8, label=label)
        return
    seconds = greens[:, 1] - greens[:, 0]
    axes.scatter(greens[:, 0], seconds, s=6, color=colour, alpha=0.35, linewidth=0)
    bins = ((greens[:, 0] - recording.begin_s) // _BIN_S).astype(int)
    kept = np.unique(bins)
    means = [float(seconds[bins == index].mean()) for index in kept]
    at = recording.begin_s + _BIN_S * (kept + 0.5)
    axes.plot(at, means, color=colour, linewidth=1.8, label=label)


def failures_picture(study: Study) -> Picture | None:
    """Split failures of the phases that fail most; None where no whole cycle was recorded."""
    rates: dict[tuple[str, int], dict[str, float]] = {}
    for controller in study.shown:
        for phase in study.evidence[controller].phases:
            if phase.cycles:
                rate = 100.0 * phase.split_failures / phase.cycles
                rates.setdefault((phase.device, phase.phase), {})[controller] = rate
    if not rates:
        return None
    worst = sorted(rates.items(), key=lambda item: -max(item[1].values()))[:MOST_ROWS][::-1]
    with house_style():
        figure = canvas(WIDTH_IN, 1.1 + 0.34 * len(worst))
        axes = figure.subplots()
        height = 0.76 / max(1, len(study.shown))
        for place, controller in enumerate(study.shown):
            offset = (0.5 * (len(study.shown) - 1) - place) * height
            axes.barh(
                [row + offset for row in range(len(worst))],
                [values.get(controller, 0.0) for _, values in worst],
                height=height, label=named(controller), color=colour_of(controller, study.controllers),
            )  # fmt: skip
        labels = [_phase_label(study, device, phase) for (device, phase), _ in worst]
        axes.set_yticks(range(len(worst)), labels)
        axes.set_xlabel("cycles that fail [%]")
        axes.set_xlim(0, max(5.0, 1.08 * max(v for _, values in worst for v in values.values())))
        only_x_grid(axes)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=len(study.shown))
        some = f"The {len(worst)} of {len(rates)} phases that fail most. " if len(worst) < len(rates) else ""
        return finish(
            figure,
            "split-failures",
            "Split failures",
            f"{some}A cycle fails where the stop line is occupied for at least 80 % of the green and of the "
            "first five seconds of red: the queue did not clear. A controller with short cycles has more "
            "cycles to fail in; read the share together with the delay.",
            "Share of failed cycles by signal and phase for " + " and ".join(study.shown),
        )


def _phase_label(study: Study, device: str, phase: int) -> str:
    layout = study.layouts[device]
    group = next((g for g in layout.groups if g.phase == phase and not g.is_pedestrian), None)
    approach = next((a for a in layout.approaches if group is not None and a.edge == group.approach), None)
    turns = "/".join(group.turns).replace("_", "-") if group is not None else ""
    label = f" {approach.label}" if approach is not None else ""
    return f"{study.tags[device]} phase {phase}{label[:24]}" + (f", {turns}" if turns else "")


def yellow_red_picture(study: Study) -> Picture | None:
    """Crossings around the begin of red; None where no lane has a phase to itself."""
    offsets = {c: study.evidence[c].red_offsets for c in study.shown}
    if not any(offsets.values()):
        return None
    with house_style():
        figure = canvas(WIDTH_IN, 2.7)
        panels = figure.subplots(1, len(study.shown), sharey=True, squeeze=False)[0]
        for axes, controller in zip(panels, study.shown, strict=True):
            found = offsets[controller]
            axes.axvspan(0, 6, color=RED, alpha=0.08, linewidth=0)
            axes.axvspan(-3, 0, color=YELLOW, alpha=0.18, linewidth=0)
            axes.bar(
                list(found), list(found.values()), width=0.42,
                color=[RED if at > 0 else MUTED for at in found],
            )  # fmt: skip
            late = sum(count for at, count in found.items() if at > 0)
            axes.set_title(f"{named(controller)} · {late:.0f} on red", fontsize=9.5)
            axes.set_xlim(-6.3, 6.3)
            axes.set_xlabel("seconds after the begin of red")
            axes.grid(visible=False, axis="x")
        panels[0].set_ylabel("vehicles")
        return finish(
            figure,
            "yellow-red",
            "Crossings on yellow and red",
            "Vehicles that cross the stop line around the begin of red, in lanes that only one phase serves; "
            "yellow shaded for its least of 3 s. Simulated drivers obey: many on red would mean that the "
            "yellow is too short.",
            "Histogram of crossings around the begin of red",
        )
