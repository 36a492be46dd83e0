"""Figures of emergency trips against what can be told by hand."""

import numpy as np
import pytest

from citybrain.messages import EmergencyClass
from simulations.emergency import EmergencyResult, Others
from simulations.emergency_score import RECOVERY_LIMIT_S, SMOOTH_S, recovery_s, summarise
from simulations.emergency_watch import TripResult

MINUTES = 600


def trip(travel_s: float, signal_delay_s: float, arrived: bool = True, passed_s: float = 100.0) -> TripResult:
    return TripResult(
        "priority-1",
        EmergencyClass.FIRE,
        ("x",),
        arrived,
        travel_s,
        100.0,
        signal_delay_s,
        1,
        0.0,
        (passed_s,),
    )


def result(
    controller: str,
    priority: bool,
    trips: list[TripResult],
    others_s: float,
    queue: float = 2.0,
    seed: int = 1,
) -> EmergencyResult:
    queued = np.full((1, MINUTES), int(queue), np.int32)
    return EmergencyResult(
        controller, priority, seed, tuple(trips), Others(100, others_s, 3, 0), ("x",), queued
    )


def test_trips_are_compared_with_fixed_signals_and_others_with_the_same_controller() -> None:
    rows = summarise([
        result("fixed", False, [trip(300.0, 180.0), trip(200.0, 120.0)], 90.0),
        result("adaptive", False, [trip(150.0, 40.0), trip(150.0, 40.0)], 20.0),
        result("adaptive", True, [trip(110.0, 10.0), trip(115.0, 5.0)], 21.0),
    ])  # fmt: skip
    fixed, without, with_ = rows
    assert [row.name for row in rows] == ["fixed", "adaptive", "adaptive+priority"]
    assert with_.travel_s == 112.5
    assert with_.over_free == pytest.approx(0.125)
    assert with_.travel_ratio == pytest.approx(112.5 / 250.0)
    assert with_.signal_delay_ratio == pytest.approx(7.5 / 150.0)
    assert with_.others_ratio == pytest.approx(1.05)
    assert without.others_ratio is None
    assert fixed.travel_ratio == 1.0


def test_without_fixed_signals_there_is_nothing_to_compare_with() -> None:
    (row,) = summarise([result("adaptive", True, [trip(110.0, 10.0)], 20.0)])
    assert row.travel_ratio is None
    assert row.others_ratio is None
    assert row.recovery is None


def test_a_trip_that_does_not_arrive_is_told() -> None:
    (row,) = summarise([result("fixed", False, [trip(300.0, 1.0), trip(900.0, 1.0, arrived=False)], 90.0)])
    assert (row.arrived, row.trips) == (1, 2)


def test_means_are_over_all_trips_of_all_seeds() -> None:
    (row,) = summarise([
        result("fixed", False, [trip(100.0, 0.0)], 80.0, seed=1),
        result("fixed", False, [trip(200.0, 0.0), trip(300.0, 0.0)], 100.0, seed=2),
    ])  # fmt: skip
    assert row.travel_s == 200.0
    assert row.others_delay_s == 90.0
    assert row.seeds == (1, 2)


def test_a_signal_recovers_when_its_queue_is_what_it_would_have_been() -> None:
    without = np.full(MINUTES, 4.0)
    with_ = without.copy()
    with_[100:160] += 10.0
    # At second 160 + n the mean over 30 s holds 10 * (30 - n) / 30 more; at most 1 from n = 27, inclusive.
    assert recovery_s(with_, without, 130.0) == pytest.approx(160 - 130 + SMOOTH_S * 0.9 - 1, abs=1.0)


def test_equal_queues_have_recovered_at_once_and_a_lasting_one_never() -> None:
    queue = np.full(MINUTES, 4.0)
    assert recovery_s(queue, queue, 100.0) == 0.0
    assert recovery_s(queue + 5.0, queue, 100.0) == RECOVERY_LIMIT_S


def test_recovery_is_told_for_every_signal_that_was_passed() -> None:
    rows = summarise([
        result("adaptive", False, [trip(150.0, 40.0)], 20.0, queue=2),
        result("adaptive", True, [trip(110.0, 10.0, passed_s=50.0)], 20.0, queue=9),
    ])  # fmt: skip
    recovery = rows[1].recovery
    assert recovery is not None
    assert (recovery.passes, recovery.not_recovered, recovery.mean_s) == (1, 1, RECOVERY_LIMIT_S)
