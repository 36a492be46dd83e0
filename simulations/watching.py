"""What may look on while a simulation runs, and what it gets to see each second."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from citybrain.messages import LaneReading
from simulations.network import SignalNetwork
from traffic.timing import SignalTimer

if TYPE_CHECKING:
    from simulations.control import Run


class Vehicle(NamedTuple):
    """Where a vehicle is: its SUMO lane, its front's metres from the lane's begin, its speed."""

    lane: str
    position_m: float
    speed_mps: float


@dataclass(frozen=True, slots=True)
class Moment:
    """One simulated second, after its step.

    `clock_s` is the simulation's own time. `indications` were shown during the step, by intersection.
    `timers` are empty where SUMO runs the signals itself. `readings` are what the run's observation mode
    reports of the approach lanes, by lane id; `vehicles` is the truth, by SUMO's vehicle id. `sumo` is
    libsumo, for whatever else is wanted.
    """

    clock_s: float
    sumo: Any
    indications: Mapping[str, str]
    timers: Mapping[str, SignalTimer]
    readings: Mapping[str, LaneReading]
    vehicles: Mapping[str, Vehicle]


class Watcher(Protocol):
    """Looks on at one run: `begin` once SUMO has loaded, `watch` after every step, `end` before SUMO goes."""

    def begin(self, run: "Run", network: SignalNetwork, sumo: Any) -> None: ...

    def watch(self, moment: Moment) -> None: ...

    def end(self) -> None: ...
