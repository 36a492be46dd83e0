"""All signals of a simulated network, stepped by the rules of its protocol."""

from collections.abc import Mapping, Sequence

from citybrain.messages import LaneReading
from citybrain.rules import rules_of
from simulations.network import SignalNetwork
from traffic.disposal import waiting_movements
from traffic.timing import SignalTimer


class Signals:
    """`timers` by intersection id; whatever is wished, they show what the rules allow."""

    def __init__(self, network: SignalNetwork) -> None:
        self._network = network
        protocol = network.protocol
        self.timers = {
            id_: SignalTimer(rules_of(config, protocol.max_red_s)) for id_, config in network.configs.items()
        }
        self.refused = 0
        """Wishes that the rules did not allow."""

    def step(self, wishes: Mapping[str, int], readings: Mapping[str, Sequence[LaneReading]]) -> None:
        """One second: take each signal's wish; a maximum green ends where a reading shows a queue."""
        for id_, timer in self.timers.items():
            waiting = frozenset[int]()
            if self._network.protocol.ends_greens:
                waiting = waiting_movements(self._network.configs[id_], readings[id_])
            self.refused += bool(timer.step(wishes[id_], waiting))
