"""What anybody may do without an account: report, follow by a link, rate, reopen, see what is near by."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from citybrain.fields import LonLat
from command.cases.models import PLAIN, ClassCode, Place, Said, Short
from command.cases.stages import Stage
from command.models import View

Email = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x20\x7f@]+@[^\x00-\x20\x7f@]+$")]
Phone = Annotated[str, Meta(max_length=40, pattern=r"^[0-9+() ./-]{3,40}$")]
PublicStage = Literal[
    "received", "filed", "dispatched", "handling", "handled", "verified", "closed", "dismissed"
]
STAGES: dict[Stage, PublicStage] = {
    Stage.COLLECT: "received", Stage.FILE: "filed", Stage.DISPATCH: "dispatched", Stage.HANDLE: "handling",
    Stage.REPORT_BACK: "handled", Stage.VERIFY: "verified", Stage.EVALUATE: "closed",
    Stage.DISMISSED: "dismissed", Stage.MERGED: "filed",
}  # fmt: skip
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_PHONE = re.compile(r"\+?\d[\d ()/.-]{5,}\d")


class PublicClass(View, frozen=True, kw_only=True, rename=PLAIN):
    class_: str
    major: str
    major_zh: str
    name: str
    name_zh: str


class PublicClasses(View, frozen=True, kw_only=True):
    items: Sequence[PublicClass]


class PublicReportBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=PLAIN):
    id: Annotated[UUID, Meta(description="made by the page: one report sent twice is one report")]
    follow: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_-]{43}$",
            description="256 random bits of the page in base64url: the secret of the follow link",
        ),
    ]
    class_: ClassCode
    position: Place
    text: Said = ""
    address: Short = ""
    email: Email | None = None
    phone: Phone | None = None


class PublicReport(View, frozen=True, kw_only=True):
    number: str
    follow: str


class NoteView(View, frozen=True, kw_only=True):
    at: datetime
    what: Annotated[str, Meta(description="received, filed, dispatched, handled, closed, merged, dismissed")]


class Followed(View, frozen=True, kw_only=True, rename=PLAIN):
    number: str
    class_: str
    name: str
    name_zh: str
    stage: PublicStage
    reported_at: datetime
    changed_at: datetime
    closed_at: datetime | None
    rating: int | None
    may_rate: bool
    may_reopen: bool
    reopen_until: datetime | None
    notes: Sequence[NoteView]
    photos: Annotated[int, Meta(description="how many came with this report")]


class NearbyView(View, frozen=True, kw_only=True, rename=PLAIN):
    cell: Annotated[str, Meta(description="code of the cell; empty outside the grid")]
    center: Annotated[LonLat, Meta(description="of the cell: where in it is not told")]
    class_: str
    name: str
    name_zh: str
    number: Annotated[int, Meta(description="open cases of this class in the cell")]
    since: Annotated[datetime, Meta(description="the day of the oldest")]


class NearbyList(View, frozen=True, kw_only=True):
    items: Sequence[NearbyView]


def redacted(text: str, *names: str) -> str:
    """The text without addresses of people: e-mail, telephone numbers, and the names given."""
    text = _PHONE.sub("***", _EMAIL.sub("***", text))
    for name in names:
        if len(name) > 1:
            text = re.sub(rf"\b{re.escape(name)}\b", "***", text, flags=re.IGNORECASE)
    return text
