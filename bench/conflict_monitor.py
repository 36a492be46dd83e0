"""A conflict monitor in compiled code: it knows the intersection and the lamps, nothing of the rules' code.

It is told what was shown when, and finds the first moment that is not safe: conflicting protected greens, a
green, walk, yellow or clearance that is too short, a yellow left out, or one that turns green again.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from citybrain.messages import IntersectionConfig

WALKING_MPS = 1.067
WALK_S = 7.0
NEAR_S = 1e-4
FAULTS = (
    "safe",
    "conflicting greens",
    "green ends without yellow, or a walk with one",
    "minimum green or walk is cut",
    "yellow turns green",
    "yellow is cut",
    "it starts into a yellow",
    "clearance is cut",
    "protection ends without clearance",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the monitor knows of n movements: `foes` (n, n) bool, all else (n,); seconds."""

    foes: NDArray[np.bool_]
    walks: NDArray[np.bool_]
    green_s: NDArray[np.float64]
    yellow_s: NDArray[np.float64]
    clearance_s: NDArray[np.float64]
    """From the end of green to the start of a foe."""


class Finding(NamedTuple):
    """What is wrong first: the fault's name, the row, the movement; row -1 where all is safe."""

    fault: str
    row: int
    movement: int


def limits_of(config: IntersectionConfig) -> Limits:
    """From the configuration alone."""
    count = len(config.movements)
    foes = np.zeros((count, count), np.bool_)
    for i, movement in enumerate(config.movements):
        for j in movement.foes:
            foes[i, j] = foes[j, i] = True
    walks = np.array([m.turn == "pedestrian" for m in config.movements])
    green_s = np.array([
        min((p.min_green_s for p in config.phases if p.indications[i] in "Gg"), default=0.0)
        for i in range(count)
    ])  # fmt: skip
    yellow_s = np.array([m.yellow_s for m in config.movements])
    crossing_s = np.array([m.length_m / WALKING_MPS for m in config.movements])
    return Limits(
        foes,
        walks,
        np.where(walks, np.maximum(green_s, WALK_S), green_s),
        yellow_s,
        np.where(walks, crossing_s, yellow_s) + config.all_red_s,
    )


def judge(
    limits: Limits, shown: NDArray[np.uint8], passed_s: NDArray[np.float64], begins: NDArray[np.bool_]
) -> Finding:
    """The first fault in `shown`: (rows, n) ASCII indications, each `passed_s` after the row before it.

    begins: rows at which another signal begins of which nothing is known from before.
    """
    fault, row, movement = _judge(
        shown,
        passed_s,
        begins,
        limits.foes,
        limits.walks,
        limits.green_s,
        limits.yellow_s,
        limits.clearance_s,
    )
    return Finding(FAULTS[fault], row, movement)


_G, _g, _y, _r = ord("G"), ord("g"), ord("y"), ord("r")


@numba.njit(cache=True)
def _judge(  # noqa: PLR0917 - compiled code knows no structures
    shown: NDArray[np.uint8],
    passed_s: NDArray[np.float64],
    begins: NDArray[np.bool_],
    foes: NDArray[np.bool_],
    walks: NDArray[np.bool_],
    min_green_s: NDArray[np.float64],
    yellow_s: NDArray[np.float64],
    clearance_s: NDArray[np.float64],
) -> tuple[int, int, int]:
    rows, count = shown.shape
    green_s = np.empty(count)
    since_s = np.empty(count)
    for t in range(rows):
        before = shown[t] if begins[t] or t == 0 else shown[t - 1]
        now = shown[t]
        if begins[t] or t == 0:
            green_s[:] = math.inf
            since_s[:] = math.inf
        for i in range(count):
            was, is_ = before[i] == _G or before[i] == _g, now[i] == _G or now[i] == _g
            green_s[i] += passed_s[t]
            if not was:
                since_s[i] += passed_s[t]
            elif not is_:
                since_s[i] = 0.0
                if now[i] != (_r if walks[i] else _y):
                    return 2, t, i
                if green_s[i] < min_green_s[i] - NEAR_S:
                    return 3, t, i
            if before[i] == _y and now[i] != _y:
                if is_:
                    return 4, t, i
                if since_s[i] < yellow_s[i] - NEAR_S:
                    return 5, t, i
        for i in range(count):
            starts = (now[i] == _G or now[i] == _g) and not (before[i] == _G or before[i] == _g)
            for j in range(count):
                if not foes[i, j]:
                    continue
                if now[i] == _G and now[j] == _G:
                    return 1, t, i
                if not starts:
                    continue
                if now[j] == _G or now[j] == _g:
                    if before[j] == _G and now[j] == _g:
                        return 8, t, i
                elif now[j] == _y:
                    return 6, t, i
                elif since_s[j] < clearance_s[j] - NEAR_S:
                    return 7, t, i
        for i in range(count):
            if (now[i] == _G or now[i] == _g) and not (before[i] == _G or before[i] == _g):
                green_s[i] = 0.0
    return 0, -1, -1
