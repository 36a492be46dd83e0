"""Whatever is wished, both who drive signals show only what is safe, and they agree; seen by a monitor."""

import contextlib
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from citybrain.errors import UnsafeCommand
from citybrain.messages import IntersectionConfig, Interval
from citybrain.rules import rules_of
from edge.safety import SafetyGuard
from tests.fixtures.crossing import crossing
from tests.fixtures.intersections import any_intersections, ring_intersections
from tests.fixtures.monitor import GREEN, Monitor
from traffic.timing import SignalTimer

left_turns = st.builds(
    crossing,
    phases=st.permutations(("GgrrGgrr", "rrGgrrGg", "rGrrrGrr", "rrrGrrrG")).map(tuple),
    all_red_s=st.sampled_from([0.0, 1.0, 2.5]),
)
"""Lefts that go on permissive after their own phase: protection that must end with clearance."""
configs = st.one_of(any_intersections(), ring_intersections(), left_turns)
wishes = st.lists(st.integers(-1, 8), min_size=1, max_size=200)
calm_wishes = st.lists(st.tuples(st.integers(0, 7), st.integers(1, 40)), min_size=1, max_size=12).map(
    lambda runs: [wish for wish, seconds in runs for _ in range(seconds)]
)
any_wishes = st.one_of(wishes, calm_wishes)
many = settings(max_examples=100, deadline=None)


@many
@given(configs, any_wishes)
def test_a_timer_shows_nothing_unsafe(config: IntersectionConfig, wishes: list[int]) -> None:
    timer, monitor = SignalTimer(rules_of(config, 60.0)), Monitor(config)
    for wish in wishes:
        timer.step(wish)
        monitor.see(timer.indications, 1.0)


@many
@given(configs, any_wishes)
def test_a_guard_that_ticks_once_a_second_and_a_timer_show_the_same(
    config: IntersectionConfig, wishes: list[int]
) -> None:
    timer = SignalTimer(rules_of(config, 60.0))
    guard = SafetyGuard(config, config.phases[0].indications, max_red_s=60.0)
    for second, wish in enumerate(wishes):
        asked = wish if 0 <= wish < len(config.phases) else 0
        refused = ""
        try:
            guard.request(asked, float(second))
        except UnsafeCommand as error:
            refused = str(error)
            # Refused is what the rules do not allow: the signal holds, or does what they want instead.
            with contextlib.suppress(UnsafeCommand):
                guard.request(timer.target, float(second))
        shown = guard.step(float(second))
        assert timer.step(asked) == refused
        assert timer.indications == shown.indications
        assert (timer.phase, timer.target, timer.interval) == (shown.phase, shown.next_phase, shown.interval)


@many
@given(configs, any_wishes)
def test_every_interval_has_exactly_its_length(config: IntersectionConfig, wishes: list[int]) -> None:
    timer = SignalTimer(rules_of(config))
    before, seconds, yellows = (timer.interval, timer.is_changing), 0, set[int]()
    shown = timer.indications
    clears = set[int]()
    for wish in wishes:
        left, last = timer.phase, shown
        timer.step(wish)
        shown, now = timer.indications, (timer.interval, timer.is_changing)
        if now != before:
            if before == (Interval.YELLOW, True):
                assert seconds == math.ceil(max(config.movements[m].yellow_s for m in yellows) - 1e-6)
            elif before == (Interval.ALL_RED, True):
                goes_on = any(config.phases[timer.phase].indications[m] in GREEN for m in yellows | clears)
                wanted_s = max(config.all_red_s, 1.0) if goes_on else config.all_red_s
                assert seconds == math.ceil(wanted_s - 1e-6)
            elif before == (Interval.GREEN, False):
                yellows, clears = set(), set()
                assert seconds >= config.phases[left].min_green_s - 1e-6
            before, seconds = now, 0
        seconds += 1
        yellows |= {m for m, light in enumerate(shown) if light == "y"}
        walks = {m for m, movement in enumerate(config.movements) if movement.turn == "pedestrian"}
        clears |= {m for m in walks if last[m] in GREEN and shown[m] not in GREEN}


