import numpy as np
import pytest

from tests.fixtures.crossing import crossing
from traffic.network import Network, build_network
from traffic.turns import Seen, Turns

THROUGH, LEFT = 0, 1


def world() -> tuple[Network, Turns]:
    net, sites = build_network([crossing()])
    return net, Turns(net, sites)


def seen(codes: list[int], crossed: float = 0.0, standing: int = 0) -> Seen:
    return Seen(
        np.array(codes + [0] * 6, np.uint8),
        np.full(8, 10.0),
        np.array([crossed, 0, 0, 0]),
        np.array([standing, 0, 0, 0], np.uint8),
    )


def test_shares_of_a_lane_sum_to_one() -> None:
    _, turns = world()
    assert turns.share.reshape(4, 2).sum(axis=1) == pytest.approx(np.ones(4))


def test_who_leaves_while_only_left_is_green_turned_left() -> None:
    net, turns = world()
    for _ in range(200):
        turns.observe(net, 0, seen([0, 1], crossed=1))
    assert turns.share[LEFT] > 0.9
    assert turns.share[2:4] == pytest.approx(turns.share[4:6]), "other lanes have learned nothing"


def test_a_head_that_stands_on_protected_green_is_there_for_another_turn() -> None:
    net, turns = world()
    for _ in range(6):
        turns.observe(net, 0, seen([1, 0], standing=1))
    assert turns.head[LEFT] > 0.9
    turns.observe(net, 0, seen([1, 1], crossed=1))
    assert turns.head[LEFT] == pytest.approx(turns.share[LEFT]), "the next head is unknown again"


def test_a_head_on_red_tells_nothing() -> None:
    net, turns = world()
    before = turns.head.copy()
    turns.observe(net, 0, seen([0, 0], standing=1))
    assert turns.head == pytest.approx(before)
