"""Where loops are put into a simulated road."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulations.detectors import LINE_M, SETBACK_S, Loops
from simulations.network import read_network
from simulations.scenarios import find_scenario


@pytest.mark.parametrize("name", ["cologne1", "cologne8", "ingolstadt7", "grid4x4"])
def test_each_lane_has_a_loop_at_its_line_and_one_where_traffic_is_five_seconds_away(
    name: str, tmp_path: Path
) -> None:
    network = read_network(find_scenario(name).net, at=datetime(2026, 1, 1, tzinfo=UTC), boot=1)
    lanes = network.net.lanes
    root = ET.parse(Loops(network).write(tmp_path / "loops.xml")).getroot()
    stretches = {stretch.lane: (owner, stretch) for owner, view in network.views.items() for stretch in view}
    at_line: set[str] = set()
    upstream: set[str] = set()
    for loop in root.iter("inductionLoop"):
        lane, position_m = loop.get("lane", ""), float(loop.get("pos", "-1"))
        owner, stretch = stretches[lane]
        assert 0 <= position_m <= lanes[lane].length_m
        assert not lane.startswith(":")
        if "line" in loop.get("id", ""):
            assert position_m == pytest.approx(max(lanes[lane].length_m - LINE_M, 0.0), abs=0.01)
            at_line.add(lane)
            continue
        upstream.add(owner)
        reach_m = max(one.offset_m + one.length_m for one in network.views[owner])
        distance_m = stretch.offset_m + stretch.length_m - position_m
        # As far as wanted, where the road reaches so far and is no inside of a junction there.
        wanted_m = min(SETBACK_S * lanes[owner].speed_mps, max(reach_m - 1.0, 0.0))
        is_on_road = any(
            one.offset_m - 0.01 <= wanted_m <= one.offset_m + one.length_m + 0.01
            for one in network.views[owner]
            if not one.lane.startswith(":")
        )
        assert not is_on_road or distance_m == pytest.approx(wanted_m, abs=0.02)
    assert at_line == upstream == set(network.views)
