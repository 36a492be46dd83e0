"""Reads the recording of a run back, and answers what its signals and detectors did."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb
import msgspec
import numpy as np
import numpy.typing as npt

from citybrain.errors import ConfigError
from simulations.bandwidth import Intervals
from simulations.enumeration import Event
from simulations.epoch import EPOCH
from simulations.layout import ADVANCE, Layout
from simulations.recorder import ABOUT, EVENTS, LANES, MINUTES, TRAJECTORIES, About

GAP_S, GAP_M = 6.0, 120.0
"""Points of a vehicle further apart than this are of two visits."""
Column = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Recording:
    """A folder that `Recorder` wrote; `about` tells what it is of."""

    folder: Path
    about: About

    @property
    def begin_s(self) -> float:
        return self.about.begin_s

    @property
    def end_s(self) -> float:
        return self.about.begin_s + self.about.seconds

    @cached_property
    def layouts(self) -> dict[str, Layout]:
        return {layout.intersection: layout for layout in self.about.layouts}

    @cached_property
    def events(self) -> dict[tuple[str, int, int], Column]:
        """Times in seconds by (device, event, parameter), in order."""
        epoch = EPOCH.strftime("%Y-%m-%d")
        query = f"""
            SELECT DeviceId, EventId::INT, Parameter::INT,
                   list(epoch_ms(TimeStamp::TIMESTAMP - TIMESTAMP '{epoch}') ORDER BY TimeStamp)
            FROM read_csv($file, types = {{'DeviceId': 'VARCHAR'}}) GROUP BY ALL
        """  # noqa: S608 - the epoch is a constant of ours
        with duckdb.connect() as connection:
            rows = connection.execute(query, {"file": str(self.folder / EVENTS)}).fetchall()
        return {
            (device, event, parameter): np.array(times, dtype=np.float64) / 1000.0
            for device, event, parameter, times in rows
        }

    def times(self, device: str, event: Event, parameter: int) -> Column:
        """When it happened, in seconds on the simulation's clock."""
        return self.events.get((device, int(event), parameter), np.empty(0))

    def greens(self, device: str, phase: int) -> Intervals:
        """Greens of a phase; one that the end of the run cut off ends there."""
        begins = self.times(device, Event.PHASE_BEGIN_GREEN, phase)
        ends = self.times(device, Event.PHASE_GREEN_TERMINATION, phase)
        if len(ends) < len(begins):
            ends = np.append(ends, self.end_s)
        return np.stack([begins, ends], axis=1)

    def yellows(self, device: str, phase: int) -> Intervals:
        begins = self.times(device, Event.PHASE_BEGIN_YELLOW, phase)
        ends = self.times(device, Event.PHASE_END_YELLOW, phase)
        if len(ends) < len(begins):
            ends = np.append(ends, self.end_s)
        return np.stack([begins, ends], axis=1)

    def arrivals(self, device: str, phase: int) -> Column:
        """When vehicles would be at the stop line unhindered: at the advance detectors, and the way on."""
        times = [
            self.times(device, Event.DETECTOR_ON, detector.channel) + detector.travel_s
            for detector in self.layouts[device].detectors
            if detector.function == ADVANCE and detector.phase == phase
        ]
        arrivals = np.sort(np.concatenate(times)) if times else np.empty(0)
        return arrivals[arrivals < self.end_s]

    @cached_property
    def minutes(self) -> dict[tuple[str, str], dict[str, Column]]:
        """By (device, approach edge), the columns of the minute file: one value a minute."""
        table = self._table(MINUTES, "DeviceId, Approach, Minute")
        keys = list(zip(table["DeviceId"], table["Approach"], strict=True))
        figures = ("DelayS", "Queue", "QueueMax", "ReachM", "Crossed")
        rows: dict[tuple[str, str], list[int]] = {}
        for row, key in enumerate(keys):
            rows.setdefault(key, []).append(row)
        return {
            key: {name: table[name][found].astype(np.float64) for name in figures}
            for key, found in rows.items()
        }

    @cached_property
    def lanes(self) -> dict[str, tuple[float, float, float]]:
        """Vehicle-seconds, lost seconds and mean queue by SUMO lane."""
        table = self._table(LANES, "Lane")
        values = zip(table["VehicleS"], table["DelayS"], table["Queue"], strict=True)
        return dict(zip(table["Lane"], ((float(a), float(b), float(c)) for a, b, c in values), strict=True))

    @cached_property
    def trajectories(self) -> dict[int, list[npt.NDArray[np.float64]]]:
        """By direction (+1, -1), one (n, 2) array of seconds and metres a vehicle."""
        if not (self.folder / TRAJECTORIES).is_file():
            return {1: [], -1: []}
        table = self._table(TRAJECTORIES, "Direction, Vehicle, TimeS")
        points = np.stack([table["TimeS"], table["XM"]], axis=1).astype(np.float64)
        found: dict[int, list[npt.NDArray[np.float64]]] = {1: [], -1: []}
        vehicles = table["Vehicle"].astype(np.int64)
        # Who leaves the corridor and comes back is drawn as two vehicles.
        gone = (np.diff(points[:, 0]) > GAP_S) | (np.abs(np.diff(points[:, 1])) > GAP_M)
        cuts = np.flatnonzero((np.diff(vehicles) != 0) | gone) + 1
        for rows in np.split(np.arange(len(vehicles)), cuts):
            if len(rows):
                found[int(table["Direction"][rows[0]])].append(points[rows])
        return found

    def _table(self, name: str, order: str) -> dict[str, npt.NDArray[np.generic]]:
        text = "'DeviceId': 'VARCHAR', 'Approach': 'VARCHAR', 'Lane': 'VARCHAR'"
        path = self.folder / name
        with duckdb.connect() as connection:
            header = path.open(encoding="utf-8").readline().strip().split(",")
            types = ", ".join(part for part in text.split(", ") if part.split("'")[1] in header)
            given = f", types = {{{types}}}" if types else ""
            query = f"SELECT * FROM read_csv($file{given}) ORDER BY {order}"  # noqa: S608 - names of ours
            found: dict[str, npt.NDArray[np.generic]] = connection.execute(
                query, {"file": str(path)}
            ).fetchnumpy()
        return found


def read_recording(folder: Path) -> Recording:
    """The recording in a folder.

    Raises:
        ConfigError: there is none, or it is of another version.
    """
    try:
        about = msgspec.json.decode((folder / ABOUT).read_bytes(), type=About)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"{folder} holds no recording of a run: {error}") from error
    return Recording(folder, about)
