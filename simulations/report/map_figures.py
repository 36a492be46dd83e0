"""Maps of the network: where time is lost, before and after."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize

from simulations.netfile import NetFile
from simulations.report.study import Study
from simulations.report.style import INK, MUTED, WIDTH_IN, Picture, canvas, finish, house_style, named

_LOST: Colormap = LinearSegmentedColormap.from_list(
    "lost", ["#7fb7d6", "#f0e3a0", "#f2a54a", "#cf4a3a", "#6d1026"]
)
_TAG = {"boxstyle": "round,pad=0.18", "facecolor": "white", "edgecolor": "#9aa5af", "linewidth": 0.6}
MOST_TAGS = 40


def map_picture(study: Study) -> Picture | None:
    """One map a shown controller on the same scale; None without recordings."""
    if not study.shown:
        return None
    west, south, east, north = _bounds(study)
    panels = len(study.shown)
    width = WIDTH_IN / panels
    height = min(9.0, max(3.0, (width - 0.4) * (north - south) / max(east - west, 1.0)))
    with house_style():
        figure = canvas(WIDTH_IN, height + 1.1)
        grid = figure.subplots(1, panels, squeeze=False, sharex=True, sharey=True)[0]
        for axes, controller in zip(grid, study.shown, strict=True):
            _map(axes, study, controller)
            axes.set_title(named(controller))
            axes.set_xlim(west, east)
            axes.set_ylim(south, north)
        _scale(grid[0], west, south, east - west, north - south)
        bar = figure.colorbar(
            ScalarMappable(Normalize(0, 100), _LOST), ax=list(grid), location="bottom", shrink=0.5,
            aspect=40, pad=0.02,
        )  # fmt: skip
        bar.set_label("time lost, share of the time spent on the lane [%]")
        bar.outline.set_visible(False)
        return finish(
            figure,
            "map",
            "Time lost by lane",
            "Lanes within 200 m of a signal: the colour is the share of vehicles' time there that is lost "
            "against the speed limit, the width grows with the mean queue. Grey: the rest of the network. "
            "North is up.",
            "Maps of the network with lanes coloured by time lost for " + " and ".join(study.shown),
        )


def _bounds(study: Study) -> tuple[float, float, float, float]:
    """Around the watched lanes, with a margin."""
    seen = study.evidence[study.shown[0]].recording.lanes
    points = np.array([p for lane in seen if lane in study.net.lanes for p in study.net.lanes[lane].shape])
    (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
    margin = 0.06 * max(east - west, north - south) + 20.0
    return west - margin, south - margin, east + margin, north + margin


def _map(axes: Axes, study: Study, controller: str) -> None:
    lanes = study.evidence[controller].recording.lanes
    net = study.net
    inside = [lane.shape for lane in net.lanes.values() if lane.id.startswith(":")]
    axes.add_collection(LineCollection(inside, colors="#e6eaee", linewidths=0.7, zorder=0), autolim=False)
    rest = [lane.shape for lane in net.lanes.values() if lane.id not in lanes and not lane.id.startswith(":")]
    axes.add_collection(LineCollection(rest, colors="#d3d9de", linewidths=0.9, zorder=1), autolim=False)
    shapes, colours, widths = [], [], []
    for id_, (vehicle_s, delay_s, queue) in lanes.items():
        if id_ not in net.lanes:
            continue
        shapes.append(net.lanes[id_].shape)
        share = delay_s / vehicle_s if vehicle_s else 0.0
        colours.append(_LOST(min(1.0, share)) if vehicle_s else "#d3d9de")
        widths.append(1.5 + 1.1 * math.sqrt(queue))
    order = np.argsort(widths)
    axes.add_collection(
        LineCollection(
            [shapes[i] for i in order], colors=[colours[i] for i in order],
            linewidths=[widths[i] for i in order], capstyle="round", zorder=2,
        ),
        autolim=False,
    )  # fmt: skip
    _signals(axes, study, net)
    axes.set_aspect("equal")
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _signals(axes: Axes, study: Study, net: NetFile) -> None:
    kept = list(study.tags)[:MOST_TAGS]
    for id_ in kept:
        ends = [net.lanes[a.lanes[0]].shape[-1] for a in study.layouts[id_].approaches]
        if not ends:
            continue
        x, y = np.mean(ends, axis=0)
        axes.annotate(
            study.tags[id_], (x, y), ha="center", va="center", fontsize=7.5, color=INK, zorder=4,
            bbox=_TAG,
        )  # fmt: skip


def _scale(axes: Axes, west: float, south: float, width_m: float, height_m: float) -> None:
    """A bar of a round length in the south-west corner."""
    rough = 0.25 * width_m
    power = 10.0 ** math.floor(math.log10(rough))
    length = max(step * power for step in (1, 2, 5) if step * power <= rough)
    x, y = west + 0.03 * width_m, south + 0.03 * height_m
    axes.plot([x, x + length], [y, y], color=INK, linewidth=2.5, solid_capstyle="butt", zorder=5)
    label = f"{length:.0f} m" if length < 1000 else f"{length / 1000:.0f} km"
    axes.annotate(label, (x + 0.5 * length, y), (0, 4), textcoords="offset points", ha="center",
                  fontsize=8.5, color=MUTED)  # fmt: skip
