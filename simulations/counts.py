"""A CSV of turning counts, row by row: what can be used is kept, what cannot is named with its line."""

import csv
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from citybrain.errors import ConfigError
from simulations.sumoxml import elements, seconds

CLASSES = ("car", "truck", "bus", "motorcycle", "bicycle")
"""What `class` may say; empty counts as car."""
REQUIRED = ("begin", "end", "from_edge", "count")
OPTIONAL = ("to_edge", "class", "intersection")
MAX_COUNT = 100_000


class Count(NamedTuple):
    """Vehicles of a class that left `from_edge` for `to_edge` (empty: any way) within [begin_s, end_s)."""

    begin_s: float
    end_s: float
    from_edge: str
    to_edge: str
    vehicles: int
    road_user: str


class Fault(NamedTuple):
    """Why a row is left out; `line` as an editor numbers it."""

    line: int
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Counts:
    """The rows that can be used, and the others."""

    rows: tuple[Count, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Streets:
    """Names that a count may use: the ways on from each edge, and the signal or junction at its end."""

    ahead: Mapping[str, set[str]]
    end: Mapping[str, set[str]] = field(default_factory=dict)


def read_streets(net: Path) -> Streets:
    """The edges and turns of the network.

    Raises:
        ConfigError: it cannot be read or is no network.
    """
    ahead: dict[str, set[str]] = {}
    end: dict[str, set[str]] = defaultdict(set)
    for element in elements(net, {"edge", "connection"}):
        if element.tag == "edge" and element.get("function", "normal") == "normal":
            ahead.setdefault(element.get("id", ""), set())
            end[element.get("id", "")].add(element.get("to", ""))
        elif element.tag == "connection" and element.get("from", "") in ahead:
            ahead[element.get("from", "")].add(element.get("to", ""))
            end[element.get("from", "")] |= {element.get("tl", "")} - {""}
    if not ahead:
        raise ConfigError(f"{net} is not a SUMO network: it has no edge")
    return Streets(ahead, end)


def read_counts(path: Path, streets: Streets) -> Counts:
    """Read the CSV (comma, semicolon or tab; UTF-8); a bad row is a fault, never an error.

    Raises:
        ConfigError: the file cannot be read, or a column is missing or unknown.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--counts {path} cannot be read: {error}") from error
    lines = text.splitlines()
    if not lines:
        raise ConfigError(f"--counts {path} is empty: its first line names the columns {', '.join(REQUIRED)}")
    delimiter = max(",;\t", key=lines[0].count)
    reader = csv.DictReader(lines, delimiter=delimiter, restkey="", restval=None)
    _check_columns(path, [name.strip() for name in reader.fieldnames or ()])
    rows, faults = [], []
    seen: dict[tuple[float, str, str, str], int] = {}
    for row in reader:
        read = _read(row, reader.line_num, streets)
        if isinstance(read, Count):
            key = (read.begin_s, read.from_edge, read.to_edge, read.road_user)
            if key in seen:
                read = Fault(reader.line_num, "from_edge", f"counted already in line {seen[key]}")
            else:
                seen[key] = reader.line_num
        if isinstance(read, Fault):
            faults.append(read)
        else:
            rows.append(read)
    return Counts(tuple(rows), tuple(faults))


def _check_columns(path: Path, names: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in names]
    unknown = [name for name in names if name not in {*REQUIRED, *OPTIONAL}]
    if missing:
        raise ConfigError(
            f"--counts {path}: line 1 lacks the column {missing[0]}; there are {', '.join(names)}"
        )
    if unknown:
        told = ", ".join((*REQUIRED, *OPTIONAL))
        raise ConfigError(f"--counts {path}: line 1 has an unknown column {unknown[0]!r}: use {told}")


class _Bad(Exception):
    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.reason = column, reason


def _read(raw: Mapping[str | None, str | None], line: int, streets: Streets) -> Count | Fault:
    row = {
        (name or "").strip(): (value or "").strip() for name, value in raw.items() if isinstance(value, str)
    }
    try:
        begin, end = _period(row)
        return Count(begin, end, *_turn(row, streets), _number(row, raw), _road_user(row))
    except _Bad as bad:
        return Fault(line, bad.column, bad.reason)


def _period(row: Mapping[str, str]) -> tuple[float, float]:
    begin, end = _value(row, "begin", _time), _value(row, "end", _time)
    if not 0 <= begin < end:
        raise _Bad("end", f"{row['end']!r} must lie after begin {row['begin']!r}")
    return begin, end


def _time(text: str) -> float:
    """Seconds, hours:minutes or hours:minutes:seconds."""
    return seconds(f"{text}:00" if text.count(":") == 1 else text)


def _number(row: Mapping[str, str], raw: Mapping[str | None, object]) -> int:
    if "" in raw:
        raise _Bad("count", "the row has more fields than there are columns")
    count = int(_value(row, "count", int))
    if not 0 <= count <= MAX_COUNT:
        raise _Bad("count", f"{count} must lie between 0 and {MAX_COUNT}")
    return count


def _value(row: Mapping[str, str], column: str, read: Callable[[str], float]) -> float:
    text = row.get(column, "")
    if not text:
        raise _Bad(column, "is empty")
    try:
        return read(text)
    except ValueError:
        kind = "a whole number" if column == "count" else "a time: use seconds or hours:minutes"
        raise _Bad(column, f"{text!r} is not {kind}") from None


def _turn(row: Mapping[str, str], streets: Streets) -> tuple[str, str]:
    start, goal, place = (row.get(column, "") for column in ("from_edge", "to_edge", "intersection"))
    if not start:
        raise _Bad("from_edge", "is empty")
    if start not in streets.ahead:
        raise _Bad("from_edge", f"no edge {start!r} in the network")
    if goal and goal not in streets.ahead[start]:
        known = goal in streets.ahead
        raise _Bad(
            "to_edge", f"no turn from {start!r} to it" if known else f"no edge {goal!r} in the network"
        )
    if place and place not in streets.end[start]:
        raise _Bad("intersection", f"edge {start!r} does not lead to {place!r}")
    return start, goal


def _road_user(row: Mapping[str, str]) -> str:
    kind = row.get("class", "").lower() or "car"
    if kind not in CLASSES:
        raise _Bad("class", f"{kind!r} is unknown: use {', '.join(CLASSES)}")
    return kind
