"""The live stream: server-sent events of the channels asked for."""

from typing import Annotated, get_args

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from command.answers import documented
from command.cases.rows import OVERVIEW
from command.faults import ApiError
from command.models import Channel
from command.principal import Role
from command.shared import Shared
from command.sight import Seen, Sight
from command.stream import EventStream, within
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["stream"], dependencies=[requires(Action.SEE_LIVE)])

CHANNELS: tuple[str, ...] = get_args(Channel)
USUAL = "signals,lanes,events,agents,cameras,kpis"


@router.get(
    "/stream",
    response_class=Response,
    responses=documented(
        None,
        "Events named as their channel: signals, lanes, events, agents, cameras, pictures, alarms, cases"
        ' carry `{"items": [...]}` with what changed; kpis the object of /kpis; reset means: fetch anew.',
        media_type="text/event-stream",
        schema={"type": "string"},
    ),
)
async def stream(
    request: Request,
    centre: Shared,
    sight: Seen,
    channels: Annotated[str, Query(max_length=200, description=f"of {', '.join(CHANNELS)}")] = USUAL,
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> Response:
    """What changes, as it changes; resumes after `Last-Event-ID` without gap or duplicate."""
    wanted = [channel.strip() for channel in channels.split(",") if channel.strip()]
    unknown = [channel for channel in wanted if channel not in CHANNELS]
    if unknown or not wanted:
        raise ApiError(
            422,
            f"channels: {', '.join(unknown) or 'none given'}; there are {', '.join(CHANNELS)}",
            "channels",
        )
    if "alarms" in wanted and Action.SEE_ALARMS not in request.state.actions:
        raise ApiError(403, "channels: the account or token in use may not see alarms", "channels")
    if "cases" in wanted and not _sees_cases(sight, request.state.actions):
        raise ApiError(403, "channels: the account or token in use may not see cases on the map", "channels")
    client = centre.hub.join(_listened(sight, wanted), last_event_id)
    return EventStream(centre.hub, client)


def _sees_cases(sight: Sight, actions: frozenset[Action]) -> bool:
    """All cases of its districts, or those of a department of the whole city."""
    principal = sight.principal
    has_overview = bool(principal.roles & OVERVIEW)
    return Action.SEE_CASES in actions and (
        has_overview or (Role.DEPARTMENT in principal.roles and sight.is_whole)
    )


def _listened(sight: Sight, wanted: list[str]) -> list[str]:
    """What the hub is joined for: of a district alone, where the principal sees no more."""
    principal = sight.principal
    if "cases" in wanted and not principal.roles & OVERVIEW and principal.department is not None:
        theirs = within("cases", f"department:{principal.department}")
        wanted = [theirs if channel == "cases" else channel for channel in wanted]
    if sight.is_whole:
        return wanted
    districts = sorted(sight.principal.districts)
    own = [within(channel, district) for channel in wanted for district in districts if channel != "kpis"]
    return own + [channel for channel in wanted if channel == "kpis"]
