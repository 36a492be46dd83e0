"""What people want of signals: hold a phase, the local plan, release; a green wave takes two of them."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from command import bodies
from command.answers import Json, documented
from command.centre import Centre
from command.faults import ApiError
from command.orders.models import (
    EndOrderBody,
    HoldStep,
    ManualWaveBody,
    ManualWaveList,
    ManualWaveView,
    OrderBody,
    OrderList,
    OrderView,
)
from command.principal import SignedIn
from command.routes.places import IntersectionId
from command.shared import Shared
from command.sight import Seen, Sight
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["orders"])

SEES = [requires(Action.SEE_ALARMS)]
ORDERS = [requires(Action.ORDER_SIGNALS)]


@router.get("/orders", dependencies=SEES, responses=documented(OrderList, "Who holds what, and why."))
async def orders(centre: Shared, sight: Seen) -> Response:
    """Orders of people at signals of one's districts that are in force or still to come."""
    lasting = await centre.orders.lasting()
    return Json(OrderList(items=[one for one in lasting if sight.has_intersection(one.intersection)]))


@router.post(
    "/intersections/{intersection}/order",
    status_code=201,
    dependencies=ORDERS,
    responses=documented(OrderView, "Asked for; rules and the edge judge it.", 404, 409, 413, status=201),
    openapi_extra=bodies.described(OrderBody),
)
async def order(
    intersection: IntersectionId, request: Request, centre: Shared, sight: Seen, principal: SignedIn
) -> Response:
    """Hold a phase, or give the signal to its own plan, for some minutes and with a reason.

    A vehicle with priority and the safety rules come before it.
    """
    _check_seen(sight, intersection)
    body = await bodies.read(request, OrderBody)
    if (body.phase is not None) != (body.kind == "hold"):
        raise ApiError(422, "phase: a hold names one, the local plan does not", "phase")
    if body.phase is not None:
        _check_phase(centre, intersection, body.phase)
    return Json(await centre.orders.order(principal, intersection, body), 201)


@router.post(
    "/intersections/{intersection}/order/release",
    status_code=204,
    response_class=Response,
    dependencies=ORDERS,
    responses=documented(None, "The plan times the signal again.", 404, 413, status=204),
    openapi_extra=bodies.described(EndOrderBody),
)
async def release(
    intersection: IntersectionId, request: Request, centre: Shared, sight: Seen, principal: SignedIn
) -> Response:
    """End every order at a signal, also somebody else's, with a reason."""
    _check_seen(sight, intersection)
    body = await bodies.read(request, EndOrderBody)
    await centre.orders.release(principal, intersection, body.reason)
    return Response(status_code=204)


@router.get(
    "/manual-waves", dependencies=SEES, responses=documented(ManualWaveList, "Those that wait or last.")
)
async def waves(centre: Shared, sight: Seen, principal: SignedIn) -> Response:
    """Manual green waves of one's districts, those that wait for a second person among them."""
    found = await centre.orders.waves(principal)
    return Json(ManualWaveList(items=[wave for wave in found if _sees(sight, wave.holds)]))


@router.post(
    "/manual-waves",
    status_code=201,
    dependencies=ORDERS,
    responses=documented(
        ManualWaveView,
        "Asked for; somebody else must confirm it within 5 minutes.",
        404,
        409,
        413,
        status=201,
    ),
    openapi_extra=bodies.described(ManualWaveBody),
)
async def ask(request: Request, centre: Shared, sight: Seen, principal: SignedIn) -> Response:
    """Ask for a green wave by hand: no signal hears of it before a second person agrees."""
    body = await bodies.read(request, ManualWaveBody)
    names = [hold.intersection for hold in body.holds]
    for name in names:
        _check_seen(sight, name)
    if len(set(names)) < len(names):
        raise ApiError(422, "holds: an intersection stands there twice", "holds")
    for hold in body.holds:
        _check_phase(centre, hold.intersection, hold.phase)
    wave = await centre.orders.ask(principal, body)
    return Json(await _one(centre, principal, wave), 201)


@router.post(
    "/manual-waves/{wave}/confirmation",
    dependencies=ORDERS,
    responses=documented(ManualWaveView, "Its holds begin.", 404, 409),
)
async def confirm(wave: UUID, centre: Shared, sight: Seen, principal: SignedIn) -> Response:
    """Agree as a second person: 409 for who asked, or later than 5 minutes."""
    await _check_wave(centre, sight, principal, wave)
    await centre.orders.confirm(principal, wave)
    return Json(await _one(centre, principal, wave))


@router.post(
    "/manual-waves/{wave}/end",
    dependencies=ORDERS,
    responses=documented(ManualWaveView, "Withdrawn, or all its signals released.", 404, 409, 413),
    openapi_extra=bodies.described(EndOrderBody),
)
async def end(wave: UUID, request: Request, centre: Shared, sight: Seen, principal: SignedIn) -> Response:
    """Withdraw a green wave, or release what it still holds; one person is enough for that."""
    await _check_wave(centre, sight, principal, wave)
    body = await bodies.read(request, EndOrderBody)
    await centre.orders.end(principal, wave, body.reason)
    return Json(await _one(centre, principal, wave))


def _sees(sight: Sight, holds: Sequence[HoldStep]) -> bool:
    return all(sight.has_intersection(hold.intersection) for hold in holds)


def _check_seen(sight: Sight, intersection: str) -> None:
    if intersection not in sight.live.configs or not sight.has_intersection(intersection):
        raise ApiError(404, f"there is no intersection {intersection!r}", "intersection")


def _check_phase(centre: Centre, intersection: str, phase: int) -> None:
    count = len(centre.live.configs[intersection].phases)
    if phase >= count:
        raise ApiError(422, f"phase: {intersection} has phases 0 to {count - 1}", "phase")


async def _check_wave(centre: Centre, sight: Sight, principal: SignedIn, wave: UUID) -> None:
    found = await centre.orders.waves(principal, wave)
    if not found or not _sees(sight, found[0].holds):
        raise ApiError(404, "there is no such green wave", "wave")


async def _one(centre: Centre, principal: SignedIn, wave: UUID) -> ManualWaveView:
    (found,) = await centre.orders.waves(principal, wave)
    return found
