"""Calls of a dispatch system: a vehicle that is sent gets a green wave."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from command import bodies
from command.answers import Json, documented
from command.cases import waves
from command.cases.waves import CallBody, EndBody, VehicleBody, WaveView
from command.principal import SignedIn
from command.shared import Shared
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["emergency"], dependencies=[requires(Action.OPEN_GREEN_WAVE)])

Call = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="the dispatch's own id")]


@router.post(
    "/cad/events",
    status_code=201,
    responses=documented(
        WaveView, "Asked for; the same call again answers the same.", 404, 409, 413, status=201
    ),
    openapi_extra=bodies.described(CallBody),
)
async def dispatched(request: Request, centre: Shared, principal: SignedIn) -> Response:
    """A vehicle was sent: its way is sought, and its signals are asked for green."""
    body = await bodies.read(request, CallBody)
    async with centre.cases.acting(principal) as acting:
        await centre.waves.open(acting, body)
        row = await centre.waves.held(acting, body.call)
    if row["ended_at"] is None:
        centre.waves.ask(row)
    return Json(waves.view(row), 201)


@router.post(
    "/cad/events/{call}/position",
    responses=documented(WaveView, "Passed on; not stored.", 404, 409, 413),
    openapi_extra=bodies.described(VehicleBody),
)
async def position(call: Call, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Where the vehicle is, once a second: without it no signal is claimed."""
    body = await bodies.read(request, VehicleBody)
    async with centre.cases.acting(principal) as acting:
        row = await centre.waves.move(acting, call, body)
    return Json(waves.view(row))


@router.post(
    "/cad/events/{call}/end",
    responses=documented(WaveView, "Over.", 404, 413),
    openapi_extra=bodies.described(EndBody),
)
async def end(call: Call, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """The vehicle is there, or is called off."""
    body = await bodies.read(request, EndBody)
    async with centre.cases.acting(principal) as acting:
        row = await centre.waves.end(acting, call, body.reason)
    centre.waves.cancel(row, body.reason)
    return Json(waves.view(row))
