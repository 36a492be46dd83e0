"""Cameras: what they count, their latest picture, and the moving one."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response, StreamingResponse

from command.answers import Json, documented
from command.faults import ApiError
from command.models import CameraList
from command.pictures import Picture, PictureBoard
from command.shared import Shared

router = APIRouter(tags=["cameras"])

CameraId = Annotated[str, Path(max_length=64)]
BOUNDARY = "picture"
BINARY = {"type": "string", "contentMediaType": "image/jpeg"}


@router.get("/cameras", responses=documented(CameraList, "Every camera."))
async def cameras(centre: Shared) -> Response:
    """Health, picture rate and today's counts of every camera."""
    return Json(CameraList(items=centre.live.all_cameras(datetime.now(UTC))))


@router.get(
    "/cameras/{camera}/picture.jpg",
    response_class=Response,
    responses=documented(
        None,
        "The picture with boxes, blurred; `X-Captured-At` says when.",
        404,
        media_type="image/jpeg",
        schema=BINARY,
    ),
)
async def picture(camera: CameraId, centre: Shared) -> Response:
    """The latest picture; it is kept in memory only."""
    latest = centre.pictures.get(camera)
    if latest is None:
        raise ApiError(404, _why_not(camera, camera in centre.live.cameras.known()), "camera")
    headers = {"cache-control": "no-store", "x-captured-at": _captured_at(latest)}
    return Response(latest.jpeg, media_type="image/jpeg", headers=headers)


@router.get(
    "/cameras/{camera}/stream.mjpg",
    response_class=Response,
    responses=documented(
        None,
        "Pictures as they come, until the client goes.",
        404,
        media_type=f"multipart/x-mixed-replace; boundary={BOUNDARY}",
        schema={"type": "string", "format": "binary"},
    ),
)
async def stream(camera: CameraId, centre: Shared) -> Response:
    """The moving picture; a slow client skips pictures."""
    if camera not in centre.live.cameras.known():
        raise ApiError(404, _why_not(camera, known=False), "camera")
    return StreamingResponse(
        _parts(centre.pictures, camera),
        media_type=f"multipart/x-mixed-replace; boundary={BOUNDARY}",
        headers={"cache-control": "no-store"},
    )


async def _parts(pictures: PictureBoard, camera: str) -> AsyncIterator[bytes]:
    number = 0
    while latest := await pictures.after(camera, number):
        number = latest.number
        head = (
            f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(latest.jpeg)}\r\n"
            f"X-Captured-At: {_captured_at(latest)}\r\n\r\n"
        )
        yield head.encode() + latest.jpeg + b"\r\n"


def _captured_at(picture: Picture) -> str:
    return picture.meta.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _why_not(camera: str, known: bool) -> str:
    if known:
        return f"camera {camera!r} has sent no picture yet; ask again in a moment"
    return f"there is no camera {camera!r}"
