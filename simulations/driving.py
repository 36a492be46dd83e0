"""Drives all signals of a simulation: controllers wish, rules decide, own plans run where nobody wishes."""

from typing import Any

from citybrain.messages import IntersectionConfig
from edge.plan import wanted_phase
from simulations.baselines import Controller
from simulations.delivery import Delivery
from simulations.epoch import instant
from simulations.network import SignalNetwork
from simulations.observation import Observation
from simulations.signals import Signals
from traffic.timing import SignalTimer

CONTACT_LOST_S = 6.0
"""Seconds without a wish after which a signal goes on by its own plan, as `edge.contact_lost_s`."""


class Driver:
    """Steps every signal once a second; `controller` None means that all run their own plans."""

    def __init__(
        self, sumo: Any, network: SignalNetwork, controller: Controller | None, delivery: Delivery
    ) -> None:
        self._sumo = sumo
        self._network = network
        self._controller = controller
        self._delivery = delivery
        self._signals = Signals(network)
        self._heard_s: dict[str, float] = {}

    @property
    def timers(self) -> dict[str, SignalTimer]:
        return self._signals.timers

    def step(self, clock_s: float, observation: Observation) -> None:
        """Deliver what was observed at `clock_s`, wish, and show what the rules make of the wishes."""
        wishes = self._wishes(clock_s, observation)
        for id_ in wishes:
            self._heard_s[id_] = clock_s
        for id_, config in self._network.configs.items():
            if id_ not in wishes:
                wishes[id_] = self._alone(config, self.timers[id_], clock_s)
        readings = observation.readings
        by_signal = {
            id_: [readings[lane.lane] for lane in config.lanes if lane.lane in readings]
            for id_, config in self._network.configs.items()
        }
        self._signals.step(wishes, by_signal)
        for id_, timer in self.timers.items():
            self._sumo.trafficlight.setRedYellowGreenState(self._network.tls[id_], timer.indications)

    def indications(self) -> dict[str, str]:
        """What is shown, by intersection."""
        return {id_: timer.indications for id_, timer in self.timers.items()}

    def _wishes(self, clock_s: float, observation: Observation) -> dict[str, int]:
        if self._controller is None:
            return {}
        delivered = self._delivery.hand_over(clock_s, self.timers, observation.readings, observation.turns)
        return {} if delivered is None else self._controller.wishes(instant(clock_s), delivered)

    def _alone(self, config: IntersectionConfig, timer: SignalTimer, clock_s: float) -> int:
        """The last wish for a while, then the signal's own fixed plan."""
        heard_s = self._heard_s.get(config.intersection)
        if timer.is_changing or (heard_s is not None and clock_s - heard_s <= CONTACT_LOST_S):
            return timer.target
        return wanted_phase(config, timer.rules, timer.phase, timer.elapsed_s, clock_s)
