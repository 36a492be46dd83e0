"""Cameras: what they count, their latest picture, and the moving one."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response, StreamingResponse

from command.access import Purpose, View
from command.answers import Json, documented
from command.faults import ApiError
from command.models import CameraList
from command.pictures import Picture, PictureBoard
from command.shared import Shared
from command.sight import Seen
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["cameras"])
VIDEO = [requires(Action.SEE_VIDEO)]

CameraId = Annotated[str, Path(max_length=64)]
Why = Annotated[Purpose, Query(description="why one looks; it goes into the audit")]
ForCase = Annotated[
    str | None, Query(max_length=64, pattern=r"^[A-Za-z0-9._-]+$", description="the case's id")
]
ForEvent = Annotated[
    str | None, Query(max_length=128, pattern=r"^[A-Za-z0-9._/:-]+$", description="the event's or alarm's id")
]
BOUNDARY = "picture"
BINARY = {"type": "string", "contentMediaType": "image/jpeg"}


@router.get(
    "/cameras", dependencies=[requires(Action.SEE_LIVE)], responses=documented(CameraList, "Every camera.")
)
async def cameras(centre: Shared, sight: Seen) -> Response:
    """Health, picture rate and today's counts of every camera."""
    return Json(
        CameraList(items=[item for item in centre.live.all_cameras(datetime.now(UTC)) if sight.sees(item)])
    )


@router.get(
    "/cameras/{camera}/picture.jpg",
    dependencies=VIDEO,
    response_class=Response,
    responses=documented(
        None,
        "The picture with boxes, blurred; `X-Captured-At` says when.",
        404,
        media_type="image/jpeg",
        schema=BINARY,
    ),
)
async def picture(
    camera: CameraId,
    request: Request,
    centre: Shared,
    sight: Seen,
    *,
    purpose: Why = Purpose.MONITORING,
    case: ForCase = None,
    event: ForEvent = None,
) -> Response:
    """The latest picture, in memory only; who looks, why, and for which case is recorded first."""
    if not sight.has_camera(camera):
        raise ApiError(404, _why_not(camera, known=False), "camera")
    latest = centre.pictures.get(camera)
    if latest is None:
        raise ApiError(404, _why_not(camera, camera in centre.live.cameras.known()), "camera")
    await centre.accesses.look(View(sight.principal, request.state.pass_.key, camera, purpose, case, event))
    headers = {"cache-control": "no-store", "x-captured-at": captured_at(latest)}
    return Response(latest.jpeg, media_type="image/jpeg", headers=headers)


@router.get(
    "/cameras/{camera}/stream.mjpg",
    dependencies=VIDEO,
    response_class=Response,
    responses=documented(
        None,
        "Pictures as they come, until the client goes.",
        404,
        media_type=f"multipart/x-mixed-replace; boundary={BOUNDARY}",
        schema={"type": "string", "format": "binary"},
    ),
)
async def stream(
    camera: CameraId,
    request: Request,
    centre: Shared,
    sight: Seen,
    *,
    purpose: Why = Purpose.MONITORING,
    case: ForCase = None,
    event: ForEvent = None,
) -> Response:
    """The moving picture, recorded as one look; a slow client skips pictures."""
    if camera not in centre.live.cameras.known() or not sight.has_camera(camera):
        raise ApiError(404, _why_not(camera, known=False), "camera")
    await centre.accesses.look(View(sight.principal, request.state.pass_.key, camera, purpose, case, event))
    return StreamingResponse(
        _parts(centre.pictures, camera),
        media_type=f"multipart/x-mixed-replace; boundary={BOUNDARY}",
        headers={"cache-control": "no-store"},
    )


async def _parts(pictures: PictureBoard, camera: str) -> AsyncIterator[bytes]:
    number = 0
    while latest := await pictures.after(camera, number):
        number = latest.number
        yield part(latest)


def part(picture: Picture, more: str = "") -> bytes:
    """One picture of a multipart stream; `more`: further lines of its head."""
    head = (
        f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture.jpeg)}\r\n{more}"
        f"X-Captured-At: {captured_at(picture)}\r\n\r\n"
    )
    return head.encode() + picture.jpeg + b"\r\n"


def captured_at(picture: Picture) -> str:
    return picture.meta.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _why_not(camera: str, known: bool) -> str:
    if known:
        return f"camera {camera!r} has sent no picture yet; ask again in a moment"
    return f"there is no camera {camera!r}"
