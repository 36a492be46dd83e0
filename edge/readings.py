"""From what devices say (JSON, CSV, InfluxDB line protocol) to numbers. Pure."""

import csv
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from citybrain.errors import ContractError
from edge.sensorfile import Datastream, Format

MAX_BYTES = 1_000_000
_STEP = re.compile(r"\.?([^.\[\]]+)|\[([^\[\]]*)\]")
_YES = {"true": 1.0, "on": 1.0, "yes": 1.0, "false": 0.0, "off": 0.0, "no": 0.0}
_UNESCAPED_SPACE = re.compile(r"(?<!\\) ")
_UNESCAPED_COMMA = re.compile(r"(?<!\\),")


class Value(NamedTuple):
    """What a datastream has now, scaled; `at` where the source said so."""

    stream: Datastream
    value: float
    at: datetime | None = None


class Missing(NamedTuple):
    """A datastream that was not in what the source said."""

    stream: Datastream
    reason: str


def read(
    format_: Format, payload: bytes, streams: Sequence[Datastream], time: str = ""
) -> list[Value | Missing]:
    """The datastreams that are in `payload`.

    Raises:
        ContractError: it is not of that format.
    """
    if len(payload) > MAX_BYTES:
        raise ContractError(f"{len(payload)} bytes, at most {MAX_BYTES} are read")
    if format_ == "line":
        return list(_from_lines(_text(payload), streams))
    if format_ == "csv":
        return _from_csv(_text(payload), streams, time)
    try:
        document = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContractError(f"not JSON: {error}") from error
    at = instant(at_path(document, time)) if time else None
    return [found(stream, at_path(document, stream.path), at) for stream in streams]


def found(stream: Datastream, raw: object, at: datetime | None = None) -> Value | Missing:
    """The value of a datastream, scaled, or why there is none."""
    number = to_number(raw)
    if number is None:
        return Missing(stream, "is not there" if raw is None else f"is {str(raw)[:40]!r}, no number")
    return Value(stream, number * stream.scale + stream.offset, at)


def to_number(raw: object) -> float | None:
    """A finite number in `raw`: a number, a text of one, a truth value, or ON and OFF."""
    if isinstance(raw, bool | int | float):
        number = float(raw)
    elif isinstance(raw, str):
        text = raw.strip().lower()
        try:
            number = _YES[text] if text in _YES else float(text)
        except ValueError:
            return None
    else:
        return None
    return number if math.isfinite(number) else None


def at_path(document: Any, path: str) -> Any:
    """What stands at `path`: keys by dots, list places `[0]` and `[key=value]`; None where nothing does."""
    for key, place in _STEP.findall(path):
        if key:
            document = document.get(key) if isinstance(document, dict) else None
        elif not isinstance(document, list):
            return None
        elif "=" in place:
            name, _, wanted = place.partition("=")
            document = next(
                (each for each in document if isinstance(each, dict) and str(each.get(name)) == wanted), None
            )
        else:
            number = int(place) if re.fullmatch(r"-?\d{1,6}", place) else len(document)
            document = document[number] if -len(document) <= number < len(document) else None
    return document


def instant(raw: object) -> datetime | None:
    """An aware time: ISO 8601 (without a zone UTC is meant), seconds, milli-, micro- or nanoseconds."""
    number = to_number(raw)
    if number is not None and not isinstance(raw, bool):
        while number > 1e11:
            number /= 1000.0
        return datetime.fromtimestamp(number, UTC) if number > 0 else None
    if not isinstance(raw, str):
        return None
    try:
        at = datetime.fromisoformat(raw.strip())
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _text(payload: bytes) -> str:
    try:
        return payload.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ContractError(f"not UTF-8: {error}") from error


def _from_csv(text: str, streams: Sequence[Datastream], time: str) -> list[Value | Missing]:
    """The last row; columns by number, or by name in the first row."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        raise ContractError("no row of CSV")
    separator = max(",;\t", key=lines[-1].count)
    rows = list(csv.reader((lines[0], lines[-1]), delimiter=separator))
    names = {name.strip(): index for index, name in enumerate(rows[0])}

    def cell(column: int | str | None) -> str | None:
        is_number = isinstance(column, int) or (column or "").isdecimal()
        index = int(column or 0) - 1 if is_number else names.get(str(column), -1)
        return rows[-1][index] if 0 <= index < len(rows[-1]) else None

    at = instant(cell(time)) if time else None
    return [found(stream, cell(stream.column), at) for stream in streams]


def _from_lines(text: str, streams: Sequence[Datastream]) -> Iterator[Value | Missing]:
    lines = [_line(line) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for stream in streams:
        hits = [line for line in lines if _fits(line, stream)]
        if not hits:
            yield Missing(stream, "is not there")
        for hit in hits:
            yield found(stream, hit.fields[stream.field], hit.at)


class _Line(NamedTuple):
    measurement: str
    tags: Mapping[str, str]
    fields: Mapping[str, object]
    at: datetime | None


def _fits(line: _Line, stream: Datastream) -> bool:
    return (
        stream.measurement in {"", line.measurement}
        and stream.field in line.fields
        and all(line.tags.get(key) == value for key, value in stream.tags.items())
    )


def _line(line: str) -> _Line:
    """`measurement,tag=a field=1.5,other=3i 1556813561098000000`."""
    parts = [part for part in _outside_quotes(_UNESCAPED_SPACE, line.strip()) if part]
    if not 2 <= len(parts) <= 3:
        raise ContractError(f"no line protocol: {line[:80]!r}")
    measurement, *tags = _outside_quotes(_UNESCAPED_COMMA, parts[0])
    fields = dict(map(_pair, _outside_quotes(_UNESCAPED_COMMA, parts[1])))
    return _Line(
        _unescaped(measurement),
        dict(map(_pair, tags)),
        {key: _field(value) for key, value in fields.items()},
        instant(parts[2]) if len(parts) == 3 else None,
    )


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ContractError(f"no line protocol: {text[:80]!r} is no key=value")
    return _unescaped(key), _unescaped(value)


def _field(value: str) -> object:
    if value in {"t", "T", "f", "F"}:
        return value in {"t", "T"}
    if value.startswith('"'):
        return value.strip('"')
    return value[:-1] if value.endswith(("i", "u")) else value


def _unescaped(text: str) -> str:
    return re.sub(r"\\([ ,=\\])", r"\1", text)


def _outside_quotes(separator: re.Pattern[str], text: str) -> Iterable[str]:
    """`text` at its separators, those in double quotes left alone."""
    start = 0
    for match in separator.finditer(text):
        if text.count('"', start, match.start()) % 2 == 0:
            yield text[start : match.start()]
            start = match.end()
    yield text[start:]
