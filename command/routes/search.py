"""One search over everything on the map."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from command.answers import Json, documented
from command.search import MOST, HitList, Seeker, search
from command.shared import Shared
from command.sight import Seen
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["places"], dependencies=[requires(Action.SEE_LIVE)])


@router.get("/search", responses=documented(HitList, "The best matches first.", 503))
async def find(
    request: Request,
    centre: Shared,
    sight: Seen,
    *,
    q: Annotated[str, Query(min_length=1, max_length=64, description="a few letters of a name or code")],
    limit: Annotated[int, Query(ge=1, le=MOST)] = 12,
) -> Response:
    """Intersections, cameras, roads by name, cases by number, grid cells by code."""
    return Json(HitList(items=await search(Seeker(centre, sight, request.state.actions), q, limit)))
