"""Everything that one report is made from: the comparison, the recordings, the network."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from citybrain.errors import ConfigError
from simulations.bandwidth import Bandwidth, bandwidth
from simulations.compare import Comparison, Summary, recording_name
from simulations.corridor import Corridor, Leg
from simulations.figures import RunFigures
from simulations.layout import Layout
from simulations.netfile import NetFile, read_netfile
from simulations.recorder import ABOUT
from simulations.recording import Recording, read_recording
from simulations.report.measures import FOLDER, PhaseMeasures, measure, read_phases, read_red_offsets
from simulations.scenarios import Scenario, find_scenario

OURS = "adaptive"
FIXED = "fixed"


@dataclass(frozen=True)
class Evidence:
    """What was recorded of one controller: the run itself, and its signal performance measures."""

    recording: Recording
    phases: tuple[PhaseMeasures, ...]
    red_offsets: dict[float, float]

    def phase(self, device: str, phase: int) -> PhaseMeasures | None:
        return next((p for p in self.phases if (p.device, p.phase) == (device, phase)), None)


@dataclass(frozen=True)
class Study:
    """One scenario of a comparison. `evidence` by controller; a controller may have none."""

    comparison: Comparison
    scenario: Scenario
    runs: tuple[RunFigures, ...]
    summaries: tuple[Summary, ...]
    evidence: dict[str, Evidence]
    net: NetFile

    @cached_property
    def controllers(self) -> tuple[str, ...]:
        """Those that ran, the least delay first."""
        ordered = sorted(self.summaries, key=lambda summary: summary.figures["delay_s"].mean)
        return tuple(summary.controller for summary in ordered)

    @property
    def lead(self) -> str:
        """The controller with the least delay."""
        return self.controllers[0]

    @cached_property
    def before(self) -> str:
        """What the lead is held against: the fixed plan, else the baseline with the most delay."""
        return FIXED if FIXED in self.controllers else self.controllers[-1]

    @cached_property
    def rival(self) -> str | None:
        """The best baseline beside the lead: any controller but ours."""
        return next((c for c in self.controllers if c not in {self.lead, OURS}), None)

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """The controllers of the detailed figures: before, and the lead; with a recording."""
        wanted = dict.fromkeys((self.before, self.lead))
        return tuple(c for c in wanted if c in self.evidence)

    def runs_of(self, controller: str) -> list[RunFigures]:
        return [run for run in self.runs if run.controller == controller]

    @cached_property
    def corridor(self) -> Corridor | None:
        return next((e.recording.about.corridor for e in self.evidence.values()), None)

    @cached_property
    def layouts(self) -> dict[str, Layout]:
        return next((e.recording.layouts for e in self.evidence.values()), {})

    @cached_property
    def tags(self) -> dict[str, str]:
        """S1, S2 and so on by intersection: the corridor's first, in its order, then the others."""
        first = list(self.corridor.signals) if self.corridor else []
        ordered = dict.fromkeys([*first, *sorted(self.layouts)])
        return {id_: f"S{number}" for number, id_ in enumerate(ordered, 1)}

    def links(self) -> list[tuple[str, Leg, int]]:
        """(direction, leg, phase at its end) of the corridor, outbound first."""
        if self.corridor is None:
            return []
        found = []
        for direction, legs in (("outbound", self.corridor.outbound), ("inbound", self.corridor.inbound)):
            for leg in legs:
                phase = self.layouts[leg.signal].phase_of(leg.movements)
                if phase is not None:
                    found.append((direction, leg, phase))
        return found

    def bandwidths(self, controller: str) -> dict[str, Bandwidth]:
        """By direction, over the whole run."""
        recording = self.evidence[controller].recording
        found: dict[str, Bandwidth] = {}
        for direction in ("outbound", "inbound"):
            legs = [(leg, phase) for way, leg, phase in self.links() if way == direction]
            if len(legs) < 2:
                continue
            travel = np.cumsum([0.0, *(leg.travel_s for leg, _ in legs[1:])])
            greens = [recording.greens(leg.signal, phase) for leg, phase in legs]
            end_s = recording.end_s - float(travel[-1])
            if end_s > recording.begin_s:
                found[direction] = bandwidth(greens, travel.tolist(), recording.begin_s, end_s)
        return found


def read_studies(comparison: Comparison, recordings: Path) -> list[Study]:
    """One study a scenario; recordings lie in folders named by `recording_name`, one seed is enough.

    Raises:
        ConfigError: a recording cannot be read, or no run of a scenario succeeded.
        Unavailable: the signal performance measures could not be computed.
    """
    found = {
        (scenario, controller): folder
        for scenario in comparison.scenarios
        for controller in comparison.controllers
        if (folder := _recorded(recordings, scenario, controller, comparison.seeds)) is not None
    }
    if todo := [folder for folder in found.values() if not (folder / FOLDER / "yellow_red.csv").is_file()]:
        measure(todo)
    return [_study(comparison, name, found) for name in comparison.scenarios]


def _recorded(recordings: Path, scenario: str, controller: str, seeds: Sequence[int]) -> Path | None:
    folders = (recordings / recording_name(scenario, controller, seed) for seed in seeds)
    return next((folder for folder in folders if (folder / ABOUT).is_file()), None)


def _study(comparison: Comparison, name: str, found: dict[tuple[str, str], Path]) -> Study:
    runs = tuple(run for run in comparison.runs if run.scenario == name)
    if not runs:
        raise ConfigError(f"no run of the scenario {name} succeeded: there is nothing to report of it")
    scenario = find_scenario(comparison.sources[name])
    return Study(
        comparison,
        scenario,
        runs,
        tuple(summary for summary in comparison.summaries if summary.scenario == name),
        {controller: _evidence(folder) for (of, controller), folder in found.items() if of == name},
        read_netfile(scenario.net, scenario.additional),
    )


def _evidence(folder: Path) -> Evidence:
    recording = read_recording(folder)
    phases = tuple(read_phases(folder, recording.about.seconds))
    return Evidence(recording, phases, read_red_offsets(folder))
