"""One simulated scenario under one signal controller, in this process, scored over every vehicle.

libsumo holds one simulation per process, so a process runs one of these at a time.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from citybrain.errors import ConfigError
from simulations.actuated import write_actuated
from simulations.adaptive import Adaptive
from simulations.baselines import Controller, Greedy, MaxPressure
from simulations.delivery import Delivery
from simulations.driving import Driver
from simulations.figures import ApproachWait, RunFigures
from simulations.fleet import Fleet
from simulations.network import SignalNetwork
from simulations.observation import Observation, Observer, observer_of
from simulations.scenarios import Scenario
from simulations.scoring import Outputs, most_starved, percentiles_ms, safety, score_trips
from simulations.sensing import Sensing
from simulations.sumo import loaded, sumo_command
from simulations.sumoxml import read_root
from simulations.waits import ApproachWaits
from simulations.watching import Moment, Watcher

CONTROLLERS = ("fixed", "optimised", "actuated", "local", "greedy", "maxpressure", "adaptive")
"""Of these `local` is the plan on which a signal falls back by itself."""
BY_SUMO = frozenset({"fixed", "optimised", "actuated"})
PLANNED = "optimised"
"""The best fixed plan that was found; see `simulations.planned`."""

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Run:
    """What to run; `duration_s` None means to the scenario's end.

    `programs`: SUMO programs that replace the network's own, which the controller `optimised` needs.

    Raises:
        ConfigError: an unknown controller.
    """

    scenario: Scenario
    controller: str = "adaptive"
    seed: int = 1
    duration_s: float | None = None
    protocol: str = "resco"
    sensing: Sensing = field(default_factory=Sensing)
    programs: Path | None = None

    def __post_init__(self) -> None:
        if self.controller not in CONTROLLERS:
            raise ConfigError(
                f"controller {self.controller!r} is unknown: use one of {', '.join(CONTROLLERS)}"
            )

    @property
    def seconds(self) -> float:
        return self.duration_s or self.scenario.end_s - self.scenario.begin_s


def run_scenario(run: Run, progress: Progress | None = None, watchers: Sequence[Watcher] = ()) -> RunFigures:
    """Simulate; `progress` gets the seconds done, `watchers` look on.

    Raises:
        ConfigError: an unknown protocol or blind lane, files that SUMO refuses, or no plan to run.
    """
    if run.controller == PLANNED and run.programs is None:
        raise ConfigError(f"controller {PLANNED} needs a plan for {run.scenario.name}: design it first")
    network = run.scenario.network(run.protocol, extends=run.controller == "adaptive")
    with TemporaryDirectory(prefix="citybrain-sim-") as folder:
        begin = time.perf_counter()
        simulation = _Simulation(run, network, Path(folder), watchers)
        simulation.run(progress)
        return simulation.figures(time.perf_counter() - begin)


class _Simulation:
    """SUMO, who controls it and who looks on, for one run."""

    def __init__(self, run: Run, network: SignalNetwork, folder: Path, watchers: Sequence[Watcher]) -> None:
        self._run = run
        self._network = network
        self._watchers = watchers
        self._outputs = Outputs(folder / "trips.xml", folder / "statistics.xml")
        self._controller = _controller(run.controller, network)
        # Nobody looks at readings where SUMO or the local plan runs the signals alone.
        looks = bool(watchers) or (self._controller is not None and not run.sensing.silent)
        self._observer = observer_of(network, run.sensing, run.seed) if looks else None
        quality = 1.0 if self._observer is None else self._observer.quality
        self._delivery = Delivery(network, run.sensing, quality)
        self._additional = self._files(folder)
        self._waits: tuple[ApproachWait, ...] = ()

    def run(self, progress: Progress | None) -> None:
        """Simulate from begin to end."""
        run = self._run
        base = run.scenario if _follows_schedules(run) else run.scenario.pinned()
        scenario = replace(base, additional=(*base.additional, *self._additional))
        command = [*sumo_command(scenario, run.seed, run.seconds), *self._outputs.options()]
        with loaded(scenario, command) as sumo:
            self._simulate(sumo, progress)
            for watcher in self._watchers:
                watcher.end()

    def figures(self, wall_s: float) -> RunFigures:
        """The score of what was run."""
        run = self._run
        decisions = self._controller.decision_s if isinstance(self._controller, Adaptive) else []
        p50, p95, p99, most = percentiles_ms(decisions)
        collisions, brakes = safety(self._outputs.statistics)
        return RunFigures(
            scenario=run.scenario.name,
            controller=run.controller,
            protocol=run.protocol,
            observe=run.sensing.observe,
            seed=run.seed,
            simulated_s=run.seconds,
            collisions=collisions,
            emergency_brakes=brakes,
            starved=most_starved(self._waits),
            approaches=self._waits,
            decisions=len(decisions),
            decision_p50_ms=p50,
            decision_p95_ms=p95,
            decision_p99_ms=p99,
            decision_max_ms=most,
            wall_s=wall_s,
            **asdict(score_trips(self._outputs.trips, run.seconds)),
        )

    def _files(self, folder: Path) -> tuple[Path, ...]:
        files = () if self._observer is None else self._observer.files(folder)
        if self._run.controller == "actuated":
            files += (write_actuated(self._network, folder / "actuated.add.xml"),)
        # Ours come last, because the last program loaded for a signal is the one that runs.
        return files if self._run.programs is None else (*files, self._run.programs)

    def _simulate(self, sumo: Any, progress: Progress | None) -> None:
        run, fleet = self._run, Fleet(sumo)
        waits = ApproachWaits(self._network, fleet, sumo)
        signals = None
        if run.controller not in BY_SUMO:
            signals = Driver(sumo, self._network, self._controller, self._delivery)
        observer = self._observer
        if observer is not None:
            observer.start(fleet, sumo)
        for watcher in self._watchers:
            watcher.begin(run, self._network, sumo)
        observation = _observe(observer)
        for second in range(int(run.seconds)):
            if signals is not None:
                signals.step(run.scenario.begin_s + second, observation)
            sumo.simulationStep()
            fleet.read()
            waits.watch()
            observation = _observe(observer)
            if self._watchers:
                self._show(self._moment(sumo, fleet, signals, observation))
            if progress is not None:
                progress(second + 1.0)
        self._waits = waits.figures()

    def _show(self, moment: Moment) -> None:
        for watcher in self._watchers:
            watcher.watch(moment)

    def _moment(self, sumo: Any, fleet: Fleet, signals: Driver | None, observation: Observation) -> Moment:
        shown = sumo.trafficlight.getRedYellowGreenState
        return Moment(
            clock_s=sumo.simulation.getTime(),
            sumo=sumo,
            indications=signals.indications()
            if signals is not None
            else {id_: shown(tl) for id_, tl in self._network.tls.items()},
            timers={} if signals is None else signals.timers,
            readings=observation.readings,
            vehicles=fleet.vehicles,
        )


def _follows_schedules(run: Run) -> bool:
    """Whether programs switch by the hour: the network's own do, also where no better plan was found."""
    is_kept = run.programs is not None and read_root(run.programs).find("tlLogic") is None
    return run.controller == "fixed" or is_kept


def _observe(observer: Observer | None) -> Observation:
    return Observation({}, {}) if observer is None else observer.observe()


def _controller(name: str, network: SignalNetwork) -> Controller | None:
    """The controller, or None where SUMO's programs or the signals' own plans run."""
    made: dict[str, Callable[[SignalNetwork], Controller]] = {
        "adaptive": Adaptive,
        "greedy": Greedy,
        "maxpressure": MaxPressure,
    }
    return made[name](network) if name in made else None
