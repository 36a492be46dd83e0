-- name: count_raw
-- Turning counts as they came, oldest first, one page after the cursor.
select
    at, camera, movement, road_user, count, start_at, end_at, quality, device, stored_at, boot, seq
from turning_count
where at >= coalesce(%(after_at)s::timestamptz, %(from)s) and at < %(to)s
    and (%(cameras)s::text[] is null or camera = any(%(cameras)s::text[]))
    and (%(movements)s::text[] is null or movement = any(%(movements)s::text[]))
    and (
        %(after_at)s::timestamptz is null
        or (at, camera, movement, road_user, device, boot, seq) > (
            %(after_at)s, %(after_camera)s::text, %(after_movement)s::text, %(after_road_user)s::text,
            %(after_device)s::text, %(after_boot)s::bigint, %(after_seq)s::bigint
        )
    )
order by at, camera, movement, road_user, device, boot, seq
limit %(rows)s;

-- name: count_bucket
-- Turning counts summed up in buckets; the view is one of turning_count_1min, _15min, _1h, _1day.
select bucket, camera, movement, road_user, count, samples, quality
from {view}
where bucket >= coalesce(%(after_bucket)s::timestamptz, %(from)s) and bucket < %(to)s
    and (%(cameras)s::text[] is null or camera = any(%(cameras)s::text[]))
    and (%(movements)s::text[] is null or movement = any(%(movements)s::text[]))
    and (
        %(after_bucket)s::timestamptz is null
        or (bucket, camera, movement, road_user) > (
            %(after_bucket)s, %(after_camera)s::text, %(after_movement)s::text, %(after_road_user)s::text
        )
    )
order by bucket, camera, movement, road_user
limit %(rows)s;

-- name: count_before
-- What each camera counted from a time on until another: where the live counts of the day begin.
select camera, movement, road_user, sum(count)::bigint as count
from turning_count
where at >= %(from)s and end_at < %(to)s
group by camera, movement, road_user;
