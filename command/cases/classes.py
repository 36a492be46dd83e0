"""Classes of cases from a spreadsheet (CSV, UTF-8): what each is, who does it, when, and when it is done."""

import csv
import re
from dataclasses import dataclass
from importlib.resources import files
from io import StringIO
from typing import Literal, cast

from citybrain.errors import ConfigError
from command.cases.clocks import Clock

COLUMNS = (
    "code", "major", "major_zh", "name", "name_zh", "severity", "clock", "limit", "owner", "routing",
    "filing", "closing", "skill", "check", "public", "event_kinds", "keywords",
)  # fmt: skip
CODE = re.compile(r"[ce]\d{5}", re.ASCII)
UNITS = {"m": 60, "h": 3600, "d": 86_400}
Severity = Literal["low", "normal", "high"]
Routing = Literal["owner_first", "territory_first"]


@dataclass(frozen=True, slots=True)
class CaseClass:
    """One minor class."""

    code: str
    kind: Literal["component", "event"]
    major: str
    major_zh: str
    name: str
    name_zh: str
    severity: Severity
    clock: Clock
    limit_s: int
    owner: str
    routing: Routing
    filing: str
    closing: str
    skill: str
    is_checked: bool
    is_public: bool
    event_kinds: list[str]
    keywords: list[str]


def default() -> list[CaseClass]:
    """Our own set, `command/cases/classes.csv`."""
    return parse(files("command.cases").joinpath("classes.csv").read_text(encoding="utf-8"))


def parse(text: str) -> list[CaseClass]:
    """The classes of a spreadsheet; ConfigError tells every fault with its line."""
    reader = csv.DictReader(StringIO(text.removeprefix("\ufeff")))
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise ConfigError(f"the first line lacks {', '.join(missing)}; it must name {', '.join(COLUMNS)}")
    found: dict[str, CaseClass] = {}
    faults = []
    for row in reader:
        try:
            one = _class({name: (row[name] or "").strip() for name in COLUMNS})
        except ConfigError as error:
            faults.append(f"line {reader.line_num}: {error}")
            continue
        if one.code in found:
            faults.append(f"line {reader.line_num}: code: {one.code} is there twice")
        found[one.code] = one
    if faults:
        raise ConfigError("\n".join(faults))
    if not found:
        raise ConfigError("there is no class in it")
    return list(found.values())


def _class(row: dict[str, str]) -> CaseClass:
    if not CODE.fullmatch(row["code"]):
        raise ConfigError(f"code: {row['code']!r} must be c or e and five digits")
    for name in ("major", "name", "filing", "closing"):
        if not row[name]:
            raise ConfigError(f"{name}: it must not be empty")
    is_component = row["code"].startswith("c")
    return CaseClass(
        code=row["code"],
        kind="component" if is_component else "event",
        major=row["major"],
        major_zh=row["major_zh"] or row["major"],
        name=row["name"],
        name_zh=row["name_zh"] or row["name"],
        severity=cast("Severity", _one(row, "severity", ("low", "normal", "high"), "normal")),
        clock=cast(
            "Clock", _one(row, "clock", ("continuous", "working_hours", "working_days"), "continuous")
        ),
        limit_s=limit_s(row["limit"]),
        owner=row["owner"],
        routing=cast(
            "Routing",
            _one(
                row,
                "routing",
                ("owner_first", "territory_first"),
                "owner_first" if is_component else "territory_first",
            ),
        ),
        filing=row["filing"],
        closing=row["closing"],
        skill=row["skill"],
        is_checked=_one(row, "check", ("yes", "no"), "no") == "yes",
        is_public=_one(row, "public", ("yes", "no"), "no") == "yes",
        event_kinds=row["event_kinds"].split(),
        keywords=row["keywords"].split(),
    )


def limit_s(text: str) -> int:
    """Seconds of a limit such as 30m, 4h or 5d; ConfigError where it is none."""
    match = re.fullmatch(r"(\d{1,4})\s*([mhd])", text.lower())
    if not match or int(match[1]) == 0:
        raise ConfigError(f"limit: {text!r} must be a number with m, h or d, such as 4h")
    return int(match[1]) * UNITS[match[2]]


def _one(row: dict[str, str], name: str, known: tuple[str, ...], usual: str) -> str:
    value = row[name].lower() or usual
    if value not in known:
        raise ConfigError(f"{name}: {row[name]!r} must be one of {', '.join(known)}")
    return value


def department(
    routing: str, owner: str, territory: str | None, component_owner: str | None = None
) -> str | None:
    """Who gets it: a component's owner first and then the territory, an event's territory first."""
    owners = component_owner or owner or None
    return (owners or territory) if routing == "owner_first" else (territory or owners)
