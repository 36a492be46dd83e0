"""What is drawn over a camera's picture: ground points, lanes, lines and zones."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Request
from psycopg.types.json import Jsonb
from starlette.responses import Response

from command import bodies
from command.answers import Json, documented
from command.calibrations import (
    CalibrationBody,
    CalibrationFit,
    CalibrationView,
    fit_of,
    said,
    view_of,
)
from command.centre import Centre
from command.database import act
from command.faults import ApiError
from command.principal import SignedIn, record
from command.shared import Shared
from command.sight import Seen, Sight
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["cameras"], dependencies=[requires(Action.CALIBRATE_CAMERAS)])

CameraId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
PATH = "/cameras/{camera}/calibration"


@router.get(PATH, responses=documented(CalibrationView, "What was drawn, and how well it fits.", 404))
async def calibration(camera: CameraId, centre: Shared, sight: Seen) -> Response:
    """The calibration that was drawn here; without one the camera's own file counts, if it has one."""
    _known(centre, sight, camera)
    async with centre.database.transaction() as connection:
        rows = await act(connection, "calibration_find", {"camera": camera})
    if rows:
        return Json(view_of(rows[0]))
    fit = CalibrationFit(error=None, error_m=None, points=[])
    return Json(CalibrationView(camera=camera, calibration=None, drawn_at=None, drawn_by=None, fit=fit))


@router.post(
    f"{PATH}/fit",
    responses=documented(CalibrationFit, "How well the points agree.", 404, 413),
    openapi_extra=bodies.described(CalibrationBody),
)
async def fit(camera: CameraId, request: Request, centre: Shared, sight: Seen) -> Response:
    """Judge a calibration without saving it."""
    _known(centre, sight, camera)
    return Json(fit_of((await bodies.read(request, CalibrationBody)).calibration))


@router.put(
    PATH,
    responses=documented(CalibrationView, "Saved, and said to the camera groups.", 404, 413),
    openapi_extra=bodies.described(CalibrationBody),
)
async def save(
    camera: CameraId, request: Request, centre: Shared, sight: Seen, principal: SignedIn
) -> Response:
    """Measure the camera by this from now on; it comes before the camera's own file."""
    _known(centre, sight, camera)
    known = (await bodies.read(request, CalibrationBody)).calibration
    found = fit_of(known)
    values = {"camera": camera, "calibration": Jsonb(msgspec.to_builtins(known)), "by": principal.name}
    async with centre.database.transaction() as connection:
        (row,) = await act(connection, "calibration_save", values)
        details = {
            "points": len(known.points), "lanes": [lane.lane for lane in known.lanes],
            "lines": [line.line for line in known.lines], "zones": [zone.zone for zone in known.zones],
            "error_m": found.error_m,
        }  # fmt: skip
        await record(connection, principal, "calibration.saved", f"camera/{camera}", details)
    said(centre.presence.bus, centre.settings.site.name, camera, known)
    return Json(view_of(row))


@router.delete(PATH, status_code=204, responses=documented(None, "It is gone.", 404, status=204))
async def remove(camera: CameraId, centre: Shared, sight: Seen, principal: SignedIn) -> Response:
    """Forget what was drawn here: the camera's own file counts again."""
    _known(centre, sight, camera)
    async with centre.database.transaction() as connection:
        if not await act(connection, "calibration_remove", {"camera": camera}):
            raise ApiError(404, f"nothing was drawn for camera {camera!r}", "camera")
        await record(connection, principal, "calibration.removed", f"camera/{camera}", {})
    said(centre.presence.bus, centre.settings.site.name, camera, None)
    return Response(status_code=204)


def _known(centre: Centre, sight: Sight, camera: str) -> None:
    if camera not in centre.live.cameras.known() or not sight.has_camera(camera):
        raise ApiError(404, f"there is no camera {camera!r}", "camera")
