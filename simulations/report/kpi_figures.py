"""Figures of the key figures: every seed, the means and their intervals; the change against the baseline."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from simulations.report.kpis import PLOTTED, Kpi, change, spread
from simulations.report.study import Study
from simulations.report.style import (
    GREEN,
    INK,
    MUTED,
    RED,
    WIDTH_IN,
    Picture,
    canvas,
    colour_of,
    finish,
    house_style,
    named,
    only_x_grid,
    signed,
)


def kpi_picture(study: Study) -> Picture:
    """Six key figures, one panel each, all controllers."""
    names = study.controllers
    rows = len(names)
    with house_style():
        figure = canvas(WIDTH_IN, 1.5 + 0.62 * rows)
        for axes, kpi in zip(figure.subplots(2, 3, sharey=True).flat, PLOTTED, strict=True):
            _panel(axes, study, names, kpi)
        seeds = len(study.comparison.seeds)
        return finish(
            figure,
            "kpis",
            "Key figures by controller",
            "Small dots: one seed each. Large dot and number: the mean. Bar: its 95 % confidence interval "
            f"(Student's t, {seeds} seed{'s' if seeds != 1 else ''}). Further left is better.",
            "Dot plots of delay, trip time, standing time, stops, 95th percentile of delay and CO2 per "
            "kilometre for " + ", ".join(names),
        )


def _panel(axes: Axes, study: Study, names: Sequence[str], kpi: Kpi) -> None:
    top = 0.0
    for row, name in enumerate(reversed(names)):
        colour = colour_of(name, names)
        found = spread(study.runs_of(name), kpi.field)
        axes.scatter(found.values, [row] * len(found.values), s=14, color=colour, alpha=0.4, linewidth=0)
        if found.low is not None and found.high is not None:
            axes.plot([found.low, found.high], [row, row], color=colour, linewidth=2.2, solid_capstyle="butt")
        axes.scatter([found.mean], [row], s=52, color=colour, edgecolor="white", linewidth=0.8, zorder=3)
        axes.annotate(
            f"{found.mean:,.{kpi.digits}f}", (found.mean, row), (0, 8), textcoords="offset points",
            ha="center", fontsize=8.5, color=INK,
        )  # fmt: skip
        top = max(top, found.high or found.mean, *found.values)
    axes.set_xlim(0, top * 1.12 if top > 0 else 1.0)
    axes.set_ylim(-0.5, len(names) - 0.3)
    axes.set_yticks(range(len(names)), [named(name) for name in reversed(names)])
    axes.set_title(f"{kpi.name}{f' [{kpi.unit}]' if kpi.unit else ''}", fontsize=9.5)
    only_x_grid(axes)


def change_picture(study: Study) -> Picture | None:
    """The lead against each of `before` and the best baseline, in per cent; None without either."""
    against = [name for name in dict.fromkeys((study.before, study.rival)) if name and name != study.lead]
    if not against:
        return None
    with house_style():
        figure = canvas(WIDTH_IN, 3.1)
        panels = figure.subplots(1, len(against), sharey=True, squeeze=False)[0]
        for axes, baseline in zip(panels, against, strict=True):
            _forest(axes, study, baseline)
        return finish(
            figure,
            "change",
            f"Change with {named(study.lead)} control",
            "Paired by seed: the same vehicles, the same random numbers. Bar: 95 % confidence interval of "
            "the mean change; where it crosses zero the difference may be chance.",
            f"Change of the key figures with {study.lead} against {' and '.join(against)}",
        )


def _forest(axes: Axes, study: Study, baseline: str) -> None:
    rows = []
    for kpi in PLOTTED:
        found = change(study.runs, study.lead, baseline, kpi.field)
        if found is not None:
            rows.append((kpi, found))
    far = max([10.0, *(abs(v) for _, c in rows for v in (c.percent, c.low or 0.0, c.high or 0.0))])
    for row, (kpi, found) in enumerate(reversed(rows)):
        good = found.percent * kpi.better > 0
        sure = found.is_significant
        colour = MUTED if sure is False else GREEN if good else RED
        if found.low is not None and found.high is not None:
            axes.plot([found.low, found.high], [row, row], color=colour, linewidth=2.2, solid_capstyle="butt")
        axes.scatter([found.percent], [row], s=46, color=colour, edgecolor="white", zorder=3)
        axes.annotate(
            f"{signed(found.percent)} %", (found.percent, row), (0, 7), textcoords="offset points",
            ha="center", fontsize=8.5,
        )  # fmt: skip
    axes.axvline(0, color=INK, linewidth=0.9)
    axes.set_xlim(-1.18 * far, max(0.25 * far, *(1.18 * (c.high or c.percent) for _, c in rows)))
    axes.set_ylim(-0.5, len(rows) - 0.3)
    axes.set_yticks(range(len(rows)), [kpi.name for kpi, _ in reversed(rows)])
    axes.set_xlabel("change [%]")
    axes.set_title(f"against {named(baseline)}")
    only_x_grid(axes)


def emission_picture(study: Study) -> Picture | None:
    """CO2 per vehicle-kilometre by controller; None where nothing was emitted (no driving)."""
    names = study.controllers
    found = {name: spread(study.runs_of(name), "co2_g_per_km") for name in names}
    if not any(one.mean > 0 for one in found.values()):
        return None
    with house_style():
        figure = canvas(WIDTH_IN, 0.9 + 0.42 * len(names))
        axes = figure.subplots()
        for row, name in enumerate(reversed(names)):
            one, colour = found[name], colour_of(name, names)
            axes.barh(row, one.mean, height=0.6, color=colour, alpha=0.85)
            end = one.high or one.mean
            if one.low is not None and one.high is not None:
                axes.plot([one.low, one.high], [row, row], color=INK, linewidth=1.4)
            axes.annotate(
                f"{one.mean:,.0f} g", (end, row), (5, 0), textcoords="offset points", va="center",
                fontsize=9,
            )  # fmt: skip
        axes.set_yticks(range(len(names)), [named(name) for name in reversed(names)])
        axes.set_xlim(0, 1.12 * max(one.high or one.mean for one in found.values()))
        axes.set_xlabel("CO₂ per vehicle-kilometre [g]")
        only_x_grid(axes)
        return finish(
            figure,
            "emissions",
            "CO₂ per vehicle-kilometre",
            "All that was emitted over all that was driven, by SUMO's HBEFA model of the vehicles' emission "
            "classes; a study's own fleet may differ, the ratio of controllers hardly does. Line: 95 % "
            "confidence interval.",
            "Bars of CO2 per kilometre by controller",
        )
