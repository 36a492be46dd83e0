"""How long vehicles stood before each signal, approach by approach: who starves does not hide in a mean."""

from typing import Any

import numpy as np

from simulations.figures import ApproachWait
from simulations.fleet import Fleet
from simulations.network import SignalNetwork

STANDING_MPS = 0.1
"""SUMO counts a vehicle as waiting below this speed."""


class ApproachWaits:
    """Adds up, second by second, the standing of each vehicle on each approach that it comes through.

    An approach is what a camera sees of the lanes of one edge before a signal. Waiting to enter the network
    counts for the first approach of the route.
    """

    def __init__(self, network: SignalNetwork, fleet: Fleet, sumo: Any) -> None:
        self._fleet = fleet
        self._sumo = sumo
        self._names: list[tuple[str, str]] = []
        self._approach: dict[str, int] = {}
        self._of_edge: dict[str, int] = {}
        self._visits: dict[str, tuple[int, float]] = {}
        self._outside_s: dict[str, float] = {}
        for id_, config in network.configs.items():
            for lane in config.lanes:
                self._add(network, id_, lane.lane)
        self._waits: list[list[float]] = [[] for _ in self._names]

    def _add(self, network: SignalNetwork, intersection: str, lane: str) -> None:
        lanes = network.net.lanes
        name = (intersection, lanes[lane].edge)
        if name not in self._names:
            self._names.append(name)
        index = self._names.index(name)
        for stretch in network.views[lane]:
            self._approach[stretch.lane] = index
            self._of_edge.setdefault(lanes[stretch.lane].edge, index)
        self._of_edge[lanes[lane].edge] = index

    def watch(self) -> None:
        """Count one second; the fleet has been read."""
        for id_ in self._sumo.simulation.getDepartedIDList():
            delay_s = self._sumo.vehicle.getDepartDelay(id_)
            if delay_s > 0:
                self._outside_s[id_] = delay_s
        before, self._visits = self._visits, {}
        for id_, vehicle in self._fleet.vehicles.items():
            approach = self._approach.get(vehicle.lane)
            if approach is None:
                continue
            visit = before.get(id_)
            if visit is None or visit[0] != approach:
                visit = (approach, self._outside_s.pop(id_, 0.0))
            else:
                del before[id_]
            standing = vehicle.speed_mps < STANDING_MPS
            self._visits[id_] = (approach, visit[1] + 1.0) if standing else visit
        self._leave(before)

    def figures(self) -> tuple[ApproachWait, ...]:
        """All approaches that had vehicles, the longest p95 wait first; ask once, before SUMO closes."""
        self._leave(self._visits)
        for id_ in self._sumo.simulation.getPendingVehicles():
            approaches = [
                self._of_edge[edge] for edge in self._sumo.vehicle.getRoute(id_) if edge in self._of_edge
            ]
            if approaches:
                self._waits[approaches[0]].append(max(0.0, self._sumo.vehicle.getDepartDelay(id_)))
        found = [_figure(name, waits) for name, waits in zip(self._names, self._waits, strict=True) if waits]
        return tuple(sorted(found, key=lambda wait: -wait.p95_s))

    def _leave(self, visits: dict[str, tuple[int, float]]) -> None:
        for approach, waited_s in visits.values():
            self._waits[approach].append(waited_s)


def _figure(name: tuple[str, str], waits: list[float]) -> ApproachWait:
    p95_s = float(np.percentile(waits, 95))
    return ApproachWait(*name, len(waits), float(np.mean(waits)), p95_s, max(waits))
