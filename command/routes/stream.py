"""The live stream: server-sent events of the channels asked for."""

from collections.abc import AsyncIterator
from typing import Annotated, get_args

from fastapi import APIRouter, Header, Query
from starlette.responses import Response, StreamingResponse

from command.answers import documented
from command.faults import ApiError
from command.models import Channel
from command.shared import Shared
from command.stream import Client, Hub

router = APIRouter(tags=["stream"])

CHANNELS: tuple[str, ...] = get_args(Channel)
USUAL = "signals,lanes,events,agents,cameras,kpis"


@router.get(
    "/stream",
    response_class=Response,
    responses=documented(
        None,
        "Events named as their channel: signals, lanes, events, agents, cameras, pictures carry"
        ' `{"items": [...]}` with what changed; kpis the object of /kpis; reset means: fetch anew.',
        media_type="text/event-stream",
        schema={"type": "string"},
    ),
)
async def stream(
    centre: Shared,
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
    client = centre.hub.join(wanted, last_event_id)
    return StreamingResponse(
        _read(centre.hub, client),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _read(hub: Hub, client: Client) -> AsyncIterator[bytes]:
    try:
        async for piece in client.read():
            yield piece
    finally:
        hub.leave(client)
