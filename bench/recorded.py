"""Real intersections and what their cameras saw, recorded from short simulations and copied to any number."""

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from citybrain.messages import IntersectionConfig, LaneMeasurement, SignalState
from simulations.control import Run, run_scenario
from simulations.delivery import measurement_of, state_of
from simulations.epoch import EPOCH
from simulations.network import SignalNetwork
from simulations.scenarios import find_scenario
from simulations.watching import Moment

SCENARIOS = ("cologne8", "ingolstadt21", "grid4x4", "arterial4x4")
WARM_S = 1500
START = EPOCH
"""The recordings' second 0 on messages, the same for all."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One intersection: what it is, and second by second what it showed and what was seen."""

    config: IntersectionConfig
    states: tuple[SignalState, ...]
    measurements: tuple[LaneMeasurement, ...]


class Copy:
    """A recorded intersection of town number `town`: neighbours of one town are neighbours again.

    Towns have lanes of their own and are some seconds apart, so that not all do the same at once.
    """

    def __init__(self, source: Recorded, number: int, town: int) -> None:
        self._source, self._town, self._shift = source, town, 7 * town
        self.id = f"x{number}"
        self.config = self._rename()

    def second(self, s: int) -> tuple[SignalState, LaneMeasurement]:
        """What it sends in second `s`; the recording begins anew after its end, the clock goes on."""
        at, place = START + timedelta(seconds=s), (s + self._shift) % len(self._source.states)
        state, measurement = self._source.states[place], self._source.measurements[place]
        lanes = [replace(reading, lane=self._lane(reading.lane)) for reading in measurement.lanes]
        return (
            replace(state, at=at, clock_s=float(s), intersection=self.id),
            replace(measurement, at=at, clock_s=float(s), intersection=self.id, lanes=lanes),
        )

    def _lane(self, lane: str) -> str:
        return f"{lane}@{self._town}"

    def _rename(self) -> IntersectionConfig:
        config, lane = self._source.config, self._lane
        return replace(
            config,
            intersection=self.id,
            device=f"signal/{self.id}",
            lanes=[
                replace(
                    own,
                    lane=lane(own.lane),
                    feeders=[replace(feeder, lane=lane(feeder.lane)) for feeder in own.feeders],
                )
                for own in config.lanes
            ],
            movements=[
                replace(m, from_lane=lane(m.from_lane), to_lane=lane(m.to_lane)) for m in config.movements
            ],
            downstream={lane(own): storage_m for own, storage_m in config.downstream.items()},
        )


def copies(recorded: Sequence[Recorded], count: int, first: int = 0) -> list[Copy]:
    """`count` intersections, numbered from `first`, taken from the recorded ones town by town."""
    size = len(recorded)
    return [Copy(recorded[n % size], n, n // size) for n in range(first, first + count)]


def record(seconds: int, scenarios: Sequence[str] = SCENARIOS, protocol: str = "resco") -> list[Recorded]:
    """All intersections of the scenarios over `seconds` under the optimiser, after 25 minutes of traffic.

    Camera errors as in `sim run`, seed 1. Each scenario runs in a process of its own: libsumo holds one
    simulation per process.
    """
    context = multiprocessing.get_context("spawn")
    found: list[list[Recorded]] = []
    for name in scenarios:
        with context.Pool(1) as pool:
            found.append(pool.apply(_record, (name, seconds, protocol)))
    return _mixed(found)


def _mixed(groups: list[list[Recorded]]) -> list[Recorded]:
    """All of them, so that each stretch of the list holds of every scenario what is its share."""
    placed = [
        ((place + 0.5) / len(group), n, one)
        for n, group in enumerate(groups)
        for place, one in enumerate(group)
    ]
    return [one for _, _, one in sorted(placed, key=lambda entry: entry[:2])]


class _Recorder:
    """Looks on at a run and keeps what its signals and cameras say from `WARM_S` on."""

    def begin(self, run: Run, network: SignalNetwork, _sumo: Any) -> None:
        self._configs = network.configs
        self._since_s = run.scenario.begin_s + WARM_S
        self._states: dict[str, list[SignalState]] = {id_: [] for id_ in network.configs}
        self._measurements: dict[str, list[LaneMeasurement]] = {id_: [] for id_ in network.configs}

    def watch(self, moment: Moment) -> None:
        clock_s = moment.clock_s
        if clock_s <= self._since_s:
            return
        seq = int(clock_s)
        for id_, config in self._configs.items():
            lanes = [moment.readings[lane.lane] for lane in config.lanes]
            self._states[id_].append(state_of(config, moment.timers[id_], clock_s, seq))
            self._measurements[id_].append(measurement_of(id_, lanes, clock_s, seq))

    def end(self) -> None:
        """Nothing is left open."""

    def recorded(self) -> list[Recorded]:
        return [
            Recorded(config, tuple(self._states[id_]), tuple(self._measurements[id_]))
            for id_, config in self._configs.items()
        ]


def _record(name: str, seconds: int, protocol: str) -> list[Recorded]:
    recorder = _Recorder()
    run_scenario(
        Run(find_scenario(name), protocol=protocol, duration_s=float(WARM_S + seconds)), watchers=[recorder]
    )
    return recorder.recorded()
