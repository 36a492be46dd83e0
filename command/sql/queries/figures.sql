-- name: figure_hours
-- Sums of each hour over the lanes of given intersections.
select
    bucket as start, null::text as district,
    sum(crossed)::double precision as crossed, sum(delay_s) as delay_s, sum(stops)::double precision as stops,
    sum(speed_sum) as speed_sum, sum(speed_weight) as speed_weight, sum(queue_m_s) as queue_m_s,
    sum(weight_s) as observed_s
from lane_rollup_1h
where bucket >= %(from)s and bucket < %(to)s
    and (%(intersections)s::text[] is null or intersection = any(%(intersections)s::text[]))
group by bucket
order by bucket;

-- name: figure_hours_of_districts
-- The same by the district that each intersection lies in; none for those that lie in no district.
select
    m.bucket as start, d.district,
    sum(m.crossed)::double precision as crossed, sum(m.delay_s) as delay_s,
    sum(m.stops)::double precision as stops, sum(m.speed_sum) as speed_sum,
    sum(m.speed_weight) as speed_weight, sum(m.queue_m_s) as queue_m_s, sum(m.weight_s) as observed_s
from lane_rollup_1h m
left join unnest(%(members)s::text[], %(districts)s::text[]) as d (intersection, district)
    on d.intersection = m.intersection
where m.bucket >= %(from)s and m.bucket < %(to)s
    and (%(intersections)s::text[] is null or m.intersection = any(%(intersections)s::text[]))
group by m.bucket, d.district
order by m.bucket, d.district nulls last;

-- name: shift_alarms
-- Alarms raised in a time, with who took note of them first and when they were closed.
select
    a.id, a.kind, a.severity, a.state, a.raised_at, a.ended_at, a.events, a.intersection, a.camera, a.device,
    a.detail, a.level, by.name as acknowledged_by, noted.at as acknowledged_at,
    case when a.state = 'closed' then closed.at end as closed_at
from alarm a
left join lateral (
    select n.at, n.actor from alarm_entry n
    where n.alarm = a.id and n.what = 'acknowledged' order by n.id limit 1
) noted on true
left join account by on by.id = noted.actor
left join lateral (
    select n.at from alarm_entry n where n.alarm = a.id and n.what = 'closed' order by n.id desc limit 1
) closed on true
where a.raised_at >= %(from)s and a.raised_at < %(to)s
    and (%(within)s::text[] is null or a.districts && %(within)s::text[])
order by a.raised_at, a.id
limit 1000;

-- name: shift_events
-- How many events of which kind began in a time.
select kind, severity, count(*) as number, count(*) filter (where end_at is null) as lasting
from traffic_event
where start_at >= %(from)s and start_at < %(to)s
    and (
        %(intersections)s::text[] is null
        or intersection = any(%(intersections)s::text[]) or camera = any(%(cameras)s::text[])
    )
group by kind, severity
order by count(*) desc, kind, severity;

-- name: shift_entries
-- What was done about alarms in a time.
select e.at, by.name as actor, e.what, e.text, a.kind, coalesce(a.intersection, a.camera, a.device) as place
from alarm_entry e
join alarm a on a.id = e.alarm
left join account by on by.id = e.actor
where e.at >= %(from)s and e.at < %(to)s
    and (%(within)s::text[] is null or a.districts && %(within)s::text[])
order by e.at, e.id
limit 2000;
