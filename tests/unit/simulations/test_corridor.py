"""Corridors follow streets through signals, both ways."""

from functools import cache
from itertools import pairwise

import pytest

from citybrain.errors import ConfigError
from simulations.corridor import Leg, find_corridor
from simulations.network import RESCO, SignalNetwork, read_network
from simulations.scenarios import find_scenario
from simulations.trajectories import axis_of
from tests.fixtures.crossing import AT


@cache
def network(name: str) -> SignalNetwork:
    return read_network(find_scenario(name).net, at=AT, boot=1, protocol=RESCO)


def test_the_longest_straight_street_is_found_in_both_directions() -> None:
    corridor = find_corridor(network("ingolstadt7"))
    assert corridor is not None
    assert len(corridor.signals) == 7
    assert tuple(leg.signal for leg in corridor.outbound) == corridor.signals
    assert tuple(leg.signal for leg in corridor.inbound) == corridor.signals[::-1]


@pytest.mark.parametrize("name", ["cologne3", "ingolstadt7", "grid4x4"])
def test_every_leg_is_a_way_that_can_be_driven_on_to_the_next(name: str) -> None:
    net = network(name).net
    corridor = find_corridor(network(name))
    assert corridor is not None
    joined = {
        (net.lanes[c.from_lane].edge, net.lanes[c.to_lane].edge)
        for c in net.connections
        if c.to_lane in net.lanes and c.from_lane in net.lanes
    }
    for legs in (corridor.outbound, corridor.inbound):
        edges = [edge for leg in legs for edge in leg.edges]
        assert all(pair in joined for pair in pairwise(edges))
        check_times(network(name), legs)


def check_times(of: SignalNetwork, legs: tuple[Leg, ...]) -> None:
    for leg in legs:
        limits = [of.net.lanes[of.net.edges[edge].lanes[0]].speed_mps for edge in leg.edges]
        assert leg.length_m / max(limits) - 0.1 <= leg.travel_s <= leg.length_m / min(limits) + 0.1
        config = of.configs[leg.signal]
        served = [config.movements[movement] for movement in leg.movements]
        assert served
        assert {of.net.lanes[movement.from_lane].edge for movement in served} == {leg.edges[-1]}


def test_a_corridor_can_be_asked_for_in_the_order_of_the_street() -> None:
    whole = find_corridor(network("ingolstadt7"))
    assert whole is not None
    part = find_corridor(network("ingolstadt7"), whole.signals[1:4])
    assert part is not None
    assert part.signals == whole.signals[1:4]
    assert part.outbound[1:] == whole.outbound[2:4]


def test_a_lone_signal_makes_no_corridor() -> None:
    assert find_corridor(network("cologne1")) is None


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (("360082", "nowhere"), "'nowhere'"),
        (("360082",), "two or more"),
        (("360082", "GS_cluster_2415878664_254486231_359566_359576"), "another signal between"),
    ],
)
def test_a_corridor_that_is_none_is_refused_with_the_reason(wanted: tuple[str, ...], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        find_corridor(network("cologne3"), wanted)


def test_stop_lines_lie_in_order_on_the_axis() -> None:
    corridor = find_corridor(network("ingolstadt7"))
    assert corridor is not None
    axis = axis_of(corridor)
    places = [axis.begin_m, *axis.signals_m, axis.end_m]
    assert all(one < other for one, other in pairwise(places))
    assert axis.signals_m[0] == 0.0
    assert axis.signals_m[-1] == pytest.approx(sum(leg.length_m for leg in corridor.outbound[1:]))
