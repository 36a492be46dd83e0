"""The planner keeps the order of rings and counts on what drives beside a clearing crossing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from citybrain.messages import ApproachLane, Movement
from tests.fixtures.crossing import crossing
from tests.fixtures.demand import demand
from tests.unit.citybrain.test_rings import STAGES, dual_ring
from tests.unit.traffic.test_horizon import PHASE_SETS, Planner, both, kernel, reference
from traffic.horizon import Shown
from traffic.network import FORBIDDEN, Network, build_network
from traffic.weights import DEFAULT_WEIGHTS

PHASES = len(PHASE_SETS[1])


def ordered(walk_s: int = 0, forbidden: set[tuple[int, int]] | None = None) -> Network:
    """Four phases, of which some may not follow others, and crossings that clear first in each change."""
    net, _ = build_network([crossing(phases=PHASE_SETS[1])])
    net.walk_s[:] = [min(walk_s, max(change, 0)) for change in net.change_s]
    for a, b in forbidden or ():
        net.change_s[a * PHASES + b] = FORBIDDEN
    return net


def test_forbidden_changes_are_marked_and_others_have_their_length() -> None:
    config = dual_ring()
    lanes = [ApproachLane(f"in_{g}", 100.0, 13.9, [(7.0, 51.0), (7.001, 51.0)]) for g in range(1, 9)]
    net, _ = build_network([replace(config, lanes=lanes)])
    changes = net.change_s.reshape(len(STAGES), len(STAGES))
    assert (changes[1, 0], changes[3, 2]) == (FORBIDDEN, FORBIDDEN)
    assert changes[0, 1] > 0
    assert (changes.diagonal() == 0).all()


def test_a_crossing_lengthens_the_change_and_the_minimum_green() -> None:
    config = crossing()
    walk = Movement("walk", "over", foes=[2, 3], turn="pedestrian", length_m=10.67)
    phases = [replace(phase, indications=phase.indications + light) for phase, light in
              zip(config.phases, "Gr", strict=True)]  # fmt: skip
    net, _ = build_network([replace(config, movements=[*config.movements, walk], phases=phases)])
    assert list(net.min_green) == [7, 5]
    assert list(net.change_s) == [0, 7 + 3 + 1, 3 + 1, 0]
    assert list(net.walk_s) == [0, 7, 0, 0]


@both
def test_a_phase_that_may_not_follow_is_reached_by_another(planner: Planner) -> None:
    waiting = demand({1: [0] * 6}, 40)
    assert planner(ordered(), waiting, Shown(0, 0, 30, 0), DEFAULT_WEIGHTS, 40, 4)[0] == 2
    around = planner(ordered(forbidden={(0, 2)}), waiting, Shown(0, 0, 30, 0), DEFAULT_WEIGHTS, 40, 4)[0]
    assert around in {1, 3}


@both
def test_lanes_go_on_while_only_crossings_clear(planner: Planner) -> None:
    asked = demand({0: [0, 0, 0], 1: [0] * 8}, 30)
    _, dead = planner(ordered(), asked, Shown(0, 2, 0, 4), DEFAULT_WEIGHTS, 30, 4)
    _, alive = planner(ordered(walk_s=4), asked, Shown(0, 2, 0, 4), DEFAULT_WEIGHTS, 30, 4)
    assert alive < dead


@settings(max_examples=40, deadline=None)
@given(
    arrivals=st.dictionaries(st.integers(0, 3), st.lists(st.integers(0, 15), max_size=6)),
    walk_s=st.integers(0, 4),
    forbidden=st.sets(st.tuples(st.integers(0, 3), st.integers(0, 3)).filter(
        lambda pair: (pair[0] + 1) % 4 != pair[1] and pair[0] != pair[1]
    )),
    shown=st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 70), st.integers(1, 4)),
)  # fmt: skip
def test_kernel_and_reference_agree_on_order_and_clearance(
    arrivals: dict[int, list[int]],
    walk_s: int,
    forbidden: set[tuple[int, int]],
    shown: tuple[int, int, int, int],
) -> None:
    net = ordered(walk_s, forbidden)
    phase, target, green_s, left_s = shown
    now = Shown(phase, target, 0, left_s) if phase != target else Shown(phase, phase, green_s, 0)
    asked = demand(arrivals, 12, 0.7, 0.4)
    got, got_cost = kernel(net, asked, now, DEFAULT_WEIGHTS, 12, 3)
    wanted, wanted_cost = reference(net, asked, now, DEFAULT_WEIGHTS, 12, 3)
    assert got_cost == pytest.approx(wanted_cost, rel=1e-9, abs=1e-9)
    assert got == wanted
    if phase == target:
        assert (phase, got) not in forbidden
