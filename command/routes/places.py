"""The site, its road network and its intersections: what a map draws once."""

import hashlib
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Header, Path
from starlette.responses import Response

from citybrain import __version__
from command import geometry, views
from command.answers import Json, documented
from command.faults import ApiError
from command.models import (
    ApproachView,
    IntersectionDetail,
    IntersectionList,
    IntersectionView,
    NetworkView,
    PhaseView,
    ReasonsNow,
    SiteView,
)
from command.shared import Shared
from command.sight import Seen
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["places"], dependencies=[requires(Action.SEE_LIVE)])

IntersectionId = Annotated[str, Path(max_length=64)]


@router.get("/site", responses=documented(SiteView, "The site and where it lies."))
async def site(centre: Shared) -> Response:
    """What this City Brain looks after."""
    settings = centre.settings
    return Json(centre.live.site(settings.site.name, __version__, settings.street.speed))


@router.get(
    "/network",
    response_class=Response,
    responses=documented(
        NetworkView,
        "All lanes as GeoJSON; empty until the network is known.",
        media_type="application/geo+json",
    )
    | {304: {"description": "Unchanged since the `ETag` in `If-None-Match`."}},
)
async def network(centre: Shared, if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """The road network, lane by lane; changes seldom, so ask with its `ETag`."""
    body = centre.live.geojson()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": "no-cache"}
    if if_none_match and etag in {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}:
        return Response(status_code=304, headers=headers)
    return Json(body, headers=headers, media_type="application/geo+json")


@router.get("/intersections", responses=documented(IntersectionList, "All intersections with their signals."))
async def intersections(centre: Shared, sight: Seen) -> Response:
    """Every intersection whose controller told its configuration."""
    live = centre.live
    items = [
        IntersectionView(
            intersection=name,
            name=config.name,
            position=config.position,
            lanes=[lane.lane for lane in config.lanes],
            phases=len(config.phases),
            state=live.state_of(name),
        )
        for name, config in sorted(live.configs.items())
        if sight.has_intersection(name)
    ]
    return Json(IntersectionList(items=items))


@router.get(
    "/intersections/{intersection}",
    responses=documented(IntersectionDetail, "The intersection's configuration and live state.", 404),
)
async def intersection(intersection: IntersectionId, centre: Shared, sight: Seen) -> Response:
    """Movements with their ways, phases with their times, and what is shown now."""
    config = centre.live.configs.get(intersection)
    if config is None or not sight.has_intersection(intersection):
        raise ApiError(404, f"there is no intersection {intersection!r}", "intersection")
    detail = IntersectionDetail(
        intersection=config.intersection,
        name=config.name,
        position=config.position,
        at=config.at,
        all_red_s=config.all_red_s,
        lanes=[
            ApproachView(
                lane=lane.lane,
                length_m=lane.length_m,
                speed_limit_mps=lane.speed_limit_mps,
                path=lane.path,
            )
            for lane in config.lanes
        ],
        movements=geometry.movement_views(config, centre.live.network.paths()),
        phases=[
            PhaseView(
                index=index,
                indications=phase.indications,
                min_green_s=phase.min_green_s,
                max_green_s=phase.max_green_s,
                local_green_s=phase.local_green_s,
            )
            for index, phase in enumerate(config.phases)
        ],
        state=centre.live.state_of(intersection),
    )
    return Json(detail)


@router.get(
    "/intersections/{intersection}/reasons",
    responses=documented(ReasonsNow, "Why the latest command was given, and the plan.", 404),
)
async def reasons(intersection: IntersectionId, centre: Shared, sight: Seen) -> Response:
    """Why is this red: what binds the signal, which phases come next, and when its queues are gone."""
    if intersection not in centre.live.configs or not sight.has_intersection(intersection):
        raise ApiError(404, f"there is no intersection {intersection!r}", "intersection")
    told = centre.live.reasons_of(intersection, datetime.now(UTC))
    return Json(ReasonsNow(reasons=None if told is None else views.reasons(told)))
