"""Webhooks, as administrators make and watch them."""

from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from starlette.responses import Response

from command import bodies
from command.answers import Json, documented
from command.database import Row, act
from command.faults import ApiError
from command.principal import SignedIn, record
from command.shared import Shared
from command.trust import tickets
from command.trust.doors import requires
from command.trust.rights import Action
from command.webhooks.models import DeliveryList, DeliveryView, WebhookBody, WebhookList, WebhookView
from command.webhooks.target import Refused, networks, resolve

router = APIRouter(tags=["webhooks"], dependencies=[requires(Action.MANAGE_WEBHOOKS)])


@router.get("/webhooks", responses=documented(WebhookList, "All webhooks, oldest first."))
async def webhooks(centre: Shared) -> Response:
    """Who is told of what."""
    async with centre.database.transaction() as connection:
        rows = await act(connection, "webhook_list")
    return Json(WebhookList(items=[_view(row) for row in rows]))


@router.post(
    "/webhooks",
    status_code=201,
    responses=documented(WebhookView, "The webhook, its secret told this once.", 413, status=201),
    openapi_extra=bodies.described(WebhookBody),
)
async def add(request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Tell another system; its address must be outside, or in an allowed network."""
    body = await bodies.read(request, WebhookBody)
    try:
        await resolve(body.url, networks(centre.settings.webhooks.allow_networks))
    except Refused as refused:
        raise ApiError(422, f"url: {refused}", "url") from refused
    secret = tickets.new()
    values = {
        "id": uuid4(), "url": body.url, "topics": sorted(set(body.topics)), "districts": list(body.districts),
        "secret_sealed": centre.seal(secret), "created_by": principal.id,
    }  # fmt: skip
    async with centre.database.transaction() as connection:
        (row,) = await act(connection, "webhook_add", values)
        details = {"topics": values["topics"], "districts": values["districts"]}
        await record(connection, principal, "webhook.made", f"webhook/{row['id']}", details)
    return Json(_view(row, secret), 201)


@router.delete(
    "/webhooks/{webhook}", status_code=204, responses=documented(None, "It is gone.", 404, status=204)
)
async def remove(webhook: UUID, centre: Shared, principal: SignedIn) -> Response:
    """Tell it nothing more; its log goes with it."""
    async with centre.database.transaction() as connection:
        if not await act(connection, "webhook_remove", {"id": webhook}):
            raise ApiError(404, "there is no such webhook", "webhook")
        await record(connection, principal, "webhook.removed", f"webhook/{webhook}", {})
    return Response(status_code=204)


@router.get("/webhooks/{webhook}/deliveries", responses=documented(DeliveryList, "The latest 200.", 404))
async def deliveries(webhook: UUID, centre: Shared) -> Response:
    """What it was told, what it answered, and when it is tried again."""
    async with centre.database.transaction() as connection:
        if not await act(connection, "webhook_find", {"id": webhook}):
            raise ApiError(404, "there is no such webhook", "webhook")
        rows = await act(connection, "webhook_log", {"id": webhook})
    return Json(DeliveryList(items=[DeliveryView(**row) for row in rows]))


def _view(row: Row, secret: str | None = None) -> WebhookView:
    names = ("id", "url", "topics", "districts", "created_at")
    return WebhookView(**{name: row[name] for name in names}, secret=secret)
