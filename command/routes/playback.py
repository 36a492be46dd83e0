"""Playback: the city as it stood at a past moment, and what changed in a window after it."""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime
from starlette.responses import Response

from command.answers import Json, documented
from command.faults import ApiError
from command.history import instant
from command.playback.models import PastFigures, PlaybackChanges, PlaybackState
from command.playback.tracks import Scope, Window, all_at, all_between
from command.shared import Shared
from command.sight import Seen, Sight
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["history"], dependencies=[requires(Action.SEE_HISTORY)])

LONGEST = timedelta(hours=1)
MOST_STEPS = 240

At = Annotated[AwareDatetime, Query(description="ISO 8601 with zone")]
StepS = Annotated[float, Query(ge=0.25, le=300, description="of each step only the latest state is told")]


@router.get("/playback/state", responses=documented(PlaybackState, "The city as it stood.", 503))
async def state(at: At, request: Request, centre: Shared, sight: Seen) -> Response:
    """Signals, lanes, events and alarms at a past moment, within what the principal may see."""
    moment = instant(at, "at")
    scope = _scope(request, sight)
    tracks = await all_at(centre.database, scope, moment)
    (figures,) = await centre.database.fetch("playback_figures_at", {**scope.values(), "at": moment})
    return Json(PlaybackState(at=moment, figures=msgspec.convert(figures, PastFigures), **tracks))


@router.get("/playback/changes", responses=documented(PlaybackChanges, "What changed, by time.", 503))
async def changes(
    request: Request,
    centre: Shared,
    sight: Seen,
    *,
    start: Annotated[
        AwareDatetime, Query(alias="from", description="excluded: it is the state's own moment")
    ],
    to: Annotated[AwareDatetime, Query(description="included; at most an hour and 240 steps later")],
    step_s: StepS = 0.5,
) -> Response:
    """The changes of a window; ask for the next window while this one is played."""
    window = _window(instant(start, "from"), instant(to, "to"), timedelta(seconds=step_s))
    tracks = await all_between(centre.database, _scope(request, sight), window)
    return Json(PlaybackChanges(start=window.start, to=window.end, **tracks))


def _window(start: datetime, end: datetime, step: timedelta) -> Window:
    if start >= end:
        raise ApiError(422, "from: it is not before `to`", "from")
    if end - start > LONGEST or end - start > step * MOST_STEPS:
        raise ApiError(422, f"to: at most an hour and {MOST_STEPS} steps can be asked for at once", "to")
    return Window(start, end, step)


def _scope(request: Request, sight: Sight) -> Scope:
    return Scope(
        intersections=sight.intersections(None),
        cameras=sight.cameras(None),
        districts=sorted(sight.principal.districts) or None,
        actions=request.state.actions,
    )
