"""Saved views of the map, kept with the account."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from command import bodies
from command.answers import Json, documented
from command.database import act
from command.faults import ApiError
from command.principal import SignedIn
from command.saved import SavedView, SavedViewBody, SavedViewList
from command.shared import Shared
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["me"], dependencies=[requires(Action.OWN_ACCOUNT)])

MOST_VIEWS = 50
ViewName = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f/]+$")]


@router.get("/me/views", responses=documented(SavedViewList, "By name."))
async def views(centre: Shared, principal: SignedIn) -> Response:
    """The views that this account saved."""
    async with centre.database.transaction() as connection:
        rows = await act(connection, "view_list", {"account": principal.id})
    items = [
        SavedView(view=row["name"], **msgspec.structs.asdict(msgspec.convert(row["content"], SavedViewBody)))
        for row in rows
    ]
    return Json(SavedViewList(items=items))


@router.put(
    "/me/views/{view}",
    status_code=204,
    responses=documented(None, "Saved, in place of one of this name.", 404, 409, 413, status=204),
    openapi_extra=bodies.described(SavedViewBody),
)
async def save(view: ViewName, request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Save what the map shows under a name."""
    body = await bodies.read(request, SavedViewBody)
    asked = {"account": principal.id, "name": view, "content": msgspec.json.encode(body).decode()}
    async with centre.database.transaction() as connection:
        if not await act(connection, "view_save", {**asked, "most": MOST_VIEWS}):
            raise ApiError(409, f"an account keeps at most {MOST_VIEWS} views; remove one first")
    return Response(status_code=204)


@router.delete(
    "/me/views/{view}", status_code=204, responses=documented(None, "It is gone.", 404, status=204)
)
async def remove(view: ViewName, centre: Shared, principal: SignedIn) -> Response:
    """Forget a view."""
    async with centre.database.transaction() as connection:
        if not await act(connection, "view_remove", {"account": principal.id, "name": view}):
            raise ApiError(404, "the account has no such view", "view")
    return Response(status_code=204)
