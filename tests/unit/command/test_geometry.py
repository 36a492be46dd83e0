"""Shapes for the map."""

import math

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from citybrain.messages import ApproachLane
from command.geometry import bounds, movement_views, network_geojson
from tests.fixtures.command import config, network

near = st.floats(-0.01, 0.01)


def test_a_turn_leaves_and_enters_along_its_lanes() -> None:
    paths = {"east_0": [(6.9501, 50.94), (6.951, 50.94)]}
    (movement,) = movement_views(config(), paths)
    start, second, *_, before, end = movement.path
    assert (start, end) == ((6.95, 50.9399), (6.9501, 50.94))
    assert abs(second[0] - start[0]) < abs(second[1] - start[1])  # northwards first
    assert abs(end[1] - before[1]) < abs(end[0] - before[0])  # eastwards at last


def test_a_movement_to_an_unknown_lane_has_no_way_yet() -> None:
    (movement,) = movement_views(config(), {})
    assert movement.path == ()


@given(st.tuples(near, near), st.tuples(near, near), st.tuples(near, near))
def test_a_way_goes_from_the_stop_line_to_the_exit_whatever_the_lanes_do(
    stop: tuple[float, float], exit_: tuple[float, float], onward: tuple[float, float]
) -> None:
    lane = ApproachLane("south_0", 10.0, 10.0, [(0.0, 0.0), stop])
    own = msgspec.structs.replace(config(), lanes=[lane])
    (movement,) = movement_views(own, {"east_0": [exit_, onward]})
    assert movement.path[0] == stop
    assert math.dist(movement.path[-1], exit_) < 1e-12
    assert all(math.isfinite(number) for point in movement.path for number in point)


def test_the_network_is_geojson() -> None:
    segments = [segment for part in network() for segment in part.segments]
    body = msgspec.json.decode(network_geojson(segments, {"south_0": "a"}))
    assert body["type"] == "FeatureCollection"
    feature = body["features"][0]
    assert (feature["type"], feature["geometry"]["type"]) == ("Feature", "LineString")
    assert feature["properties"] == {
        "lane": "south_0",
        "name": "Market Street",
        "speed_limit_mps": 13.9,
        "width_m": 3.2,
        "intersection": "a",
    }


def test_bounds_are_south_west_and_north_east() -> None:
    assert bounds([]) is None
    assert bounds([(7.0, 50.0), (6.0, 51.0)]) == ((6.0, 50.0), (7.0, 51.0))
