"""The last word on every signal: which indications may be shown, when, and for how long at least.

Whatever asks for a phase (a command, the local plan, a mistake), only `SafetyGuard.step` decides what is
shown. It keeps time by itself from the differences between the clock readings it is given, never more than
`MAX_TICK_S` for one of them: a clock that stops, jumps or runs backwards can only lengthen an interval.
"""

import math
from dataclasses import dataclass

from citybrain.conflicts import LEAST_RED_S, mutual_foes
from citybrain.errors import ConfigError, UnsafeCommand
from citybrain.messages import IntersectionConfig, Interval

MAX_RED_S = 180.0
MAX_TICK_S = 2.0
"""More than this is never counted between two looks at the clock."""
START_RED_S = 6.0
"""All-red before the first green where nobody knows what was shown before."""
WALKING_MPS = 1.07
"""Pedestrian clearance speed (MUTCD 2009, section 4E.06: 3.5 ft/s)."""
_GREEN = frozenset("Gg")
_NEAR_S = 1e-6


@dataclass(frozen=True, slots=True)
class Shown:
    """What a signal shows: `phase` is shown, or being cleared towards `next_phase`."""

    indications: str
    phase: int
    next_phase: int
    interval: Interval
    elapsed_s: float
    min_remaining_s: float


def conflicts(config: IntersectionConfig, indications: str) -> list[tuple[int, int]]:
    """Pairs of movements whose paths conflict and that are both protected green."""
    return [
        (one, other)
        for one, movement in enumerate(config.movements)
        for other in movement.foes
        if indications[one] == "G" == indications[other]
    ]


def check_config(config: IntersectionConfig) -> None:
    """Refuse a configuration that cannot be driven safely.

    Raises:
        ConfigError: names the phase or movement and what is wrong with it.
    """
    count = len(config.movements)
    where = f"signal {config.intersection}"
    for index, movement in enumerate(config.movements):
        if any(foe >= count for foe in (*movement.foes, *movement.yields_to)):
            raise ConfigError(f"{where}: movement {index} names a foe that is not there")
        if movement.turn != "pedestrian" and movement.yellow_s <= 0:
            raise ConfigError(f"{where}: movement {index} has no yellow; set yellow_s to 3 s or more")
    for index, phase in enumerate(config.phases):
        if len(phase.indications) != count:
            raise ConfigError(
                f"{where}: phase {index} has {len(phase.indications)} indications for {count} movements"
            )
        if pairs := conflicts(config, phase.indications):
            one, other = pairs[0]
            raise ConfigError(
                f"{where}: phase {index} gives protected green to the conflicting movements {one} and {other}"
            )


