"""Real intersections and what their cameras saw, recorded from short simulations and copied to any number."""

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from citybrain.messages import ControlMode, IntersectionConfig, LaneMeasurement, LaneReading, SignalState
from simulations.control import sumo_command
from simulations.fleet import Fleet
from simulations.network import read_network
from simulations.observation import observer_of
from simulations.scenarios import find_scenario
from simulations.sensing import Sensing
from simulations.signals import Signals
from traffic.region import Region
from traffic.timing import SignalTimer

SCENARIOS = ("cologne8", "ingolstadt21", "grid4x4")
WARM_S = 600
START = datetime(2025, 1, 1, tzinfo=UTC)
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
    """All intersections of the scenarios over `seconds` under the optimiser, after ten minutes of traffic.

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


def _record(name: str, seconds: int, protocol: str) -> list[Recorded]:
    import libsumo

    scenario = find_scenario(name)
    network = read_network(
        scenario.net, at=START, boot=1, protocol=scenario.protocol(protocol), additional=scenario.additional
    )
    region, signals = Region(list(network.configs.values())), Signals(network)
    states: dict[str, list[SignalState]] = {id_: [] for id_ in network.configs}
    measurements: dict[str, list[LaneMeasurement]] = {id_: [] for id_ in network.configs}
    libsumo.start(sumo_command(scenario, 1, WARM_S + seconds))
    fleet, observer = Fleet(libsumo), observer_of(network, Sensing("camera"), 1)
    observer.start(fleet, libsumo)
    for second in range(WARM_S + seconds):
        seen = observer.observe().readings
        readings = {id_: [seen[lane.lane] for lane in c.lanes] for id_, c in network.configs.items()}
        wishes = {}
        for id_, timer in signals.timers.items():
            states[id_].append(_state(id_, timer, float(second)))
            measurements[id_].append(_measurement(id_, readings[id_], float(second)))
            region.on_state(states[id_][-1])
            region.on_measurement(measurements[id_][-1])
            decision = region.decide(id_, measurements[id_][-1].at)
            wishes[id_] = timer.target if decision is None else decision.phase
        signals.step(wishes, readings)
        for id_, timer in signals.timers.items():
            libsumo.trafficlight.setRedYellowGreenState(network.tls[id_], timer.indications)
        libsumo.simulationStep()
        fleet.read()
    libsumo.close()
    return [
        Recorded(config, tuple(states[id_][WARM_S:]), tuple(measurements[id_][WARM_S:]))
        for id_, config in network.configs.items()
    ]


def _state(id_: str, timer: SignalTimer, clock_s: float) -> SignalState:
    return SignalState(
        at=START,
        device=f"signal/{id_}",
        boot=1,
        seq=int(clock_s) + 1,
        intersection=id_,
        clock_s=clock_s,
        indications=timer.indications,
        phase=timer.phase,
        next_phase=timer.target,
        interval=timer.interval,
        elapsed_s=timer.elapsed_s,
        min_remaining_s=0.0,
        mode=ControlMode.COMMANDED,
    )


def _measurement(id_: str, lanes: list[LaneReading], clock_s: float) -> LaneMeasurement:
    return LaneMeasurement(
        at=START,
        device=f"lanes/{id_}",
        boot=1,
        seq=int(clock_s) + 1,
        intersection=id_,
        period_s=1.0,
        clock_s=clock_s,
        lanes=lanes,
    )
