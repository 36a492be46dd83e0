"""Uploads of workers and reporters, and the pictures and voice notes of cases."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from command import bodies
from command.answers import Json, documented
from command.cases import uploads
from command.cases.models import UploadBody, UploadView
from command.faults import ApiError
from command.principal import SignedIn
from command.shared import Shared
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["uploads"])

REPORTS = [requires(Action.REPORT_CASES)]
BINARY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post(
    "/uploads",
    status_code=201,
    dependencies=REPORTS,
    responses=documented(UploadView, "Send its bytes now.", 404, 409, 413, status=201),
    openapi_extra=bodies.described(UploadBody),
)
async def begin(request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Announce a photo or voice note, under an id of one's own; again, it tells how much is here."""
    body = await bodies.read(request, UploadBody)
    async with centre.cases.acting(principal) as acting:
        view = await uploads.begin(acting, body)
    return Json(view, 201)


@router.get(
    "/uploads/{upload}", dependencies=REPORTS, responses=documented(UploadView, "How much is here.", 404)
)
async def status(upload: UUID, centre: Shared, principal: SignedIn) -> Response:
    """Where to go on."""
    async with centre.cases.acting(principal) as acting:
        view = uploads.view(await uploads.hold(acting, upload))
    return Json(view)


@router.patch(
    "/uploads/{upload}",
    dependencies=REPORTS,
    responses=documented(UploadView, "So much is here.", 404, 409, 413),
    openapi_extra=BINARY,
)
async def go_on(
    upload: UUID,
    request: Request,
    centre: Shared,
    principal: SignedIn,
    *,
    offset: Annotated[int, Query(ge=0, le=12_000_000, description="place of the first byte sent")] = 0,
) -> Response:
    """The bytes from `offset` on, all at once or in parts; with the last it is an attachment of its case."""
    content = await request.body()
    if not content:
        raise ApiError(422, "content: no bytes were sent", "content")
    async with centre.cases.acting(principal) as acting:
        view = await uploads.go_on(acting, upload, offset, content)
    return Json(view)


@router.get(
    "/attachments/{attachment}",
    dependencies=[requires(Action.SEE_CASES)],
    response_class=Response,
    responses=documented(
        None, "The picture (JPEG) or voice note.", 404,
        media_type="image/jpeg", schema={"type": "string", "format": "binary"},
    ),
)  # fmt: skip
async def attachment(attachment: UUID, centre: Shared, principal: SignedIn) -> Response:
    """A picture or voice note of a case that one may see; the look is recorded first."""
    async with centre.cases.acting(principal) as acting:
        found = await acting.act("attachment_find", id=attachment)
        case = found[0]["case_id"] if found else None
        is_own = bool(found) and found[0]["account"] == principal.id
        if not found or not (is_own or (case is not None and await centre.cases.sees(principal, case))):
            raise ApiError(404, "there is no such attachment", "attachment")
        acting.audit("attachment.viewed", f"attachment/{attachment}", case=str(case) if case else None)
    headers = {"cache-control": "private, no-store", "content-disposition": "inline"}
    return Response(bytes(found[0]["content"]), media_type=found[0]["media_type"], headers=headers)
