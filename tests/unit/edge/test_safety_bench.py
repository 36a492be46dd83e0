"""The safety bench: its monitor finds what is planted, agrees with the tests' own, and the edge passes."""

import random

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bench.conflict_monitor import judge, limits_of
from bench.safety import AT, IN_TIME, LATE, any_intersection, run_batch
from citybrain.messages import IntersectionConfig, SignalCommand
from edge.control import SignalControl
from tests.fixtures.intersections import any_intersections, ring_intersections
from tests.fixtures.monitor import Monitor
from tests.unit.edge.configs import crossroads


def finding(rows: list[tuple[str, float]], config: IntersectionConfig) -> str:
    lamps = np.frombuffer("".join(row for row, _ in rows).encode(), np.uint8).reshape(len(rows), -1)
    seconds = np.array([passed_s for _, passed_s in rows])
    return judge(limits_of(config), lamps, seconds, np.zeros(len(rows), np.bool_)).fault


SAFE = [("rrrGr", 0.0), ("rrryr", 1.0), ("rrrrr", 3.5), ("GgGrr", 2.0), ("yyyrr", 7.0), ("yryrr", 3.0)]


@pytest.mark.parametrize(
    ("row", "planted", "fault"),
    [
        (3, ("GgGGr", 2.0), "conflicting greens"),
        (1, ("rrrrr", 1.0), "green ends without yellow, or a walk with one"),
        (2, ("rrrrr", 3.4), "yellow is cut"),
        (2, ("rrrGr", 3.5), "yellow turns green"),
        (2, ("Grryr", 3.5), "it starts into a yellow"),
        (3, ("GgGrr", 1.9), "clearance is cut"),
        (4, ("yyyrr", 4.9), "minimum green or walk is cut"),
        (4, ("GgGGr", 7.0), "conflicting greens"),
        (5, ("yrrrr", 3.0), "yellow is cut"),
    ],
)
def test_the_monitor_finds_what_is_planted(row: int, planted: tuple[str, float], fault: str) -> None:
    assert finding(SAFE, crossroads()) == "safe"
    assert finding([*SAFE[:row], planted, *SAFE[row + 1 :]], crossroads()) == fault


def test_the_monitor_finds_protection_that_ends_without_clearance() -> None:
    assert finding([("GGrrr", 0.0), ("GgGrr", 9.0)], crossroads()) == "protection ends without clearance"


def test_both_monitors_say_the_same_of_random_lamps() -> None:
    rng = random.Random(5)
    verdicts = {"safe": 0, "unsafe": 0}
    for _ in range(1500):
        config = any_intersection(rng)
        lamps = [rng.choice([p.indications for p in config.phases])]
        for _ in range(rng.randrange(1, 5)):
            lamps.append("".join(_next(rng, light) for light in lamps[-1]))
        rows = [(shown, rng.uniform(0, 30)) for shown in lamps]
        verdicts["safe" if _is_safe(rows, config) else "unsafe"] += 1
        assert (finding(rows, config) == "safe") is _is_safe(rows, config)
    assert min(verdicts.values()) > 50


def _next(rng: random.Random, light: str) -> str:
    following = {"G": "GGGy", "g": "gggy", "y": "yrrr", "r": "rrrg", "s": "sssr"}
    return rng.choice(following[light])


def _is_safe(rows: list[tuple[str, float]], config: IntersectionConfig) -> bool:
    monitor = Monitor(config)
    try:
        for shown, passed_s in rows:
            monitor.see(shown, passed_s)
    except AssertionError:
        return False
    return True


def test_two_thousand_sequences_of_the_bench_are_safe_and_repeat_exactly() -> None:
    tallies = [run_batch(11, number) for number in range(10)]
    assert [fault for tally in tallies for fault in tally.unsafe] == []
    assert all(tally.accepted and tally.refused for tally in tallies[:3])
    assert run_batch(11, 0) == tallies[0]


class CommandedSignal(RuleBasedStateMachine):
    """Commands, waits and silences in any order; a monitor sees the lamps."""

    @initialize(config=st.one_of(any_intersections(), ring_intersections()), contact_lost_s=st.floats(1, 20))
    def begin(self, config: IntersectionConfig, contact_lost_s: float) -> None:
        self.control = SignalControl(config, contact_lost_s, config.phases[0].indications)
        self.monitor = Monitor(config)
        self.clock_s = 0.0
        self.seq = 0

    @rule(phase=st.integers(0, 6), back=st.integers(0, 2), is_late=st.booleans())
    def command(self, phase: int, back: int, is_late: bool) -> None:
        self.seq += 1
        seq = max(1, self.seq - back)
        until = LATE if is_late else IN_TIME
        verdict = self.control.judge(
            SignalCommand(
                at=AT, device="traffic/t", boot=1, seq=seq, intersection="x", phase=phase, expires_at=until
            ),
            AT,
        )
        assert verdict.accepted is not bool(verdict.reason)
        assert not (verdict.accepted and is_late)

    @rule(seconds=st.sampled_from([0.1, 0.7, 1.0, 1.0, 2.0, 9.0]), times=st.integers(1, 12))
    def wait(self, seconds: float, times: int) -> None:
        for _ in range(times):
            self.clock_s += seconds
            self.monitor.see(self.control.step(self.clock_s).shown.indications, seconds)

    @rule(back_s=st.floats(0, 1000))
    def clock_runs_backwards(self, back_s: float) -> None:
        self.clock_s -= back_s
        self.monitor.see(self.control.step(self.clock_s).shown.indications, 0.0)

    @invariant()
    def lamps_are_of_the_right_number(self) -> None:
        if hasattr(self, "monitor") and self.monitor.last:
            assert len(self.monitor.last) == len(self.control.config.movements)


TestCommandedSignal = CommandedSignal.TestCase
TestCommandedSignal.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
