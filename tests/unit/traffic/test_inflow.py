"""What neighbours tell each other: who is sent, when they come, and how much room there is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fixtures.demand import demand as free
from tests.fixtures.pair import LINK_M, pair
from traffic.driving import VEHICLE_M
from traffic.horizon import Demand, Shown, plan
from traffic.inflow import PAST_S, add_inflow, exchange, find_room, note
from traffic.model import GAP_S
from traffic.network import PROTECTED, Floats, build_network
from traffic.reference import Reference
from traffic.weights import DEFAULT_WEIGHTS

HORIZON = 40
THROUGH = 0
"""The movement of `a` from west to east; it alone is shown green here."""


def codes() -> np.ndarray:
    shown = np.zeros(8, np.uint8)
    shown[THROUGH] = PROTECTED
    return shown


def test_who_crossed_upstream_comes_after_the_way_between_and_is_counted_once() -> None:
    net, _ = build_network(pair(link_m=400.0))
    shared = exchange(net, HORIZON)
    crossed: Floats = np.array([1.0, 0.0, 0.0, 0.0])
    share = np.full(len(net.movement_lane), 0.5)
    note(net, 0, 1000, codes(), crossed, share, shared)
    arriving = np.zeros((4, HORIZON + GAP_S + 1))
    add_inflow(net, 1, 1000, shared, np.zeros(4, np.uint8), arriving)
    travel_s = net.feed_s[net.feed_ptr[4]]
    assert arriving.sum() == pytest.approx(1.0)
    assert arriving[0, int(travel_s + 0.5)] == pytest.approx(1.0)
    seen = np.zeros_like(arriving)
    add_inflow(net, 1, 1000 + int(net.feed_seen_s[net.feed_ptr[4]]) + 1, shared, np.zeros(4, np.uint8), seen)
    assert seen.sum() == 0.0


def test_what_is_planned_upstream_comes_in_its_time() -> None:
    net, _ = build_network(pair())
    shared = exchange(net, HORIZON)
    shared.sending[THROUGH, 7] = 1.0
    shared.planned_s[0] = 1000
    arriving = np.zeros((4, HORIZON + GAP_S + 1))
    add_inflow(net, 1, 1002, shared, np.zeros(4, np.uint8), arriving)
    assert np.flatnonzero(arriving[0]).tolist() == [int(net.feed_s[net.feed_ptr[4]] + 5 + 0.5)]


def test_what_is_forgotten_does_not_come_again() -> None:
    net, _ = build_network(pair(link_m=400.0))
    shared = exchange(net, HORIZON)
    share = np.full(len(net.movement_lane), 0.5)
    note(net, 0, 1000, codes(), np.array([1.0, 0.0, 0.0, 0.0]), share, shared)
    note(net, 0, 1000 + PAST_S, codes(), np.zeros(4), share, shared)
    arriving = np.zeros((4, HORIZON + GAP_S + 1))
    add_inflow(net, 1, 1000 + PAST_S, shared, np.zeros(4, np.uint8), arriving)
    assert arriving.sum() == 0.0


def test_room_is_what_the_link_holds_less_what_stands_there_and_grows_with_what_leaves() -> None:
    net, _ = build_network(pair())
    shared = exchange(net, HORIZON)
    shared.held[4] = 3.0
    shared.sending[8, 10] = 1.0  # the through movement of b's western lane
    shared.planned_s[1] = 1000
    room, crowd = np.zeros((1, HORIZON)), np.zeros(1)
    find_room(net, 0, 1000, shared, room, crowd)
    storage = (LINK_M + 2.5) // VEHICLE_M
    assert room[0, 0] == storage - 3
    assert room[0, -1] == storage - 2
    assert crowd[0] == pytest.approx(3 / storage)


def demand(arrivals: dict[int, list[int]], room: int, crowd: float, share: float) -> Demand:
    """Arrivals are fractions of a vehicle; the one exit has `room`."""
    whole = free(arrivals, HORIZON, share, share)
    return whole._replace(
        arrived=whole.arrived * (share + 0.3),
        room=np.full((1, HORIZON + 1), float(room)),
        crowd=np.array([crowd]),
    )


def test_a_full_exit_is_not_sent_more_than_it_holds() -> None:
    net, _ = build_network(pair())
    asked = demand({0: [0] * 9}, 2, 0.0, 1.0)
    _, _, leaving, _ = plan(net, 0, asked, Shown(0, 0, 30, 0), DEFAULT_WEIGHTS, HORIZON, 4)
    assert leaving[THROUGH].sum() == pytest.approx(2.0)
    free = asked._replace(room=np.full((1, HORIZON + 1), 1e9))
    _, _, leaving, _ = plan(net, 0, free, Shown(0, 0, 30, 0), DEFAULT_WEIGHTS, HORIZON, 4)
    assert leaving[THROUGH].sum() > 8.0


@settings(max_examples=40, deadline=None)
@given(
    arrivals=st.dictionaries(st.integers(0, 3), st.lists(st.integers(0, 15), max_size=6)),
    room=st.integers(0, 8),
    crowd=st.floats(0, 5),
    share=st.floats(0.05, 0.95),
    green_s=st.integers(0, 70),
)
def test_kernel_and_reference_agree_on_full_exits_and_fractions(
    arrivals: dict[int, list[int]], room: int, crowd: float, share: float, green_s: int
) -> None:
    net, _ = build_network(pair())
    asked, shown = demand(arrivals, room, crowd, share), Shown(0, 0, green_s, 0)
    phase, cost, _, _ = plan(net, 0, asked, shown, DEFAULT_WEIGHTS, 12, 3)
    wanted, wanted_cost = Reference(net, 0, asked, DEFAULT_WEIGHTS).plan(shown, 12, 3)
    assert cost == pytest.approx(wanted_cost, rel=1e-9, abs=1e-9)
    assert phase == wanted
