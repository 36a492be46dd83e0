"""What no street tells: exactly where every vehicle is, and where it turns next. For upper bounds only."""

from typing import Any, NamedTuple

from simulations.delivery import Turns
from simulations.fleet import Fleet
from simulations.lanes import Misses, Sightings
from simulations.network import SignalNetwork
from simulations.watching import Vehicle

RANGE_M = 300.0


class _Way(NamedTuple):
    """From a SUMO lane to the stop line: approach lane, movement there, metres from the lane's begin."""

    lane: str
    movement: int
    length_m: float


class Oracle:
    """Asks SUMO for each vehicle's next signal and link; `turns` belongs to the latest `sightings`.

    Who is missed is in neither.
    """

    def __init__(self, network: SignalNetwork, fleet: Fleet, sumo: Any, missed: Misses) -> None:
        self._fleet = fleet
        self._sumo = sumo
        self._missed = missed
        self._lanes = set(network.views)
        self._configs = {network.tls[id_]: config for id_, config in network.configs.items()}
        self._ways: dict[str, tuple[str, _Way | None]] = {}
        self.turns: Turns = {}

    def sightings(self) -> Sightings:
        """All vehicles within `RANGE_M` of the stop line that they come to next, nearest first."""
        found: dict[str, list[tuple[float, str, int]]] = {lane: [] for lane in self._lanes}
        for id_, vehicle in self._fleet.vehicles.items():
            way = None if id_ in self._missed else self._way(id_, vehicle)
            if way is not None and way.length_m - vehicle.position_m <= RANGE_M:
                found[way.lane].append((max(0.0, way.length_m - vehicle.position_m), id_, way.movement))
        for vehicles in found.values():
            vehicles.sort()
        self.turns = {lane: [turn for _, _, turn in vehicles] for lane, vehicles in found.items()}
        return {lane: [(id_, distance) for distance, id_, _ in vehicles] for lane, vehicles in found.items()}

    def _way(self, id_: str, vehicle: Vehicle) -> _Way | None:
        """Asked once on each lane of a trip."""
        known = self._ways.get(id_)
        if known is None or known[0] != vehicle.lane:
            known = self._ways[id_] = (vehicle.lane, self._ask(id_, vehicle))
        return known[1]

    def _ask(self, id_: str, vehicle: Vehicle) -> _Way | None:
        for tl, link, distance_m, _ in self._sumo.vehicle.getNextTLS(id_)[:1]:
            config = self._configs.get(tl)
            if config is None or link >= len(config.movements):
                return None
            lane = config.movements[link].from_lane
            if vehicle.lane in self._lanes and vehicle.lane != lane:
                return _Way(vehicle.lane, -1, vehicle.position_m + distance_m)  # it has to change lanes yet
            if lane in self._lanes:
                return _Way(lane, link, vehicle.position_m + distance_m)
        return None
