"""A planned city as a SUMO network: plain XML with turn lanes, then netconvert."""

import math
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from simulations.cityplan import LANES, SPEED_MPS, Cell, CityPlan, Road, Segment
from simulations.sumotools import run_program

POCKET_M = {Road.STREET: 40.0, Road.COLLECTOR: 45.0, Road.ARTERIAL: 70.0, Road.MAJOR: 80.0}
"""Length of the left-turn lane by class of road."""
_POCKET_SHARE = 0.45
_MIN_APPROACH_M = 80.0


def build_city_net(plan: CityPlan, net: Path) -> list[str]:
    """Write the network of the plan to `net`; returns netconvert's warnings.

    Raises:
        ConfigError: netconvert is missing or refuses.
    """
    with TemporaryDirectory(prefix="citybrain-city-") as folder:
        nodes, edges = Path(folder) / "city.nod.xml", Path(folder) / "city.edg.xml"
        ET.ElementTree(_nodes(plan)).write(nodes)
        ET.ElementTree(_edges(plan)).write(edges)
        arguments: list[str | Path] = [
            "--node-files", nodes, "--edge-files", edges, "--output-file", net,
            "--tls.default-type", "static", "--tls.cycle.time", "90", "--tls.allred.time", "2",
            "--tls.left-green.time", "8", "--no-turnarounds", "--junctions.corner-detail", "5",
            "--junctions.limit-turn-speed", "5.5", "--output.street-names",
        ]  # fmt: skip
        return run_program("netconvert", arguments, "the generated city cannot be built")


def node_id(cell: Cell) -> str:
    """The id of the node at a cell: its column as letters (`x` for -1), its row as a number (`C4`)."""
    column, row = cell
    letters = ""
    number = column + 1
    while number > 0:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters or 'x'}{row + 1}"


def _nodes(plan: CityPlan) -> ET.Element:
    root = ET.Element("nodes")
    for cell, (x, y) in sorted(plan.place_m.items()):
        kind = "traffic_light" if cell in plan.signals else "priority"
        ET.SubElement(root, "node", id=node_id(cell), x=f"{x:.2f}", y=f"{y:.2f}", type=kind)
    return root


def _edges(plan: CityPlan) -> ET.Element:
    root = ET.Element("edges")
    near: dict[Cell, list[Cell]] = defaultdict(list)
    for one, other in plan.roads:
        near[one].append(other)
        near[other].append(one)
    for (one, other), road in sorted(plan.roads.items()):
        for begin, end in ((one, other), (other, one)):
            edge = ET.SubElement(root, "edge", _attributes(begin, end, road))
            if (pocket_m := _pocket_m(plan, (begin, end), road, near[end])) > 0:
                _widen(edge, LANES[road], pocket_m)
    return root


def _attributes(begin: Cell, end: Cell, road: Road) -> dict[str, str]:
    return {
        "id": f"{node_id(begin)}_{node_id(end)}",
        "from": node_id(begin),
        "to": node_id(end),
        "numLanes": str(LANES[road]),
        "speed": f"{SPEED_MPS[road]:.2f}",
        "priority": str(int(road)),
        "name": f"{road.name.capitalize()} {node_id(begin)} to {node_id(end)}",
    }


def _pocket_m(plan: CityPlan, segment: Segment, road: Road, ahead: list[Cell]) -> float:
    """Length of the left-turn lane; 0 without a left turn, without signals, or on a short segment."""
    begin, end = segment
    length = math.dist(plan.place_m[begin], plan.place_m[end])
    has_left = any(_turn_deg(plan, begin, end, to) > 35.0 for to in ahead if to != begin)
    if end not in plan.signals or not has_left or length < _MIN_APPROACH_M:
        return 0.0
    return min(POCKET_M[road], _POCKET_SHARE * length)


def _widen(edge: ET.Element, lanes: int, pocket_m: float) -> None:
    """One lane more, on the left, over the last metres."""
    edge.set("numLanes", str(lanes + 1))
    through = " ".join(str(lane) for lane in range(lanes))
    ET.SubElement(edge, "split", pos="0", lanes=through)
    ET.SubElement(edge, "split", pos=f"{-pocket_m:.1f}", lanes=f"{through} {lanes}")


def _turn_deg(plan: CityPlan, begin: Cell, at: Cell, end: Cell) -> float:
    """Degrees from straight on, left positive."""
    (x0, y0), (x1, y1), (x2, y2) = plan.place_m[begin], plan.place_m[at], plan.place_m[end]
    turn = math.atan2(y2 - y1, x2 - x1) - math.atan2(y1 - y0, x1 - x0)
    return math.degrees(math.remainder(turn, 2 * math.pi))
