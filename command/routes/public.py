"""The public API: no account, no person's data, limits on rate and size."""

from datetime import timedelta
from typing import Annotated
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from command import bodies
from command.answers import Json, documented
from command.cases import deeds, uploads
from command.cases.codes import box
from command.cases.desk import PUBLIC, Acting
from command.cases.intake import Report, take
from command.cases.models import RateBody, ReasonBody
from command.cases.public import (
    STAGES,
    Followed,
    NearbyList,
    NearbyView,
    NoteView,
    PublicClass,
    PublicClasses,
    PublicReport,
    PublicReportBody,
)
from command.cases.stages import Stage
from command.centre import Centre
from command.database import Row
from command.faults import ApiError
from command.shared import Shared
from command.trust import tickets
from command.trust.doors import public
from command.trust.gatekeeper import address_of

router = APIRouter(tags=["public"], prefix="/public", dependencies=[public])

Token = Annotated[
    str,
    Header(
        alias="x-follow",
        pattern=r"^[A-Za-z0-9_-]{43}$",
        description="the secret of the follow link; in a header, because addresses get into logs",
    ),
]
MOST_PHOTOS = 4
PHOTO = {
    "requestBody": {
        "required": True,
        "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/classes", responses=documented(PublicClasses, "By code.", 503, public=True))
async def classes(centre: Shared) -> Response:
    """What anybody may report."""
    rows = await centre.database.fetch("class_list", {"public": True})
    names = ("major", "major_zh", "name", "name_zh")
    items = [PublicClass(class_=row["code"], **{name: row[name] for name in names}) for row in rows]
    return Json(PublicClasses(items=items))


@router.post(
    "/reports",
    status_code=201,
    responses=documented(PublicReport, "It is in.", 409, 413, 503, status=201, public=True),
    openapi_extra=bodies.described(PublicReportBody),
)
async def report(request: Request, centre: Shared) -> Response:
    """Report with a pin; the page makes `id` and `follow`, so that sending it twice makes one case."""
    _slowly(request, centre)
    body = await bodies.read(request, PublicReportBody)
    contact = {name: value for name, value in (("email", body.email), ("phone", body.phone)) if value}
    async with centre.cases.acting(PUBLIC) as acting:
        row = await take(
            acting,
            Report(
                id=body.id, class_=body.class_, position=body.position, source="citizen", text=body.text,
                address=body.address, follow=body.follow, contact=contact or None,
            ),
        )  # fmt: skip
    return Json(PublicReport(number=row["number"], follow=body.follow), 201)


@router.post(
    "/follow/photos",
    status_code=201,
    responses=documented(
        Followed, "Kept, without its metadata.", 404, 409, 413, 503, status=201, public=True
    ),
    openapi_extra=PHOTO,
)
async def photo(token: Token, request: Request, centre: Shared) -> Response:
    """One photo of the report, JPEG or PNG, 12 MB at most, four in all."""
    _slowly(request, centre)
    row = await _followed(centre, token)
    content = await request.body()
    async with centre.cases.acting(PUBLIC) as acting:
        await acting.act("report_lock", key=f"photos/{row['report']}")
        (found,) = await acting.act("attachment_count", case=None, report=row["report"])
        if found["number"] >= MOST_PHOTOS:
            raise ApiError(409, f"a report has at most {MOST_PHOTOS} photos")
        await uploads.keep(
            acting, uuid4(), "report", "image/jpeg", content, case=row["id"], report=row["report"]
        )
    return Json(await _view(centre, token), 201)


@router.get("/follow", responses=documented(Followed, "How it stands.", 404, 503, public=True))
async def follow(token: Token, centre: Shared) -> Response:
    """How one's report stands, and what one was told; nothing of a person."""
    return Json(await _view(centre, token))


@router.post(
    "/follow/rating",
    responses=documented(Followed, "Rated.", 404, 409, 413, 503, public=True),
    openapi_extra=bodies.described(RateBody),
)
async def rating(token: Token, request: Request, centre: Shared) -> Response:
    """Rate a closed case, once."""
    _slowly(request, centre)
    body = await bodies.read(request, RateBody)
    row = await _followed(centre, token)
    async with centre.cases.acting(PUBLIC) as acting:
        await deeds.rate(acting, await _held(acting, row), body.score, body.text)
    return Json(await _view(centre, token))


@router.post(
    "/follow/reopening",
    responses=documented(Followed, "It is dispatched anew.", 404, 409, 413, 503, public=True),
    openapi_extra=bodies.described(ReasonBody),
)
async def reopening(token: Token, request: Request, centre: Shared) -> Response:
    """Reopen a closed case within ten days: it is not done."""
    _slowly(request, centre)
    body = await bodies.read(request, ReasonBody)
    row = await _followed(centre, token)
    async with centre.cases.acting(PUBLIC) as acting:
        await deeds.reopen(acting, await _held(acting, row), body.reason)
    return Json(await _view(centre, token))


@router.get("/nearby", responses=documented(NearbyList, "Open cases by cell.", 503, public=True))
async def nearby(
    centre: Shared,
    *,
    lon: Annotated[float, Query(ge=-180, le=180)],
    lat: Annotated[float, Query(ge=-85, le=85)],
    radius_m: Annotated[float, Query(ge=100, le=3000)] = 800.0,
) -> Response:
    """Open cases of public classes around a place: which cell, which class, how many, since which day."""
    west, south, east, north = box((lon, lat), radius_m)
    rows = await centre.database.fetch(
        "case_nearby", {"west": west, "south": south, "east": east, "north": north}
    )
    items = [
        NearbyView(
            cell=row["cell"], center=(row["lon"], row["lat"]), class_=row["class"], name=row["name"],
            name_zh=row["name_zh"], number=row["number"], since=row["since"],
        )
        for row in rows
    ]  # fmt: skip
    return Json(NearbyList(items=items))


def _slowly(request: Request, centre: Centre) -> None:
    """ApiError 429 for an address that does too much."""
    wait_s = centre.public_rates.wait_s(address_of(request.scope))
    if wait_s > 0:
        raise ApiError(429, f"too many at once; try again in {int(wait_s) + 1} s")


async def _followed(centre: Centre, token: str) -> Row:
    found = await centre.database.fetch("case_followed", {"hash": tickets.kept(token)})
    if not found:
        raise ApiError(404, "this link leads to no report", "token")
    return found[0]


async def _held(acting: Acting, row: Row) -> Row:
    (held,) = await acting.act("case_hold", id=row["id"])
    return held


async def _view(centre: Centre, token: str) -> Followed:
    row = await _followed(centre, token)
    notes = await centre.database.fetch("case_notes", {"report": row["report"]})
    is_closed = row["stage"] == Stage.EVALUATE
    until = None
    if is_closed:
        until = row["closed_at"] + timedelta(days=centre.settings.cases.reopen_days)
    return Followed(
        number=row["number"], class_=row["class"], name=row["name"], name_zh=row["name_zh"],
        stage=STAGES[Stage(row["stage"])], reported_at=row["reported_at"], changed_at=row["changed_at"],
        closed_at=row["closed_at"], rating=row["rating"], may_rate=is_closed and row["rating"] is None,
        may_reopen=until is not None and row["now"] <= until, reopen_until=until,
        notes=msgspec.convert(notes, list[NoteView], strict=False), photos=row["photos"],
    )  # fmt: skip
