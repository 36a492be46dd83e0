"""Sending somebody: to check or verify the grid worker nearest the spot, to handle a handler."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import msgspec

from command.cases.desk import Acting
from command.cases.dispatch import Ranked, Unit, Wanted, rank
from command.cases.models import TaskKind, UnitView
from command.cases.rows import districts_cover
from command.cases.stages import Stage
from command.database import Row
from command.faults import ApiError
from command.principal import Principal, Role
from command.trust.accounts import principal_of

STAGES: dict[TaskKind, Stage] = {"check": Stage.COLLECT, "verify": Stage.REPORT_BACK, "handle": Stage.HANDLE}
LASTS: dict[TaskKind, timedelta | None] = {
    "check": timedelta(hours=4),
    "verify": timedelta(hours=8),
    "handle": None,
}
"""By when it is to be done; handling has the case's own time limit."""


async def ranked(acting: Acting, row: Row, kind: TaskKind) -> list[Ranked]:
    """Everybody who could be sent, who suits first."""
    (class_,) = await acting.act("class_of_case", id=row["id"])
    handles = kind == "handle"
    found = await acting.act(
        "units",
        roles=[Role.HANDLER if handles else Role.GRID_WORKER],
        department=None,
    )
    cell = await acting.act("cell_at", lon=row["lon"], lat=row["lat"])
    own = cell[0]["worker"] if cell else None
    units = [
        _unit(one, own)
        for one in found
        if districts_cover(_principal(one), row["districts"])
        and (not handles or row["department"] is None or one["department"] in {None, row["department"]})
    ]
    wanted = Wanted(
        skill=class_["skill"] if handles else "",
        excluded=await _excluded(acting, row, kind),
        freshness=timedelta(seconds=acting.desk.settings.cases.position_fresh_s),
    )
    streets = await acting.desk.streets()
    place = (row["lon"], row["lat"])
    # Ways over a large city's network take a tenth of a second: not on the event loop.
    return await asyncio.to_thread(lambda: rank(units, wanted, acting.now, streets.times_to(place)))


async def send(
    acting: Acting,
    row: Row,
    kind: TaskKind,
    worker: str | None = None,
    *,
    must_find: bool = True,
    tells: bool = True,
) -> bool:
    """Offer the task to the nearest suitable worker, or to the one named; False where there is nobody.

    Without `must_find` dispatchers are told that there is nobody, unless not `tells`.

    Raises:
        ApiError: 409 in the wrong stage, where somebody is on it, or with `must_find` where nobody suits;
            422 for a name that cannot be sent.
    """
    if row["stage"] != STAGES[kind]:
        raise ApiError(409, f"the case is in stage {row['stage']}; a {kind} belongs to {STAGES[kind].value}")
    if await acting.act("task_of_case", case=row["id"], kind=kind):
        raise ApiError(409, f"somebody was asked to {kind} already")
    candidates = await ranked(acting, row, kind)
    chosen = _named(candidates, worker) if worker else _first(candidates)
    if chosen is None:
        if must_find:
            raise ApiError(409, "nobody suits now: nobody is on duty with a fresh position who may do it")
        if tells:
            acting.note(row["id"], "nobody_to_send", kind)
            await acting.tell_roles([Role.DISPATCHER], row, "case.nobody", kind)
        return False
    await _offer(acting, row, kind, chosen, candidates, is_named=worker is not None)
    return True


async def _offer(
    acting: Acting, row: Row, kind: TaskKind, chosen: Ranked, others: list[Ranked], *, is_named: bool
) -> None:
    id_ = uuid4()
    reason = f"named by {acting.principal.name}" if is_named else chosen.reason
    why = {
        "reason": reason,
        "others": [{"worker": str(one.unit.worker), "reason": one.reason} for one in others[:10]],
    }
    lasts = LASTS[kind]
    is_urgent = row["severity"] == "high"
    await acting.act(
        "task_add", id=id_, case_id=row["id"], kind=kind, worker=chosen.unit.worker, must_accept=is_urgent,
        due_at=acting.now + lasts if lasts else None, why=msgspec.json.encode(why).decode(),
        answer=timedelta(minutes=acting.desk.settings.cases.answer_minutes),
    )  # fmt: skip
    acting.note(row["id"], f"{kind}_offered", f"{chosen.unit.name}: {reason}", task=str(id_))
    await acting.act("case_touch", id=row["id"])
    await acting.tell([chosen.unit.worker], "task.offered", case=row["id"], task=id_, text=kind)


async def _excluded(acting: Acting, row: Row, kind: TaskKind) -> frozenset[UUID]:
    """Who refused it; for a verification who handled it; for handling who closes or verified it."""
    refused = {one["worker"] for one in await acting.act("task_refusers", case=row["id"], kind=kind)}
    if kind == "handle":
        return frozenset(refused | {row["acceptor"]} - {None})
    reporters = {one["account"] for one in await acting.act("report_accounts", case=row["id"])}
    return frozenset(refused | set(row["handled_by"]) | (reporters if kind == "check" else set()))


def _first(candidates: list[Ranked]) -> Ranked | None:
    return next((one for one in candidates if one.suitable), None)


def _named(candidates: list[Ranked], name: str) -> Ranked:
    """Who is named may be far away or silent, but not off duty or somebody who may not."""
    found = next((one for one in candidates if one.unit.name.lower() == name.lower()), None)
    if found is None:
        raise ApiError(422, f"worker: {name!r} is nobody who can be sent there for this", "worker")
    if not found.suitable and not found.reason.startswith("position"):
        raise ApiError(422, f"worker: {name}: {found.reason}", "worker")
    return found


def unit_view(one: Ranked) -> UnitView:
    return UnitView(
        worker=one.unit.name,
        suitable=one.suitable,
        reason=one.reason,
        position=one.unit.position,
        age_s=one.age_s,
        travel_s=one.travel_s,
        tasks=one.unit.tasks,
    )


def _unit(row: Row, own: UUID | None) -> Unit:
    return Unit(
        worker=row["worker"],
        name=row["name"],
        on_duty=row["on_duty"],
        duty_since=row["duty_since"],
        rested_at=row["rested_at"],
        skills=frozenset(row["skills"]),
        position=(row["lon"], row["lat"]) if row["lon"] is not None else None,
        position_at=row["position_at"],
        tasks=row["tasks"],
        is_own_grid=own is not None and own == row["worker"],
    )


def _principal(row: Row) -> Principal:
    return principal_of(row | {"id": row["worker"]})
