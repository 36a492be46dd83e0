"""The unit grid, components, and classes of cases."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from command.answers import Json, documented
from command.cases.models import (
    CellList,
    CellView,
    ClassList,
    ClassView,
    ComponentList,
    ComponentView,
)
from command.faults import ApiError
from command.principal import SignedIn
from command.shared import Shared
from command.trust import rights
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["grid"], dependencies=[requires(Action.REPORT_CASES)])

Bbox = Annotated[
    str,
    Query(max_length=120, description="west,south,east,north in degrees, at most 0.2 degrees wide and high"),
]
WIDEST = 0.2


@router.get("/case-classes", responses=documented(ClassList, "By code."))
async def classes(centre: Shared) -> Response:
    """What can be reported, by which clock it is handled, and when it is done."""
    rows = await centre.database.fetch("class_list", {"public": False})
    return Json(ClassList(items=[class_view(row) for row in rows]))


@router.get("/grid/cells", responses=documented(CellList, "By code, at most 2,000."))
async def cells(centre: Shared, principal: SignedIn, *, bbox: Bbox) -> Response:
    """Cells of the unit grid that touch a box, and to whose grid they belong."""
    rows = await centre.database.fetch("cell_list", box_of(bbox))
    sees = rights.may(principal, Action.SEE_WORKERS)
    items = [
        CellView(
            code=row["code"],
            bounds=(tuple(row["low"]), tuple(row["high"])),
            responsibility=row["responsibility"],
            worker=row["worker"] if sees else None,
        )
        for row in rows
    ]
    return Json(CellList(items=items))


@router.get("/grid/components", responses=documented(ComponentList, "By code, at most 2,000."))
async def components(centre: Shared, *, bbox: Bbox) -> Response:
    """Components that stand in a box."""
    rows = await centre.database.fetch("component_list", box_of(bbox))
    return Json(ComponentList(items=msgspec.convert(rows, list[ComponentView], strict=False)))


def class_view(row: dict[str, object]) -> ClassView:
    return msgspec.convert({name: value for name, value in row.items() if name != "keywords"}, ClassView)


def box_of(text: str) -> dict[str, float]:
    """West, south, east, north; ApiError 422 where it is no box or too large."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise ApiError(422, "bbox: four numbers are needed: west,south,east,north", "bbox") from error
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise ApiError(422, "bbox: west must be below east and south below north, in degrees", "bbox")
    if east - west > WIDEST or north - south > WIDEST:
        raise ApiError(422, f"bbox: at most {WIDEST} degrees wide and high", "bbox")
    return {"west": west, "south": south, "east": east, "north": north}
