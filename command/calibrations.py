"""Calibrations that were drawn here: kept in the database, said retained to the camera groups."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from citybrain import topics
from citybrain.bus import Bus
from citybrain.calibration import Calibration, check_calibration
from citybrain.codec import encode
from citybrain.errors import ConfigError
from citybrain.messages import CameraCalibration
from command.database import Database, Row, act
from command.faults import ApiError
from command.models import View

MEASURED_IN = (1000, 1000)
"""Errors are given as shares of a picture, so any size does."""


class CalibrationBody(View, frozen=True, kw_only=True):
    calibration: Calibration


class PointError(View, frozen=True, kw_only=True):
    """How far one point is from where the ground through all points says it is."""

    x: Annotated[float, Meta(description="share of the picture's width")]
    y: float
    error_m: float


class CalibrationFit(View, frozen=True, kw_only=True):
    """How well the points agree with each other; none where there are none."""

    error: Annotated[float | None, Meta(description="root mean square, as a share of the picture's width")]
    error_m: Annotated[float | None, Meta(description="the same on the ground, in metres")]
    points: Annotated[list[PointError], Meta(description="in the order of the calibration's points")]


class CalibrationView(View, frozen=True, kw_only=True):
    camera: str
    calibration: Annotated[Calibration | None, Meta(description="none: nothing was drawn here")]
    drawn_at: datetime | None
    drawn_by: str | None
    fit: CalibrationFit


def fit_of(known: Calibration) -> CalibrationFit:
    """The reprojection errors of a calibration.

    Raises:
        ApiError: 422 where no camera can be measured by it; the text says why.
    """
    from citybrain.ground import pixels_of

    try:
        check_calibration(known)
        ground = known.ground(*MEASURED_IN)
    except ConfigError as error:
        raise ApiError(422, str(error), "calibration") from error
    if ground is None:
        return CalibrationFit(error=None, error_m=None, points=[])
    pixels = pixels_of([pair.image for pair in known.points], *MEASURED_IN)
    metres = pixels_of([pair.ground for pair in known.points], 1, 1)
    back = (ground.to_pixels(metres) / MEASURED_IN).tolist()
    off = ground.to_metres(pixels) - metres
    return CalibrationFit(
        error=ground.error_px / MEASURED_IN[0],
        error_m=ground.error_m,
        points=[
            PointError(x=x, y=y, error_m=float((dx * dx + dy * dy) ** 0.5))
            for (x, y), (dx, dy) in zip(back, off.tolist(), strict=True)
        ],
    )


def view_of(row: Row) -> CalibrationView:
    known = msgspec.convert(row["calibration"], Calibration, strict=False)
    return CalibrationView(
        camera=row["camera"],
        calibration=known,
        drawn_at=row["drawn_at"],
        drawn_by=row["drawn_by"],
        fit=fit_of(known),
    )


def said(bus: Bus, site: str, camera: str, known: Calibration | None) -> None:
    """Tell the camera groups, retained; None: the camera's own file counts again."""
    topic = topics.build(site, "camera", camera, "calibration")
    message = None if known is None else CameraCalibration(
        at=datetime.now(UTC), camera=camera, calibration=known
    )  # fmt: skip
    bus.publish(topic, b"" if message is None else encode(message), retain=True)


async def say_all(database: Database, bus: Bus, site: str) -> int:
    """Say everything that was drawn anew, for a broker that forgot; how many."""
    async with database.transaction() as connection:
        rows = await act(connection, "calibration_all")
    for row in rows:
        said(bus, site, row["camera"], msgspec.convert(row["calibration"], Calibration, strict=False))
    return len(rows)
