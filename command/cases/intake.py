"""The one gate in: a report from anybody becomes a case, or joins one; duplicates are proposed and merged."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import msgspec

from citybrain.fields import LonLat
from command.cases import stages
from command.cases.codes import box, distance_m
from command.cases.desk import Acting
from command.cases.models import Source
from command.cases.public import redacted
from command.cases.rows import is_person
from command.cases.sending import send
from command.database import Row
from command.faults import ApiError
from command.principal import Principal, Role
from command.trust import tickets


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What somebody or something reports; `id` is the sender's own, so that twice is once."""

    id: UUID
    class_: str
    position: LonLat
    source: Source
    text: str = ""
    address: str = ""
    component: str | None = None
    alarm: UUID | None = None
    follow: str | None = None
    """The secret of the follow link, where there is one."""
    contact: dict[str, str] | None = None
    media_url: str = ""
    """Where a picture lies; nobody here fetches it."""
    is_demonstration: bool = False


def source_of(principal: Principal) -> Source:
    """Through which of the gate's doors an account comes."""
    if principal.roles & {Role.GRID_WORKER, Role.HANDLER}:
        return "worker"
    return "citizen" if principal.roles <= {Role.CITIZEN} else "operator"


async def take(acting: Acting, report: Report) -> Row:
    """The case of a report, new or the one that this very report made before.

    Raises:
        ApiError: 422 for a class or component that there is not, 409 for an id that somebody else used.
    """
    await acting.act("report_lock", key=f"report/{report.id}")
    if known := await acting.act("report_find", id=report.id):
        return await _again(acting, report, known[0])
    if report.follow is not None:
        await acting.act("report_lock", key=f"follow/{report.follow}")
        if await acting.act("follow_taken", hash=tickets.kept(report.follow)):
            raise ApiError(409, "follow: this secret was used for another report", "follow")
    class_ = await _class(acting, report)
    await acting.act("report_lock", key=f"class/{report.class_}")
    values = await _placed(acting, report, class_)
    (row,) = await acting.act("case_add", **values)
    account = acting.principal.id if is_person(acting.principal.id) else None
    sealed = None
    if report.contact:
        sealed = acting.desk.seal(msgspec.json.encode(report.contact).decode())
    await acting.act(
        "report_add", id=report.id, case_id=row["id"], source=report.source, account=account,

        text=f"{report.text}\n{report.media_url}".strip(),
        follow_hash=tickets.kept(report.follow) if report.follow else None, contact_sealed=sealed,
    )  # fmt: skip
    acting.note(row["id"], "reported", source=report.source, **{"class": report.class_})
    await acting.act("notes_add", case=row["id"], what="received")
    await _propose(acting, row)
    if class_["is_checked"] and not report.is_demonstration:
        await send(acting, row, "check", must_find=False)
    return row


async def _again(acting: Acting, report: Report, known: Row) -> Row:
    account = acting.principal.id if is_person(acting.principal.id) else None
    follows = report.follow is not None and known["follow_hash"] == tickets.kept(report.follow)
    if known["account"] != account or (account is None and not follows):
        raise ApiError(409, "id: this id was used for another report", "id")
    (row,) = await acting.act("case_hold", id=known["case_id"])
    return row


async def _class(acting: Acting, report: Report) -> Row:
    found = await acting.act("class_find", code=report.class_)
    if not found or (report.source in {"citizen", "open311"} and not found[0]["is_public"]):
        raise ApiError(422, f"class: there is no class {report.class_}; see the list of classes", "class")
    if report.component is not None:
        component = await acting.act("component_find", code=report.component)
        if not component or component[0]["class"] != report.class_:
            raise ApiError(422, "component: there is no such component of this class", "component")
    return found[0]


async def _placed(acting: Acting, report: Report, class_: Row) -> dict[str, object]:
    lon, lat = report.position
    cell = await acting.act("cell_at", lon=lon, lat=lat)
    return {
        "id": uuid4(), "is_demonstration": report.is_demonstration, "class": report.class_,
        "source": report.source, "severity": class_["severity"], "text": _public(report), "lon": lon,
        "lat": lat,
        "address": report.address, "cell": cell[0]["code"] if cell else None,
        "districts": acting.desk.districts_of(report.position), "component": report.component,
        "alarm": report.alarm, "clock": class_["clock"], "limit_s": class_["limit_s"],
    }  # fmt: skip


def _public(report: Report) -> str:
    """What everybody who sees the case reads; what else the sender wrote stays with the report."""
    if report.source not in {"citizen", "open311"}:
        return report.text
    names = (report.contact or {}).items()
    return redacted(report.text, *(value for name, value in names if name.endswith("_name")))


async def _propose(acting: Acting, row: Row) -> None:
    """Open cases of its class near by and of late may be the same."""
    settings = acting.desk.settings.cases
    here = (row["lon"], row["lat"])
    west, south, east, north = box(here, settings.duplicate_m)
    found = await acting.act(
        "duplicates_find", id=row["id"], west=west, south=south, east=east, north=north,
        within=timedelta(hours=settings.duplicate_hours), **{"class": row["class"]},
    )  # fmt: skip
    for other in found:
        metres = distance_m(here, (other["lon"], other["lat"]))
        if metres <= settings.duplicate_m:
            await acting.act("duplicate_add", id=row["id"], other=other["id"], distance_m=round(metres, 1))


async def merge(acting: Acting, case: UUID, into: UUID) -> None:
    """One case goes on for both: reports, pictures and their people move to it."""
    if case == into:
        raise ApiError(422, "into: a case is not merged into itself", "into")
    # Always in the same order, so that two who merge crosswise do not wait for each other for ever.
    held = {id_: await acting.hold(id_) for id_ in sorted([case, into])}
    goal = stages.Standing(stage=stages.Stage(held[into]["stage"]))
    if held[into]["class"] != held[case]["class"]:
        raise ApiError(409, "cases of different classes are not merged")
    await acting.step(
        held[case], "merged", lambda one: stages.merge(one, goal), str(held[into]["number"]),
        merged_into=into, closed_at=acting.now, due_at=None,
    )  # fmt: skip
    await withdraw(acting, case, "merged")
    await acting.tell_reporters(case, "merged")
    await acting.act("attachments_move", id=case, into=into)
    moved = await acting.act("reports_move", id=case, into=into)
    await acting.act("case_touch", id=into)
    acting.note(into, "joined", str(held[case]["number"]), reports=len(moved))


async def withdraw(acting: Acting, case: UUID, reason: str, kind: str | None = None) -> None:
    """Whoever was asked need not go any more."""
    for task in await acting.act("tasks_withdraw", case=case, reason=reason, kind=kind):
        await acting.tell([task["worker"]], "task.withdrawn", case=case, task=task["id"], text=reason)
