"""League tables by department and grid, and the distribution of handling times."""

from datetime import timedelta
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from command.answers import Json, documented
from command.cases.evaluation import HandlingTimes, HistogramBar, League, LeagueRow
from command.history import From, To, range_of
from command.principal import SignedIn
from command.shared import Shared
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["evaluation"], dependencies=[requires(Action.SEE_EVALUATION)])

LONGEST, USUAL = timedelta(days=1_100), timedelta(days=30)


@router.get("/evaluation/league", responses=documented(League, "The best first."))
async def league(
    centre: Shared,
    principal: SignedIn,
    *,
    by: Annotated[Literal["department", "grid"], Query()] = "department",
    start: From = None,
    to: To = None,
) -> Response:
    """What departments or responsibility grids did with cases filed in a time, 30 days if none is given."""
    range_ = range_of(start, to, LONGEST, USUAL)
    asked = {
        "by": by, "from": range_.start, "to": range_.end, "districts": sorted(principal.districts) or None,
    }  # fmt: skip
    rows = await centre.database.fetch("league", asked)
    return Json(League(items=msgspec.convert(rows, list[LeagueRow], strict=False)))


@router.get("/evaluation/times", responses=documented(HandlingTimes, "From filing to closing."))
async def times(
    centre: Shared,
    principal: SignedIn,
    *,
    class_: Annotated[str | None, Query(alias="class", pattern=r"^[ce][0-9]{5}$")] = None,
    start: From = None,
    to: To = None,
) -> Response:
    """How long cases took that were closed in a time, 30 days if none is given."""
    range_ = range_of(start, to, LONGEST, USUAL)
    asked = {
        "class": class_, "from": range_.start, "to": range_.end,
        "districts": sorted(principal.districts) or None,
    }  # fmt: skip
    (figures,) = await centre.database.fetch("handling_times", asked)
    bars = await centre.database.fetch("handling_histogram", asked)
    histogram = msgspec.convert(bars, list[HistogramBar], strict=False)
    return Json(HandlingTimes(**figures, histogram=histogram))
