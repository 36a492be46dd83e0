"""Two periods compared: the difference of each metric, and how sure it is. Pure.

Hours of one day hang together, so whole days are drawn again (a block bootstrap: Efron and Tibshirani, An
Introduction to the Bootstrap, 1993, chapters 8 and 13); where a period has too few days, hours are, and the
answer says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from command.analysis.figures import METRICS, Bucket, Metric, Sums, by_day, total

DRAWS = 4_000
SEED = 20_261_130
LEAST_DAYS = 4
LEAST_BLOCKS = 4
CONFIDENCE = 0.95

Block = Literal["day", "hour"]
Caution = Literal["few_blocks", "hours_as_blocks", "weekdays_differ", "coverage_differs"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric: values None without data, the interval None with too few blocks."""

    metric: Metric
    before: float | None
    after: float | None
    difference: float | None
    change: float | None
    """Difference as a share of before."""
    low: float | None
    high: float | None
    """The difference lies between these with `CONFIDENCE`."""

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out no difference at all."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


@dataclass(frozen=True, slots=True)
class Comparison:
    differences: Sequence[Difference]
    block: Block
    blocks_before: int
    blocks_after: int
    cautions: Sequence[Caution]


def compare(before: Sequence[Bucket], after: Sequence[Bucket], zone: ZoneInfo) -> Comparison:
    """Compare hours of two periods; days are those of `zone`."""
    days = by_day(before, zone), by_day(after, zone)
    block: Block = "day" if min(map(len, days)) >= LEAST_DAYS else "hour"
    first, second = days if block == "day" else (before, after)
    few = min(len(first), len(second)) < LEAST_BLOCKS
    # The same seed for every metric and question: the same data gives the same answer.
    random = np.random.default_rng(SEED)
    drawn = None if few else (_draws(len(first), random), _draws(len(second), random))
    differences = [
        _difference(metric, [one.sums for one in first], [one.sums for one in second], drawn)
        for metric in METRICS
    ]
    cautions: list[Caution] = []
    if few:
        cautions.append("few_blocks")
    elif block == "hour":
        cautions.append("hours_as_blocks")
    if _weekdays(days[0]) != _weekdays(days[1]):
        cautions.append("weekdays_differ")
    if _coverage_differs(total(before), total(after)):
        cautions.append("coverage_differs")
    return Comparison(differences, block, len(first), len(second), cautions)


def _draws(blocks: int, random: np.random.Generator) -> NDArray[np.int64]:
    """(DRAWS, blocks) places of blocks, drawn with replacement."""
    return random.integers(0, blocks, (DRAWS, blocks))


def _difference(
    metric: Metric,
    before: Sequence[Sums],
    after: Sequence[Sums],
    drawn: tuple[NDArray[np.int64], NDArray[np.int64]] | None,
) -> Difference:
    first, second = _whole(before).value(metric), _whole(after).value(metric)
    if first is None or second is None:
        return Difference(metric, first, second, None, None, None, None)
    low = high = None
    if drawn:
        spread = _resampled(metric, after, drawn[1]) - _resampled(metric, before, drawn[0])
        spread = spread[np.isfinite(spread)]
        if spread.size:
            tail = (1 - CONFIDENCE) / 2
            low, high = (float(one) for one in np.quantile(spread, [tail, 1 - tail]))
    difference = second - first
    return Difference(metric, first, second, difference, difference / first if first else None, low, high)


def _resampled(metric: Metric, sums: Sequence[Sums], drawn: NDArray[np.int64]) -> NDArray[np.float64]:
    """(DRAWS,) the metric of each draw; nan where nothing is to divide by."""
    ratios = np.array([one.ratio(metric) for one in sums], dtype=np.float64)
    numerator, denominator = ratios[:, 0][drawn].sum(axis=1), ratios[:, 1][drawn].sum(axis=1)
    values = np.full(len(drawn), np.nan)
    np.divide(numerator, denominator, out=values, where=denominator > 0)
    return values


def _whole(sums: Sequence[Sums]) -> Sums:
    whole = Sums()
    for one in sums:
        whole += one
    return whole


def _weekdays(days: Sequence[Bucket]) -> set[int]:
    return {day.start.weekday() for day in days}


def _coverage_differs(before: Sums, after: Sums) -> bool:
    """Whether an hour of one period rests on a tenth fewer observed lane seconds than one of the other."""
    if not before.hours or not after.hours:
        return True
    first, second = before.observed_s / before.hours, after.observed_s / after.hours
    return min(first, second) < 0.9 * max(first, second)
