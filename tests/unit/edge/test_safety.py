"""The safety guard: whatever is asked for, at whatever time, only safe indications are shown."""

import contextlib
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citybrain.errors import ConfigError, UnsafeCommand
from citybrain.messages import IntersectionConfig, Interval, Movement
from edge.safety import WALKING_MPS, SafetyGuard, conflicts
from tests.unit.edge.configs import crossroads, phase

GREEN = set("Gg")


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
    assert shown == ["rrryr"] * 4 + ["rrrrr"] * (clearance - 4 + 2) + ["GgGrr"]


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
    guard = SafetyGuard(crossroads(), "GgGrr")
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


@st.composite
def intersections(draw: st.DrawFn) -> IntersectionConfig:
    """Random movements, symmetric or one-sided foes, and phases without conflicting protected greens."""
    count = draw(st.integers(1, 7))
    pairs = [(i, j) for i in range(count) for j in range(count) if i != j]
    foes = draw(st.sets(st.sampled_from(pairs))) if pairs else set()
    movements = [
        Movement(
            f"a_{i}",
            f"b_{i}",
            foes=[j for j in range(count) if (i, j) in foes],
            turn=draw(st.sampled_from(["through", "left", "pedestrian"])),
            length_m=draw(st.floats(0, 20)),
            yellow_s=draw(st.floats(3, 5)),
        )
        for i in range(count)
    ]
    phases = []
    for _ in range(draw(st.integers(1, 4))):
        shown: list[str] = []
        for i in range(count):
            light = draw(st.sampled_from("Ggrs"))
            hit = any(shown[j] == "G" and ((i, j) in foes or (j, i) in foes) for j in range(i))
            shown.append("g" if light == "G" and hit else light)
        phases.append(phase("".join(shown), draw(st.floats(0, 10)), draw(st.floats(0, 60))))
    return crossroads(movements=movements, phases=phases, all_red_s=draw(st.floats(0, 3)))


clocks = st.one_of(
    st.sampled_from([0.1, 0.5, 1.0, 1.0, 1.0, 2.0]), st.floats(-100, 1000), st.just(math.nan), st.just(0.0)
)


@settings(max_examples=150, deadline=None)
@given(st.data(), intersections())
def test_no_sequence_of_commands_and_clocks_shows_anything_unsafe(
    data: st.DataObject, config: IntersectionConfig
) -> None:
    start = data.draw(st.one_of(st.just(""), st.sampled_from([p.indications for p in config.phases])))
    guard = SafetyGuard(config, start, max_red_s=30.0)
    monitor = Monitor(config)
    now_s = 0.0
    for delta_s in data.draw(st.lists(clocks, min_size=1, max_size=120)):
        now_s = now_s + delta_s if math.isfinite(delta_s) else now_s
        for wanted in data.draw(st.lists(st.integers(-1, 5), max_size=2)):
            with contextlib.suppress(UnsafeCommand):
                guard.request(wanted, now_s)
        shown = guard.step(math.nan if not math.isfinite(delta_s) else now_s)
        monitor.see(shown.indications, shown.interval, now_s)


class Monitor:
    """An independent conflict monitor: it knows the configuration and what is shown, not the guard."""

    def __init__(self, config: IntersectionConfig) -> None:
        self.config = config
        self.foes = {(i, j) for i, movement in enumerate(config.movements) for j in movement.foes}
        self.foes |= {(j, i) for i, j in self.foes}
        self.last = ""
        self.now_s = 0.0
        self.green_s = [math.inf] * len(config.movements)
        self.since_green_s = [math.inf] * len(config.movements)

    def see(self, shown: str, interval: Interval, now_s: float) -> None:
        assert not conflicts(self.config, shown)
        if interval is Interval.GREEN:
            assert shown in {phase.indications for phase in self.config.phases}
        passed_s = max(now_s - self.now_s, 0.0)
        self.now_s = now_s
        for i, (old, new) in enumerate(zip(self.last or shown, shown, strict=True)):
            self.green_s[i] += passed_s
            self.since_green_s[i] = 0.0 if old in GREEN and new not in GREEN else self.since_green_s[i]
            if old not in GREEN:
                self.since_green_s[i] += passed_s
            self._check(i, old, new, shown)
            if new in GREEN and old not in GREEN:
                self.green_s[i] = 0.0
        self.last = shown

    def _check(self, i: int, old: str, new: str, shown: str) -> None:
        movement = self.config.movements[i]
        is_walking = movement.turn == "pedestrian"
        if old in GREEN and new not in GREEN:
            assert self.green_s[i] >= min(p.min_green_s for p in self.config.phases) - 1e-4, "minimum green"
            assert new == "r" if is_walking else new == "y", "green ends without yellow"
        if old == "y" and new != "y":
            assert new == "r"
            assert self.since_green_s[i] >= movement.yellow_s - 1e-4, "yellow"
        if new in GREEN and old not in GREEN:
            for j in range(len(self.config.movements)):
                lost = (i, j) in self.foes and self.last and self.last[j] == "G" and shown[j] == "g"
                assert not lost, "protection ended without clearance"
            for j, foe in enumerate(self.config.movements):
                if (i, j) not in self.foes or shown[j] in GREEN:
                    continue
                clearance_s = max(foe.yellow_s, foe.length_m / 1.07 if foe.turn == "pedestrian" else 0.0)
                assert self.since_green_s[j] >= clearance_s + self.config.all_red_s - 1e-4, "clearance"
