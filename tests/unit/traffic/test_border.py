"""Regions that tell each other of their borders decide as one; what is lost or wrong does no harm."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from msgspec.structs import replace

from citybrain.codec import decode, encode
from citybrain.errors import ConfigError
from citybrain.messages import MovementFlow, Outflow
from tests.fixtures.crossing import ARMS, AT, crossing, measurement, queue, state
from tests.fixtures.pair import pair
from traffic.atlas import Atlas
from traffic.border import Border, hear, told
from traffic.inflow import PAST_S, add_inflow, exchange
from traffic.network import Floats, build_network
from traffic.pace import StreetSeconds
from traffic.region import Decision, Region

FIRST, SECOND = pair(link_m=400.0)
HORIZON = 60
SECONDS = 8


def test_the_border_is_crossed_by_lanes_one_way_or_the_other() -> None:
    assert Border([SECOND]).touches(FIRST)
    assert Border([FIRST]).touches(SECOND)
    assert not Border([FIRST, SECOND]).touches(crossing("x"))


def seen(region: Region, id_: str, second: int, vehicles: list[tuple[float, float]]) -> Decision | None:
    """One second at one intersection, green to the west and east at `a`, to the north and south at `b`."""
    at = AT + timedelta(seconds=second)
    region.on_state(state(id_, phase=int(id_ == "b"), elapsed_s=20.0 + second, clock_s=second, at=at))
    lanes = {f"{id_}:{arm}": vehicles if arm == "west" else [] for arm in ARMS}
    gone = {f"{id_}:west": 1 if id_ == "a" and second % 2 else 0}
    region.on_measurement(measurement(lanes, id_, second, at, gone))
    return region.decide(id_, at)


def passed_on(one: Region, id_: str, other: Region, at: datetime) -> None:
    outflow = one.outflow(id_, "traffic/region-0")
    assert outflow is not None
    heard = decode(encode(outflow))
    assert isinstance(heard, Outflow)
    other.on_outflow(heard, at)


def test_two_regions_that_hear_each_other_decide_as_one() -> None:
    whole = Region([FIRST, SECOND])
    west, east = Region([FIRST], neighbours=[SECOND]), Region([SECOND], neighbours=[FIRST])
    phases = []
    for second in range(SECONDS):
        at = AT + timedelta(seconds=second)
        wanted = [seen(whole, "a", second, queue(9)), seen(whole, "b", second, [])]
        found = [seen(west, "a", second, queue(9))]
        passed_on(west, "a", east, at)
        found.append(seen(east, "b", second, []))
        passed_on(east, "b", west, at)
        for one, other in zip(found, wanted, strict=True):
            assert one is not None
            assert other is not None
            assert (one.phase, one.reason) == (other.phase, other.reason)
            assert one.cost == pytest.approx(other.cost, rel=1e-3), "numbers are rounded on the way"
        assert found[1] is not None
        phases.append(found[1].phase)
    assert phases == [0] * SECONDS, "the platoon is awaited, long before it is seen"


def test_alone_the_second_knows_nothing_of_the_platoon() -> None:
    alone = Region([SECOND], neighbours=[FIRST])
    for second in range(SECONDS):
        decision = seen(alone, "b", second, [])
        assert decision is not None
        assert decision.phase == 1


def arrivals(words: list[tuple[int, Outflow]], second: int) -> Floats:
    """What the second expects from the west in `second`, after hearing the words."""
    net, sites = build_network([FIRST, SECOND])
    shared = exchange(net, HORIZON)
    for heard, outflow in words:
        hear(net, sites["a"], shared, heard, outflow)
    arriving: Floats = np.zeros((4, HORIZON + 4))
    add_inflow(net, 1, second, shared, np.zeros(4, np.uint8), arriving)
    west: Floats = arriving[0]
    return west


def word(crossed: float = 0.0, plan: list[tuple[int, float]] | None = None, movement: int = 0) -> Outflow:
    flows = [MovementFlow(movement, crossed, plan or [])]
    return Outflow(
        at=AT, device="traffic/region-0", intersection="a", is_planned=plan is not None, movements=flows,
        lanes=[],
    )  # fmt: skip


def test_the_last_plan_holds_until_there_is_a_new_one() -> None:
    plan = word(plan=[(4, 1.0)])
    assert arrivals([(0, plan)], 2).sum() == pytest.approx(1.0)
    assert arrivals([(0, plan), (1, word())], 2).sum() == pytest.approx(1.0)
    assert arrivals([(0, plan), (1, word(plan=[]))], 2).sum() == 0.0
    first, later = arrivals([(0, plan)], 1), arrivals([(0, plan)], 3)
    assert np.flatnonzero(first)[0] - np.flatnonzero(later)[0] == 2


def test_who_crossed_is_counted_once_and_forgotten_after_a_gap() -> None:
    one = word(crossed=1.0)
    assert arrivals([(0, one), (0, one)], 1).sum() == pytest.approx(1.0)
    assert arrivals([(0, one), (5, word())], 5).sum() == pytest.approx(1.0), "four lost words lose nobody"
    assert arrivals([(0, one), (PAST_S, word())], PAST_S).sum() == 0.0
    assert arrivals([(9, word()), (3, one)], 9).sum() == 0.0, "an old word is ignored"


def test_a_word_of_another_configuration_is_left_out() -> None:
    assert arrivals([(0, word(crossed=1.0, movement=8))], 1).sum() == 0.0
    assert arrivals([(0, word(plan=[(HORIZON, 1.0)]))], 1).sum() == 0.0


def test_a_word_that_is_late_or_of_a_stranger_is_ignored() -> None:
    region = Region([SECOND], neighbours=[FIRST])
    before = region.shared.seen_s.copy()
    region.on_outflow(word(crossed=1.0), AT + timedelta(seconds=2.5))
    region.on_outflow(replace(word(crossed=1.0), intersection="b"), AT)
    region.on_outflow(replace(word(crossed=1.0), intersection="elsewhere"), AT)
    assert (region.shared.seen_s == before).all()
    region.on_outflow(word(crossed=1.0), AT)
    assert (region.shared.seen_s != before).any()


def test_what_is_told_is_how_full_and_how_busy_the_lanes_are() -> None:
    region = Region([FIRST], neighbours=[SECOND])
    seen(region, "a", 1, queue(5))
    net, sites = region.net, region.sites
    found = told(net, sites["a"], region.shared, 0, at=AT, device="traffic/region-0")
    assert {flow.lane: flow.vehicles for flow in found.lanes}["a:west"] == 5
    assert found.is_planned
    assert sum(flow.crossed for flow in found.movements) == pytest.approx(1.0, abs=0.02)
    assert sum(vehicles for _, vehicles in found.movements[0].plan) > 1.0


@pytest.mark.parametrize("speed", [0.5, 1.0, 10.0])
def test_seconds_are_the_streets_not_the_walls(speed: float) -> None:
    seconds = StreetSeconds(speed)
    for street_s in (0, 7, 3600, -4):
        assert seconds.of(AT + timedelta(seconds=street_s / speed)) == street_s


def test_on_a_fast_street_crossings_are_told_apart_by_street_seconds() -> None:
    region = Region([FIRST, SECOND], speed=10.0)
    for second in range(5):
        at = AT + timedelta(seconds=second / 10)
        gone = {"a:west": 1}
        region.on_state(state("a", elapsed_s=20.0 + second, clock_s=second, at=at))
        lanes: dict[str, list[tuple[float, float]]] = {f"a:{arm}": [] for arm in ARMS}
        assert region.on_measurement(measurement(lanes, "a", second, at, gone))
    assert region.shared.sent.sum() == pytest.approx(5.0)
    assert (region.shared.sent.sum(axis=0) > 0).sum() == 5


def test_a_neighbour_counts_only_where_it_touches() -> None:
    atlas = Atlas()
    assert atlas.learn(SECOND, is_own=True)
    atlas.region(1.0)
    assert not atlas.learn(crossing("x"), is_own=False)
    assert atlas.learn(FIRST, is_own=False)
    assert not atlas.learn(replace(FIRST, seq=9), is_own=False), "nothing but its number has changed"
    region = atlas.region(1.0)
    assert (set(atlas.beyond), set(atlas.edge)) == ({"a"}, {"b"})
    assert (set(region.sites), set(region.beyond)) == ({"b"}, {"a"})


def test_an_unsafe_neighbour_is_refused_and_forgotten() -> None:
    atlas = Atlas()
    atlas.learn(SECOND, is_own=True)
    atlas.learn(FIRST, is_own=False)
    unsafe = [replace(phase, indications="G" * 8) for phase in FIRST.phases]
    with pytest.raises(ConfigError):
        atlas.learn(replace(FIRST, phases=unsafe), is_own=False)
    atlas.region(1.0)
    assert not atlas.beyond
