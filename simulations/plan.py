"""The best fixed plan for a scenario: designed on its demand, chosen and refined in simulation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from citybrain.errors import ConfigError
from simulations.control import Run, run_scenario
from simulations.figures import RunFigures
from simulations.flows import counted, routed_trips
from simulations.network import SignalNetwork
from simulations.program import local_plan, write_programs
from simulations.scenarios import Scenario
from traffic.design import CYCLES_S, Design, design, expected
from traffic.streets import Demand
from traffic.variation import varied

TRIAL_SEEDS = (1001, 1002, 1003)
"""Plans are chosen and refined on these, and validated on others."""
CANDIDATES = 4
_HOPELESS = 1.02
"""A plan that is so much worse after the first seeds is not tried on the others."""
_REFINED_UP_TO = ((10, 40), (30, 15))
"""Signals, and trials in simulation for networks of at most so many; larger ones rely on the model."""

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """A plan and what it cost in simulation, by trial seed."""

    design: Design
    delays_s: tuple[float, ...]

    @property
    def delay_s(self) -> float:
        return float(np.mean(self.delays_s))


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan chosen for a scenario; `own_delay_s` and `delay_s` on the trial seeds.

    `is_better` is False where the network's own programs did better: keep those.
    """

    scenario: Scenario
    protocol: str
    network: SignalNetwork
    demand: Demand
    design: Design
    own_delay_s: float
    delay_s: float

    @property
    def is_better(self) -> bool:
        return self.delay_s < self.own_delay_s

    def additional(self, path: Path) -> None:
        """Write the SUMO programs that carry the plan out."""
        write_programs(self.network, self.design, path)

    def applied(self, path: Path) -> Scenario:
        """The scenario under this plan; its programs are written to `path`."""
        self.additional(path)
        return under(self.scenario, path)


def under(scenario: Scenario, path: Path) -> Scenario:
    """The scenario under the programs in an additional file; no schedule switches them."""
    pinned = scenario.pinned()
    return replace(pinned, additional=(*pinned.additional, path))


def optimise_plan(
    scenario: Scenario,
    protocol: str = "resco",
    *,
    corridor: Sequence[str] = (),
    demand: Demand | None = None,
    cycles_s: Sequence[int] = CYCLES_S,
    refine: int | None = None,
    effort: int = 3,
    progress: Progress | None = None,
) -> Plan:
    """The best fixed plan found for all signals of a scenario, or for those of a corridor.

    corridor: intersections by id, along the road; the others keep their own programs. demand: instead of the
    scenario's own routes. refine: trials in simulation; by the number of signals unless given. The result is
    the same on every machine.

    Raises:
        ConfigError: an unknown protocol or intersection, files that SUMO refuses, or no demand at signals.
    """
    tell = progress or (lambda _text, _done: None)
    network = _chosen(scenario.network(protocol), corridor)
    tell("demand", 0.0)
    if demand is None:
        demand = counted(network, routed_trips(scenario), scenario.begin_s, scenario.end_s)
    if not any(turn.flow_vph for turns in demand.turns.values() for turn in turns):
        raise ConfigError(f"scenario {scenario.name!r}: no vehicle passes a signal; give it demand")
    configs = list(network.configs.values())
    designs = design(
        configs, demand, cycles_s=cycles_s, best=CANDIDATES, effort=effort,
        progress=lambda done: tell("design", 0.5 * done),
    )  # fmt: skip
    bench = _Bench(scenario, protocol, network)
    own_s = bench.own_delay_s()
    best = bench.trial(designs[0])
    assert best is not None
    for place, candidate in enumerate(designs[1:], 1):
        tell("candidates", 0.5 + 0.1 * place / len(designs))
        best = bench.better(best, candidate)
    count = _trials(len(configs)) if refine is None else refine
    best = bench.refined(best, count, lambda done: tell("refining", 0.6 + 0.4 * done))
    tell("done", 1.0)
    final = expected(configs, demand, best.design)
    return Plan(scenario, protocol, network, demand, final, own_s, best.delay_s)


