"""How the figures look: one colour a controller everywhere, readable by the colour-blind."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

DPI = 160
WIDTH_IN = 10.0
INK, MUTED, HAIRLINE, PAPER = "#1b2733", "#5b6875", "#dde3e8", "#ffffff"
GREEN, YELLOW, RED = "#2a9d6f", "#f2c53d", "#cf4a3a"
OUTBOUND, INBOUND = "#0072b2", "#d98200"
"""Directions of a corridor."""
PHASES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#808080")
"""Okabe and Ito's palette, which the colour-blind tell apart, for things without a colour of their own."""
_CONTROLLERS = {
    "fixed": "#76818c",
    "optimised": "#009e73",
    "actuated": "#e69f00",
    "local": "#b39b7d",
    "greedy": "#cc79a7",
    "maxpressure": "#56b4e9",
    "adaptive": "#0072b2",
}
_NAMES = {
    "fixed": "fixed-time",
    "optimised": "optimised fixed-time",
    "local": "local plan",
    "maxpressure": "max-pressure",
}
_OTHERS = ("#d55e00", "#7a5195", "#a6761d")
_RC: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10.0,
    "axes.titlesize": 11.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10.0,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": "#b8c2cb",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": HAIRLINE,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished figure: `name` is its file's, `caption` says how to read it, `alt` what it shows."""

    name: str
    title: str
    caption: str
    alt: str
    png: bytes


def colour_of(controller: str, all_controllers: Sequence[str]) -> str:
    """The same colour in every figure; unknown controllers get theirs by their order."""
    if controller in _CONTROLLERS:
        return _CONTROLLERS[controller]
    others = [name for name in all_controllers if name not in _CONTROLLERS]
    return _OTHERS[others.index(controller) % len(_OTHERS)] if controller in others else INK


def named(controller: str) -> str:
    """A controller as people call it."""
    return _NAMES.get(controller, controller)


def signed(value: float, digits: int = 0) -> str:
    """With its sign, a true minus, and no sign before a zero."""
    text = f"{value:+.{digits}f}"
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")


@contextmanager
def house_style() -> Iterator[None]:
    """Figures made within look alike."""
    with mpl.rc_context(_RC):
        yield


def canvas(width_in: float, height_in: float) -> Figure:
    """An empty figure that needs no display and no global state."""
    return Figure(figsize=(width_in, height_in), layout="constrained")


def finish(figure: Figure, name: str, title: str, caption: str, alt: str) -> Picture:
    buffer = io.BytesIO()
    # Without a date in the file the same data gives the same bytes.
    figure.savefig(buffer, dpi=DPI, format="png", metadata={"Software": ""})
    return Picture(name, title, caption, alt, buffer.getvalue())


def only_x_grid(axes: Axes) -> None:
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def clock(seconds: float) -> str:
    """Time of day, as 07:05."""
    minutes = round(seconds / 60.0)
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def clock_axis(axes: Axes, begin_s: float, end_s: float, *, label: bool = True) -> None:
    """Time of day along x in round steps."""
    span = end_s - begin_s
    step = next((s for s in (60, 120, 300, 600, 900, 1800, 3600, 7200) if span / s <= 8), 14400)
    first = -(-int(begin_s) // step) * step
    ticks = list(range(first, int(end_s) + 1, step))
    axes.set_xlim(begin_s, end_s)
    axes.set_xticks(ticks, [clock(tick) for tick in ticks])
    if label:
        axes.set_xlabel("time of day in the simulation")
