"""Loops in a simulated network: counts and occupancy at each stop line and upstream of it."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citybrain.messages import LaneReading
from simulations.lanes import Misses
from simulations.network import SignalNetwork
from simulations.views import Stretch
from traffic.loops import LoopLane, LoopSecond

SETBACK_S = 5.0
"""Advance loops lie where free traffic is so long before the line: the far end of the zone in which drivers
hesitate at yellow, 2.5 to 5.5 s (FHWA, Traffic Signal Timing Manual, section 5.4)."""
LINE_M = 3.0
"""From the stop-line loop to the line: under a standing vehicle, not before it."""
MISSED = 0.02
"""Share of vehicles that loops miss."""
NOWHERE = "/dev/null"


@dataclass(frozen=True, slots=True)
class LoopSite:
    """The loops of one lane by SUMO's detector id; several advance loops where roads merge before it."""

    stop: str
    advance: tuple[str, ...]
    setback_m: float


class Loops:
    """All loops of a network: `write` them before SUMO starts, `observe` once a second afterwards."""

    def __init__(self, network: SignalNetwork, missed: float = MISSED, seed: int = 1) -> None:
        self._missed = Misses(missed, seed)
        self._places: dict[str, tuple[str, float]] = {}
        self._sites = {lane: self._site(network, lane) for lane in network.views}
        self._estimates = {
            lane: LoopLane(lane, site.setback_m, network.net.lanes[lane].speed_mps)
            for lane, site in self._sites.items()
        }

    def write(self, path: Path) -> Path:
        """Write the additional file that puts the loops into the road; returns `path`."""
        root = ET.Element("additional")
        for id_, (lane, position_m) in self._places.items():
            attributes = {"id": id_, "lane": lane, "pos": f"{position_m:.2f}", "period": "3600"}
            ET.SubElement(root, "inductionLoop", attributes, file=NOWHERE, friendlyPos="true")
        ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
        return path

    def observe(self, sumo: Any) -> dict[str, LaneReading]:
        """One estimated reading by approach lane for the second since the last call."""
        now_s = sumo.simulation.getTime()
        readings = {}
        for lane, site in self._sites.items():
            stop, stop_share = self._read(sumo, site.stop, now_s)
            advances = [self._read(sumo, id_, now_s) for id_ in site.advance]
            count = sum(one for one, _ in advances)
            second = LoopSecond(count, max(share for _, share in advances), stop, stop_share)
            readings[lane] = self._estimates[lane].step(second)
        return readings

    def _read(self, sumo: Any, id_: str, now_s: float) -> tuple[int, float]:
        """Vehicles that left the loop in the last second, and the share of it that it was covered."""
        if sumo.inductionloop.getLastStepVehicleNumber(id_) == 0:
            return 0, 0.0
        left, covered_s = 0, 0.0
        for vehicle, _, entered_s, left_s, _ in sumo.inductionloop.getVehicleData(id_):
            if vehicle not in self._missed:
                left += left_s >= 0
                until_s = left_s if left_s >= 0 else now_s
                covered_s += until_s - max(entered_s, now_s - 1.0)
        return left, min(max(covered_s, 0.0), 1.0)

    def _site(self, network: SignalNetwork, lane: str) -> LoopSite:
        view = [stretch for stretch in network.views[lane] if not stretch.lane.startswith(":")]
        reach_m = max(stretch.offset_m + stretch.length_m for stretch in view)
        wanted_m = max(min(SETBACK_S * network.net.lanes[lane].speed_mps, reach_m - 1.0), 0.0)
        # A loop lies on a road, not inside a junction without signals.
        setback_m = min(
            (_nearest(one, wanted_m) for one in view), key=lambda place_m: abs(place_m - wanted_m)
        )
        crossed = [one for one in view if _nearest(one, setback_m) == setback_m]
        stop = self._place(f"line {lane}", lane, max(network.net.lanes[lane].length_m - LINE_M, 0.0))
        advance = tuple(
            self._place(
                f"advance {lane} {number}", one.lane, max(one.offset_m + one.length_m - setback_m, 0.0)
            )
            for number, one in enumerate(crossed)
        )
        return LoopSite(stop, advance, setback_m)

    def _place(self, id_: str, lane: str, position_m: float) -> str:
        name = f"citybrain {id_}"
        self._places[name] = (lane, position_m)
        return name


def _nearest(stretch: Stretch, distance_m: float) -> float:
    """The place of a stretch that is nearest to this distance from the stop line."""
    return min(max(distance_m, stretch.offset_m), stretch.offset_m + stretch.length_m)
