"""Key figures by hour, day and district; two periods compared; the same as files."""

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime
from starlette.responses import Response

from command.analysis import export
from command.analysis.comparison import compare
from command.analysis.figures import Bucket, Span, buckets, by_day
from command.analysis.models import ComparisonView, DifferenceView, FigureList, FigureView
from command.answers import Json, documented
from command.centre import Centre
from command.faults import ApiError
from command.history import From, Names, Range, To, range_of
from command.shared import Shared
from command.sight import Seen, Sight
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["figures"], dependencies=[requires(Action.SEE_HISTORY)])

LONGEST = timedelta(days=92)
USUAL = timedelta(days=1)
BINARY = {"type": "string", "format": "binary"}

Zone = Annotated[str, Query(max_length=64, description="whose midnight ends a day, such as Europe/Berlin")]
Until = Annotated[AwareDatetime, Query(description="ISO 8601 with zone, excluded")]


@dataclass(frozen=True, slots=True)
class Asked:
    """What figures are asked of."""

    span: Range
    bucket: Span
    by: str
    zone: ZoneInfo
    intersections: Sequence[str] | None


def _asked(
    sight: Seen,
    *,
    start: From = None,
    to: To = None,
    bucket: Annotated[Span, Query()] = "1h",
    by: Annotated[Literal["all", "district"], Query(description="one line, or one a district")] = "all",
    zone: Zone = "UTC",
    intersection: Names = None,
) -> Asked:
    span = range_of(start, to, LONGEST, USUAL)
    return Asked(span, bucket, by, _zone(zone), sight.intersections(intersection))


Question = Annotated[Asked, Depends(_asked)]


@router.get("/figures", responses=documented(FigureList, "Oldest first.", 404))
async def figures(centre: Shared, sight: Seen, asked: Question) -> Response:
    """Throughput, delay, stops, speed and queues; hours are those of UTC, days those of `zone`."""
    return Json(FigureList(bucket=asked.bucket, items=await _figures(centre, sight, asked)))


@router.get(
    "/figures.csv",
    response_class=Response,
    responses=documented(None, "A row a bucket.", 404, media_type="text/csv", schema={"type": "string"}),
)
async def as_csv(centre: Shared, sight: Seen, asked: Question) -> Response:
    """The figures as CSV."""
    items = await _figures(centre, sight, asked)
    return await _file(lambda: export.as_csv(items), "text/csv", "figures.csv")


@router.get(
    "/figures.parquet",
    response_class=Response,
    responses=documented(
        None, "A row a bucket.", 404, media_type="application/vnd.apache.parquet", schema=BINARY
    ),
)
async def as_parquet(centre: Shared, sight: Seen, asked: Question) -> Response:
    """The figures as Parquet."""
    items = await _figures(centre, sight, asked)
    return await _file(lambda: export.as_parquet(items), "application/vnd.apache.parquet", "figures.parquet")


@router.get(
    "/figures.png",
    response_class=Response,
    responses=documented(None, "Four courses.", 404, media_type="image/png", schema=BINARY),
)
async def as_png(centre: Shared, sight: Seen, asked: Question) -> Response:
    """The figures as a picture."""
    items = await _figures(centre, sight, asked)
    start, end = (f"{at:%Y-%m-%d %H:%M}" for at in (asked.span.start, asked.span.end))
    title = f"{centre.settings.site.name}, {start} to {end} UTC"
    return await _file(lambda: export.as_png(items, title), "image/png", "figures.png")


@router.get("/figures/comparison", responses=documented(ComparisonView, "Before and after.", 404))
async def comparison(
    centre: Shared,
    sight: Seen,
    *,
    before_from: Until,
    before_to: Until,
    after_from: Until,
    after_to: Until,
    zone: Zone = "UTC",
    intersection: Names = None,
) -> Response:
    """Two periods: the difference of each figure, its 95 % interval, and what speaks against it."""
    own, names = _zone(zone), sight.intersections(intersection)
    first = range_of(before_from, before_to, LONGEST)
    second = range_of(after_from, after_to, LONGEST)
    before, after = await _hours(centre, first, names), await _hours(centre, second, names)
    found = await asyncio.to_thread(compare, before, after, own)
    items = [DifferenceView(**dataclasses.asdict(one), is_clear=one.is_clear) for one in found.differences]
    return Json(
        ComparisonView(
            items=items,
            block=found.block,
            blocks_before=found.blocks_before,
            blocks_after=found.blocks_after,
            cautions=found.cautions,
        )
    )


async def _figures(centre: Centre, sight: Sight, asked: Asked) -> list[FigureView]:
    members = _members(centre, sight) if asked.by == "district" else None
    found = await _hours(centre, asked.span, asked.intersections, members)
    if asked.bucket == "1day":
        found = by_day(found, asked.zone)
    return [_view(one) for one in found]


async def _hours(
    centre: Centre, span: Range, names: Sequence[str] | None, members: Sequence[tuple[str, str]] | None = None
) -> list[Bucket]:
    start = span.start.replace(minute=0, second=0, microsecond=0)
    asked: dict[str, object] = {"from": start, "to": span.end, "intersections": names}
    if members is None:
        return buckets(await centre.database.fetch("figure_hours", asked))
    asked["members"] = [intersection for intersection, _ in members]
    asked["districts"] = [district for _, district in members]
    rows = await centre.database.fetch("figure_hours_of_districts", asked)
    return buckets(rows)


def _members(centre: Centre, sight: Sight) -> list[tuple[str, str]]:
    """Intersections and the districts of the principal that each lies in."""
    return [
        (name, district)
        for name, config in sorted(centre.live.configs.items())
        for district in sorted(centre.districts.of(config.position))
        if sight.is_whole or district in sight.principal.districts
    ]


def _view(bucket: Bucket) -> FigureView:
    sums = bucket.sums
    return FigureView(
        start=bucket.start,
        district=bucket.district,
        vehicles=round(sums.crossed),
        throughput_veh_h=sums.value("throughput_veh_h"),
        mean_delay_s=sums.value("mean_delay_s"),
        stops_per_vehicle=sums.value("stops_per_vehicle"),
        mean_speed_mps=sums.value("mean_speed_mps"),
        queue_m=sums.value("queue_m"),
        observed_lane_h=sums.observed_s / 3600,
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError) as error:
        raise ApiError(422, f"zone: {name!r} is no time zone of the IANA database", "zone") from error


async def _file(make: Callable[[], bytes], media_type: str, name: str) -> Response:
    body = await asyncio.to_thread(make)
    return Response(
        body, media_type=media_type, headers={"content-disposition": f'attachment; filename="{name}"'}
    )
