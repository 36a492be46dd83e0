-- name: alarm_list
-- Alarms, those that need somebody first, then the latest; or those of the given ids.
select
    a.id, a.kind, a.severity, a.state, a.raised_at, a.last_at, a.ended_at, a.changed_at, a.events, a.districts,
    a.intersection, a.camera, a.device, a.detail, a.acknowledged_at, a.snoozed_until, a.level,
    case when a.lon is not null and a.lat is not null then array[a.lon, a.lat] end as position,
    by.name as acknowledged_by, assignee.name as assigned_to
from alarm a
left join account by on by.id = a.acknowledged_by
left join account assignee on assignee.id = a.assigned_to
where (%(ids)s::uuid[] is null or a.id = any(%(ids)s::uuid[]))
    and (%(states)s::text[] is null or a.state = any(%(states)s::text[]))
    and (%(districts)s::text[] is null or a.districts && %(districts)s::text[])
order by
    (a.state = 'closed'), (a.state = 'acknowledged'), (a.severity <> 'critical'), a.raised_at desc, a.id
limit %(rows)s;

-- name: alarm_entries
-- What was done about an alarm, in order.
select e.at, by.name as actor, e.what, e.text
from alarm_entry e left join account by on by.id = e.actor
where e.alarm = %(id)s
order by e.id;
