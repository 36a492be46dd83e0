"""The streets around a place, for the small maps of the phone and of the public page: no account needed."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from msgspec import Meta
from starlette.responses import Response

from citybrain.fields import LonLat
from command.answers import Json, documented
from command.cases.codes import box
from command.faults import ApiError
from command.models import View
from command.shared import Shared
from command.trust.doors import public

router = APIRouter(tags=["public"], prefix="/public", dependencies=[public])

MOST_STREETS = 5_000


class StreetView(View, frozen=True, kw_only=True):
    name: str
    path: Sequence[LonLat]


class StreetsView(View, frozen=True, kw_only=True):
    center: Annotated[LonLat | None, Meta(description="of what was asked for; none: no network is known")]
    streets: Sequence[StreetView]


@router.get(
    "/streets", responses=documented(StreetsView, "Roads, one line for lanes side by side.", public=True)
)
async def streets(
    centre: Shared,
    *,
    lon: Annotated[float | None, Query(ge=-180, le=180)] = None,
    lat: Annotated[float | None, Query(ge=-85, le=85)] = None,
    radius_m: Annotated[float, Query(ge=100, le=2000)] = 1000.0,
) -> Response:
    """The streets around a place; without one around the middle of the city."""
    if (lon is None) != (lat is None):
        raise ApiError(422, "lon: give lon and lat, or neither", "lon")
    middle = centre.live.site(centre.settings.site.name, "", 1.0).center
    center = middle if lon is None or lat is None else (lon, lat)
    if center is None:
        return Json(StreetsView(center=None, streets=[]))
    roads = (await centre.cases.streets()).within(*box(center, radius_m))[:MOST_STREETS]
    items = [StreetView(name=road.name, path=road.path) for road in roads]
    headers = {"cache-control": "public, max-age=300"}
    return Json(StreetsView(center=center, streets=items), headers=headers)
