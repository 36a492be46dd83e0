-- name: alarm_events
-- Events that ask for somebody and are not, or not as they are now, in an alarm; oldest first.
select
    t.device, t.event, t.kind, t.severity, t.start_at, t.end_at, t.intersection, t.camera, t.detail, t.stored_at,
    case when t.lon is not null and t.lat is not null then array[t.lon, t.lat] end as position,
    a.alarm
from traffic_event t left join alarm_event a on a.device = t.device and a.event = t.event
where t.stored_at > coalesce(%(since)s::timestamptz, now() - interval '1 day') and t.severity <> 'info'
    and (a.alarm is null or a.end_at is distinct from t.end_at or a.severity <> t.severity)
    and (a.alarm is not null or t.end_at is null or t.end_at > now() - interval '1 hour')
order by t.start_at, t.device, t.event
limit 500;

-- name: alarm_lock
-- Alarms are raised by one server at a time.
select pg_advisory_xact_lock(4042);

-- name: alarm_raised_lately
-- How many alarms were raised in the last minute.
select count(*)::integer as number from alarm where raised_at > now() - interval '1 minute';

-- name: alarm_of_key
-- The alarm that an event of this key joins: one that is not closed, else one that ended a short while ago.
select * from alarm
where key = %(key)s and (state <> 'closed' or coalesce(ended_at, changed_at) > now() - %(bundle)s::interval)
order by (state = 'closed'), raised_at desc
limit 1
for update;

-- name: alarm_raise
-- A new alarm.
insert into alarm (
    id, key, kind, severity, state, raised_at, last_at, ended_at, districts, intersection, camera, device,
    lon, lat, detail
)
values (
    %(id)s, %(key)s, %(kind)s, %(severity)s, 'open', now(), %(start_at)s, %(end_at)s, %(districts)s,
    %(intersection)s, %(camera)s, %(device)s, %(lon)s, %(lat)s, %(detail)s
);

-- name: alarm_join
-- One more event of an alarm, which is open again where that event is worse or the alarm was closed.
update alarm set
    events = events + 1, last_at = greatest(last_at, %(start_at)s), severity = %(severity)s, state = %(state)s,
    detail = %(detail)s, changed_at = now(),
    acknowledged_by = case when %(state)s = 'open' then null else acknowledged_by end,
    acknowledged_at = case when %(state)s = 'open' then null else acknowledged_at end
where id = %(id)s;

-- name: alarm_event_keep
-- The event as it is now, in its alarm.
insert into alarm_event (device, event, alarm, severity, start_at, end_at)
values (%(device)s, %(event)s, %(alarm)s, %(severity)s, %(start_at)s, %(end_at)s)
on conflict (device, event) do update set severity = excluded.severity, end_at = excluded.end_at;

-- name: alarm_settle
-- An alarm's end and severity, as its events say.
update alarm a set
    ended_at = e.ended_at, changed_at = now(),
    severity = case when a.severity = 'critical' or e.is_critical then 'critical' else a.severity end
from (
    select
        case when bool_and(end_at is not null) then max(end_at) end as ended_at,
        bool_or(severity = 'critical') as is_critical
    from alarm_event where alarm = %(id)s
) e
where a.id = %(id)s;

-- name: alarm_close_ended
-- What was acknowledged and ended a while ago is closed by itself.
update alarm set state = 'closed', changed_at = now()
where state = 'acknowledged' and ended_at < now() - %(bundle)s::interval
returning id;

-- name: alarm_escalate
-- What nobody acknowledged for so long goes one level up, three at most.
update alarm set level = level + 1, escalated_at = now(), changed_at = now()
where state = 'open' and level < 3
    and greatest(raised_at, escalated_at, snoozed_until) < now() - %(after)s::interval
returning id;

-- name: alarm_entry_add
-- What was done about an alarm.
insert into alarm_entry (alarm, actor, what, text) values (%(alarm)s, %(actor)s, %(what)s, %(text)s);

-- name: alarm_hold
-- An alarm, held until the transaction ends.
select * from alarm where id = %(id)s for update;

-- name: alarm_acknowledge
-- Somebody takes note.
update alarm set state = 'acknowledged', acknowledged_by = %(actor)s, acknowledged_at = now(),
    snoozed_until = null, changed_at = now()
where id = %(id)s;

-- name: alarm_assign
-- Somebody, or with null nobody, is to see to it.
update alarm set assigned_to = %(to)s, changed_at = now() where id = %(id)s;

-- name: alarm_snooze
-- Not to be shown or escalated for a while.
update alarm set snoozed_until = now() + %(lasts)s::interval, changed_at = now() where id = %(id)s;

-- name: alarm_close
-- It is over.
update alarm set state = 'closed', changed_at = now() where id = %(id)s;

-- name: alarm_touch
-- Something was said of it.
update alarm set changed_at = now() where id = %(id)s;

-- name: alarm_purge
-- Alarms that were closed before a time.
delete from alarm where state = 'closed' and changed_at < %(before)s returning 1 as gone;
