-- name: playback_signals_at
-- What each signal showed last before a moment.
select
    s.intersection, array[i.lon, i.lat] as position, s.at, s.indications, s.phase, s.next_phase, s.interval,
    s.elapsed_s, s.min_remaining_s, s.max_remaining_s, s.mode, s.command_seq
from intersection i
cross join lateral (
    select * from signal_state r
    where r.intersection = i.intersection and r.at <= %(at)s and r.at > %(at)s - interval '15 minutes'
    order by r.at desc limit 1
) s
where %(intersections)s::text[] is null or i.intersection = any(%(intersections)s::text[])
order by s.intersection;

-- name: playback_signals_between
-- What signals showed in a window, of each step the last.
select
    s.intersection, case when i.lon is not null then array[i.lon, i.lat] end as position, s.at, s.indications,
    s.phase, s.next_phase, s.interval, s.elapsed_s, s.min_remaining_s, s.max_remaining_s, s.mode, s.command_seq
from (
    select distinct on (date_bin(%(step)s::interval, at, %(from)s), intersection) *
    from signal_state
    where at > %(from)s and at <= %(to)s
        and (%(intersections)s::text[] is null or intersection = any(%(intersections)s::text[]))
    order by date_bin(%(step)s::interval, at, %(from)s), intersection, at desc
) s
left join intersection i on i.intersection = s.intersection
order by s.at, s.intersection
limit 100000;

-- name: playback_lanes_at
-- What was measured on each lane last before a moment.
select
    m.lane, m.intersection, m.at, m.vehicles, m.queued, m.queue_m, m.mean_speed_mps, m.occupancy, m.crossed,
    null::real as speed_limit_mps
from lane_latest l
cross join lateral (
    select * from lane_measurement r
    where r.lane = l.lane and r.at <= %(at)s and r.at > %(at)s - interval '15 minutes'
    order by r.at desc limit 1
) m
where %(intersections)s::text[] is null or m.intersection = any(%(intersections)s::text[])
order by m.lane;

-- name: playback_lanes_between
-- What was measured on lanes in a window, of each step the last, where it differs from the step before.
select lane, intersection, at, vehicles, queued, queue_m, mean_speed_mps, occupancy, crossed,
    null::real as speed_limit_mps
from (
    select *,
        (vehicles, queued, queue_m, mean_speed_mps, occupancy, crossed) is not distinct from
        lag((vehicles, queued, queue_m, mean_speed_mps, occupancy, crossed)) over (partition by lane order by at)
            as is_same
    from (
        select distinct on (date_bin(%(step)s::interval, at, %(from)s), lane) *
        from lane_measurement
        where at > %(from)s and at <= %(to)s
            and (%(intersections)s::text[] is null or intersection = any(%(intersections)s::text[]))
        order by date_bin(%(step)s::interval, at, %(from)s), lane, at desc
    ) stepped
) told
where not is_same
order by at, lane
limit 200000;

-- name: playback_events_at
-- Events that lasted at a moment or had ended within the hour before, as far as they had come then.
select
    event, kind, severity, least(at, %(at)s) as at, start_at,
    case when end_at <= %(at)s then end_at end as end_at, device, intersection, camera, lane,
    case when lon is not null and lat is not null then array[lon, lat] end as position,
    detail, evidence, quality
from traffic_event
where start_at <= %(at)s and (end_at is null or end_at > %(at)s - interval '1 hour')
    and (
        %(intersections)s::text[] is null
        or intersection = any(%(intersections)s::text[]) or camera = any(%(cameras)s::text[])
    )
order by start_at desc, device, event
limit 300;

-- name: playback_events_between
-- What was told of events in a window.
select
    event, kind, severity, at, start_at, end_at, device, intersection, camera, lane,
    case when lon is not null and lat is not null then array[lon, lat] end as position,
    detail, evidence, quality
from traffic_event_history
where at > %(from)s and at <= %(to)s
    and (
        %(intersections)s::text[] is null
        or intersection = any(%(intersections)s::text[]) or camera = any(%(cameras)s::text[])
    )
order by at, device, event
limit 10000;

