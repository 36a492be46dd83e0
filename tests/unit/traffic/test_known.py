"""Turns that are known of each vehicle: the kernel serves nobody on another's green."""

import numpy as np
import pytest

from tests.fixtures.crossing import AT, crossing, measurement, queue, state
from tests.fixtures.demand import demand
from traffic.horizon import Shown, plan
from traffic.known import with_turns
from traffic.network import build_network
from traffic.region import Region
from traffic.rights import Claims
from traffic.weights import DEFAULT_WEIGHTS

THROUGH, LEFT = 0, 1
"""Own numbers of the western lane's movements."""
SPLIT = ("GrrrGrrr", "rGrrrGrr")
"""Through from west and east; left from both."""
HORIZON = 40


def decided(turns: dict[str, list[int]]) -> int:
    made = Region([crossing(phases=SPLIT)])
    made.on_state(state())
    made.on_measurement(measurement({"west": queue(4)}))
    made.on_turns("x", turns)
    decision = made.decide("x", AT)
    assert decision is not None
    return decision.phase


def test_who_turns_left_gets_the_left_turn_and_who_does_not_does_not() -> None:
    assert decided({}) == 0
    assert decided({"west": [THROUGH] * 4}) == 0
    assert decided({"west": [LEFT] * 4}) == 1


def leaving(turns: list[int]) -> np.ndarray:
    net, sites = build_network([crossing(phases=SPLIT)])
    asked = with_turns(net, sites["x"], {"west": turns}, demand({0: [0] * len(turns)}, HORIZON, 0.5, 0.5))
    _, _, sent, _ = plan(net, 0, asked, Shown(0, 0, 20, 0), DEFAULT_WEIGHTS, HORIZON, 6)
    return sent


def test_a_left_turner_blocks_those_behind_it_until_its_own_green() -> None:
    sent = leaving([LEFT, THROUGH, THROUGH])
    gone = sent.sum(axis=0).cumsum()
    change_s = 3 + 1 + 5
    assert gone[change_s - 5] == 0, "its movement is red until the change is over"
    assert gone[-1] == pytest.approx(3.0)
    free = leaving([THROUGH, THROUGH, THROUGH]).sum(axis=0).cumsum()
    assert free[8] == pytest.approx(3.0)


def test_shares_are_those_in_view_and_the_heads_its_own() -> None:
    net, sites = build_network([crossing()])
    asked = with_turns(net, sites["x"], {"west": [LEFT, THROUGH, -1, LEFT]}, demand({}, HORIZON, 0.9, 0.9))
    assert asked.share[:4] == pytest.approx([1 / 3, 2 / 3, 0.9, 0.1])
    assert asked.head_share[:4] == pytest.approx([0.0, 1.0, 0.9, 0.1])
    assert asked.claims.place.tolist() == [1, 2, 4]
    assert not asked.claims.weight.any()


def test_what_is_not_known_or_not_there_leaves_the_demand_as_it_was() -> None:
    net, sites = build_network([crossing()])
    before = demand({0: [0]}, HORIZON, 0.9, 0.8)
    asked = with_turns(net, sites["x"], {"west": [-1, 6], "elsewhere": [0], "north": []}, before)
    assert asked.share == pytest.approx(before.share)
    assert asked.head_share == pytest.approx(before.head_share)
    assert len(asked.claims.lane) == 0


def test_a_lane_with_a_priority_keeps_its_claim() -> None:
    net, sites = build_network([crossing()])
    one = np.array([0], np.int32)
    claims = Claims(one, one + 2, one, one + 5, one, np.array([50.0]))
    before = demand({0: [0, 0]}, HORIZON)._replace(claims=claims)
    asked = with_turns(net, sites["x"], {"west": [LEFT, LEFT], "east": [4]}, before)
    assert asked.claims.lane.tolist() == [0, 2]
    assert asked.claims.weight.tolist() == [50.0, 0.0]
    assert asked.share[:2] == pytest.approx(before.share[:2])
