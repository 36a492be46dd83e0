-- name: lane_raw
-- Lane measurements as they came, oldest first, one page after the cursor.
select
    at, lane, device, intersection, period_s, vehicles, queued, queue_m, mean_speed_mps, occupancy,
    crossed, stops, delay_s, quality, stored_at, boot, seq
from lane_measurement
where at >= coalesce(%(after_at)s::timestamptz, %(from)s) and at < %(to)s
    and (%(lanes)s::text[] is null or lane = any(%(lanes)s::text[]))
    and (%(intersections)s::text[] is null or intersection = any(%(intersections)s::text[]))
    and (
        %(after_at)s::timestamptz is null
        or (at, lane, device, boot, seq)
            > (%(after_at)s, %(after_lane)s::text, %(after_device)s::text, %(after_boot)s::bigint, %(after_seq)s::bigint)
    )
order by at, lane, device, boot, seq
limit %(rows)s;

-- name: lane_bucket
-- Lane measurements summed up in buckets; the view is one of lane_measurement_1min, _15min, _1h, _1day.
select
    bucket, lane, device, intersection, samples, observed_s, vehicles, queued, queued_max, queue_m,
    queue_m_max, mean_speed_mps, occupancy, crossed, stops, delay_s, quality
from {view}
where bucket >= coalesce(%(after_bucket)s::timestamptz, %(from)s) and bucket < %(to)s
    and (%(lanes)s::text[] is null or lane = any(%(lanes)s::text[]))
    and (%(intersections)s::text[] is null or intersection = any(%(intersections)s::text[]))
    and (
        %(after_bucket)s::timestamptz is null
        or (bucket, lane, device) > (%(after_bucket)s, %(after_lane)s::text, %(after_device)s::text)
    )
order by bucket, lane, device
limit %(rows)s;
