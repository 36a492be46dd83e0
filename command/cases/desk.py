"""What all acts on cases share: one transaction with its history, and what is told when it is done."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

import structlog

from citybrain.config import Settings
from citybrain.errors import Unavailable
from citybrain.fields import LonLat
from command.cases.inbox import MessageView
from command.cases.models import CasePin, CaseView, TaskView
from command.cases.rows import FILTERS, Teller, calendar_of, is_late, is_person, saved, scope, standing_of
from command.cases.stages import ENDED, Refused, Standing, Step
from command.cases.streets import Streets
from command.database import Database, Row, act
from command.districts import Districts
from command.faults import ApiError
from command.live import Live
from command.principal import Principal, record
from command.trust.accounts import Connection
from command.trust.audit import SYSTEM, canonical
from command.trust.seal import seal

log = structlog.get_logger()

LOOK_LASTS_S = 300.0
"""So long one record of a look stands for those that follow."""
MOST_HELD = 10_000
PUBLIC = Principal(UUID(int=2), "public", frozenset(), frozenset())
"""Somebody without an account."""


@dataclass
class Acting:
    """One transaction on cases: its history is written at its end, so that the audit waits shortly."""

    desk: "Desk"
    connection: Connection
    principal: Principal
    now: datetime
    changed: set[UUID] = field(default_factory=set)
    messages: list[tuple[UUID, MessageView]] = field(default_factory=list)
    _notes: list[tuple[UUID | None, str, str, dict[str, object]]] = field(default_factory=list)

    async def act(self, name_: str, /, **values: object) -> list[Row]:
        return await act(self.connection, name_, values)

    def note(self, case: UUID, what: str, text: str = "", **details: object) -> None:
        """One line for the history of a case, and for the audit."""
        self._notes.append((case, what, text, details))
        self.changed.add(case)

    def audit(self, what: str, subject: str, **details: object) -> None:
        """One line for the audit alone."""
        self._notes.append((None, what, subject, details))

    async def hold(self, case: UUID) -> Row:
        """The row of a case that this principal may see; ApiError 404."""
        seen = await self.act("case_hold", id=case)
        if not seen:
            raise ApiError(404, "there is no such case", "case")
        if is_person(self.principal.id) and not await self.desk.sees(self.principal, case):
            raise ApiError(404, "there is no such case", "case")
        return seen[0]

    async def step(self, row: Row, what: str, step: Step, text: str = "", **changes: Any) -> Row:
        """Take a step of a stage, or none, with changes beside it; ApiError 409 where it is refused."""
        (class_,) = await self.act("class_of_case", id=row["id"])
        before = standing_of(row, needs_check=class_["is_checked"])
        try:
            after = step(before)
        except Refused as refused:
            raise ApiError(409, str(refused)) from refused
        if row["overdue_at"] is None and before.stage not in ENDED and is_late(row, self.now):
            changes["overdue_at"] = row["due_at"]
        if before.feedback_by and not after.feedback_by and after.stage not in ENDED:
            changes = {"feedback_at": None, "verified_at": None} | changes
        (told,) = await act(self.connection, "case_set", saved(row, after, changes))
        self.note(row["id"], what, text, stage=after.stage.value)
        return told

    async def tell(
        self,
        accounts: Iterable[UUID],
        kind: str,
        *,
        case: UUID | None = None,
        task: UUID | None = None,
        roll_call: UUID | None = None,
        text: str = "",
    ) -> None:
        """A message into the inbox of each of these accounts."""
        for account in dict.fromkeys(accounts):
            values = {
                "account": account,
                "kind": kind,
                "case": case,
                "task": task,
                "roll_call": roll_call,
                "text": text,
            }
            (row,) = await act(self.connection, "inbox_add", values)
            self.messages.append((account, MessageView(**row)))

    async def tell_roles(
        self, roles: Iterable[str], row: Row, kind: str, text: str = "", department: str | None = None
    ) -> None:
        """As `tell`, to everybody with one of these roles who looks after the place of the case."""
        found = await self.act(
            "accounts_of_roles", roles=list(roles), districts=row["districts"], department=department
        )
        await self.tell((one["id"] for one in found), kind, case=row["id"], text=text)

    async def tell_reporters(self, case: UUID, what: str) -> None:
        """Everybody who reported it reads this behind their link, or in their inbox."""
        await self.act("notes_add", case=case, what=what)
        found = await self.act("report_accounts", case=case)
        await self.tell((one["account"] for one in found), f"report.{what}", case=case)

    async def write(self) -> None:
        """The history and the audit, last of all in the transaction."""
        actor = self.principal.id if is_person(self.principal.id) else None
        for case, what, text, details in self._notes:
            if case is None:
                await record(self.connection, self.principal, what, text, details)
                continue
            digest = entry_digest(case, self.now, actor, what, text)
            await self.act(
                "case_entry_add", case_id=case, at=self.now, actor=actor, what=what, text=text, digest=digest
            )
            told = {**details, "entry": digest.hex()}
            await record(self.connection, self.principal, f"case.{what}", f"case/{case}", told)


def entry_digest(case: UUID, at: datetime, actor: UUID | None, what: str, text: str) -> bytes:
    """What stands for a line of history in the audit."""
    told = {
        "case": str(case),
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": str(actor) if actor else None,
        "what": what,
        "text": text,
    }
    return hashlib.sha256(canonical(told).encode()).digest()


class Desk:
    """The cases of one site."""

    def __init__(  # noqa: PLR0917 - made in one place only
        self,
        settings: Settings,
        database: Database,
        districts: Districts,
        live: Live,
        publish: Callable[[list[CasePin]], None],
        deliver: Callable[[UUID, MessageView], None],
    ) -> None:
        self.settings = settings
        self.database = database
        self.districts = districts
        self.live = live
        self.calendar = calendar_of(settings.cases)
        self.teller = Teller(self.calendar, timedelta(days=settings.cases.reopen_days))
        self._publish = publish
        self._deliver = deliver
        self._streets: tuple[int, Streets] | None = None
        self._looked: dict[tuple[UUID, UUID], float] = {}

    @asynccontextmanager
    async def acting(self, principal: Principal = SYSTEM) -> AsyncIterator[Acting]:
        """One transaction; when it is done, the map and the inboxes are told."""
        async with self.database.transaction() as connection:
            acting = Acting(self, connection, principal, datetime.now(UTC))
            yield acting
            await acting.write()
        for account, message in acting.messages:
            self._deliver(account, message)
        if acting.changed:
            try:
                self._publish(await self.pins(acting.changed))
            except Unavailable as error:
                log.warning("map_not_told", reason=str(error))  # it is done all the same

    async def looked(self, principal: Principal, case: UUID) -> None:
        """Record that somebody reads what reporters wrote; Unavailable: then nothing is told."""
        key, now_s = (principal.id, case), monotonic()
        if now_s - self._looked.get(key, -LOOK_LASTS_S) < LOOK_LASTS_S:
            return
        async with self.acting(principal) as acting:
            acting.audit("case.viewed", f"case/{case}")
        if len(self._looked) >= MOST_HELD:
            self._looked.clear()
        self._looked[key] = now_s

    async def sees(self, principal: Principal, case: UUID) -> bool:
        """Whether a case is this principal's to see."""
        asked = FILTERS | scope(principal) | {"ids": [case], "rows": 1}
        return bool(await self.database.fetch("case_list", asked))

    async def pins(self, cases: Iterable[UUID]) -> list[CasePin]:
        now = datetime.now(UTC)
        return [self.teller.pin(row, now) for row in await self._rows(cases)]

    async def view(self, case: UUID) -> CaseView:
        (row,) = await self._rows([case])
        return self.teller.view(row, datetime.now(UTC))

    async def tasks(self, **asked: object) -> list[TaskView]:
        """Tasks by `task`, `case`, `worker` or `states`."""
        values: dict[str, object] = {"task": None, "case": None, "worker": None, "states": None}
        rows = await self.database.fetch("task_list", values | asked)
        now = datetime.now(UTC)
        return [self.teller.task(row, now) for row in rows]

    async def _rows(self, cases: Iterable[UUID]) -> list[Row]:
        ids = list(cases)
        everything = {"sees_all": True, "department": None, "account": None, "districts": None}
        return await self.database.fetch("case_list", FILTERS | everything | {"ids": ids, "rows": len(ids)})

    async def streets(self) -> Streets:
        """The road network of this moment as a graph."""
        layout = self.live.layout
        if self._streets is None or self._streets[0] != layout:
            segments, configs = list(self.live.network.segments()), dict(self.live.configs)
            self._streets = layout, await asyncio.to_thread(Streets, segments, configs)
        return self._streets[1]

    def seal(self, text: str) -> bytes:
        return seal(self.settings.trust.key_file, text)

    def districts_of(self, position: LonLat) -> list[str]:
        return sorted(self.districts.of(position))


def nothing(case: Standing) -> Standing:
    """The step of a deed that changes no stage."""
    return case
