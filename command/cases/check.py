"""Whether the histories of cases are what the audit says of them."""

import json
from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from command.cases.desk import entry_digest
from command.database import act
from command.trust.accounts import Connection


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the history of one case."""

    case: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """How many lines were compared, and what is wrong with which."""

    entries: int
    faults: list[Fault]


async def check(connection: Connection) -> Checked:
    """Each line must have its digest, and the audit must know as many lines of it as there are.

    Cases that retention let go of are known to the audit alone; that is no fault.
    """
    audited: dict[UUID, Counter[str]] = {}
    for row in await act(connection, "case_digests"):
        digest = json.loads(row["details"]).get("entry")
        if digest:
            audited.setdefault(UUID(row["subject"].removeprefix("case/")), Counter())[digest] += 1
    faults = []
    kept: dict[UUID, Counter[str]] = {}
    entries = await act(connection, "case_entries_all")
    for row in entries:
        case = row["case_id"]
        kept.setdefault(case, Counter())[bytes(row["digest"]).hex()] += 1
        if entry_digest(case, row["at"], row["actor"], row["what"], row["text"]) != bytes(row["digest"]):
            faults.append(Fault(case, f"line {row['id']} is not what was written: it was changed"))
    for case, digests in kept.items():
        known = audited.get(case, Counter())
        if added := sum((digests - known).values()):
            faults.append(Fault(case, f"{added} lines are unknown to the audit: they were added or replaced"))
        if missing := sum((known - digests).values()):
            faults.append(Fault(case, f"{missing} lines that the audit knows are missing"))
    return Checked(len(entries), faults)
