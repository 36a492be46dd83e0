"""What a signal may do: which movements clear, for how long, and when the next change is allowed.

The optimiser plans within these rules; the edge enforces the same rules on its own, whatever is commanded.
"""

import math
from dataclasses import dataclass

from citybrain.conflicts import LEAST_RED_S
from citybrain.messages import Interval, Phase

GREEN = frozenset("Gg")


@dataclass(frozen=True, slots=True)
class Rules:
    """The phases of one intersection; `yellow_s` and `foes` by movement; `all_red_s` at least clears."""

    phases: tuple[Phase, ...]
    yellow_s: tuple[float, ...]
    all_red_s: float
    foes: tuple[frozenset[int], ...]

    def losing(self, phase: int, target: int) -> list[int]:
        """Movements that lose their green, or their protection against a foe that starts."""
        now, then = self.phases[phase].indications, self.phases[target].indications
        starting = {
            m for m, (a, b) in enumerate(zip(now, then, strict=True)) if a not in GREEN and b in GREEN
        }
        return [
            m
            for m, (a, b) in enumerate(zip(now, then, strict=True))
            if a in GREEN and (b not in GREEN or (a == "G" != b and not starting.isdisjoint(self.foes[m])))
        ]

    def yellow_length_s(self, phase: int, target: int) -> float:
        """The longest yellow of the losing movements; 0 where none loses its green."""
        return max((self.yellow_s[movement] for movement in self.losing(phase, target)), default=0.0)

    def change_s(self, phase: int, target: int) -> float:
        """From the end of green of `phase` to the start of green of `target`."""
        yellow = self.yellow_length_s(phase, target)
        return yellow + self.all_red_length_s(phase, target) if yellow else 0.0

    def all_red_length_s(self, phase: int, target: int) -> float:
        """After the yellow; a losing movement that is green again in `target` is red in between."""
        then = self.phases[target].indications
        goes_on = any(then[movement] in GREEN for movement in self.losing(phase, target))
        return max(self.all_red_s, LEAST_RED_S) if goes_on else self.all_red_s

    def clearing(self, phase: int, target: int, interval: Interval) -> str:
        """Indications between two phases: who keeps green goes on, who loses it clears, others wait."""
        now, then = self.phases[phase].indications, self.phases[target].indications
        losing = set(self.losing(phase, target))
        lost = "y" if interval is Interval.YELLOW else "r"
        return "".join(
            (lost if movement in losing else a) if a in GREEN else ("r" if b in GREEN else b)
            for movement, (a, b) in enumerate(zip(now, then, strict=True))
        )


class SignalTimer:
    """One signal in steps of one second: takes wishes, shows only what the rules allow.

    `phase` is shown or being cleared, `target` is what comes next, `elapsed_s` counts the current interval.
    """

    def __init__(self, rules: Rules, phase: int = 0) -> None:
        self.rules = rules
        self.phase = phase
        self.target = phase
        self.interval = Interval.GREEN
        self.elapsed_s = 0.0

    @property
    def indications(self) -> str:
        if self.interval is Interval.GREEN:
            return self.rules.phases[self.phase].indications
        return self.rules.clearing(self.phase, self.target, self.interval)

    def step(self, wish: int) -> None:
        """Begin the next second: `wish` is taken up once the minimum green is over and nothing clears."""
        if self.interval is Interval.GREEN:
            minimum = self.rules.phases[self.phase].min_green_s
            if wish != self.phase and self.elapsed_s >= minimum:
                self._leave(wish)
        elif self.elapsed_s >= self._interval_s():
            self._advance()
        self.elapsed_s += 1.0

    def _leave(self, wish: int) -> None:
        self.target = wish
        self.interval = Interval.YELLOW
        self.elapsed_s = 0.0
        if not self.rules.losing(self.phase, wish):
            self._show_target()

    def _advance(self) -> None:
        if self.interval is Interval.YELLOW and self.rules.all_red_length_s(self.phase, self.target) > 0:
            self.interval = Interval.ALL_RED
            self.elapsed_s = 0.0
        else:
            self._show_target()

    def _show_target(self) -> None:
        self.phase = self.target
        self.interval = Interval.GREEN
        self.elapsed_s = 0.0

    def _interval_s(self) -> float:
        if self.interval is Interval.YELLOW:
            return float(math.ceil(self.rules.yellow_length_s(self.phase, self.target)))
        return float(math.ceil(self.rules.all_red_length_s(self.phase, self.target)))
