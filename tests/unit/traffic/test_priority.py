"""Who may claim which intersection, in what order, and for how long."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.messages import EmergencyClass, PriorityCancel, PriorityState
from tests.fixtures.priority import APART_M, CRUISE_MPS, after, position, request
from traffic.priority import DEFAULT_RULES, MOST_REQUESTS, ORDER, Priorities


def priorities(*ids: tuple[str, EmergencyClass, float]) -> Priorities:
    """Requests over a, b, c, each with its travelled metres at second 0."""
    found = Priorities()
    for id_, kind, travelled_m in ids:
        found.request(request(id_, kind))
        found.position(position(0.0, travelled_m, id_))
    return found


def asking(found: Priorities, intersection: str, at_s: float) -> list[str]:
    return [claim.request for claim in found.claims(intersection, after(at_s))]


def state(found: Priorities, id_: str, at_s: float) -> tuple[PriorityState, list[PriorityState]]:
    whole, legs = found.progress(after(at_s))[id_]
    return whole, [leg.state for leg in legs]


def drive(
    found: Priorities, until_s: int, id_: str = "trip", from_s: int = 0, stand_at_m: float = 1e9
) -> None:
    """Positions once a second at the free speed, standing for ever from `stand_at_m`."""
    for second in range(from_s, until_s + 1):
        travelled_m = min(CRUISE_MPS * second, stand_at_m)
        speed_mps = 0.0 if travelled_m == stand_at_m else CRUISE_MPS
        found.position(position(second, travelled_m, id_, speed_mps))
        found.tick(after(second))
        for intersection in "abc":
            found.claims(intersection, after(second))


def test_an_intersection_is_claimed_once_its_vehicle_is_within_the_horizon() -> None:
    found = Priorities()
    found.request(request(intersections="abcd"))
    found.position(position(0.0, 0.0))
    assert asking(found, "c", 0) == ["trip"]  # 900 m at 15 m/s: 60 s
    assert asking(found, "d", 0) == []
    assert asking(found, "elsewhere", 0) == []
    assert state(found, "trip", 0)[1][3] is PriorityState.AHEAD


def test_a_claim_says_how_far_and_when() -> None:
    found = priorities(("trip", EmergencyClass.FIRE, 150.0))
    (claim,) = found.claims("b", after(2.0))
    assert claim.distance_m == pytest.approx(2 * APART_M - 150.0 - 2 * CRUISE_MPS)
    assert claim.eta_s == pytest.approx(claim.distance_m / CRUISE_MPS)
    assert claim.movements == (0,)


def test_a_vehicle_that_passed_claims_no_more_and_its_last_signal_ends_the_request() -> None:
    found = priorities()
    found.request(request())
    drive(found, 21)
    assert state(found, "trip", 21)[1][0] is PriorityState.PASSED
    assert asking(found, "a", 21) == []
    assert asking(found, "b", 21) == ["trip"]
    drive(found, 61, from_s=22)
    assert state(found, "trip", 61)[0] is PriorityState.PASSED
    assert found.open == 0


def test_classes_come_first_and_then_arrivals() -> None:
    found = priorities(
        ("police near", EmergencyClass.POLICE, 250.0),
        ("ambulance far", EmergencyClass.AMBULANCE, 0.0),
        ("ambulance near", EmergencyClass.AMBULANCE, 200.0),
        ("fire", EmergencyClass.FIRE, 280.0),
    )
    claims = found.claims("a", after(0))
    assert [claim.request for claim in claims] == ["ambulance near", "ambulance far", "fire", "police near"]
    assert all(one.weight > other.weight for one, other in pairwise(claims))
    assert state(found, "ambulance near", 0)[0] is PriorityState.GRANTED
    assert state(found, "police near", 0)[1][0] is PriorityState.QUEUED


def test_who_is_first_stays_first_unless_another_is_clearly_earlier() -> None:
    found = priorities(("one", EmergencyClass.FIRE, 100.0), ("two", EmergencyClass.FIRE, 90.0))
    assert asking(found, "a", 0) == ["one", "two"]
    found.position(position(1.0, 110.0, "one"))
    found.position(position(1.0, 140.0, "two"))  # 2 s earlier
    assert asking(found, "a", 1) == ["one", "two"]
    found.position(position(2.0, 115.0, "one"))
    found.position(position(2.0, 220.0, "two"))  # 7 s earlier
    assert asking(found, "a", 2) == ["two", "one"]


def test_a_request_expires() -> None:
    found = Priorities()
    found.request(request(expires_s=10.0))
    found.position(position(9.0, 0.0))
    assert asking(found, "a", 9.5) == ["trip"]
    found.tick(after(10.0))
    assert asking(found, "a", 10.0) == []
    assert state(found, "trip", 10.0)[0] is PriorityState.EXPIRED


def test_a_cancelled_request_claims_no_more_and_does_not_come_back() -> None:
    found = priorities(("trip", EmergencyClass.FIRE, 100.0))
    assert asking(found, "a", 0) == ["trip"]
    found.cancel(PriorityCancel(at=after(1.0), request="trip"))
    found.request(request(kind=EmergencyClass.FIRE, at_s=2.0))
    found.position(position(2.0, 130.0))
    assert asking(found, "a", 2) == []
    assert state(found, "trip", 2)[0] is PriorityState.CANCELLED


def test_a_claim_has_a_longest_duration_and_may_come_again_after_the_lockout() -> None:
    found = Priorities()
    found.request(request())
    drive(found, 180, stand_at_m=250.0)
    assert asking(found, "a", 180) == []
    assert state(found, "trip", 180)[1][0] is PriorityState.LOCKED_OUT
    drive(found, 199, from_s=181, stand_at_m=250.0)
    assert asking(found, "a", 199) == []
    drive(found, 200, from_s=200, stand_at_m=250.0)
    assert asking(found, "a", 200) == ["trip"]


def test_the_next_is_locked_out_until_the_intersection_has_recovered() -> None:
    found = priorities(("first", EmergencyClass.FIRE, 290.0))
    assert asking(found, "a", 0) == ["first"]
    found.position(position(1.0, 310.0, "first"))
    found.tick(after(1.0))
    found.request(request("next", EmergencyClass.AMBULANCE))
    found.position(position(1.0, 200.0, "next"))
    assert asking(found, "a", 1) == []
    assert state(found, "next", 1)[1][0] is PriorityState.LOCKED_OUT
    found.position(position(21.0, 250.0, "next"))
    assert asking(found, "a", 21) == ["next"]


def test_who_claimed_beside_the_one_that_passed_is_not_locked_out() -> None:
    found = priorities(("first", EmergencyClass.FIRE, 290.0), ("second", EmergencyClass.FIRE, 260.0))
    assert asking(found, "a", 0) == ["first", "second"]
    found.position(position(1.0, 310.0, "first"))
    found.position(position(1.0, 275.0, "second"))
    found.tick(after(1.0))
    assert asking(found, "a", 1) == ["second"]


def test_a_silent_vehicle_claims_nothing_until_it_speaks_again() -> None:
    found = priorities(("trip", EmergencyClass.FIRE, 100.0))
    assert asking(found, "a", 4) == ["trip"]
    assert asking(found, "a", 6) == []
    assert state(found, "trip", 6)[0] is PriorityState.SILENT
    found.position(position(7.0, 150.0))
    assert asking(found, "a", 7) == ["trip"]


def test_between_two_positions_a_vehicle_is_taken_to_drive_on() -> None:
    found = priorities(("trip", EmergencyClass.FIRE, 200.0))
    (claim,) = found.claims("a", after(3.0))
    assert claim.distance_m == pytest.approx(APART_M - 200.0 - 3 * CRUISE_MPS)


def test_signals_ahead_expect_a_standing_vehicle_later_and_later() -> None:
    found = Priorities()
    found.request(request())
    drive(found, 10, stand_at_m=150.0)
    etas = []
    for second in range(10, 60):
        drive(found, second, from_s=second, stand_at_m=150.0)
        claims = found.claims("b", after(second))
        etas.append(claims[0].eta_s + claims[0].stood_s if claims else None)
    known = [eta for eta in etas if eta is not None]
    assert all(later == pytest.approx(eta + 1.0) for eta, later in pairwise(known))
    assert known[-1] > DEFAULT_RULES.horizon_s
    assert state(found, "trip", 59)[1][1] is PriorityState.AHEAD
    assert asking(found, "a", 59) == ["trip"]  # its own next signal goes on serving it


def test_who_stands_for_long_clears_no_road_ahead_of_its_next_signal() -> None:
    found = Priorities()
    found.request(request())
    drive(found, 140, stand_at_m=150.0)
    assert asking(found, "a", 140) == ["trip"]
    assert asking(found, "b", 140) == []


def test_a_new_path_replaces_the_old_one() -> None:
    found = priorities(("trip", EmergencyClass.FIRE, 100.0))
    found.request(request(kind=EmergencyClass.FIRE, intersections="xy", at_s=1.0))
    assert asking(found, "a", 1) == []
    assert asking(found, "x", 1) == ["trip"]


def test_a_path_may_cross_an_intersection_twice() -> None:
    found = Priorities()
    found.request(request(intersections="aba"))
    drive(found, 22)
    (claim,) = found.claims("a", after(22))
    assert claim.distance_m == pytest.approx(3 * APART_M - 22 * CRUISE_MPS)


def test_old_positions_and_unknown_requests_are_ignored() -> None:
    found = priorities(("trip", EmergencyClass.FIRE, 200.0))
    found.position(position(-5.0, 0.0))
    found.position(position(0.0, 10.0, "nobody"))
    found.cancel(PriorityCancel(at=after(0), request="nobody"))
    (claim,) = found.claims("a", after(0))
    assert claim.distance_m == APART_M - 200.0


def test_more_requests_than_a_city_has_vehicles_are_refused() -> None:
    found = Priorities()
    assert all(found.request(request(f"trip-{number}")) for number in range(MOST_REQUESTS))
    assert not found.request(request("one too many"))
    assert found.request(request("trip-0", at_s=1.0))


def test_what_has_ended_is_forgotten() -> None:
    found = priorities(("trip", EmergencyClass.FIRE, 0.0))
    found.cancel(PriorityCancel(at=after(1.0), request="trip"))
    found.tick(after(1.0 + DEFAULT_RULES.keep_s + 1.0))
    assert found.progress(after(70)) == {}


steps = st.lists(
    st.tuples(
        st.sampled_from(["one", "two", "three"]),
        st.sampled_from(list(EmergencyClass)),
        st.sampled_from(["request", "position", "cancel"]),
        st.floats(0, 1_000),
        st.floats(0, 40),
    ),
    max_size=60,
)


@given(steps)
def test_whatever_is_said_claims_are_ordered_and_ended_requests_claim_nothing(
    said: list[tuple[str, EmergencyClass, str, float, float]],
) -> None:
    found, now_s = Priorities(), 0.0
    kinds: dict[str, EmergencyClass] = {}
    for id_, kind, what, metres, passed_s in said:
        now_s += passed_s
        if what == "request":
            found.request(request(id_, kinds.setdefault(id_, kind), at_s=now_s, expires_s=now_s + 60.0))
        elif what == "position":
            found.position(position(now_s, metres, id_))
        else:
            found.cancel(PriorityCancel(at=after(now_s), request=id_))
        found.tick(after(now_s))
        progress = found.progress(after(now_s))
        ended = {
            id_
            for id_, (whole, _) in progress.items()
            if whole in {PriorityState.CANCELLED, PriorityState.EXPIRED}
        }
        for intersection in "abc":
            claims = found.claims(intersection, after(now_s))
            assert not ended & {claim.request for claim in claims}
            orders = [ORDER[kinds[claim.request]] for claim in claims]
            assert orders == sorted(orders)
            assert all(claim.eta_s <= DEFAULT_RULES.horizon_s for claim in claims)
