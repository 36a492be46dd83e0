"""Real intersections and what their cameras saw, recorded from short simulations and copied to any number."""

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice

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

    def second(self, s: int) -> tuple[SignalState, LaneMeasurement]:
        """What it sent in second `s`; after its end it begins anew, on a clock that goes on."""
        state, measurement = self.states[s % len(self.states)], self.measurements[s % len(self.states)]
        at = START + timedelta(seconds=s)
        return replace(state, at=at, clock_s=float(s)), replace(measurement, at=at, clock_s=float(s))

    def copy(self, id_: str, shift: int) -> "Recorded":
        """The same under another id, its seconds shifted, so that copies do not all do the same."""
        n = len(self.states)
        order = [(s + shift) % n for s in range(n)]
        return Recorded(
            replace(self.config, intersection=id_, device=f"signal/{id_}"),
            tuple(replace(self.states[s], intersection=id_) for s in order),
            tuple(replace(self.measurements[s], intersection=id_) for s in order),
        )


def copies(recorded: Sequence[Recorded], count: int, first: int = 0) -> list[Recorded]:
    """`count` intersections, numbered from `first`, taken from the recorded ones in turn."""
    sources = islice(cycle(recorded), first % len(recorded), first % len(recorded) + count)
    return [source.copy(f"x{first + n}", first + n) for n, source in enumerate(sources)]


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
