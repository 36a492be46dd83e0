"""Keeps the clocks of cases: reminds before, escalates after, and sees that whoever was asked answers."""

from datetime import timedelta

import structlog

from command.cases import tasks
from command.cases.desk import Acting, Desk, nothing
from command.cases.rows import left_s
from command.cases.sending import send
from command.database import Row
from command.principal import Role
from command.webhooks.queue import queue

log = structlog.get_logger()

REMIND_SHARE = 0.2
"""Of the time limit: with less than this left its people are reminded."""
LEVELS = ((Role.DEPARTMENT,), (Role.DISPATCHER, Role.ACCEPTOR), (Role.SUPERVISOR,))
"""Whom each escalation tells, beside those before."""
AGAIN = timedelta(minutes=2)
"""So often a task that nobody could be found for is tried again."""


class CaseKeeper:
    """The watch over one site's cases; `watch` is called every few seconds."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        settings = desk.settings.cases
        self._again = timedelta(minutes=settings.escalate_minutes)
        self._answer = timedelta(minutes=settings.answer_minutes)

    async def watch(self) -> None:
        """All that is due now."""
        async with self._desk.acting() as acting:
            for row in await acting.act("cases_due", again=self._again):
                await self._due(acting, row)
        async with self._desk.acting() as acting:
            await self._silent(acting)
        for row in await self._desk.database.fetch("offers_unanswered", {"after": self._answer}):
            async with self._desk.acting() as acting:
                await self._unanswered(acting, row)
        for row in await self._desk.database.fetch("cases_alone", {"again": AGAIN}):
            async with self._desk.acting() as acting:
                await self._alone(acting, row)

    async def _due(self, acting: Acting, row: Row) -> None:
        left = left_s(row, acting.now, self._desk.calendar)
        if left is None or row["feedback_at"] is not None:
            return
        if acting.now > row["due_at"]:
            await self._escalate(acting, row)
        elif row["reminded_at"] is None and left <= REMIND_SHARE * row["limit_s"]:
            told = await acting.step(row, "reminded", nothing, reminded_at=acting.now)
            await self._people(acting, told, "case.reminder")

    async def _escalate(self, acting: Acting, row: Row) -> None:
        level = row["level"] + 1
        if level > len(LEVELS):
            return
        told = await acting.step(
            row, "escalated", nothing, str(level), level=level, escalated_at=acting.now,
            reminded_at=row["reminded_at"] or acting.now,
        )  # fmt: skip
        if level == 1:
            await self._people(acting, told, "case.escalated")
        for roles in LEVELS[1:level]:
            await acting.tell_roles(roles, told, "case.escalated", str(level))
        about = {"case": str(row["id"]), "number": row["number"], "class": row["class"], "level": level}
        await queue(acting.connection, "case.escalated", row["districts"], about)

    async def _people(self, acting: Acting, row: Row, kind: str) -> None:
        """Who handles it and their department; before there is one, the dispatchers."""
        if row["handler"] is not None:
            await acting.tell([row["handler"]], kind, case=row["id"])
        roles = LEVELS[0] if row["department"] else (Role.DISPATCHER,)
        await acting.tell_roles(roles, row, kind, department=row["department"])

    async def _silent(self, acting: Acting) -> None:
        """Who did not check in, or did not take what cannot be refused: the dispatchers are told."""
        for task in await acting.act("check_ins_missed"):
            (row,) = await acting.act("case_hold", id=task["case_id"])
            acting.note(row["id"], "silent", task=str(task["id"]))
            await acting.tell_roles([Role.DISPATCHER], row, "worker.silent")

    async def _unanswered(self, acting: Acting, task: Row) -> None:
        await acting.act("case_hold", id=task["case_id"])
        (row,) = await acting.act("task_hold", id=task["id"])
        if row["state"] == "offered":
            await acting.tell(
                [row["worker"]], "task.withdrawn", case=row["case_id"], task=row["id"], text="late"
            )
            await tasks.pass_on(acting, row, "no answer in time", f"{row['kind']}_unanswered")

    async def _alone(self, acting: Acting, found: Row) -> None:
        """Nobody could be sent when it was due: look again; only who is found is told of."""
        (row,) = await acting.act("case_hold", id=found["id"])
        kind = found["kind"]
        if not await acting.act("task_of_case", case=row["id"], kind=kind):
            await send(acting, row, kind, must_find=False, tells=False)
