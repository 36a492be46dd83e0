"""One simulated scenario under one signal controller, in this process, scored over every vehicle.

libsumo holds one simulation per process, so a process runs one of these at a time.
"""

import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np

from citybrain.errors import ConfigError
from citybrain.messages import ControlMode, LaneMeasurement, LaneReading, SignalState
from simulations.lanes import CAMERA, CameraError, LaneObserver
from simulations.network import SignalNetwork, read_network
from simulations.scenarios import Scenario
from traffic.network import rules_of
from traffic.region import Region
from traffic.timing import SignalTimer

CONTROLLERS = ("fixed", "greedy", "adaptive")
EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
"""The simulation's second 0 on messages."""

Readings = dict[str, list[LaneReading]]


@dataclass(frozen=True, slots=True)
class RunResult:
    """Figures of one run; `delay_s` is time loss plus departure delay, a mean over all scheduled vehicles.

    Scheduled are those whose departure lies within the run, finished, unfinished or never departed.
    """

    scenario: str
    controller: str
    protocol: str
    seed: int
    simulated_s: float
    vehicles: int
    delay_s: float
    trip_time_s: float
    waiting_s: float
    p95_delay_s: float
    unfinished: int
    never_departed: int
    decisions: int
    decision_p50_ms: float
    decision_p99_ms: float
    wall_s: float


class Controller(Protocol):
    """Wishes a phase for each signal, once a second."""

    def wishes(
        self, at: datetime, clock_s: float, timers: dict[str, SignalTimer], readings: Readings
    ) -> dict[str, int]: ...


class Greedy:
    """Longest queue first: the phase that serves most waiting and approaching vehicles, kept on a tie."""

    def __init__(self, network: SignalNetwork) -> None:
        self._served = {
            id_: [
                {
                    movement.from_lane
                    for movement, shown in zip(config.movements, phase.indications, strict=True)
                    if shown in "Gg"
                }
                for phase in config.phases
            ]
            for id_, config in network.configs.items()
        }

    def wishes(
        self, at: datetime, clock_s: float, timers: dict[str, SignalTimer], readings: Readings
    ) -> dict[str, int]:
        del at, clock_s
        return {id_: self._wish(id_, timer.target, readings[id_]) for id_, timer in timers.items()}

    def _wish(self, id_: str, current: int, lanes: list[LaneReading]) -> int:
        queues = {lane.lane: lane.queued for lane in lanes}
        totals = [sum(queues.get(lane, 0) for lane in served) for served in self._served[id_]]
        best = int(np.argmax(totals))
        return best if totals[best] > totals[current] else current


class Adaptive:
    """The optimiser of `traffic`, fed with the messages that it would get from the street."""

    def __init__(self, network: SignalNetwork) -> None:
        self.region = Region(list(network.configs.values()))
        self.decision_s: list[float] = []

    def wishes(
        self, at: datetime, clock_s: float, timers: dict[str, SignalTimer], readings: Readings
    ) -> dict[str, int]:
        wishes = {}
        for seq, (id_, timer) in enumerate(timers.items(), 1):
            self.region.on_state(state_of(id_, timer, at, clock_s, seq))
            self.region.on_measurement(measurement_of(id_, readings[id_], at, clock_s, seq))
            begin = time.perf_counter()
            decision = self.region.decide(id_, at)
            self.decision_s.append(time.perf_counter() - begin)
            wishes[id_] = timer.target if decision is None else decision.phase
        return wishes


