"""Open311 GeoReport v2 as text: each answer as XML and as its JSON twin, errors too.

Source: GeoReport v2 (wiki.open311.org). XML is mandatory; JSON holds lists at the top level; ids are texts;
a request is open or closed, nothing else.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from xml.etree import ElementTree as ET

import msgspec

from command.cases.public import redacted
from command.cases.stages import ENDED, Stage
from command.database import Row

Format = Literal["xml", "json"]
TYPES = {"xml": "text/xml; charset=utf-8", "json": "application/json; charset=utf-8"}
SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
LONGEST = timedelta(days=90)
MOST = 1_000
NOTICES = {
    Stage.COLLECT: "received", Stage.FILE: "filed", Stage.DISPATCH: "with the department",
    Stage.HANDLE: "being handled", Stage.REPORT_BACK: "handled, to be verified", Stage.VERIFY: "verified",
    Stage.EVALUATE: "closed", Stage.DISMISSED: "not filed: it is no case, or nothing was found",
    Stage.MERGED: "the same as another request",
}  # fmt: skip
# XML 1.0 has no other control characters, and no lone surrogates.
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class GeoError(Exception):
    """An error of GeoReport: its code and description."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


@dataclass(frozen=True, slots=True)
class Window:
    """Which requests are asked for."""

    start: datetime
    end: datetime


def render(format_: Format, name: str, item: str, value: Any) -> bytes:
    """`value` as JSON as it stands; in XML a list is `name` with an `item` each, an object is `name`."""
    if format_ == "json":
        return msgspec.json.encode(value)
    root = ET.Element(name)
    if isinstance(value, Sequence) and not isinstance(value, str):
        for one in value:
            _put(ET.SubElement(root, item), one)
    else:
        _put(root, value)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


INNER = {"endpoints": "endpoint", "formats": "format", "attributes": "attribute", "values": "value"}
"""What the items of lists inside are called."""


def _put(node: ET.Element, value: Any) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _put(ET.SubElement(node, key), inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            _put(ET.SubElement(node, INNER[node.tag]), inner)
    elif value is not None:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        node.text = _NOT_XML.sub("", text)


def errors(format_: Format, code: int, description: str) -> bytes:
    told = [{"code": code, "description": description}]
    return render(format_, "errors", "error", told)


def discovery(url: str, contact: str, changed: datetime) -> dict[str, Any]:
    return {
        "changeset": when(changed),
        "contact": contact,
        "key_service": "A token with the scope report_cases, made under /api/v1/me/tokens, is the api_key.",
        "endpoints": [
            {
                "specification": SPECIFICATION,
                "url": url,
                "changeset": when(changed),
                "type": "production",
                "formats": ["text/xml", "application/json"],
            }
        ],
    }


def service(row: Row, *, tokens: bool) -> dict[str, Any]:
    return {
        "service_code": row["code"],
        "service_name": row["name"],
        "description": row["filing"],
        "metadata": True,
        "type": "batch" if tokens else "realtime",
        "keywords": ",".join(row["keywords"]),
        "group": row["major"],
    }


def definition(row: Row) -> dict[str, Any]:
    """What a service asks beside the place: a component's code, and when it is filed and done."""
    told = [_said("filing", 1, f"It is filed where: {row['filing']}")]
    told.append(_said("closing", 2, f"It is done when: {row['closing']}"))
    if row["kind"] == "component":
        told.append(
            {
                "variable": True,
                "code": "component",
                "datatype": "string",
                "required": False,
                "datatype_description": "16 digits",
                "order": 3,
                "description": "The code on its plate, where you see one",
                "values": [],
            }
        )
    return {"service_code": row["code"], "attributes": told}


def _said(code: str, order: int, text: str) -> dict[str, Any]:
    return {
        "variable": False, "code": code, "datatype": "string", "required": False, "datatype_description": "",
        "order": order, "description": text, "values": [],
    }  # fmt: skip


def request(row: Row) -> dict[str, Any]:
    stage = Stage(row["stage"])
    ends = Stage(row["merged_stage"]) if row["merged_stage"] else stage
    notes = NOTICES[ends]
    if row["merged_number"]:
        notes = f"the same as request {row['merged_number']}: {notes}"
    return {
        "service_request_id": row["number"],
        "status": "closed" if ends in ENDED else "open",
        "status_notes": notes,
        "service_name": row["name"],
        "service_code": row["class"],
        "description": redacted(row["text"]),
        "agency_responsible": row["department"],
        "service_notice": None,
        "requested_datetime": when(row["created_at"]),
        "updated_datetime": when(row["changed_at"]),
        "expected_datetime": when(row["due_at"]) if row["due_at"] else None,
        "address": row["address"],
        "address_id": None,
        "zipcode": None,
        "lat": row["lat"],
        "long": row["lon"],
        "media_url": None,
    }


def when(at: datetime) -> str:
    """W3C date and time with zone."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def window(start: str | None, end: str | None, now: datetime) -> Window:
    """The range asked for, 90 days at most; GeoError 400."""
    first, last = _moment("start_date", start), _moment("end_date", end)
    last = last or (min(now, first + LONGEST) if first else now)
    first = first or last - LONGEST
    if first > last:
        raise GeoError(400, "start_date is after end_date")
    if last - first > LONGEST:
        raise GeoError(400, "start_date and end_date span at most 90 days")
    return Window(first, last)


def _moment(name: str, text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        # A form's or query's plus that was not escaped arrives as a space.
        found = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text.strip())
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        found - LONGEST, found + LONGEST
        return found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise GeoError(400, f"{name} is not a W3C date and time such as 2026-03-02T08:00:00Z") from error


def is_open(status: str | None) -> bool | None:
    """What `status` asks for; None: both. GeoError 400 for anything but open and closed."""
    wanted = {one.strip().lower() for one in (status or "").split(",") if one.strip()}
    if wanted - {"open", "closed"}:
        raise GeoError(400, "status is open, closed, or both with a comma")
    return wanted == {"open"} if len(wanted) == 1 else None


def codes(text: str | None) -> list[str] | None:
    found = [one.strip().replace("\0", "") for one in (text or "").split(",") if one.strip()]
    return found or None
