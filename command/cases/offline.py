"""Batches from phones that were offline: in order, each item once, its outcome kept for the next time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from citybrain.fields import Instant
from command.cases import field, tasks
from command.cases.desk import Acting, Desk
from command.cases.intake import Report, source_of, take
from command.cases.models import (
    ClassCode,
    ComponentCode,
    Place,
    PositionBody,
    Reason,
    Said,
    Short,
)
from command.faults import ApiError
from command.models import View
from command.principal import Principal

Outcome = Literal["done", "conflict", "gone", "invalid"]
OUTCOMES: dict[int, Outcome] = {404: "gone", 403: "conflict", 409: "conflict", 422: "invalid"}


class _Item(View, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="do"):
    id: Annotated[UUID, Meta(description="made by the phone, once for this item")]
    at: Annotated[Instant, Meta(description="when it was done there")]


class ReportItem(_Item, frozen=True, kw_only=True, tag="report", rename={"class_": "class"}):
    """`id` is the report's id as well: attachments name the case that the answer tells."""

    class_: ClassCode
    position: Place
    text: Said = ""
    address: Short = ""
    component: ComponentCode | None = None


class AcceptItem(_Item, frozen=True, kw_only=True, tag="accept"):
    task: UUID


class RefuseItem(_Item, frozen=True, kw_only=True, tag="refuse"):
    task: UUID
    reason: Reason


class CheckInItem(_Item, frozen=True, kw_only=True, tag="check_in"):
    task: UUID
    on_scene: bool = False


class ResultItem(_Item, frozen=True, kw_only=True, tag="result"):
    task: UUID
    answer: bool
    text: Said = ""


class DutyItem(_Item, frozen=True, kw_only=True, tag="duty"):
    on: bool


class PositionsItem(_Item, frozen=True, kw_only=True, tag="positions"):
    items: Annotated[list[PositionBody], Meta(min_length=1, max_length=500)]


AnyItem = ReportItem | AcceptItem | RefuseItem | CheckInItem | ResultItem | DutyItem | PositionsItem


class BatchBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    items: Annotated[
        list[AnyItem], Meta(min_length=1, max_length=200, description="in the order they were done")
    ]


class ItemAnswer(View, frozen=True, kw_only=True):
    id: UUID
    outcome: Annotated[
        Outcome,
        Meta(
            description="conflict: things have moved on; gone: it is not there for you; invalid: it is wrong"
        ),
    ]
    again: Annotated[bool, Meta(description="whether it was here before: nothing was done twice")] = False
    message: str = ""
    case: UUID | None = None
    number: str | None = None


class BatchAnswer(View, frozen=True, kw_only=True):
    items: Sequence[ItemAnswer]


async def take_batch(desk: Desk, principal: Principal, batch: BatchBody) -> list[ItemAnswer]:
    """Each item in a transaction of its own, in order; Unavailable leaves the rest for the next try."""
    return [await _take(desk, principal, item) for item in batch.items]


async def _take(desk: Desk, principal: Principal, item: AnyItem) -> ItemAnswer:
    try:
        async with desk.acting(principal) as acting:
            await acting.act("report_lock", key=f"offline/{principal.id}/{item.id}")
            if known := await acting.act("offline_find", account=principal.id, id=item.id):
                return msgspec.structs.replace(_answer(known[0]["answer"]), again=True)
            answer = await _do(acting, item)
            await acting.act("offline_keep", account=principal.id, id=item.id, answer=_text(answer))
            return answer
    except ApiError as error:
        outcome = OUTCOMES.get(error.status, "conflict")
        return await _keep(desk, principal, ItemAnswer(id=item.id, outcome=outcome, message=error.message))


async def _keep(desk: Desk, principal: Principal, answer: ItemAnswer) -> ItemAnswer:
    """What was refused stays refused: the phone shows it, and its worker decides anew."""
    async with desk.acting(principal) as acting:
        await acting.act("offline_keep", account=principal.id, id=answer.id, answer=_text(answer))
    return answer


async def _do(acting: Acting, item: AnyItem) -> ItemAnswer:
    match item:
        case ReportItem():
            report = Report(
                id=item.id, class_=item.class_, position=item.position, source=source_of(acting.principal),
                text=item.text, address=item.address, component=item.component,
            )  # fmt: skip
            row = await take(acting, report)
            acting.note(row["id"], "seen", _when(item.at))
            return ItemAnswer(id=item.id, outcome="done", case=row["id"], number=row["number"])
        case DutyItem():
            await field.duty(acting, on=item.on)
        case PositionsItem():
            await field.positions(acting, item.items)
        case AcceptItem():
            await tasks.accept(acting, item.task)
        case RefuseItem():
            await tasks.refuse(acting, item.task, item.reason)
        case CheckInItem():
            await tasks.check_in(acting, item.task, on_scene=item.on_scene)
        case ResultItem():
            row = await tasks.hold(acting, item.task)
            await tasks.result(acting, item.task, item.text, answer=item.answer)
            acting.note(row["case_id"], "done_at", _when(item.at))
    return ItemAnswer(id=item.id, outcome="done")


def _when(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _text(answer: ItemAnswer) -> str:
    return msgspec.json.encode(answer).decode()


def _answer(text: str) -> ItemAnswer:
    found: Any = msgspec.json.decode(text, type=ItemAnswer)
    assert isinstance(found, ItemAnswer)
    return found
