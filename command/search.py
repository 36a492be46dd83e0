"""Search: what the city holds under a few letters, best match first.

A new kind of thing (cases, grid cells) is a finder in `FINDERS`.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Annotated

from msgspec import Meta

from citybrain.fields import LonLat
from command.centre import Centre
from command.models import View
from command.places import camera_position
from command.sight import Sight

MOST = 30


class Hit(View, frozen=True, kw_only=True):
    kind: Annotated[str, Meta(description="intersection, camera, road, ...")]
    id: str
    label: str
    detail: str
    position: LonLat | None


class HitList(View, frozen=True, kw_only=True):
    items: Sequence[Hit]


Finder = Callable[[Centre, Sight, str], Awaitable[Iterable[Hit]]]
"""Finds things of one kind that the principal may see; the text is lower case and not empty."""


async def intersections(centre: Centre, sight: Sight, text: str) -> Iterable[Hit]:
    return [
        Hit(
            kind="intersection",
            id=name,
            label=config.name or name,
            detail=name if config.name else "",
            position=config.position,
        )
        for name, config in centre.live.configs.items()
        if _rank(text, name, config.name) is not None and sight.has_intersection(name)
    ]


async def cameras(centre: Centre, sight: Sight, text: str) -> Iterable[Hit]:
    return [
        Hit(kind="camera", id=name, label=name, detail="", position=camera_position(centre.live, name))
        for name in centre.live.cameras.known()
        if _rank(text, name) is not None and sight.has_camera(name)
    ]


async def roads(centre: Centre, sight: Sight, text: str) -> Iterable[Hit]:
    """Roads by name, each at a place that the principal may see."""
    found: dict[str, Hit] = {}
    for segment in centre.live.network.segments():
        if not segment.name or segment.name in found or _rank(text, segment.name) is None:
            continue
        position = segment.path[len(segment.path) // 2]
        if sight.covers(position):
            found[segment.name] = Hit(
                kind="road", id=segment.name, label=segment.name, detail="", position=position
            )
    return found.values()


FINDERS: Sequence[Finder] = (intersections, cameras, roads)


async def search(centre: Centre, sight: Sight, text: str, limit: int) -> list[Hit]:
    """The best matches of all kinds: those that are it, then those that begin with it, then the others."""
    wanted = text.strip().lower()
    if not wanted:
        return []
    hits = [hit for finder in FINDERS for hit in await finder(centre, sight, wanted)]
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
