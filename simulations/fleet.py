"""All vehicles of a running simulation, read once a second for everybody who wants to know."""

from typing import Any

from simulations.watching import Vehicle


class Fleet:
    """`vehicles` by SUMO's id, and `on_lane`: their ids by lane, the foremost first; without parked ones.

    `sumo` is libsumo. Reading all vehicles costs less than asking each lane for its own.
    """

    def __init__(self, sumo: Any) -> None:
        self._sumo = sumo
        self._parked: set[str] = set()
        self._kinds: dict[str, tuple[float, str]] = {}
        self.vehicles: dict[str, Vehicle] = {}
        self.on_lane: dict[str, list[str]] = {}

    def read(self) -> None:
        """The state after the latest step."""
        vehicle, simulation = self._sumo.vehicle, self._sumo.simulation
        self._parked.update(simulation.getParkingStartingVehiclesIDList())
        self._parked.difference_update(simulation.getParkingEndingVehiclesIDList())
        lane_of, position_of, speed_of = vehicle.getLaneID, vehicle.getLanePosition, vehicle.getSpeed
        self.vehicles = {
            id_: Vehicle(lane_of(id_), position_of(id_), max(0.0, speed_of(id_)))
            for id_ in vehicle.getIDList()
            if id_ not in self._parked
        }
        self.on_lane = {}
        for id_ in sorted(self.vehicles, key=self._position_m, reverse=True):
            self.on_lane.setdefault(self.vehicles[id_].lane, []).append(id_)

    def kind(self, id_: str) -> tuple[float, str]:
        """A vehicle's length in metres and SUMO's vehicle class."""
        kind = self._kinds.get(id_)
        if kind is None:
            vehicle = self._sumo.vehicle
            kind = self._kinds[id_] = (vehicle.getLength(id_), vehicle.getVehicleClass(id_))
        return kind

    def _position_m(self, id_: str) -> float:
        return self.vehicles[id_].position_m
