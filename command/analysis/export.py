"""Figures as files: CSV, Parquet, and a PNG of their course."""

import csv
import io
import threading
from collections.abc import Sequence
from typing import Any

from command.analysis.models import FigureView

COLUMNS = (
    "start", "district", "vehicles", "throughput_veh_h", "mean_delay_s", "stops_per_vehicle",
    "mean_speed_mps", "queue_m", "observed_lane_h",
)  # fmt: skip
DRAWN = (
    ("throughput_veh_h", "Throughput, veh/h"),
    ("mean_delay_s", "Mean delay, s"),
    ("stops_per_vehicle", "Stops per vehicle"),
    ("mean_speed_mps", "Mean speed, m/s"),
)
# Its parser of texts may be used by one thread only.
_drawing = threading.Lock()


def as_csv(items: Sequence[FigureView]) -> bytes:
    """A heading and one row a bucket; empty cells where nothing is known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for item in items:
        cells = [getattr(item, name) for name in COLUMNS]
        writer.writerow([item.start.isoformat(), *("" if cell is None else cell for cell in cells[1:])])
    return text.getvalue().encode()


def as_parquet(items: Sequence[FigureView]) -> bytes:
    """The same columns, typed, `start` with its zone as UTC."""
    import pyarrow as pa  # seldom wanted, and large
    from pyarrow import parquet

    types: dict[str, Any] = {
        "start": pa.timestamp("us", tz="UTC"), "district": pa.string(), "vehicles": pa.int64(),
    }  # fmt: skip
    schema = pa.schema([(name, types.get(name, pa.float64())) for name in COLUMNS])
    columns = {name: [getattr(item, name) for item in items] for name in COLUMNS}
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pydict(columns, schema=schema), sink, compression="zstd")
    return sink.getvalue()


def as_png(items: Sequence[FigureView], title: str) -> bytes:
    """Four small courses over time, a line for each district."""
    from matplotlib.figure import Figure  # seldom wanted, and slow to load

    places = sorted({item.district or "" for item in items})
    with _drawing:
        figure = Figure(figsize=(11, 7), dpi=120, layout="constrained")
        figure.suptitle(title)
        for axes, (name, label) in zip(figure.subplots(2, 2).flat, DRAWN, strict=True):
            for place in places:
                own = [item for item in items if (item.district or "") == place]
                values = [getattr(item, name) for item in own]
                known = [float("nan") if value is None else value for value in values]
                axes.plot([item.start for item in own], known, label=place or None, linewidth=1.4)
            axes.set_title(label, fontsize=10)
            axes.set_ylim(bottom=0)
            axes.grid(alpha=0.3)
            axes.tick_params(axis="x", rotation=30, labelsize=8)
            if any(places):
                axes.legend(fontsize=8)
        sink = io.BytesIO()
        figure.savefig(sink, format="png")
    return sink.getvalue()
