"""Who is sent, with the reason; ways and travel times over the network."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.fields import LonLat
from citybrain.messages import IntersectionConfig, Movement, Phase, RoadSegment
from command.cases.codes import METRES_PER_DEGREE, distance_m, length_m
from command.cases.dispatch import MOST_TASKS, Unit, Wanted, rank
from command.cases.streets import Streets, cut_path

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
WANTED = Wanted("roads", frozenset(), timedelta(minutes=5))


def unit(number: int = 1, **given: Any) -> Unit:
    usual: dict[str, Any] = {
        "worker": UUID(int=number + 100), "name": f"w{number}", "on_duty": True,
        "duty_since": NOW - timedelta(hours=1), "rested_at": None, "skills": frozenset({"roads"}),
        "position": (6.95, 50.94), "position_at": NOW - timedelta(seconds=20), "tasks": 0,
    }  # fmt: skip
    return Unit(**usual | given)


def east(metres: float, north: float = 0.0) -> LonLat:
    """A place on the equator, where a degree is as long both ways."""
    return metres / METRES_PER_DEGREE, north / METRES_PER_DEGREE


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"on_duty": False}, "off duty"), ({"skills": frozenset()}, "has not the skill roads"),
        ({"position": None, "position_at": None}, "position unknown"),
        ({"position_at": NOW - timedelta(minutes=6)}, "position 6 min old: not trusted"),
        ({"tasks": MOST_TASKS}, "has 8 open tasks already"),
    ],
)  # fmt: skip
def test_who_does_not_suit_is_named_with_the_reason_and_comes_last(
    given: dict[str, Any], reason: str
) -> None:
    first, second = rank([unit(1, **given), unit(2)], WANTED, NOW, lambda _place: 60.0)
    assert (first.unit.name, first.suitable) == ("w2", True)
    assert (second.reason, second.suitable) == (reason, False)


def test_workload_and_lack_of_rest_count_as_being_further_away() -> None:
    units = [
        unit(1, tasks=2), unit(2, duty_since=NOW - timedelta(hours=6)),
        unit(3, position=(6.96, 50.94)),
        unit(4, duty_since=NOW - timedelta(hours=6), rested_at=NOW - timedelta(hours=1),
             position=(6.97, 50.94)),
    ]  # fmt: skip
    times = {(6.95, 50.94): 60.0, (6.96, 50.94): 300.0, (6.97, 50.94): 360.0}
    ranked = rank(units, WANTED, NOW, times.__getitem__)
    assert [one.unit.name for one in ranked] == ["w3", "w4", "w2", "w1"]
    assert ranked[0].reason == "5 min away, 0 open tasks, position 20 s old, skill roads"
    assert "without rest" in ranked[2].reason


@given(
    ages=st.lists(st.integers(0, 900), min_size=1, max_size=6),
    times=st.lists(st.floats(0, 3600), min_size=6, max_size=6),
)
def test_the_first_is_the_soonest_of_those_whose_position_is_fresh(
    ages: list[int], times: list[float]
) -> None:
    units = [
        unit(number, position=(float(number), 0.0), position_at=NOW - timedelta(seconds=age))
        for number, age in enumerate(ages)
    ]
    ranked = rank(units, WANTED, NOW, lambda place: times[int(place[0])])
    fresh = [times[number] for number, age in enumerate(ages) if age <= 300]
    assert [one.travel_s for one in ranked if one.suitable] == sorted(fresh)


def test_who_may_not_and_whom_no_way_leads_from_is_not_sent() -> None:
    wanted = Wanted("", frozenset({UUID(int=101)}), timedelta(minutes=5))
    ranked = rank([unit(1), unit(2)], wanted, NOW, lambda _place: None)
    assert {one.reason for one in ranked} == {
        "handled, refused or reported this case",
        "no way leads there on the road network",
    }


def segment(lane: str, a: LonLat, b: LonLat, **given: Any) -> RoadSegment:
    return RoadSegment(lane, [a, b], given.pop("speed", 10.0), 3.2, **given)


def block() -> Streets:
    """One-way around a block: south side eastwards, east side north, north side west, west side south."""
    a, b, c, d = east(0), east(500), east(500, 300), east(0, 300)
    lanes = {"s_0": (a, b), "e_0": (b, c), "n_0": (c, d), "w_0": (d, a)}
    beside = segment("s_1", east(0, 3), east(500, 3))
    config = IntersectionConfig(
        at=NOW, device="signal/x", boot=1, seq=1, intersection="x", position=b, lanes=[],
        movements=[Movement("s_0", "e_0"), Movement("s_1", "e_0"), Movement("s_0", "w_0")],
        phases=[Phase("GGr", 5.0, 40.0, 20.0)], all_red_s=2.0,
    )  # fmt: skip
    return Streets([*(segment(lane, *ends) for lane, ends in lanes.items()), beside], {"x": config})


def test_lanes_side_by_side_are_one_road_and_a_signals_movements_lead_on() -> None:
    streets = block()
    assert len(streets) == 4
    way = streets.way(east(100), east(500, 200))
    assert way is not None
    (leg,) = way.legs
    assert (leg.intersection, leg.movements) == ("x", [0, 1])
    assert leg.distance_m == pytest.approx(400, abs=1)
    assert leg.free_s == pytest.approx(40, abs=0.5)
    assert way.length_m == pytest.approx(600, abs=4)
    assert length_m(way.points) == pytest.approx(600, abs=4)
    assert distance_m(way.points[0], east(100)) < 4
    assert distance_m(way.points[-1], east(500, 200)) < 1


def test_the_roads_in_a_box_are_those_that_come_into_it() -> None:
    streets = block()
    west, south = east(200, -20)
    right, north = east(300, 20)
    (road,) = streets.within(west, south, right, north)
    assert road.lanes == {"s_0", "s_1"}, "it passes through, with both ends outside"
    assert len(streets.within(-180, -85, 180, 85)) == 4
    assert Streets([]).within(-180, -85, 180, 85) == []


def test_travel_time_follows_one_way_streets_not_the_crow() -> None:
    streets = block()
    with_it = streets.times_to(east(500, 150))(east(250))
    against = streets.times_to(east(250, 300))(east(0, 100))
    assert with_it == pytest.approx((250 + 150) / 6, rel=0.05)
    on_foot = distance_m(east(0, 100), east(250, 300)) / 1.4
    assert against is not None
    assert against <= on_foot + 1, "against the one-way it is quicker on foot"


def test_without_a_network_the_crow_tells() -> None:
    times = Streets([]).times_to(east(700))
    assert not times.is_by_network
    assert times(east(0)) == pytest.approx(700 * 1.3 / 7, rel=0.01)


@given(begin=st.floats(0, 400), end=st.floats(0, 400))
def test_a_path_is_cut_by_metres(begin: float, end: float) -> None:
    path = [east(0), east(300), east(300, 700)]
    cut = cut_path(path, begin, end)
    assert length_m(cut) == pytest.approx(1000 - begin - end, abs=0.5)
