"""Workers on the street: duty and positions. Where somebody is, is known on duty only, and kept shortly."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from command.cases.desk import Acting
from command.cases.models import PositionBody, WorkerView
from command.database import Row
from command.faults import ApiError

OLDEST = timedelta(hours=24)
AHEAD = timedelta(minutes=5)


async def duty(acting: Acting, *, on: bool) -> None:
    """On or off duty; off duty the position is forgotten. What is accepted must be done first."""
    me = acting.principal.id
    await acting.act("worker_ensure", account=me)
    (before,) = await acting.act("worker_find", account=me)
    if not on and await acting.act("tasks_taken", worker=me):
        raise ApiError(
            409, "there are accepted tasks: do them first, or have a dispatcher send somebody else"
        )
    await acting.act("worker_duty", account=me, on=on)
    if before["on_duty"] != on:
        acting.audit("duty.begun" if on else "duty.ended", f"account/{me}")


async def positions(acting: Acting, items: Sequence[PositionBody]) -> int:
    """Take in where this worker was; how many were kept: on duty, of the last day, not of the future."""
    me = acting.principal.id
    found = await acting.act("worker_find", account=me)
    if not found or not found[0]["on_duty"]:
        return 0
    kept = [one for one in items if acting.now - OLDEST <= one.at <= acting.now + AHEAD]
    kept = [one for one in kept if one.at >= found[0]["duty_since"] - AHEAD]
    for one in sorted(kept, key=lambda one: one.at):
        values = {
            "account": me, "at": min(one.at, acting.now), "lon": one.position[0], "lat": one.position[1],
            "accuracy_m": one.accuracy_m,
        }  # fmt: skip
        await acting.act("position_add", **values)
        await acting.act("worker_place", **values)
    return len(kept)


def worker_view(row: Row, now: datetime, fresh: timedelta) -> WorkerView:
    at = row["position_at"]
    return WorkerView(
        worker=row["name"],
        department=row["department"],
        skills=row["skills"],
        on_duty=row["on_duty"],
        duty_since=row["duty_since"],
        position=(row["lon"], row["lat"]) if row["lon"] is not None else None,
        position_at=at,
        fresh=at is not None and now - at <= fresh,
        tasks=row["tasks"],
    )
