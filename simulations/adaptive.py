"""The optimiser of `traffic` as one of the controllers that are compared."""

import time
from datetime import datetime

from simulations.delivery import Delivered
from simulations.network import SignalNetwork
from traffic.region import Region


class Adaptive:
    """Fed with the messages that it would get from the street; `decision_s` is what each decision took."""

    def __init__(self, network: SignalNetwork) -> None:
        self.region = Region(list(network.configs.values()))
        self.decision_s: list[float] = []

    def wishes(self, now: datetime, delivered: Delivered) -> dict[str, int]:
        """A phase for each intersection that the region decides on."""
        region = self.region
        for id_, turns in delivered.turns.items():
            # Only mode `full` knows them; they go past the messages, which have no place for them.
            region.on_turns(id_, turns)
        wishes = {}
        for id_, measurement in delivered.measurements.items():
            region.on_state(delivered.states[id_])
            region.on_measurement(measurement)
            begin = time.perf_counter()
            decision = region.decide(id_, now)
            self.decision_s.append(time.perf_counter() - begin)
            if decision is not None:
                wishes[id_] = decision.phase
        return wishes
