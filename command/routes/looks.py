"""Looking at live video, one camera or a wall of them, with the reason on record first."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from command import bodies
from command.answers import Json, documented
from command.faults import ApiError
from command.looks import Look, LookBody, LookView, pictures
from command.pictures import PictureBoard
from command.routes.cameras import BOUNDARY, part
from command.shared import Shared
from command.sight import Seen
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["cameras"], dependencies=[requires(Action.SEE_VIDEO)])

Rate = Annotated[float, Query(ge=0.1, le=10, description="at most so many pictures a second of each camera")]


@router.post(
    "/looks",
    status_code=201,
    responses=documented(LookView, "Recorded; its pictures may be asked for.", 404, 413, status=201),
    openapi_extra=bodies.described(LookBody),
)
async def begin(request: Request, centre: Shared, sight: Seen) -> Response:
    """Say why one looks at which cameras; it lasts 15 minutes."""
    body = await bodies.read(request, LookBody)
    if field := body.fault():
        raise ApiError(422, f"{field}: the purpose {body.purpose.value} needs it", field)
    for camera in body.cameras:
        if camera not in centre.live.cameras.known() or not sight.has_camera(camera):
            raise ApiError(404, f"there is no camera {camera!r}", "cameras")
    look = await centre.looks.begin(sight.principal, request.state.pass_.key, body)
    return Json(LookView(look=look.id, cameras=look.cameras, ends_at=look.ends_at), 201)


@router.get(
    "/looks/{look}/pictures",
    response_class=Response,
    responses=documented(
        None,
        "Blurred pictures of all its cameras as they come, until it ends; `X-Camera` says whose.",
        404,
        media_type=f"multipart/x-mixed-replace; boundary={BOUNDARY}",
        schema={"type": "string", "format": "binary"},
    ),
)
async def stream(look: UUID, request: Request, centre: Shared, sight: Seen, rate_hz: Rate = 2) -> Response:
    """One connection for a whole wall of cameras."""
    found = centre.looks.find(look, request.state.pass_.key)
    # A district may have been taken away since.
    if found is None or not all(sight.has_camera(camera) for camera in found.cameras):
        raise ApiError(404, "there is no such look, or it is over; say again why", "look")
    return StreamingResponse(
        _parts(centre.pictures, found, rate_hz),
        media_type=f"multipart/x-mixed-replace; boundary={BOUNDARY}",
        headers={"cache-control": "no-store"},
    )


async def _parts(board: PictureBoard, look: Look, rate_hz: float) -> AsyncIterator[bytes]:
    async for found in pictures(board, look, rate_hz):
        for picture in found:
            yield part(picture, f"X-Camera: {picture.meta.camera}\r\n")
