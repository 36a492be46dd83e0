"""What came of cases: league tables, and how long handling took."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from command.models import View


class LeagueRow(View, frozen=True, kw_only=True):
    who: Annotated[str, Meta(description="department, or responsibility grid")]
    filed: int
    closed: int
    overdue: Annotated[int, Meta(description="were or are overdue; an appeal does not change that")]
    exempted: Annotated[int, Meta(description="of these, by an appeal that was granted: they do not count")]
    returns: int
    reopened: int
    rating: Annotated[float | None, Meta(description="mean of 1 to 5")]
    median_s: Annotated[float | None, Meta(description="from filing to closing")]
    score: Annotated[
        float,
        Meta(description="0 to 100: 40 for the share closed, 40 for the share in time, 20 for the rating"),
    ]


class League(View, frozen=True, kw_only=True):
    items: Sequence[LeagueRow]


class HistogramBar(View, frozen=True, kw_only=True):
    upper_h: Annotated[int, Meta(description="more than the bar before, up to so many hours")]
    number: int


class Yardstick(View, frozen=True, kw_only=True):
    """What urban-grid management is measured by: mean days before and after it came."""

    before_days: float = 21.56
    after_days: float = 4.24


class HandlingTimes(View, frozen=True, kw_only=True):
    closed: int
    mean_s: float | None
    p10_s: float | None
    p50_s: float | None
    p90_s: float | None
    histogram: Sequence[HistogramBar]
    yardstick: Yardstick = Yardstick()