-- name: playback_alarms_at
-- Which alarms stood at a moment.
select id, %(at)s::timestamptz as at
from alarm
where raised_at <= %(at)s and (state <> 'closed' or changed_at > %(at)s)
    and (%(districts)s::text[] is null or districts && %(districts)s::text[])
order by raised_at desc
limit 1000;

-- name: playback_alarms_between
-- When something became of which alarm in a window: somebody did something, or one of its events began or ended.
select m.id, m.at
from (
    select alarm as id, at from alarm_entry where at > %(from)s and at <= %(to)s
    union
    select alarm, start_at from alarm_event where start_at > %(from)s and start_at <= %(to)s
    union
    select alarm, end_at from alarm_event where end_at > %(from)s and end_at <= %(to)s
) m
join alarm a on a.id = m.id and a.raised_at <= m.at
where %(districts)s::text[] is null or a.districts && %(districts)s::text[]
order by m.at, m.id
limit 10000;

-- name: playback_alarms_as_of
-- Alarms as they stood at given moments, by what had been done about them and what events they had by then.
select
    a.id, a.kind, coalesce(e.severity, a.severity) as severity,
    case s.what when 'acknowledged' then 'acknowledged' when 'closed' then 'closed' else 'open' end as state,
    a.raised_at, coalesce(e.last_at, a.raised_at) as last_at, e.ended_at, m.at as changed_at,
    greatest(1, coalesce(e.events, 0))::integer as events, a.districts, a.intersection, a.camera, a.device,
    case when a.lon is not null and a.lat is not null then array[a.lon, a.lat] end as position, a.detail,
    case when s.what = 'acknowledged' then by.name end as acknowledged_by,
    case when s.what = 'acknowledged' then s.at end as acknowledged_at,
    nullif(assigned.text, '') as assigned_to,
    aside.at + aside.text::interval as snoozed_until,
    (
        select count(*)::integer from alarm_entry n
        where n.alarm = a.id and n.what = 'escalated' and n.at <= m.at
    ) as level
from unnest(%(ids)s::uuid[], %(ats)s::timestamptz[]) as m (id, at)
join alarm a on a.id = m.id
left join lateral (
    select n.id, n.what, n.at, n.actor from alarm_entry n
    where n.alarm = a.id and n.at <= m.at
        and n.what in ('raised', 'reopened', 'worse', 'acknowledged', 'closed')
    order by n.id desc limit 1
) s on true
left join account by on by.id = s.actor
left join lateral (
    select n.text from alarm_entry n
    where n.alarm = a.id and n.at <= m.at and n.what = 'assigned' order by n.id desc limit 1
) assigned on true
left join lateral (
    select n.at, n.text from alarm_entry n
    where n.alarm = a.id and n.at <= m.at and n.what = 'snoozed' and n.id > s.id order by n.id desc limit 1
) aside on true
left join lateral (
    select
        count(*) as events, max(start_at) as last_at,
        case when bool_and(end_at <= m.at) then max(end_at) end as ended_at,
        case when bool_or(severity = 'critical') then 'critical' when bool_or(severity = 'warning') then 'warning'
            when count(*) > 0 then 'info' end as severity
    from alarm_event v where v.alarm = a.id and v.start_at <= m.at
) e on true
order by m.at, a.raised_at desc, a.id;

-- name: playback_figures_at
-- Delay, stops and throughput of the five minutes before a moment.
select
    sum(delay_s) / nullif(sum(crossed), 0) as mean_delay_s,
    sum(stops)::double precision / nullif(sum(crossed), 0) as stops_per_vehicle,
    sum(per_hour) as throughput_veh_h
from (
    select sum(delay_s) as delay_s, sum(stops) as stops, sum(crossed) as crossed,
        sum(crossed) / nullif(sum(observed_s), 0) * 3600 as per_hour
    from lane_measurement_1min
    where bucket >= %(at)s - interval '6 minutes' and bucket <= %(at)s - interval '1 minute'
        and (%(intersections)s::text[] is null or intersection = any(%(intersections)s::text[]))
    group by lane
) lanes;
