"""What is true now, from memory: signals, lanes, agents, KPIs; and latency as browsers measured it."""

from datetime import UTC, datetime

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from command.answers import REF, Json, documented
from command.faults import ApiError
from command.models import AgentList, Delivery, DeliveryList, Kpis, LaneList, Samples, SignalList
from command.shared import Shared

router = APIRouter(tags=["now"])

_decoder = msgspec.json.Decoder(Samples)


@router.get("/signals", responses=documented(SignalList, "Every signal's state."))
async def signals(centre: Shared) -> Response:
    """What every signal shows now."""
    return Json(SignalList(items=centre.live.signals()))


@router.get("/lanes", responses=documented(LaneList, "Every observed lane."))
async def lanes(centre: Shared) -> Response:
    """What was measured last on every lane."""
    known = centre.live.lanes
    return Json(LaneList(items=[known[lane] for lane in sorted(known)]))


@router.get("/agents", responses=documented(AgentList, "Every agent and service."))
async def agents(centre: Shared) -> Response:
    """Who is there, how they are, and who fell silent."""
    return Json(AgentList(items=centre.live.agents(datetime.now(UTC))))


@router.get("/kpis", responses=documented(Kpis, "The figures of this moment."))
async def kpis(centre: Shared) -> Response:
    """Traffic of the last five minutes, delivery and latency."""
    return Json(centre.kpis())


@router.get("/delivery", responses=documented(DeliveryList, "The balance of every device that numbers.", 503))
async def delivery(centre: Shared) -> Response:
    """What became of every message: numbered = committed + dead_lettered + given_up + spooled + open."""
    rows = await centre.database.fetch("delivery_balance")
    return Json(DeliveryList(items=msgspec.convert(rows, list[Delivery])))


@router.post(
    "/telemetry/map",
    status_code=204,
    responses=documented(None, "Taken in.", 413, status=204),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": REF.format(name="Samples")}}},
        }
    },
)
async def telemetry(request: Request, centre: Shared) -> Response:
    """How long it took from capture to the map, in seconds; no identity is asked or kept."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        # Only JSON makes a browser ask first when the page is another site's.
        raise ApiError(422, "content-type: it must be application/json", "content-type")
    try:
        samples = _decoder.decode(await request.body())
    except (msgspec.MsgspecError, UnicodeError) as error:
        reason, _, path = str(error).partition(" - at `")
        raise ApiError(422, reason, path.rstrip("`").removeprefix("$.") or "samples_s") from error
    centre.latency.add(samples.samples_s, datetime.now(UTC).timestamp())
    for sample in samples.samples_s:
        centre.figures.map_latency_s.observe(sample)
    return Response(status_code=204)
