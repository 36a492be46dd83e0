"""For machines that watch this one: /healthz and /metrics; and the documents of both APIs."""

from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from citybrain.asyncapi import document as asyncapi_document
from command.answers import Json, documented
from command.models import Checks, HealthView
from command.shared import Shared
from command.trust.doors import public, requires
from command.trust.rights import Action

router = APIRouter(tags=["operation"])
documents = APIRouter(tags=["documents"], dependencies=[requires(Action.SEE_DOCUMENTS)])

NOT_BUILT = "not built; run `citybrain web build`"


@router.get(
    "/healthz",
    dependencies=[public],
    responses=documented(HealthView, "Serving; `degraded` without a front end.", public=True)
    | {503: documented(HealthView, "Broker or database away: the map lives, or history does.")[200]},
)
async def healthz(centre: Shared) -> Response:
    """Whether everything that this service needs is there."""
    broker = "ok" if centre.feed.bus.connected else "no MQTT broker answers; the map stands still"
    database = await centre.database.check()
    web = "ok" if (centre.dist / "index.html").is_file() else NOT_BUILT
    checks = Checks(broker=broker, database=database, web=web)
    is_ok = broker == database == web == "ok"
    body = HealthView(status="ok" if is_ok else "degraded", checks=checks)
    return Json(body, 200 if broker == database == "ok" else 503, {"cache-control": "no-store"})


@router.get(
    "/metrics",
    dependencies=[requires(Action.SEE_METRICS)],
    response_class=Response,
    responses=documented(None, "Prometheus text format.", media_type="text/plain", schema={"type": "string"}),
)
async def metrics(centre: Shared) -> Response:
    """Command's own counters, every agent's figures, the balance of delivery, latency to the map."""
    return Response(centre.figures.expose(), headers={"content-type": CONTENT_TYPE_LATEST})


@documents.get(
    "/asyncapi.json",
    responses=documented(None, "AsyncAPI 3.0.", schema={"type": "object"}),
)
async def asyncapi(centre: Shared) -> Response:
    """Every MQTT topic and message of this site."""
    return Json(asyncapi_document(centre.settings.site.name))


@documents.get("/openapi.json", responses=documented(None, "OpenAPI 3.1.", schema={"type": "object"}))
async def openapi(request: Request) -> Response:
    """All of it over HTTP."""
    described: dict[str, Any] = request.app.openapi()
    return Json(described)
