"""How long each kind of data is kept; what was let go of is in the audit."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter
from msgspec import Meta
from starlette.responses import Response

from command.answers import Json, documented
from command.models import View
from command.retention import policies
from command.shared import Shared
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["retention"], dependencies=[requires(Action.SEE_RETENTION)])


class PolicyView(View, frozen=True, kw_only=True):
    kind: str
    days: Annotated[int | None, Meta(description="none: for good")]


class PolicyList(View, frozen=True, kw_only=True):
    """Receipts: GET /audit?action=retention.purged."""

    items: Sequence[PolicyView]


@router.get("/retention", responses=documented(PolicyList, "Every kind and its days."))
async def retention(centre: Shared) -> Response:
    """The policy of every kind of data that this city keeps."""
    found = policies(centre.settings)
    return Json(PolicyList(items=[PolicyView(kind=policy.kind, days=policy.days) for policy in found]))
