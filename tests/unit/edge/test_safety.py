"""The safety guard: whatever is asked for, at whatever time, only safe indications are shown."""

import contextlib
import math

import pytest

from citybrain.errors import ConfigError, UnsafeCommand
from citybrain.messages import Interval, Movement
from citybrain.rules import WALKING_MPS
from edge.safety import SafetyGuard
from tests.unit.edge.configs import crossroads, phase


def run(guard: SafetyGuard, start: int, seconds: int) -> list[str]:
    return [guard.step(float(second)).indications for second in range(start, start + seconds)]


def test_a_phase_with_conflicting_protected_greens_is_refused() -> None:
    with pytest.raises(ConfigError, match="phase 0 gives protected green to the conflicting movements"):
        SafetyGuard(crossroads(phases=[phase("GrGGr")]))


def test_a_phase_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ConfigError, match="4 indications for 5 movements"):
        SafetyGuard(crossroads(phases=[phase("GrGr")]))


def test_a_movement_without_yellow_is_refused() -> None:
    movements = [Movement("a_0", "b_0", yellow_s=0.0)]
    with pytest.raises(ConfigError, match="no yellow"):
        SafetyGuard(crossroads(movements=movements, phases=[phase("G")]))


def test_it_takes_over_a_phase_that_is_shown_and_gives_it_its_minimum_green() -> None:
    guard = SafetyGuard(crossroads(), "rrrGG")
    shown = guard.step(100.0)
    assert (shown.phase, shown.interval, shown.min_remaining_s) == (2, Interval.GREEN, 7.0)
    with pytest.raises(UnsafeCommand, match=r"7\.0 s of its minimum green left"):
        guard.request(0, 100.0)


def test_it_starts_from_unknown_with_all_red() -> None:
    shown = run(SafetyGuard(crossroads()), 0, 8)
    assert shown == ["rrrrr"] * 6 + ["GgGrr"] * 2


def test_it_starts_from_foreign_greens_through_yellow_and_all_red() -> None:
    assert run(SafetyGuard(crossroads(), "rrrGr"), 0, 8) == ["rrryr"] * 4 + ["rrrrr"] * 2 + ["GgGrr"] * 2


def test_greens_that_conflict_where_it_takes_over_all_end_before_any_begins() -> None:
    shown = run(SafetyGuard(crossroads(), "GrrGr"), 0, 11)
    assert shown == ["yrryr"] * 3 + ["yrryr"[:3] + "yr"] + ["rrrrr"] * 6 + ["GgGrr"]


def test_each_movement_has_its_own_yellow_and_the_slowest_is_awaited() -> None:
    guard = SafetyGuard(crossroads(), "GgGrr")
    run(guard, 0, 8)
    guard.request(2, 8.0)
    assert run(guard, 8, 7) == ["yyyrr"] * 3 + ["yryrr"] + ["rrrrr"] * 2 + ["rrrGG"]


def test_a_movement_that_is_green_in_both_phases_stays_green() -> None:
    guard = SafetyGuard(crossroads(), "GgGrr")
    run(guard, 0, 8)
    guard.request(1, 8.0)
    assert run(guard, 8, 7) == ["Ggyrr"] * 4 + ["Ggrrr"] * 2 + ["GGrrr"]


def test_a_protected_left_clears_before_the_other_direction_starts_against_it() -> None:
    guard = SafetyGuard(crossroads(), "GGrrr")
    run(guard, 0, 6)
    guard.request(0, 6.0)
    assert run(guard, 6, 6) == ["Gyrrr"] * 3 + ["Grrrr"] * 2 + ["GgGrr"]


def test_without_all_red_a_left_that_goes_on_permissive_is_still_red_in_between() -> None:
    guard = SafetyGuard(crossroads(all_red_s=0.0), "GGrrr")
    run(guard, 0, 6)
    guard.request(0, 6.0)
    assert run(guard, 6, 5) == ["Gyrrr"] * 3 + ["Grrrr"] + ["GgGrr"]


def test_a_protected_left_that_becomes_permissive_with_nobody_starting_goes_on() -> None:
    phases = [phase("GGrrr", 5.0, 8.0), phase("Ggrrr"), phase("rrrGG")]
    guard = SafetyGuard(crossroads(phases=phases), "GGrrr")
    run(guard, 0, 6)
    guard.request(1, 6.0)
    assert run(guard, 6, 1) == ["Ggrrr"]


def test_pedestrians_are_given_time_to_clear_the_crossing() -> None:
    guard = SafetyGuard(crossroads(), "rrrGG")
    run(guard, 0, 8)
    guard.request(0, 8.0)
    clearance = math.ceil(10.7 / WALKING_MPS - 1e-6)
    shown = run(guard, 8, clearance + 3)
    # The vehicles beside the crossing keep their green until their yellow ends with the last pedestrian.
    assert shown == ["rrrGr"] * (clearance - 4) + ["rrryr"] * 4 + ["rrrrr"] * 2 + ["GgGrr"]


def test_a_change_under_way_is_not_turned_around() -> None:
    guard = SafetyGuard(crossroads(), "GgGrr")
    run(guard, 0, 8)
    guard.request(2, 8.0)
    guard.step(8.0)
    guard.request(2, 9.0)
    with pytest.raises(UnsafeCommand, match="change to phase 2 is under way"):
        guard.request(0, 9.0)


def test_an_unknown_phase_is_refused() -> None:
    with pytest.raises(UnsafeCommand, match="phase 3 is unknown"):
        SafetyGuard(crossroads(), "GgGrr").request(3, 0.0)


def test_a_starving_phase_is_served_whatever_is_asked_for() -> None:
    guard = SafetyGuard(crossroads(crossing_recall_s=600.0), "GgGrr")
    refused = 0
    for second in range(240):
        with contextlib.suppress(UnsafeCommand):
            refused += 1
            guard.request(0, float(second))
            refused -= 1
        if guard.step(float(second)).phase == 2:
            break
    assert 180 <= second <= 190
    assert refused > 0


def test_a_clock_that_jumps_ahead_shortens_nothing() -> None:
    guard = SafetyGuard(crossroads(), "GgGrr")
    guard.step(0.0)
    with pytest.raises(UnsafeCommand):
        guard.request(2, 1e9)
