"""The observation modes: cameras, loops, or the oracle; each ends in the same lane readings."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from citybrain.messages import LaneReading
from simulations.delivery import Turns
from simulations.detectors import MISSED, Loops
from simulations.fleet import Fleet
from simulations.lanes import CAMERA, EXACT, CameraView, LaneObserver, Misses
from simulations.network import SignalNetwork
from simulations.oracle import Oracle
from simulations.sensing import Sensing

ESTIMATED = 0.8
"""Quality of measurements that estimate what they do not see."""


class Observation(NamedTuple):
    """Readings by approach lane; `turns` is filled in mode `full` only."""

    readings: Mapping[str, LaneReading]
    turns: Turns


class Observer(Protocol):
    """Observes once a simulated second, after the fleet was read."""

    quality: float

    def files(self, folder: Path) -> tuple[Path, ...]:
        """Additional files that SUMO needs for it, written to `folder`."""

    def start(self, fleet: Fleet, sumo: Any) -> None:
        """SUMO has loaded."""

    def observe(self) -> Observation: ...


def observer_of(network: SignalNetwork, sensing: Sensing, seed: int) -> Observer:
    """The devices of a mode, with what they miss."""
    if sensing.observe == "detector":
        return _Detectors(network, MISSED if sensing.missed is None else sensing.missed, seed)
    if sensing.observe == "full":
        return _Full(network, sensing.missed or 0.0, seed)
    return _Cameras(network, CAMERA.missed if sensing.missed is None else sensing.missed, seed)


class _Cameras:
    quality = 1.0

    def __init__(self, network: SignalNetwork, missed: float, seed: int) -> None:
        self._network, self._seed = network, seed
        self._error = replace(CAMERA, missed=missed)

    def files(self, folder: Path) -> tuple[Path, ...]:
        del folder
        return ()

    def start(self, fleet: Fleet, sumo: Any) -> None:
        del sumo
        self._view = CameraView(self._network, fleet)
        self._observer = LaneObserver(self._network, fleet, self._error, self._seed)

    def observe(self) -> Observation:
        return Observation(self._observer.observe(self._view.sightings()), {})


class _Full:
    quality = 1.0

    def __init__(self, network: SignalNetwork, missed: float, seed: int) -> None:
        self._network, self._seed = network, seed
        self._error = replace(EXACT, missed=missed)

    def files(self, folder: Path) -> tuple[Path, ...]:
        del folder
        return ()

    def start(self, fleet: Fleet, sumo: Any) -> None:
        self._oracle = Oracle(self._network, fleet, sumo, Misses(self._error.missed, self._seed))
        self._observer = LaneObserver(self._network, fleet, self._error, self._seed)

    def observe(self) -> Observation:
        return Observation(self._observer.observe(self._oracle.sightings()), self._oracle.turns)


class _Detectors:
    quality = ESTIMATED

    def __init__(self, network: SignalNetwork, missed: float, seed: int) -> None:
        self._loops = Loops(network, missed, seed)

    def files(self, folder: Path) -> tuple[Path, ...]:
        return (self._loops.write(folder / "loops.add.xml"),)

    def start(self, fleet: Fleet, sumo: Any) -> None:
        del fleet
        self._sumo = sumo

    def observe(self) -> Observation:
        return Observation(self._loops.observe(self._sumo), {})
