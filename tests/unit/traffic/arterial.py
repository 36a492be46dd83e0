"""A tiny arterial for tests of fixed-time design: signals in a row, a main road both ways and side roads."""

from datetime import UTC, datetime
from itertools import pairwise

from citybrain.messages import ApproachLane, IntersectionConfig, Movement, Phase
from traffic.streets import Demand, Link, Turn

AT = datetime(2026, 1, 1, tzinfo=UTC)
EAST, WEST, SIDE = 0, 1, 2


def signal(name: str, min_green_s: float = 5.0, all_red_s: float = 0.0) -> IntersectionConfig:
    """Movements 0 eastbound, 1 westbound, 2 from the side; phase 0 is the main road, 1 the side road."""
    lanes = [f"{name}_{way}" for way in ("w", "e", "n")]
    return IntersectionConfig(
        at=AT,
        device=f"signal/{name}",
        boot=1,
        seq=1,
        intersection=name,
        position=(6.9, 50.9),
        lanes=[
            ApproachLane(lane=lane, length_m=200.0, speed_limit_mps=13.9, path=[(6.9, 50.9), (6.91, 50.9)])
            for lane in lanes
        ],
        movements=[
            Movement(lanes[EAST], f"{name}_oe", foes=[2]),
            Movement(lanes[WEST], f"{name}_ow", foes=[2]),
            Movement(lanes[SIDE], f"{name}_os", foes=[0, 1]),
        ],
        phases=[
            Phase(indications="GGr", min_green_s=min_green_s, max_green_s=90.0, local_green_s=30.0),
            Phase(indications="rrG", min_green_s=min_green_s, max_green_s=90.0, local_green_s=30.0),
        ],
        all_red_s=all_red_s,
    )


def turns(east_vph: float, west_vph: float, side_vph: float, headway_s: float = 2.0) -> list[Turn]:
    return [Turn((m,), vph, headway_s) for m, vph in enumerate((east_vph, west_vph, side_vph))]


def row(names: str, travel_s: float, east_vph: float, west_vph: float, side_vph: float) -> Demand:
    """Through traffic from end to end both ways, and at each signal a side road that crosses."""
    links = []
    for here, there in pairwise(names):
        if east_vph:
            links.append(Link((here, EAST), (there, EAST), east_vph, travel_s))
        if west_vph:
            links.append(Link((there, WEST), (here, WEST), west_vph, travel_s))
    return Demand({name: turns(east_vph, west_vph, side_vph) for name in names}, links)
