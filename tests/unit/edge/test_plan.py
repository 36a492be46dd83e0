"""The local plan: phases in order, each for its split, from wherever it takes over."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.errors import ConfigError, UnsafeCommand
from citybrain.messages import IntersectionConfig, LocalPlan, PlanStage
from citybrain.rules import rules_of
from edge.plan import check_plan, remaining_s, split_s, wanted_phase
from edge.safety import SafetyGuard
from tests.unit.edge.configs import crossroads, phase


def test_a_phase_keeps_its_green_for_its_split_and_then_the_next_is_wanted() -> None:
    config = crossroads()
    rules = rules_of(config)
    assert wanted_phase(config, rules, 0, 19.9) == 0
    assert wanted_phase(config, rules, 0, 20.0) == 1
    assert wanted_phase(config, rules, 2, 20.0) == 0
    assert remaining_s(config, 1, 3.0) == 5.0


def test_a_phase_without_a_split_is_left_out_of_the_plan() -> None:
    config = crossroads(phases=[phase("GgGrr"), phase("GGrrr", 5.0, 0.0), phase("rrrGG")])
    rules = rules_of(config)
    assert wanted_phase(config, rules, 0, 20.0) == 2
    assert wanted_phase(config, rules, 1, 5.0) == 2


def test_a_split_stays_within_minimum_and_maximum_green() -> None:
    config = crossroads(phases=[phase("GgGrr", 7.0, 3.0), phase("rrrGG", 7.0, 99.0)])
    assert (split_s(config, 0), split_s(config, 1)) == (7.0, 60.0)


def test_the_plan_serves_every_phase_in_each_cycle() -> None:
    config = crossroads()
    guard = SafetyGuard(config, "GgGrr")
    seen: list[int] = []
    for second in range(200):
        shown = guard.step(float(second))
        if shown.interval == "green" and shown.phase == shown.next_phase:
            wanted = wanted_phase(config, guard.rules, shown.phase, shown.elapsed_s)
            guard.request(wanted, float(second))
        if not seen or seen[-1] != shown.phase:
            seen.append(shown.phase)
    assert seen[:7] == [0, 1, 2, 0, 1, 2, 0]


def coordinated(offset_s: float = 0.0, **changes: Any) -> IntersectionConfig:
    """A cycle of 60 s: phase 0 for 25 s, phase 2 from 31 s on for 16 s, then the crossing clears for 13 s."""
    stages = [PlanStage(phase=0, start_s=0.0, green_s=25.0), PlanStage(phase=2, start_s=31.0, green_s=16.0)]
    return crossroads(local_plan=LocalPlan(cycle_s=60.0, offset_s=offset_s, stages=stages), **changes)


def greens(config: IntersectionConfig, begin_s: float, seconds: int) -> list[tuple[float, int]]:
    """When each phase turned green, by the guard's clock, from whatever is shown first."""
    guard = SafetyGuard(config, "GgGrr")
    seen: list[tuple[float, int]] = []
    for second in range(seconds):
        clock_s = begin_s + second
        shown = guard.step(clock_s)
        if shown.interval == "green":
            wanted = wanted_phase(config, guard.rules, shown.phase, shown.elapsed_s, clock_s)
            with suppress(UnsafeCommand):
                guard.request(wanted, clock_s)
            if not seen or seen[-1][1] != shown.phase:
                seen.append((clock_s, shown.phase))
    return seen


@given(st.integers(0, 500), st.integers(0, 59))
def test_a_coordinated_plan_is_in_step_with_the_clock_after_one_cycle(begin_s: int, offset_s: int) -> None:
    config = coordinated(float(offset_s))
    later = [entry for entry in greens(config, float(begin_s), 300) if entry[0] >= begin_s + 120]
    assert {phase for _, phase in later} == {0, 2}
    for at_s, shown in later:
        late_s = (at_s - offset_s - {0: 0.0, 2: 31.0}[shown] + 5.0) % 60.0 - 5.0
        assert -2.0 <= late_s <= 1.0


def test_a_phase_that_is_early_is_held_until_its_time_has_passed() -> None:
    config = coordinated()
    assert wanted_phase(config, rules_of(config), 2, 1.0, 27.0) == 2
    assert wanted_phase(config, rules_of(config), 2, 20.0, 40.0) == 2
    assert remaining_s(config, 2, 20.0, 40.0) == 7.0
    assert wanted_phase(config, rules_of(config), 2, 30.0, 54.0) == 0


def test_a_stage_that_is_nearly_over_is_not_begun_any_more() -> None:
    config = coordinated()
    assert wanted_phase(config, rules_of(config), 1, 9.0, 10.0) == 0
    assert wanted_phase(config, rules_of(config), 1, 9.0, 20.0) == 2


@pytest.mark.parametrize(
    ("stage", "reason"),
    [
        (PlanStage(phase=9, start_s=31.0, green_s=20.0), "names phase 9"),
        (PlanStage(phase=2, start_s=31.0, green_s=3.0), "minimum green"),
        (PlanStage(phase=2, start_s=20.0, green_s=20.0), "has ended"),
        (PlanStage(phase=2, start_s=31.0, green_s=40.0), "longer than its cycle"),
    ],
)
def test_a_plan_that_does_not_fit_its_signal_is_refused(stage: PlanStage, reason: str) -> None:
    stages = [PlanStage(phase=0, start_s=0.0, green_s=25.0), stage]
    config = crossroads(local_plan=LocalPlan(cycle_s=60.0, offset_s=0.0, stages=stages))
    with pytest.raises(ConfigError, match=reason):
        check_plan(config)
