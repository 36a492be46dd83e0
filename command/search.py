"""Search: what the city holds under a few letters, best match first.

A new kind of thing is a finder in `FINDERS`.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from citybrain.fields import LonLat
from command.cases.rows import FILTERS, scope
from command.centre import Centre
from command.models import View
from command.places import camera_position
from command.sight import Sight
from command.trust.rights import Action

MOST = 30
LEAST_DIGITS = 6
"""Of a grid code: its city and district. Fewer would find every cell."""


class Hit(View, frozen=True, kw_only=True):
    kind: Annotated[str, Meta(description="intersection, camera, road, case, cell")]
    id: str
    label: str
    detail: str
    position: LonLat | None


class HitList(View, frozen=True, kw_only=True):
    items: Sequence[Hit]


@dataclass(frozen=True, slots=True)
class Seeker:
    """Who searches, before which city, and what they may do."""

    centre: Centre
    sight: Sight
    actions: frozenset[Action]


Finder = Callable[[Seeker, str], Awaitable[Iterable[Hit]]]
"""Finds things of one kind that the seeker may see; the text is lower case and not empty."""


async def intersections(seeker: Seeker, text: str) -> Iterable[Hit]:
    return [
        Hit(
            kind="intersection",
            id=name,
            label=config.name or name,
            detail=name if config.name else "",
            position=config.position,
        )
        for name, config in seeker.centre.live.configs.items()
        if _rank(text, name, config.name) is not None and seeker.sight.has_intersection(name)
    ]


async def cameras(seeker: Seeker, text: str) -> Iterable[Hit]:
    return [
        Hit(kind="camera", id=name, label=name, detail="", position=camera_position(seeker.centre.live, name))
        for name in seeker.centre.live.cameras.known()
        if _rank(text, name) is not None and seeker.sight.has_camera(name)
    ]


async def roads(seeker: Seeker, text: str) -> Iterable[Hit]:
    """Roads by name, each at a place that the principal may see."""
    found: dict[str, Hit] = {}
    for segment in seeker.centre.live.network.segments():
        if not segment.name or segment.name in found or _rank(text, segment.name) is None:
            continue
        position = segment.path[len(segment.path) // 2]
        if seeker.sight.covers(position):
            found[segment.name] = Hit(
                kind="road", id=segment.name, label=segment.name, detail="", position=position
            )
    return found.values()


async def cases(seeker: Seeker, text: str) -> Iterable[Hit]:
    """The case of this number."""
    if Action.SEE_CASES not in seeker.actions or not text.isdecimal():
        return []
    asked = FILTERS | scope(seeker.sight.principal) | {"number": text, "rows": 1}
    return [
        Hit(
            kind="case",
            id=str(row["id"]),
            label=row["number"],
            detail=row["address"],
            position=tuple(row["position"]),
        )
        for row in await seeker.centre.database.fetch("case_list", asked)
    ]


async def cells(seeker: Seeker, text: str) -> Iterable[Hit]:
    """Cells of the unit grid whose code begins with the text."""
    if not text.isdecimal() or len(text) < LEAST_DIGITS:
        return []
    rows = await seeker.centre.database.fetch("search_cells", {"code": text, "rows": MOST})
    return [
        Hit(kind="cell", id=row["code"], label=row["code"], detail="", position=tuple(row["position"]))
        for row in rows
        if seeker.sight.covers(tuple(row["position"]))
    ]


FINDERS: Sequence[Finder] = (intersections, cameras, roads, cases, cells)


async def search(seeker: Seeker, text: str, limit: int) -> list[Hit]:
    """The best matches of all kinds: those that are it, then those that begin with it, then the others."""
    wanted = text.strip().lower()
    if not wanted:
        return []
    hits = [hit for finder in FINDERS for hit in await finder(seeker, wanted)]
    return sorted(hits, key=lambda hit: (_rank(wanted, hit.id, hit.label, hit.detail) or 0, hit.label))[
        :limit
    ]


def _rank(text: str, *names: str | None) -> int | None:
    """0 where a name is the text, 1 where it begins with it, 2 where it holds it, None where none does."""
    ranks = [
        0 if name.lower() == text else 1 if name.lower().startswith(text) else 2
        for name in names
        if name and text in name.lower()
    ]
    return min(ranks, default=None)
