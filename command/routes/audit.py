"""The audit, read over HTTP; reading it is an entry too."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from command.answers import Json, documented
from command.people import EntryPage, EntryView
from command.principal import SignedIn, record
from command.shared import Shared
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["audit"], dependencies=[requires(Action.READ_AUDIT)])

Given = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]


@router.get("/audit", responses=documented(EntryPage, "Newest first."))
async def audit(
    centre: Shared,
    principal: SignedIn,
    *,
    action: Given = None,
    actor: Given = None,
    subject: Given = None,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Who did or saw what; `action` may be the first part alone, such as `session`."""
    asked = {"action": action, "actor": actor, "subject": subject, "before": before}
    async with centre.database.transaction() as connection:
        await record(connection, principal, "audit.read", "audit", asked)
    rows = await centre.database.fetch("audit_page", {**asked, "rows": limit + 1})
    items = msgspec.convert(rows[:limit], list[EntryView], strict=False)
    return Json(EntryPage(items=items, next=items[-1].seq if len(rows) > limit else None))
