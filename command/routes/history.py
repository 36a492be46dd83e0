"""History from the database: measurements, counts, signal states, commands, events."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from command.answers import Json, documented
from command.history import (
    LONGEST,
    MAX_ROWS,
    After,
    From,
    Limit,
    Names,
    Question,
    To,
    page,
    range_of,
)
from command.models import Bucket, EventPage, EventView
from command.records import (
    CommandPage,
    CommandRecord,
    CountBucket,
    CountBuckets,
    CountRecord,
    CountRecords,
    LaneBucket,
    LaneBuckets,
    LaneRecord,
    LaneRecords,
    SignalPage,
    SignalRecord,
)
from command.shared import Shared
from command.sight import Seen
from command.trust.doors import requires
from command.trust.rights import Action

router = APIRouter(tags=["history"], dependencies=[requires(Action.SEE_HISTORY)])

EVENTS_USUAL = timedelta(days=1)
EVENTS_LONGEST = timedelta(days=366)


@router.get(
    "/measurements/lanes",
    responses=documented((LaneRecords, LaneBuckets), "Oldest first; `bucket` says which.", 404, 503),
)
async def lanes(
    centre: Shared,
    sight: Seen,
    *,
    start: From = None,
    to: To = None,
    bucket: Bucket = "1min",
    lane: Names = None,
    intersection: Names = None,
    cursor: After = None,
    limit: Limit = MAX_ROWS,
) -> Response:
    """Lane measurements as they came (`raw`) or summed up."""
    span = range_of(start, to, LONGEST[bucket])
    values = {
        "from": span.start,
        "to": span.end,
        "lanes": lane,
        "intersections": sight.intersections(intersection),
    }
    if bucket == "raw":
        key = ("at", "lane", "device", "boot", "seq")
        question = Question("lane_raw", key, values, limit, cursor)
        records, following = await page(centre.database, question, LaneRecord)
        return Json(LaneRecords(items=records, next=following))
    question = Question(
        "lane_bucket", ("bucket", "lane", "device"), values, limit, cursor, f"lane_measurement_{bucket}"
    )
    buckets, following = await page(centre.database, question, LaneBucket)
    return Json(LaneBuckets(bucket=bucket, items=buckets, next=following))


@router.get(
    "/measurements/counts",
    responses=documented((CountRecords, CountBuckets), "Oldest first; `bucket` says which.", 404, 503),
)
async def counts(
    centre: Shared,
    sight: Seen,
    *,
    start: From = None,
    to: To = None,
    bucket: Bucket = "1min",
    camera: Names = None,
    movement: Names = None,
    cursor: After = None,
    limit: Limit = MAX_ROWS,
) -> Response:
    """Road users counted by cameras, as they came (`raw`) or summed up."""
    span = range_of(start, to, LONGEST[bucket])
    values = {"from": span.start, "to": span.end, "cameras": sight.cameras(camera), "movements": movement}
    if bucket == "raw":
        key = ("at", "camera", "movement", "road_user", "device", "boot", "seq")
        question = Question("count_raw", key, values, limit, cursor)
        records, following = await page(centre.database, question, CountRecord)
        return Json(CountRecords(items=records, next=following))
    question = Question(
        "count_bucket",
        ("bucket", "camera", "movement", "road_user"),
        values,
        limit,
        cursor,
        f"turning_count_{bucket}",
    )
    buckets, following = await page(centre.database, question, CountBucket)
    return Json(CountBuckets(bucket=bucket, items=buckets, next=following))


@router.get("/measurements/signals", responses=documented(SignalPage, "Oldest first.", 404, 503))
async def signals(
    centre: Shared,
    sight: Seen,
    *,
    start: From = None,
    to: To = None,
    intersection: Names = None,
    cursor: After = None,
    limit: Limit = MAX_ROWS,
) -> Response:
    """What signals showed, state by state."""
    span = range_of(start, to, LONGEST["1min"])
    values = {"from": span.start, "to": span.end, "intersections": sight.intersections(intersection)}
    question = Question("signal_raw", ("at", "intersection", "device", "boot", "seq"), values, limit, cursor)
    records, following = await page(centre.database, question, SignalRecord)
    return Json(SignalPage(items=records, next=following))


@router.get("/commands", responses=documented(CommandPage, "Oldest first.", 404, 503))
async def commands(
    centre: Shared,
    sight: Seen,
    *,
    start: From = None,
    to: To = None,
    intersection: Names = None,
    cursor: After = None,
    limit: Limit = MAX_ROWS,
) -> Response:
    """Commands to signals, each with the edge's answer."""
    span = range_of(start, to, LONGEST["1min"])
    values = {"from": span.start, "to": span.end, "intersections": sight.intersections(intersection)}
    question = Question("command_raw", ("at", "intersection", "device", "boot", "seq"), values, limit, cursor)
    records, following = await page(centre.database, question, CommandRecord)
    return Json(CommandPage(items=records, next=following))


@router.get("/events", responses=documented(EventPage, "Newest first.", 503))
async def events(
    centre: Shared,
    sight: Seen,
    *,
    start: From = None,
    to: To = None,
    kind: Names = None,
    is_open: Annotated[bool | None, Query(alias="open", description="whether it still lasts")] = None,
    cursor: After = None,
    limit: Limit = 1_000,
) -> Response:
    """Events that lasted at some time of the range, which is the last day if left out."""
    span = range_of(start, to, EVENTS_LONGEST, EVENTS_USUAL)
    values = {"from": span.start, "to": span.end, "kinds": kind, "open": is_open}
    values |= {"intersections": sight.intersections(None), "cameras": sight.cameras(None)}
    question = Question("event_page", ("start_at", "device", "event"), values, limit, cursor)
    found, following = await page(centre.database, question, EventView)
    return Json(EventPage(items=found, next=following))
