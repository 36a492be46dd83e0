"""All signals of a simulation: controllers wish, timing rules decide, own plans run where nobody wishes."""

from typing import Any

from citybrain.messages import IntersectionConfig, Interval
from edge.plan import wanted_phase
from simulations.baselines import Controller
from simulations.delivery import Delivery, instant
from simulations.network import SignalNetwork
from simulations.observation import Observation
from traffic.network import rules_of
from traffic.timing import SignalTimer

CONTACT_LOST_S = 6.0
"""Seconds without a wish after which a signal goes on by its own plan, as `edge.contact_lost_s`."""


class Signals:
    """Steps every signal once a second; `controller` None means that all run their own plans."""

    def __init__(
        self, sumo: Any, network: SignalNetwork, controller: Controller | None, delivery: Delivery
    ) -> None:
        self._sumo = sumo
        self._network = network
        self._controller = controller
        self._delivery = delivery
        self.timers = {id_: SignalTimer(rules_of(config)) for id_, config in network.configs.items()}
        self._heard_s: dict[str, float] = {}

    def step(self, clock_s: float, observation: Observation) -> None:
        """Deliver what was observed at `clock_s`, wish, and show what the timing rules make of the wishes."""
        wishes = self._wishes(clock_s, observation)
        for id_, timer in self.timers.items():
            wish = wishes.get(id_)
            if wish is None:
                wish = self._alone(self._network.configs[id_], timer, clock_s)
            else:
                self._heard_s[id_] = clock_s
            timer.step(wish)
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
        if timer.interval is not Interval.GREEN or (
            heard_s is not None and clock_s - heard_s <= CONTACT_LOST_S
        ):
            return timer.target
        return wanted_phase(config, timer.phase, timer.elapsed_s)