@many
@given(configs, any_wishes, st.data())
def test_a_maximum_green_ends_where_somebody_waits(
    config: IntersectionConfig, wishes: list[int], data: st.DataObject
) -> None:
    waiting = frozenset(data.draw(st.sets(st.integers(0, len(config.movements) - 1))))
    timer = SignalTimer(rules_of(config))
    green_s = 0
    for wish in wishes:
        before = timer.phase
        timer.step(wish, waiting)
        green_s = green_s + 1 if timer.phase == before and not timer.is_changing else 0
        lights = config.phases[timer.phase].indications
        served = {m for m in waiting if any(phase.indications[m] in GREEN for phase in config.phases)}
        if any(lights[m] not in GREEN for m in served):
            longest = max(config.phases[timer.phase].max_green_s, 7.0)
            assert green_s <= math.ceil(longest) + 1


@many
@given(ring_intersections(), any_wishes)
def test_rings_never_go_back_within_a_side(config: IntersectionConfig, wishes: list[int]) -> None:
    timer = SignalTimer(rules_of(config, 60.0))
    last = timer.phase
    for wish in wishes:
        timer.step(wish)
        if timer.phase == last:
            continue
        old, new = config.phases[last].groups, config.phases[timer.phase].groups
        for ring in config.rings:
            sides = [(s, p, g) for s, side in enumerate(ring.sides) for p, g in enumerate(side)]
            (was,) = [(s, p) for s, p, g in sides if g in old]
            (is_,) = [(s, p) for s, p, g in sides if g in new]
            assert was[0] != is_[0] or is_[1] >= was[1], f"ring {ring.sides} went from {old} to {new}"
        last = timer.phase


@many
@given(configs, any_wishes)
def test_nobody_is_red_for_much_longer_than_the_maximum(
    config: IntersectionConfig, wishes: list[int]
) -> None:
    # Several may be due at once: each waits for those before it, with their changes and minimum greens.
    rules = rules_of(config, 60.0)
    timer = SignalTimer(rules)
    slack_s = len(config.phases) * 2 * (max(rules.min_green_s) + 45.0)
    red_s = [0] * len(config.movements)
    for wish in wishes * 4:
        timer.step(wish)
        red_s = [0 if light in GREEN else s + 1 for light, s in zip(timer.indications, red_s, strict=True)]
        for m, seconds in enumerate(red_s):
            if rules.serving(m) is not None:
                assert seconds <= rules.max_red_s[m] + slack_s


clocks = st.one_of(
    st.sampled_from([0.1, 0.5, 1.0, 1.0, 1.0, 2.0]), st.floats(-100, 1000), st.just(math.nan), st.just(0.0)
)


@many
@given(st.data(), configs)
def test_a_guard_shows_nothing_unsafe_whatever_its_clock_does(
    data: st.DataObject, config: IntersectionConfig
) -> None:
    start = data.draw(st.one_of(st.just(""), st.sampled_from([p.indications for p in config.phases])))
    guard, monitor, now_s = SafetyGuard(config, start, max_red_s=30.0), Monitor(config), 0.0
    for delta_s in data.draw(st.lists(clocks, min_size=1, max_size=120)):
        is_read = math.isfinite(delta_s)
        now_s += delta_s if is_read else 0.0
        for wanted in data.draw(st.lists(st.integers(-1, 5), max_size=2)):
            with contextlib.suppress(UnsafeCommand):
                guard.request(wanted, now_s)
        shown = guard.step(now_s if is_read else math.nan)
        if shown.interval is Interval.GREEN and shown.phase == shown.next_phase:
            assert shown.indications == config.phases[shown.phase].indications
        monitor.see(shown.indications, max(delta_s, 0.0) if is_read else 0.0)
