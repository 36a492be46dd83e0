"""Brings what was measured some seconds ago up to now: what the signal shows, and who has gone meanwhile."""

from collections.abc import Sequence
from typing import NamedTuple

from traffic.beam import HALF
from traffic.horizon import Shown
from traffic.network import PERMISSIVE, PROTECTED, Floats, Network
from traffic.weights import Weights

YIELDING = 0.5
"""Of the time, in which a permissive movement is taken to find a gap."""


class Passed(NamedTuple):
    """One second that has gone by: the phase that was shown, and the one it was clearing for (or itself)."""

    phase: int
    target: int


def catch_up(net: Network, i: int, shown: Shown, wishes: Sequence[int]) -> tuple[Shown, Sequence[Passed]]:
    """What intersection i shows now that it took one of `wishes` in each second since it showed `shown`."""
    passed = []
    for wish in wishes:
        shown, second = _step(net, i, shown, wish)
        passed.append(second)
    return shown, passed


def _step(net: Network, i: int, shown: Shown, wish: int) -> tuple[Shown, Passed]:
    """As the planner steps: a wish begins a change where the minimum green is over and the rules allow it."""
    phase, target, green, left = shown
    first, phases = net.phase_ptr[i], net.phase_ptr[i + 1] - net.phase_ptr[i]
    if left == 0 and wish != phase and green >= net.min_green[first + phase]:
        change = int(net.change_s[net.pair_ptr[i] + phase * phases + wish])
        if change == 0:
            return Shown(wish, wish, 1, 0), Passed(wish, wish)
        if change > 0:
            target, left = wish, change
    if left == 0:
        return Shown(phase, phase, green + 1, 0), Passed(phase, phase)
    if left == 1:
        return Shown(target, target, 0, 0), Passed(phase, target)
    return Shown(phase, target, 0, left - 1), Passed(phase, target)


def let_go(  # noqa: PLR0917 - one line of arrays for each
    net: Network,
    i: int,
    passed: Sequence[Passed],
    arrived: Floats,
    credit: Floats,
    share: Floats,
    weights: Weights,
) -> tuple[Floats, Floats]:
    """The arrivals from now on, and the service saved up by now.

    arrived[k, t]: cumulative from the seconds `passed` on, as in Demand; the result is shorter by these.
    """
    gone, saved = credit * 0.0, credit.copy()
    for t, second in enumerate(passed):
        for k in range(len(saved)):
            rate = _rate(net, i, second, k, share) / weights.protected_headway
            saved[k] = min(saved[k] + rate, 2.0) if rate > 0 else 0.0
            if saved[k] >= 1.0 and arrived[k, t] - gone[k] >= HALF:
                gone[k] += 1.0
                saved[k] -= 1.0
            saved[k] = min(saved[k], 1.0)
    return (arrived[:, len(passed) :] - gone[:, None]).clip(min=0.0), saved


def _rate(net: Network, i: int, second: Passed, k: int, share: Floats) -> float:
    """Share of the time in which lane k was served in a second that has passed."""
    phases, lanes = net.phase_ptr[i + 1] - net.phase_ptr[i], net.lane_ptr[i + 1] - net.lane_ptr[i]
    pair = second.phase * phases + second.target
    if second.phase != second.target and not net.kept[net.kept_ptr[i] + pair * lanes + k]:
        return 0.0
    row, first = net.indication_ptr[net.phase_ptr[i] + second.phase], net.movement_ptr[i]
    lane = net.lane_ptr[i] + k
    served = 0.0
    for m in net.lane_movement[net.lane_movement_ptr[lane] : net.lane_movement_ptr[lane + 1]] - first:
        code = net.indication[row + m]
        served += share[m] * (1.0 if code == PROTECTED else YIELDING if code == PERMISSIVE else 0.0)
    return served