def state_of(id_: str, timer: SignalTimer, at: datetime, clock_s: float, seq: int) -> SignalState:
    return SignalState(
        at=at,
        device=f"signal/{id_}",
        boot=1,
        seq=seq,
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


def measurement_of(
    id_: str, lanes: list[LaneReading], at: datetime, clock_s: float, seq: int
) -> LaneMeasurement:
    return LaneMeasurement(
        at=at,
        device=f"lanes/{id_}",
        boot=1,
        seq=seq,
        intersection=id_,
        period_s=1.0,
        clock_s=clock_s,
        lanes=lanes,
    )


@dataclass(frozen=True, slots=True)
class Run:
    """What to run; `duration_s` None means to the scenario's end."""

    scenario: Scenario
    controller: str = "adaptive"
    seed: int = 1
    duration_s: float | None = None
    protocol: str = "resco"
    error: CameraError = CAMERA

    @property
    def seconds(self) -> float:
        return self.duration_s or self.scenario.end_s - self.scenario.begin_s


def run_scenario(run: Run, progress: Callable[[float], None] | None = None) -> RunResult:
    """Simulate; `progress` gets the seconds done.

    Raises:
        ConfigError: an unknown controller or protocol, or files that SUMO refuses.
    """
    if run.controller not in CONTROLLERS:
        raise ConfigError(f"controller {run.controller!r} is unknown: use one of {', '.join(CONTROLLERS)}")
    network = read_network(
        run.scenario.net,
        at=EPOCH,
        boot=1,
        protocol=run.scenario.protocol(run.protocol),
        additional=run.scenario.additional,
    )
    with TemporaryDirectory(prefix="citybrain-sim-") as folder:
        trips = Path(folder) / "trips.xml"
        begin = time.perf_counter()
        decisions = _simulate(run, network, trips, progress)
        return _score(run, decisions, time.perf_counter() - begin, trips)


def _simulate(
    run: Run, network: SignalNetwork, trips: Path, progress: Callable[[float], None] | None
) -> list[float]:
    import libsumo

    try:
        libsumo.start(sumo_command(run.scenario, run.seed, run.seconds, trips))
    except Exception as fault:
        raise ConfigError(f"SUMO refuses scenario {run.scenario.name!r}: {fault}") from fault
    try:
        controller = _controller(run.controller, network)
        control = None
        if controller is not None:
            control = _Control(
                libsumo, network, controller, LaneObserver(network, libsumo, run.error, run.seed)
            )
        for second in range(int(run.seconds)):
            if control is not None:
                control.step(run.scenario.begin_s + second)
            libsumo.simulationStep()
            if progress is not None:
                progress(second + 1.0)
        return controller.decision_s if isinstance(controller, Adaptive) else []
    finally:
        libsumo.close()


def _controller(name: str, network: SignalNetwork) -> Controller | None:
    """The controller, or None where the network's own programs run."""
    if name == "adaptive":
        return Adaptive(network)
    return Greedy(network) if name == "greedy" else None


class _Control:
    """All signals of a simulation under one controller."""

    def __init__(
        self, sumo: Any, network: SignalNetwork, controller: Controller, observer: LaneObserver
    ) -> None:
        self._sumo = sumo
        self._network = network
        self._controller = controller
        self._observer = observer
        self._timers = {id_: SignalTimer(rules_of(config)) for id_, config in network.configs.items()}

    def step(self, clock_s: float) -> None:
        """See, wish, and show what the timing rules make of the wishes."""
        readings = self._observer.observe()
        by_signal = {
            id_: [readings[lane.lane] for lane in config.lanes]
            for id_, config in self._network.configs.items()
        }
        at = EPOCH + timedelta(seconds=clock_s)
        wishes = self._controller.wishes(at, clock_s, self._timers, by_signal)
        for id_, timer in self._timers.items():
            timer.step(wishes[id_])
            self._sumo.trafficlight.setRedYellowGreenState(self._network.tls[id_], timer.indications)


def sumo_command(scenario: Scenario, seed: int, seconds: float, trips: Path | None = None) -> list[str]:
    """SUMO's arguments for a scenario: one-second steps, nothing teleports, every vehicle accounted for."""
    command = ["sumo", "--net-file", str(scenario.net)]
    command += ["--route-files", ",".join(map(str, scenario.routes))]
    if scenario.additional:
        command += ["--additional-files", ",".join(map(str, scenario.additional))]
    command += ["--begin", str(scenario.begin_s), "--end", str(scenario.begin_s + seconds)]
    command += ["--seed", str(seed), "--time-to-teleport", "-1", "--step-length", "1"]
    command += ["--no-step-log", "--no-warnings", "--duration-log.disable"]
    if trips is not None:
        command += ["--tripinfo-output", str(trips)]
        command += ["--tripinfo-output.write-unfinished", "--tripinfo-output.write-undeparted"]
    return command


def _score(run: Run, decisions: list[float], wall_s: float, trips: Path) -> RunResult:
    root = ET.parse(trips).getroot()  # noqa: S314 - SUMO has just written it
    rows = np.array([
        [
            _number(trip, "timeLoss") + _number(trip, "departDelay"),
            _number(trip, "duration") + _number(trip, "departDelay"),
            _number(trip, "waitingTime"),
            float(trip.get("depart", "-1")) < 0,
            float(trip.get("arrival", "-1")) < 0,
        ]
        for trip in root.iter("tripinfo")
    ]).reshape(-1, 5)  # fmt: skip
    count = max(len(rows), 1)
    spent = np.array(decisions or [0.0]) * 1000
    return RunResult(
        scenario=run.scenario.name,
        controller=run.controller,
        protocol=run.protocol,
        seed=run.seed,
        simulated_s=run.seconds,
        vehicles=len(rows),
        delay_s=float(rows[:, 0].sum() / count),
        trip_time_s=float(rows[:, 1].sum() / count),
        waiting_s=float(rows[:, 2].sum() / count),
        p95_delay_s=float(np.percentile(rows[:, 0], 95)) if len(rows) else 0.0,
        unfinished=int((rows[:, 4] - rows[:, 3]).sum()),
        never_departed=int(rows[:, 3].sum()),
        decisions=len(decisions),
        decision_p50_ms=float(np.percentile(spent, 50)),
        decision_p99_ms=float(np.percentile(spent, 99)),
        wall_s=wall_s,
    )


def _number(trip: ET.Element, key: str) -> float:
    return max(0.0, float(trip.get(key, "0")))