class SafetyGuard:
    """Drives one signal from phase to phase through yellow and all-red, and refuses what is not safe.

    Enforced: minimum green, yellow per movement, pedestrian clearance, all-red, no conflicting protected
    greens, and maximum red: a movement red for `max_red_s` (raised to one and a half local cycles where
    that is longer) is served before anything else that is asked for. `shown` is what the signal shows now;
    empty where nobody knows.

    Raises:
        ConfigError: as `check_config`.
    """

    def __init__(self, config: IntersectionConfig, shown: str = "", max_red_s: float = MAX_RED_S) -> None:
        check_config(config)
        self._config = config
        self._phases = [phase.indications for phase in config.phases]
        self._clearance_s = [
            max(movement.yellow_s, movement.length_m / WALKING_MPS)
            if movement.turn == "pedestrian"
            else movement.yellow_s
            for movement in config.movements
        ]
        self._max_red_s = max(max_red_s, 1.5 * sum(phase.local_green_s for phase in config.phases))
        self._served_by = [
            [index for index, shown_ in enumerate(self._phases) if shown_[movement] in _GREEN]
            for movement in range(len(config.movements))
        ]
        self._foes = mutual_foes(config)
        self._clearing: frozenset[int] = frozenset()
        self._red_s = [0.0] * len(config.movements)
        self._clock_s: float | None = None
        self._elapsed_s = 0.0
        self._interval = Interval.ALL_RED
        self._phase = self._next = self._target = 0
        self._begin_from(shown)

    def request(self, phase: int, now_s: float) -> None:
        """Ask for `phase`; to ask for the phase that is shown or coming is to hold it.

        Raises:
            UnsafeCommand: it would break a rule now; the text is the reason. Nothing is changed then.
        """
        self._pass_time(now_s)
        if not 0 <= phase < len(self._phases):
            raise UnsafeCommand(f"phase {phase} is unknown: there are {len(self._phases)}")
        if self._interval is not Interval.GREEN:
            if phase != self._next:
                raise UnsafeCommand(f"the change to phase {self._next} is under way")
            return
        starving = self._starving()
        if starving is not None and phase != starving:
            raise UnsafeCommand(f"phase {starving} has reached its maximum red and comes first")
        if phase != self._phase and self._green_left_s() > 0:
            raise UnsafeCommand(
                f"phase {self._phase} has {self._green_left_s():.1f} s of its minimum green left"
            )
        self._target = phase

    def step(self, now_s: float) -> Shown:
        """What must be shown from `now_s` (seconds on any monotonic clock) until the next step."""
        self._pass_time(now_s)
        if self._interval is Interval.GREEN:
            starving = self._starving()
            target = self._target if starving is None else starving
            if target != self._phase and self._green_left_s() <= 0:
                self._begin_change(target)
        if self._interval is Interval.YELLOW and self._over(self._change_s):
            self._enter(Interval.ALL_RED)
            self._all_red_s = self._clearing_red_s()
        if self._interval is Interval.ALL_RED and self._over(self._all_red_s):
            self._phase = self._target = self._next
            self._enter(Interval.GREEN)
        self._shown = self._indications()
        return Shown(
            self._shown, self._phase, self._next, self._interval, self._elapsed_s, self._min_remaining_s()
        )

    def _begin_from(self, shown: str) -> None:
        self._all_red_s = self._change_s = 0.0
        if shown in self._phases:
            self._phase = self._next = self._target = self._phases.index(shown)
            self._interval = Interval.GREEN
            self._old = self._shown = shown
        elif len(shown) == len(self._config.movements):
            self._old = self._shown = shown.replace("y", "g")
            self._interval = Interval.GREEN
            self._begin_change(0)
        else:
            self._old = self._shown = "r" * len(self._config.movements)
            self._interval = Interval.ALL_RED
            self._all_red_s = START_RED_S

    def _begin_change(self, target: int) -> None:
        self._old = self._shown
        self._next = self._target = target
        self._clearing = frozenset(self._ending())
        self._change_s = max((self._clearance_s[movement] for movement in self._clearing), default=0.0)
        self._all_red_s = 0.0
        # Where nothing ends there is nothing to clear: the added movements were kept red by no foe.
        self._enter(Interval.YELLOW if self._change_s > 0 else Interval.ALL_RED)

    def _ending(self) -> list[int]:
        """Movements that clear: they lose their green, or their protection against a foe that starts.

        Who entered protected has not yet left when a foe's first vehicle comes, so that protection ends with
        yellow and all-red as well, before the same movement goes on permissive.
        """
        new = self._phases[self._next]
        starting = {
            index for index, old in enumerate(self._old) if old not in _GREEN and new[index] in _GREEN
        }
        return [
            index
            for index, (old, coming) in enumerate(zip(self._old, new, strict=True))
            if old in _GREEN
            and (
                coming not in _GREEN or (old == "G" != coming and not starting.isdisjoint(self._foes[index]))
            )
        ]

    def _clearing_red_s(self) -> float:
        goes_on = any(self._phases[self._next][movement] in _GREEN for movement in self._clearing)
        return max(self._config.all_red_s, LEAST_RED_S) if goes_on else self._config.all_red_s

    def _enter(self, interval: Interval) -> None:
        self._interval = interval
        self._elapsed_s = 0.0

    def _indications(self) -> str:
        if self._interval is Interval.GREEN:
            return self._phases[self._phase]
        return "".join(
            self._in_change(movement, old, new)
            for movement, (old, new) in enumerate(zip(self._old, self._phases[self._next], strict=True))
        )

    def _in_change(self, movement: int, old: str, new: str) -> str:
        if movement not in self._clearing and (old == new or (old in _GREEN and new in _GREEN)):
            return old
        if old not in _GREEN or self._interval is Interval.ALL_RED or self._is_walking(movement):
            return "r"
        return "r" if self._over(self._clearance_s[movement]) else "y"

    def _is_walking(self, movement: int) -> bool:
        return self._config.movements[movement].turn == "pedestrian"

    def _starving(self) -> int | None:
        """The phase that must come next because a movement has been red for too long."""
        longest = max(
            (movement for movement, phases in enumerate(self._served_by) if phases),
            key=self._red_s.__getitem__,
            default=None,
        )
        if longest is None or self._red_s[longest] < self._max_red_s:
            return None
        phases = self._served_by[longest]
        return next((phase for phase in phases if self._phases[phase][longest] == "G"), phases[0])

    def _green_left_s(self) -> float:
        left = self._config.phases[self._phase].min_green_s - self._elapsed_s
        return left if left > _NEAR_S else 0.0

    def _over(self, limit_s: float) -> bool:
        return self._elapsed_s >= limit_s - _NEAR_S

    def _min_remaining_s(self) -> float:
        if self._interval is Interval.GREEN:
            return self._green_left_s()
        if self._interval is Interval.ALL_RED:
            return max(0.0, self._all_red_s - self._elapsed_s)
        left = (self._clearance_s[movement] - self._elapsed_s for movement in self._clearing)
        return min((seconds for seconds in left if seconds > _NEAR_S), default=0.0)

    def _pass_time(self, now_s: float) -> None:
        if not math.isfinite(now_s):
            return
        passed_s = 0.0 if self._clock_s is None else min(max(now_s - self._clock_s, 0.0), MAX_TICK_S)
        self._clock_s = now_s
        self._elapsed_s += passed_s
        for movement, shown in enumerate(self._shown):
            self._red_s[movement] = 0.0 if shown in _GREEN else self._red_s[movement] + passed_s
