"""Delay and queue: by approach, and over the run."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from simulations.layout import Approach
from simulations.recording import Recording
from simulations.report.study import Study
from simulations.report.style import (
    MUTED,
    WIDTH_IN,
    Picture,
    canvas,
    clock_axis,
    colour_of,
    finish,
    house_style,
    named,
    only_x_grid,
)

MOST_ROWS = 24


class ApproachFigures(NamedTuple):
    """One approach in one recorded run.

    `delay_s` per vehicle that crossed or still waited at the end; `queue` mean vehicles, `queue_p95` the 95th
    percentile of the minutes' largest queues, `reach_m` the furthest.
    """

    vehicles: int
    delay_s: float
    queue: float
    queue_p95: float
    reach_m: float


def approach_figures(recording: Recording, approach: Approach) -> ApproachFigures:
    """Zeros where nobody came."""
    minutes = recording.minutes[approach.intersection, approach.edge]
    crossed = float(minutes["Crossed"].sum())
    vehicles = crossed + float(minutes["Queue"][-1])
    return ApproachFigures(
        round(crossed),
        float(minutes["DelayS"].sum()) / vehicles if vehicles >= 1 else 0.0,
        float(minutes["Queue"].mean()),
        float(np.percentile(minutes["QueueMax"], 95)),
        float(minutes["ReachM"].max()),
    )


def approach_rows(study: Study) -> list[tuple[Approach, dict[str, ApproachFigures]]]:
    """All approaches that somebody used, by signal, with the figures of each recorded controller."""
    rows = []
    for id_ in study.tags:
        for approach in study.layouts[id_].approaches:
            figures = {c: approach_figures(e.recording, approach) for c, e in study.evidence.items()}
            if any(found.vehicles for found in figures.values()):
                rows.append((approach, figures))
    return rows


def approach_label(study: Study, approach: Approach) -> str:
    label = approach.label if len(approach.label) <= 26 else approach.label[:25] + "…"
    return f"{study.tags[approach.intersection]} {label}"


def approach_picture(study: Study) -> Picture | None:
    """Delay and queue of the approaches with the most delay; None without recordings."""
    if not study.shown:
        return None
    rows = approach_rows(study)
    first = study.shown[0]
    rows.sort(key=lambda row: -row[1][first].delay_s * row[1][first].vehicles)
    kept = rows[:MOST_ROWS]
    order = list(study.tags)
    kept.sort(key=lambda row: (order.index(row[0].intersection), row[0].bearing_deg), reverse=True)
    with house_style():
        figure = canvas(WIDTH_IN, 1.3 + 0.27 * len(kept))
        left, right = figure.subplots(1, 2, sharey=True)
        _dumbbells(left, study, [{c: f.delay_s for c, f in figures.items()} for _, figures in kept])
        _dumbbells(right, study, [{c: f.queue_p95 for c, f in figures.items()} for _, figures in kept])
        left.set_yticks(range(len(kept)), [approach_label(study, approach) for approach, _ in kept])
        left.set_xlabel("delay [s per vehicle]")
        right.set_xlabel("queue, 95th percentile of minutes [vehicles]")
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=len(labels))
        some = (
            f"the {len(kept)} of {len(rows)} with the most delay before" if len(kept) < len(rows) else "all"
        )
        return finish(
            figure,
            "approaches",
            "Delay and queue by approach",
            f"Approaches ({some}), by signal and direction of travel. Delay is time lost against the speed "
            "limit within 200 m of the stop line; a queue counts vehicles slower than 2 m/s. "
            f"One seed ({_seed(study)}).",
            "Dumbbell plot of delay and queue by approach for " + " and ".join(study.shown),
        )


def _seed(study: Study) -> str:
    return ", ".join(sorted({str(study.evidence[c].recording.about.seed) for c in study.shown}))


def _dumbbells(axes: Axes, study: Study, rows: list[dict[str, float]]) -> None:
    for index, values in enumerate(rows):
        ends = [values[c] for c in study.shown]
        axes.plot([min(ends), max(ends)], [index, index], color="#c9d2da", linewidth=2.0, zorder=1)
    for controller in study.shown:
        axes.scatter(
            [values[controller] for values in rows], range(len(rows)), s=38, label=named(controller),
            color=colour_of(controller, study.controllers), edgecolor="white", linewidth=0.7, zorder=2,
        )  # fmt: skip
    axes.set_xlim(left=0)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    only_x_grid(axes)


def over_time_picture(study: Study) -> Picture | None:
    """Time lost and vehicles queued in the network over the run, all recorded controllers."""
    if not study.evidence:
        return None
    with house_style():
        figure = canvas(WIDTH_IN, 3.2)
        left, right = figure.subplots(1, 2)
        for controller in [c for c in study.controllers if c in study.evidence]:
            recording = study.evidence[controller].recording
            colour = colour_of(controller, study.controllers)
            width = 2.2 if controller in study.shown else 1.2
            for axes, name, scale in ((left, "DelayS", 60.0), (right, "Queue", 1.0)):
                total = np.sum([minutes[name] for minutes in recording.minutes.values()], axis=0) / scale
                at = recording.begin_s + 60.0 * np.arange(len(total)) + 30.0
                axes.plot(at, total, color=colour, linewidth=width, label=named(controller))
        for axes, title in ((left, "Time lost [vehicles' worth]"), (right, "Queued [vehicles]")):
            clock_axis(axes, recording.begin_s, recording.end_s)
            axes.set_ylim(bottom=0)
            axes.set_title(title, color=MUTED, fontsize=10)
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=len(labels))
        return finish(
            figure,
            "over-time",
            "Time lost and queues over the run",
            "All approaches together, minute by minute. Left: vehicle-seconds lost a second, that is how "
            "many vehicles' time goes to waste at any moment. Right: vehicles slower than 2 m/s.",
            "Lines of time lost and of queued vehicles over time by controller",
        )
