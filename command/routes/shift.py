"""The sheet that one shift hands over to the next."""

from datetime import UTC, datetime, timedelta

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from citybrain.messages import ControlMode
from command.alarms.models import AlarmView
from command.analysis.models import ShiftAlarm, ShiftEntry, ShiftEvents, ShiftSheet
from command.answers import Json, documented
from command.history import From, To, range_of
from command.playback.tracks import AlarmTrack, Scope
from command.shared import Shared
from command.sight import Seen
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["figures"])

LONGEST = timedelta(days=2)
USUAL = timedelta(hours=8)
GONE = ("silent", "failed", "offline")
ALARMS = AlarmTrack("alarms", AlarmView, Action.SEE_ALARMS)


@router.get(
    "/shift",
    dependencies=[requires(Action.SEE_ALARMS)],
    responses=documented(ShiftSheet, "The sheet; the last eight hours if no range is given."),
)
async def shift(
    request: Request, centre: Shared, sight: Seen, *, start: From = None, to: To = None
) -> Response:
    """What stands, what happened and who took note, which devices are silent."""
    span = range_of(start, to, LONGEST, USUAL)
    districts = sorted(sight.principal.districts) or None
    scope = Scope(sight.intersections(None), sight.cameras(None), districts, request.state.actions)
    asked = {**scope.values(), "from": span.start, "to": span.end, "within": districts}
    raised = await centre.database.fetch("shift_alarms", asked)
    events = await centre.database.fetch("shift_events", asked)
    done = await centre.database.fetch("shift_entries", asked)
    now = datetime.now(UTC)
    sheet = ShiftSheet(
        start=span.start,
        to=span.end,
        standing=msgspec.convert(await ALARMS.at(centre.database, scope, span.end), list[AlarmView]),
        raised=msgspec.convert(raised, list[ShiftAlarm], strict=False),
        events=msgspec.convert(events, list[ShiftEvents], strict=False),
        done=msgspec.convert(done, list[ShiftEntry], strict=False),
        silent=[one for one in centre.live.agents(now) if one.health in GONE and sight.sees(one)],
        uncommanded=[
            name
            for name in sorted(centre.live.configs)
            if sight.has_intersection(name)
            and (name not in centre.live.states or centre.live.states[name].mode is not ControlMode.COMMANDED)
        ],
    )
    return Json(sheet)
