-- name: event_page
-- Events that lasted at some time of the range, newest first, one page after the cursor.
select
    event, kind, severity, at, start_at, end_at, device, intersection, camera, lane,
    case when lon is not null and lat is not null then array[lon, lat] end as position,
    detail, evidence, quality
from traffic_event
where start_at < %(to)s and (end_at is null or end_at >= %(from)s)
    and (%(kinds)s::text[] is null or kind = any(%(kinds)s::text[]))
    and (%(open)s::boolean is null or (end_at is null) = %(open)s::boolean)
    and (
        %(intersections)s::text[] is null
        or intersection = any(%(intersections)s::text[]) or camera = any(%(cameras)s::text[])
    )
    and (
        %(after_start_at)s::timestamptz is null
        or (start_at, device, event)
            < (%(after_start_at)s, %(after_device)s::text, %(after_event)s::text)
    )
order by start_at desc, device desc, event desc
limit %(rows)s;
