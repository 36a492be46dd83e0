"""One signal on its way from phase to phase: green, pedestrian clearance, yellow, all-red, green.

It keeps no clock and takes no orders: `pass_time` says how many seconds went by, `begin` starts a change that
`rules.dispose` has allowed, `advance` goes on where an interval is over. The edge's guard and the simulated
signals are both driven by it.
"""

from citybrain.conflicts import GREEN
from citybrain.messages import Interval
from citybrain.rules import NEAR_S, Change, Rules, Standing, green_left_s


class Sequence:
    """`phase` is shown or being cleared, `target` comes next, `elapsed_s` counts the current interval.

    While only crossings clear, the interval is still GREEN, with another target.
    """

    def __init__(self, rules: Rules, phase: int = 0) -> None:
        self.rules = rules
        self.phase = self.target = phase
        self.interval = Interval.GREEN
        self.elapsed_s = 0.0
        self.shown = rules.phases[phase]
        self.red_s = [0.0] * len(self.shown)
        self._change: Change | None = None

    @property
    def is_changing(self) -> bool:
        return self._change is not None

    def standing(self, waiting: frozenset[int] = frozenset()) -> Standing:
        """What `rules.dispose` asks; `waiting` are movements at which somebody is known to wait."""
        green_s = 0.0 if self.is_changing else self.elapsed_s
        return Standing(self.phase, self.target, self.is_changing, green_s, self.red_s, waiting)

    def pass_time(self, seconds: float) -> None:
        """Let `seconds` go by with what is shown."""
        self.elapsed_s += seconds
        for movement, shown in enumerate(self.shown):
            self.red_s[movement] = 0.0 if shown in GREEN else self.red_s[movement] + seconds

    def begin(self, target: int) -> None:
        """Leave what is shown for phase `target`."""
        self.follow(self.rules.change(self.shown, target), target)

    def follow(self, change: Change, target: int) -> None:
        """Go through this change."""
        self._change, self.target = change, target
        self._enter(Interval.GREEN)
        self.advance()

    def advance(self) -> None:
        """Go on to the next interval where one is over, and show what is to be shown."""
        while self._change is not None and self.elapsed_s >= self._change.length_s(self.interval) - NEAR_S:
            if self.interval is Interval.ALL_RED:
                self._change, self.phase = None, self.target
                self._enter(Interval.GREEN)
            else:
                self._enter(Interval.YELLOW if self.interval is Interval.GREEN else Interval.ALL_RED)
        self.shown = self._indications()

    def min_remaining_s(self) -> float:
        """Earliest change of the indications, as far as the rules know."""
        if self._change is None:
            return green_left_s(self.rules, self.standing())
        ends = {self._change.length_s(self.interval)}
        if self.interval is Interval.YELLOW:
            ends |= {self.rules.yellow_s[movement] for movement in self._change.clearing}
        return min((end - self.elapsed_s for end in ends if end - self.elapsed_s > NEAR_S), default=0.0)

    def _enter(self, interval: Interval) -> None:
        self.interval = interval
        self.elapsed_s = 0.0

    def _indications(self) -> str:
        if self._change is None:
            return self.rules.phases[self.phase]
        return self.rules.shown(self._change, self.interval, self.elapsed_s)
