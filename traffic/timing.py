"""A signal in steps of one second, for planning and simulation: takes wishes, shows what the rules allow."""

from citybrain.messages import Interval
from citybrain.rules import Rules, dispose
from citybrain.sequence import Sequence


class SignalTimer:
    """One signal; `phase` is shown or being cleared, `target` comes next, `elapsed_s` of the interval."""

    def __init__(self, rules: Rules, phase: int = 0, elapsed_s: float = 0.0) -> None:
        """`phase` has been green for `elapsed_s` seconds."""
        self.rules = rules
        self._sequence = Sequence(rules, phase)
        self._sequence.pass_time(elapsed_s)

    @property
    def phase(self) -> int:
        return self._sequence.phase

    @property
    def target(self) -> int:
        return self._sequence.target

    @property
    def interval(self) -> Interval:
        return self._sequence.interval

    @property
    def elapsed_s(self) -> float:
        return self._sequence.elapsed_s

    @property
    def is_changing(self) -> bool:
        return self._sequence.is_changing

    @property
    def indications(self) -> str:
        return self._sequence.shown

    def step(self, wish: int, waiting: frozenset[int] = frozenset()) -> str:
        """Begin the next second; what became of the wish: the reason where it was refused, else empty.

        `waiting`: movements at which somebody is known to wait, which ends a green at its maximum.
        """
        sequence = self._sequence
        disposed = dispose(self.rules, wish, sequence.standing(waiting))
        if sequence.is_changing:
            sequence.advance()
        elif disposed.phase != sequence.phase:
            sequence.begin(disposed.phase)
        sequence.pass_time(1.0)
        return disposed.refusal
