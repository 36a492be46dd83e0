"""Green bands along a corridor: when a vehicle that drives at the limit meets green at every signal."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Intervals = npt.NDArray[np.float64]
"""(n, 2) float64: begin and end in seconds, in order and apart from each other."""

USABLE_S = 2.0
"""A band shorter than this lets no vehicle through (one saturation headway)."""


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """The bands of one direction over an observed time.

    `bands` are at the first signal. `bandwidth_s` is their mean width, which under one common cycle is the
    bandwidth of the textbooks; `per_hour` how many there were. `efficiency` is the share of time that lies in
    a band: B / C under a common cycle. `attainability` is the band time over the green time of the signal
    with the least: B / g_min. (Both: PASSER II; FHWA Signal Timing Manual, 2nd ed., NCHRP Report 812,
    chapter 7.)
    """

    bands: Intervals
    observed_s: float
    bandwidth_s: float
    per_hour: float
    efficiency: float
    attainability: float


def bandwidth(
    greens: Sequence[Intervals], travel_s: Sequence[float], begin_s: float, end_s: float
) -> Bandwidth:
    """Of signals with these greens, `travel_s[i]` behind the first, between two times at the first signal.

    Raises:
        ValueError: not one travel time for each signal, or none at all.
    """
    if not greens or len(greens) != len(travel_s):
        raise ValueError("one travel time for each signal")
    shifted = [clip(green - travel, begin_s, end_s) for green, travel in zip(greens, travel_s, strict=True)]
    bands = shifted[0]
    for green in shifted[1:]:
        bands = intersect(bands, green)
    bands = bands[lengths(bands) >= USABLE_S]
    total, observed = float(lengths(bands).sum()), end_s - begin_s
    least = min(float(lengths(green).sum()) for green in shifted)
    return Bandwidth(
        bands,
        observed,
        total / len(bands) if len(bands) else 0.0,
        3600.0 * len(bands) / observed if observed > 0 else 0.0,
        total / observed if observed > 0 else 0.0,
        total / least if least > 0 else 0.0,
    )


def intersect(one: Intervals, other: Intervals) -> Intervals:
    """What lies in both."""
    found: list[tuple[float, float]] = []
    i = j = 0
    while i < len(one) and j < len(other):
        begin, end = max(one[i, 0], other[j, 0]), min(one[i, 1], other[j, 1])
        if begin < end:
            found.append((begin, end))
        if one[i, 1] < other[j, 1]:
            i += 1
        else:
            j += 1
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def clip(intervals: Intervals, begin_s: float, end_s: float) -> Intervals:
    """What lies between two times."""
    cut = np.clip(intervals, begin_s, end_s)
    return cut[lengths(cut) > 0]


def lengths(intervals: Intervals) -> npt.NDArray[np.float64]:
    """(n,) seconds."""
    return intervals[:, 1] - intervals[:, 0]
