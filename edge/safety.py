"""The last word on every signal: which indications may be shown, when, and for how long at least.

Whatever asks for a phase (a command, the local plan, a mistake), only `SafetyGuard.step` decides what is
shown, by the rules of `citybrain.rules`. It keeps time by itself from the differences between the clock
readings it is given, never more than `MAX_TICK_S` for one of them: a clock that stops, jumps or runs
backwards can only lengthen an interval.
"""

import math
from dataclasses import dataclass

from citybrain.conflicts import GREEN
from citybrain.errors import UnsafeCommand
from citybrain.inspection import check_config
from citybrain.messages import IntersectionConfig, Interval
from citybrain.rules import MAX_RED_S, Change, Rules, dispose, rules_of
from citybrain.sequence import Sequence

MAX_TICK_S = 2.0
"""More than this is never counted between two looks at the clock."""
START_RED_S = 6.0
"""All-red before the first green where nobody knows what was shown before."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a signal shows: `phase` is shown, or being cleared towards `next_phase`."""

    indications: str
    phase: int
    next_phase: int
    interval: Interval
    elapsed_s: float
    min_remaining_s: float


class SafetyGuard:
    """Drives one signal from phase to phase, and refuses what is not safe.

    Enforced: all rules of `citybrain.rules`; a movement that is red for `max_red_s`, or a crossing at its
    recall, is served before anything else that is asked for. `shown` is what the signal shows now; empty
    where nobody knows.

    Raises:
        ConfigError: as `citybrain.inspection.check_config`.
    """

    def __init__(self, config: IntersectionConfig, shown: str = "", max_red_s: float = MAX_RED_S) -> None:
        check_config(config)
        self.rules = rules_of(config, max_red_s)
        self._sequence = _begin_from(Sequence(self.rules), shown)
        self._wanted = self._sequence.target
        self._clock_s: float | None = None

    def request(self, phase: int, now_s: float) -> None:
        """Ask for `phase`; to ask for the phase that is shown or coming is to hold it.

        Raises:
            UnsafeCommand: it would break a rule now; the text is the reason. Nothing is changed then.
        """
        self._pass_time(now_s)
        disposed = dispose(self.rules, phase, self._sequence.standing())
        if disposed.refusal:
            raise UnsafeCommand(disposed.refusal)
        self._wanted = phase

    def step(self, now_s: float) -> Shown:
        """What must be shown from `now_s` (seconds on any monotonic clock) until the next step."""
        self._pass_time(now_s)
        sequence = self._sequence
        if not sequence.is_changing:
            self._wanted = dispose(self.rules, self._wanted, sequence.standing()).phase
            if self._wanted != sequence.phase:
                sequence.begin(self._wanted)
        sequence.advance()
        return Shown(
            sequence.shown,
            sequence.phase,
            sequence.target,
            sequence.interval,
            sequence.elapsed_s,
            sequence.min_remaining_s(),
        )

    def _pass_time(self, now_s: float) -> None:
        if not math.isfinite(now_s):
            return
        passed_s = 0.0 if self._clock_s is None else min(max(now_s - self._clock_s, 0.0), MAX_TICK_S)
        self._clock_s = now_s
        self._sequence.pass_time(passed_s)


def _begin_from(sequence: Sequence, shown: str) -> Sequence:
    rules = sequence.rules
    if shown in rules.phases:
        return Sequence(rules, rules.phases.index(shown))
    red = "r" * len(sequence.shown)
    if len(shown) == len(red):
        sequence.shown = shown.replace("y", "g")
        if _is_conflict(rules, shown):
            sequence.follow(_clear_all(rules, sequence.shown), 0)
        else:
            sequence.begin(0)
    else:
        sequence.follow(Change(red, rules.phases[0], frozenset(), 0.0, 0.0, START_RED_S), 0)
    return sequence


def _is_conflict(rules: Rules, shown: str) -> bool:
    return any(shown[i] == "G" == shown[j] for i, foes in enumerate(rules.foes) for j in foes)


def _clear_all(rules: Rules, old: str) -> Change:
    """Nothing of a state that was unsafe goes on: every green ends before the first phase begins."""
    greens = frozenset(m for m, light in enumerate(old) if light in GREEN)
    longest_s = max(max(rules.yellow_s[m], rules.walk_clearance_s[m]) for m in greens)
    return Change(old, rules.phases[0], greens, 0.0, longest_s, max(rules.all_red_s, START_RED_S))
