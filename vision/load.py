"""What a group does when it does not keep up: it looks less, then it sheds its least important cameras.

Pure: told of frames taken up and dropped, it says how much effort a look may cost and which cameras rest.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Effort(NamedTuple):
    """What a look may cost: `windows` around what moves, or whole pictures only; each `every`-th frame."""

    windows: bool
    every: int


EFFORTS = (Effort(True, 1), Effort(False, 1), Effort(False, 2), Effort(False, 3))
"""From the best look to the cheapest; between looks boxes are carried on (`vision.carry`)."""
SAID = (
    "",
    "only whole pictures are looked at",
    "only every 2nd frame is looked at",
    "only every 3rd frame is looked at",
)
SHARE_SHED = 0.15
"""Of the cameras, at a time: rounded up."""
HIGH = 0.3
SHED = 0.5
LOW = 0.02
"""Shares of frames dropped: above the first looks become cheaper, above the second, at the cheapest, cameras
rest, and below the third it tries more.
"""
MIN_FRAMES = 20
SPAN_S = 5.0
"""What drops is judged over at least this: a start, or a moment's press, is no overload."""
PATIENCE_S = 20.0
MAX_PATIENCE_S = 640.0
BOUNCED_S = 60.0


class Load:
    """Of one camera group."""

    def __init__(self) -> None:
        self._level = 0
        self._resting: list[str] = []
        self._taken = self._dropped = 0
        self._since_s: float | None = None
        self._tried_s = float("-inf")
        self._patience_s = PATIENCE_S

    @property
    def effort(self) -> Effort:
        return EFFORTS[self._level]

    @property
    def resting(self) -> frozenset[str]:
        """The cameras that are not looked at."""
        return frozenset(self._resting)

    @property
    def is_high(self) -> bool:
        return self._level > 0

    @property
    def faults(self) -> list[str]:
        """What is given up, in words."""
        told = [f"overloaded: {SAID[self._level]}"] if self._level else []
        return told + ([f"overloaded: not looked at are {', '.join(self._resting)}"] if self._resting else [])

    def note(self, taken: int, dropped: int) -> None:
        """Frames were taken up, and dropped because none had time for them."""
        self._taken += taken
        self._dropped += dropped

    def judge(self, now_s: float, priorities: Mapping[str, int]) -> None:
        """Do less or try more; call it every second or so. `priorities` of the cameras served: the lowest
        rest first, and wake last.
        """
        self._resting = [camera for camera in self._resting if camera in priorities]
        if self._since_s is None or self._taken + self._dropped == 0:
            self._since_s = now_s
            return
        if self._taken + self._dropped < MIN_FRAMES or now_s - self._since_s < SPAN_S:
            return
        share = self._dropped / (self._taken + self._dropped)
        is_cheapest = self._level == len(EFFORTS) - 1
        if share > (SHED if is_cheapest else HIGH):
            self._less(now_s, priorities)
        elif share > LOW:
            self._begin(now_s)
        elif now_s - self._since_s >= self._patience_s:
            self._more(now_s)

    def _less(self, now_s: float, priorities: Mapping[str, int]) -> None:
        # What was tried in vain is tried again later and later.
        if now_s - self._tried_s < BOUNCED_S:
            self._patience_s = min(2 * self._patience_s, MAX_PATIENCE_S)
        if self._level < len(EFFORTS) - 1:
            self._level += 1
        else:
            self._resting += _least(priorities, self._resting)
        self._begin(now_s)

    def _more(self, now_s: float) -> None:
        if not self._resting and not self._level:
            self._patience_s = PATIENCE_S
        elif self._resting:
            self._resting.pop()
            self._tried_s = now_s
        else:
            self._level -= 1
            self._tried_s = now_s
        self._begin(now_s)

    def _begin(self, now_s: float) -> None:
        self._taken = self._dropped = 0
        self._since_s = now_s


def _least(priorities: Mapping[str, int], resting: Sequence[str]) -> list[str]:
    """The next cameras to rest; one is always left."""
    awake = sorted(set(priorities) - set(resting), key=lambda camera: (priorities[camera], camera))
    count = -int(-SHARE_SHED * len(priorities) // 1)
    return awake[: min(count, len(awake) - 1)]
