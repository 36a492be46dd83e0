"""Records a run for its report: event log, queues and delays, trajectories, in a folder of plain files."""

import csv
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from simulations.approaches import ApproachMeter
from simulations.corridor import Corridor, find_corridor
from simulations.events import EventLog, Plan, SignalEvents, coordination, write_detectors
from simulations.layout import Layout, layouts
from simulations.loops import Loops
from simulations.network import SignalNetwork
from simulations.trajectories import WINDOW_S, TrajectoryMeter
from simulations.watching import Moment

if TYPE_CHECKING:
    from simulations.control import Run

STEP_S = 1.0
EVENTS, DETECTORS, ABOUT = "events.csv", "detectors.csv", "about.json"
EXTENDED = "adaptive"
"""The controller that is offered further phases."""
MINUTES, LANES, TRAJECTORIES = "minutes.csv", "lanes.csv", "trajectories.csv"


class About(msgspec.Struct, frozen=True):
    """What a recording is of; times on the simulation's clock.

    `recorder_s` is the CPU time that recording itself took.
    """

    scenario: str
    controller: str
    seed: int
    begin_s: float
    seconds: float
    layouts: tuple[Layout, ...]
    corridor: Corridor | None
    recorder_s: float


class Recorder:
    """A watcher of `run_scenario`; `corridor` as for `find_corridor`.

    Raises:
        ConfigError: from `begin`, where `corridor` names what is not there.
    """

    def __init__(self, folder: Path, corridor: Sequence[str] = (), *, events_only: bool = False) -> None:
        self._folder = folder
        self._wanted = corridor
        self._events_only = events_only
        self._spent_s = 0.0
        self._seconds = 0

    def begin(self, run: "Run", network: SignalNetwork, sumo: Any) -> None:
        """Lay out detectors and open the log."""
        del sumo
        self._folder.mkdir(parents=True, exist_ok=True)
        self._run, self._network = run, network
        self._layouts = layouts(_as_programmed(run, network))
        is_actuated = run.controller == "actuated"
        self._signals = {
            id_: SignalEvents(layout, network.configs[id_], is_actuated)
            for id_, layout in self._layouts.items()
        }
        self._loops = Loops(network, self._layouts)
        self._log = EventLog(self._folder / EVENTS)
        self._corridor = find_corridor(network, self._wanted)
        self._meter = ApproachMeter(network, self._layouts, run.seconds)
        self._trajectories: TrajectoryMeter | None = None
        if self._corridor is not None and not self._events_only:
            middle_s = run.scenario.begin_s + max(0.0, 0.5 * run.seconds - 0.5 * WINDOW_S)
            self._trajectories = TrajectoryMeter(network, self._corridor, middle_s)

    def watch(self, moment: Moment) -> None:
        """Take down the second that ended at `moment.clock_s`."""
        begin = time.process_time()
        time_s = moment.clock_s - STEP_S
        if self._seconds == 0:
            for id_ in self._signals:
                self._log.write(coordination(id_, time_s, self._plan(id_, time_s, moment)))
        for id_, signal in self._signals.items():
            self._log.write(signal.step(time_s, moment.indications[id_]))
        self._log.write(self._loops.step(time_s, moment.vehicles, moment.sumo))
        if not self._events_only:
            self._meter.step(moment.vehicles)
        if self._trajectories is not None:
            self._trajectories.step(moment.clock_s, moment.vehicles)
        self._seconds += 1
        self._spent_s += time.process_time() - begin

    def end(self) -> None:
        """Write what was counted."""
        self._log.close()
        write_detectors(self._folder / DETECTORS, self._layouts)
        if not self._events_only:
            self._write_minutes()
            self._write_lanes()
        if self._trajectories is not None:
            points = ((p.direction, p.vehicle, p.time_s, round(p.x_m, 1)) for p in self._trajectories.points)
            _write(self._folder / TRAJECTORIES, ("Direction", "Vehicle", "TimeS", "XM"), points)
        scenario = self._run.scenario
        about = About(
            scenario.name,
            self._run.controller,
            self._run.seed,
            scenario.begin_s,
            float(self._seconds),
            tuple(self._layouts.values()),
            self._corridor,
            round(self._spent_s, 3),
        )
        (self._folder / ABOUT).write_bytes(msgspec.json.format(msgspec.json.encode(about)))

    def _plan(self, id_: str, time_s: float, moment: Moment) -> Plan | None:
        """The program that SUMO runs there on its own, where it is a fixed one."""
        tl, lights = self._network.tls[id_], moment.sumo.trafficlight
        program = lights.getProgram(tl)
        logics = lights.getAllProgramLogics(tl)
        logic = next((found for found in logics if found.programID == program), None)
        if moment.timers or logic is None or logic.type != 0:
            return None
        seconds = [phase.duration for phase in logic.phases]
        cycle_s = sum(seconds)
        into_s = sum(seconds[: lights.getPhase(tl)]) + lights.getSpentDuration(tl) - STEP_S
        return Plan(cycle_s, (time_s - into_s) % cycle_s) if cycle_s > 0 else None

    def _write_minutes(self) -> None:
        minutes = self._meter.minutes()
        figures = (minutes.delay_s, minutes.queue, minutes.queue_max, minutes.reach_m, minutes.crossed)
        rows = (
            (a.intersection, a.edge, minute, *(round(float(figure[row, minute]), 2) for figure in figures))
            for row, a in enumerate(minutes.approaches)
            for minute in range(minutes.delay_s.shape[1])
        )
        columns = ("DeviceId", "Approach", "Minute", "DelayS", "Queue", "QueueMax", "ReachM", "Crossed")
        _write(self._folder / MINUTES, columns, rows)

    def _write_lanes(self) -> None:
        lanes = self._meter.lanes()
        figures = np.round(np.stack([lanes.vehicle_s, lanes.delay_s, lanes.queue], axis=1), 3)
        rows = ((lane, *values) for lane, values in zip(lanes.lanes, figures.tolist(), strict=True))
        _write(self._folder / LANES, ("Lane", "VehicleS", "DelayS", "Queue"), rows)


def _as_programmed(run: "Run", network: SignalNetwork) -> SignalNetwork:
    """With the phases of its programs alone, so that the phases of all controllers are numbered alike."""
    return network if run.controller != EXTENDED else run.scenario.network(run.protocol)


def _write(path: Path, columns: Sequence[str], rows: Any) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
