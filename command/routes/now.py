"""What is true now, from memory: signals, lanes, agents, KPIs; and latency as browsers measured it."""

from datetime import UTC, datetime

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from command import bodies
from command.answers import Json, documented
from command.models import AgentList, Balance, BalanceList, Kpis, LaneList, Samples, SignalList
from command.shared import Shared
from command.sight import Seen
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["now"])
SEES = [requires(Action.SEE_LIVE)]


@router.get("/signals", dependencies=SEES, responses=documented(SignalList, "Every signal's state."))
async def signals(centre: Shared, sight: Seen) -> Response:
    """What every signal shows now."""
    return Json(SignalList(items=[item for item in centre.live.signals() if sight.sees(item)]))


@router.get("/lanes", dependencies=SEES, responses=documented(LaneList, "Every observed lane."))
async def lanes(centre: Shared, sight: Seen) -> Response:
    """What was measured last on every lane."""
    known = centre.live.lanes
    return Json(LaneList(items=[known[lane] for lane in sorted(known) if sight.sees(known[lane])]))


@router.get("/agents", dependencies=SEES, responses=documented(AgentList, "Every agent and service."))
async def agents(centre: Shared, sight: Seen) -> Response:
    """Who is there, how they are, and who fell silent."""
    return Json(AgentList(items=[item for item in centre.live.agents(datetime.now(UTC)) if sight.sees(item)]))


@router.get("/kpis", dependencies=SEES, responses=documented(Kpis, "The figures of this moment."))
async def kpis(centre: Shared) -> Response:
    """Traffic of the last five minutes, delivery and latency."""
    return Json(centre.kpis())


@router.get(
    "/delivery",
    dependencies=SEES,
    responses=documented(BalanceList, "The balance of every device that numbers.", 503),
)
async def delivery(centre: Shared, sight: Seen) -> Response:
    """What became of every message: numbered = committed + dead_lettered + given_up + spooled + open."""
    rows = await centre.database.fetch("delivery_balance")
    if not sight.is_whole:
        seen = {agent.device for agent in centre.live.agents(datetime.now(UTC)) if sight.sees(agent)}
        rows = [row for row in rows if row["device"] in seen]
    return Json(BalanceList(items=msgspec.convert(rows, list[Balance])))


@router.post(
    "/telemetry/map",
    dependencies=[requires(Action.TELL_LATENCY)],
    status_code=204,
    responses=documented(None, "Taken in.", 413, status=204),
    openapi_extra=bodies.described(Samples),
)
async def telemetry(request: Request, centre: Shared) -> Response:
    """How long it took from capture to the map, in seconds; no identity is asked or kept."""
    samples = await bodies.read(request, Samples)
    centre.latency.add(samples.samples_s, datetime.now(UTC).timestamp())
    for sample in samples.samples_s:
        centre.figures.map_latency_s.observe(sample)
    return Response(status_code=204)
