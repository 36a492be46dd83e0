"""A picture of emergency trips: travel time with and without priority, trip by trip."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulations.emergency import EmergencyResult

_COLOURS = {"fixed": "#76818c", "adaptive": "#0072b2"}
_FREE = "#1b2733"
_ROW_IN = 3.0
_OFFSET = 0.18


def plot_trips(results: Sequence[EmergencyResult], title: str, path: Path) -> None:
    """Write a PNG with one row a seed: a mark for each trip without (hollow) and with priority (full)."""
    seeds = list(dict.fromkeys(result.seed for result in results))
    figure = Figure(figsize=(10.0, _ROW_IN * len(seeds)), layout="constrained")
    rows = np.atleast_1d(figure.subplots(len(seeds), 1, sharex=True, sharey=True))
    for axes, seed in zip(rows, seeds, strict=True):
        _seed(axes, [result for result in results if result.seed == seed], seed)
    rows[-1].set_xlabel("trip, in order of departure")
    figure.suptitle(title)
    figure.legend(*rows[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=8)
    figure.savefig(path, dpi=150)


def _seed(axes: Axes, results: list[EmergencyResult], seed: int) -> None:
    controllers = list(dict.fromkeys(result.controller for result in results))
    for place, controller in enumerate(controllers):
        offset = (place - (len(controllers) - 1) / 2) * _OFFSET * 2
        _controller(axes, [result for result in results if result.controller == controller], offset)
    trips = results[0].trips
    places = np.arange(1, len(trips) + 1)
    free_s = [trip.free_s for trip in trips]
    axes.hlines(free_s, places - 0.35, places + 0.35, _FREE, label="free road, green signals", zorder=0)
    axes.set_xticks(places)
    axes.set_ylim(bottom=0)
    axes.set_ylabel(f"travel time, s (seed {seed})")
    axes.grid(axis="y", color="#dde3e8")
    axes.spines[["top", "right"]].set_visible(False)


def _controller(axes: Axes, results: list[EmergencyResult], offset: float) -> None:
    """Marks, and a line from without to with; a cross where the trip did not arrive."""
    colour = _COLOURS.get(results[0].controller, "#d55e00")
    times: dict[bool, np.ndarray] = {}
    for result in results:
        places = np.arange(1, len(result.trips) + 1) + offset
        times[result.priority] = np.array([trip.travel_s for trip in result.trips])
        face = colour if result.priority else "white"
        label = f"{result.controller}, {'with' if result.priority else 'without'} priority"
        axes.plot(places, times[result.priority], "o", color=colour, markerfacecolor=face, label=label)
        lost = np.array([not trip.arrived for trip in result.trips])
        axes.plot(places[lost], times[result.priority][lost], "x", color="#cf4a3a", markersize=12)
    if len(times) == 2:
        axes.vlines(places, times[True], times[False], color=colour, alpha=0.4, zorder=0)
