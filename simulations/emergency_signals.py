"""How signals are run while emergency vehicles are about: own programs, preempted ones, or the optimiser."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from citybrain.messages import LaneReading, PriorityPosition, PriorityRequest
from citybrain.rules import rules_of
from simulations.delivery import measurement_of, state_of
from simulations.epoch import instant
from simulations.network import SignalNetwork
from simulations.programs import ProgramClock
from traffic.priority import Priorities
from traffic.region import Region
from traffic.timing import SignalTimer

PREEMPT_S = 30.0
"""A signal under its own program is taken over so long before an emergency vehicle can be there."""

Readings = Mapping[str, LaneReading]
Words = Sequence[PriorityRequest | PriorityPosition]


class Signals(Protocol):
    """All signals of a simulation."""

    def step(self, clock_s: float, readings: Readings, words: Words) -> None:
        """Decide what is shown in the second that begins."""


class OwnSignals:
    """The network's own programs, undisturbed."""

    def step(self, clock_s: float, readings: Readings, words: Words) -> None:
        pass


class _Brain:
    """The optimiser with its priorities, fed with what it would hear."""

    def __init__(self, network: SignalNetwork) -> None:
        self.network = network
        self.region = Region(list(network.configs.values()))
        self.priorities = Priorities()

    def hear(self, words: Words, at: datetime) -> None:
        for word in words:
            if isinstance(word, PriorityRequest):
                self.priorities.request(word)
            else:
                self.priorities.position(word)
        self.priorities.tick(at)

    def wish(self, id_: str, timer: SignalTimer, readings: Readings, at: datetime, clock_s: float) -> int:
        config = self.network.configs[id_]
        lanes = [readings[lane.lane] for lane in config.lanes]
        self.region.on_state(state_of(config, timer, clock_s, 1))
        self.region.on_measurement(measurement_of(id_, lanes, clock_s, 1))
        self.region.claim(id_, self.priorities.claims(id_, at))
        decision = self.region.decide(id_, at)
        return timer.target if decision is None else decision.phase


class PlannedSignals:
    """The optimiser runs every signal."""

    def __init__(self, network: SignalNetwork, sumo: Any) -> None:
        self._brain, self._sumo = _Brain(network), sumo
        self._timers = {id_: SignalTimer(rules_of(config)) for id_, config in network.configs.items()}

    def step(self, clock_s: float, readings: Readings, words: Words) -> None:
        at = instant(clock_s)
        self._brain.hear(words, at)
        for id_, timer in self._timers.items():
            timer.step(self._brain.wish(id_, timer, readings, at, clock_s))
            self._sumo.trafficlight.setRedYellowGreenState(self._brain.network.tls[id_], timer.indications)


class PreemptedSignals:
    """Own programs; the optimiser takes over a signal before an emergency vehicle and gives it back in step.

    Back in step: the signal is led to the phase that its program shows by then, so that coordination is kept.
    """

    def __init__(self, network: SignalNetwork, sumo: Any) -> None:
        self._brain, self._sumo = _Brain(network), sumo
        self._clocks = {
            id_: ProgramClock(sumo, network.tls[id_], [p.indications for p in config.phases])
            for id_, config in network.configs.items()
        }
        self._rules = {id_: rules_of(config) for id_, config in network.configs.items()}
        self._taken: dict[str, SignalTimer] = {}

    def step(self, clock_s: float, readings: Readings, words: Words) -> None:
        at = instant(clock_s)
        self._brain.hear(words, at)
        for id_, clock in self._clocks.items():
            clock.step(clock_s)
            wanted = any(claim.eta_s <= PREEMPT_S for claim in self._brain.priorities.claims(id_, at))
            if wanted and id_ not in self._taken:
                self._take(id_, clock)
            timer = self._taken.get(id_)
            if timer is None:
                continue
            wish = self._brain.wish(id_, timer, readings, at, clock_s) if wanted else clock.phase
            if not wanted and clock.is_green and timer.phase == timer.target == clock.phase:
                self._give_back(id_)
                continue
            timer.step(wish)
            self._sumo.trafficlight.setRedYellowGreenState(self._brain.network.tls[id_], timer.indications)

    def _take(self, id_: str, clock: ProgramClock) -> None:
        """From the green that is shown; while the program changes its phase, a second later."""
        if clock.is_green:
            self._taken[id_] = SignalTimer(self._rules[id_], clock.phase, clock.elapsed_s)

    def _give_back(self, id_: str) -> None:
        del self._taken[id_]
        self._clocks[id_].resume()