class _Bench:
    """Tries plans in simulation, always on the same seeds."""

    def __init__(self, scenario: Scenario, protocol: str, network: SignalNetwork) -> None:
        self._scenario = scenario
        self._protocol = protocol
        self._network = network
        # A large network averages chance out by itself; a small one needs more seeds.
        self._seeds = TRIAL_SEEDS if len(network.configs) <= _REFINED_UP_TO[-1][0] else TRIAL_SEEDS[:1]

    def own_delay_s(self) -> float:
        return float(np.mean([self._delay_s(self._scenario, seed) for seed in self._seeds]))

    def trial(self, candidate: Design, rival: Trial | None = None) -> Trial | None:
        """Seed by seed; None as soon as it is clearly worse than the rival on the same seeds."""
        delays: list[float] = []
        with TemporaryDirectory(prefix="citybrain-plan-") as folder:
            path = Path(folder) / "plan.add.xml"
            write_programs(self._network, candidate, path)
            changed = under(self._scenario, path)
            for seed in self._seeds:
                delays.append(self._delay_s(changed, seed))
                if rival is not None and sum(delays) > _HOPELESS * sum(rival.delays_s[: len(delays)]):
                    return None
        return Trial(candidate, tuple(delays))

    def refined(self, best: Trial, count: int, tell: Callable[[float], None]) -> Trial:
        """Local search in simulation, `count` steps."""
        random = np.random.default_rng(1)
        configs = list(self._network.configs.values())
        for step in range(count):
            changed = varied(configs, best.design, random)
            best = best if changed is None else self.better(best, changed)
            tell((step + 1) / count)
        return best

    def better(self, best: Trial, candidate: Design) -> Trial:
        """Which of the two does better in simulation."""
        trial = self.trial(candidate, best)
        return best if trial is None or trial.delay_s >= best.delay_s else trial

    def _delay_s(self, scenario: Scenario, seed: int) -> float:
        return run_scenario(Run(scenario, "fixed", seed, None, self._protocol)).delay_s


@dataclass(frozen=True, slots=True)
class Validation:
    """Runs of the same seeds under the network's own programs and under the plan."""

    own: tuple[RunFigures, ...]
    planned: tuple[RunFigures, ...]

    def mean(self, name: str) -> tuple[float, float]:
        """A figure of RunFigures, own and planned."""
        return (
            float(np.mean([getattr(run, name) for run in self.own])),
            float(np.mean([getattr(run, name) for run in self.planned])),
        )

    @property
    def is_better(self) -> bool:
        own_s, planned_s = self.mean("delay_s")
        return planned_s < own_s


def validate(plan: Plan, seeds: Sequence[int], progress: Callable[[float], None] | None = None) -> Validation:
    """Simulate the scenario under both on each seed."""
    own, planned = [], []
    with TemporaryDirectory(prefix="citybrain-plan-") as folder:
        applied = plan.applied(Path(folder) / "plan.add.xml")
        for place, seed in enumerate(seeds):
            own.append(run_scenario(Run(plan.scenario, "fixed", seed, None, plan.protocol)))
            planned.append(run_scenario(Run(applied, "fixed", seed, None, plan.protocol)))
            if progress is not None:
                progress((place + 1) / len(seeds))
    return Validation(tuple(own), tuple(planned))


def fallback(plan: Plan) -> bytes:
    """City Brain's own form of the plan as JSON: each intersection's `IntersectionConfig.local_plan`."""
    signals = {id_: local_plan(plan.network, plan.design, id_) for id_ in plan.design.signals}
    return msgspec.json.format(
        msgspec.json.encode(
            {
                "scenario": plan.scenario.name,
                "protocol": plan.protocol,
                "cycle_s": plan.design.cycle_s,
                "signals": signals,
            }
        )
    )


def _trials(signals: int) -> int:
    return next((trials for limit, trials in _REFINED_UP_TO if signals <= limit), 0)


def _chosen(network: SignalNetwork, corridor: Sequence[str]) -> SignalNetwork:
    if not corridor:
        return network
    if missing := [id_ for id_ in corridor if id_ not in network.configs]:
        raise ConfigError(
            f"--corridor names {missing[0]!r}, which is no intersection here: use some of "
            + ", ".join(sorted(network.configs))
        )
    return replace(network, configs={id_: network.configs[id_] for id_ in corridor})
