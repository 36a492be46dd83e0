-- name: case_list
-- Cases that somebody may see, the latest change first, one page after the cursor; or those of the given ids.
select
    c.*, a.name as acceptor_name, h.name as handler_name, v.name as verified_by_name,
    array[c.lon, c.lat] as position,
    (select count(*) from case_report r where r.case_id = c.id) as reports
from city_case c
join case_class k on k.code = c.class
left join account a on a.id = c.acceptor
left join account h on h.id = c.handler
left join account v on v.id = c.verified_by
where (%(ids)s::uuid[] is null or c.id = any(%(ids)s::uuid[]))
    and (%(stages)s::text[] is null or c.stage = any(%(stages)s::text[]))
    and (%(classes)s::text[] is null or c.class = any(%(classes)s::text[]))
    and (%(number)s::text is null or c.number = %(number)s)
    and (%(cell)s::text is null or c.cell like %(cell)s || '%%')
    and (%(overdue)s::boolean is null
        or (c.overdue_at is not null or (c.closed_at is null and c.suspended_at is null and c.due_at < now()))
            = %(overdue)s)
    and (%(in_district)s::text is null or %(in_district)s = any(c.districts))
    and (%(of_department)s::text is null or c.department = %(of_department)s)
    and (%(mine)s::uuid is null
        or c.acceptor = %(mine)s
        or exists (select from case_report r where r.case_id = c.id and r.account = %(mine)s)
        or exists (select from case_entry e where e.case_id = c.id and e.actor = %(mine)s))
    and (%(text)s::text is null
        or position(lower(%(text)s) in lower(
            concat_ws(' ', c.number, c.text, c.address, c.cell, c.class, k.name, k.name_zh))) > 0)
    and (%(districts)s::text[] is null or c.districts && %(districts)s::text[])
    and (
        %(sees_all)s
        or c.id = any(array(
            select case_id from case_report where account = %(account)s
            union select case_id from case_task where worker = %(account)s and state <> 'refused'
            union select id from city_case where department = %(department)s::text
        ))
    )
    and (
        %(after_at)s::timestamptz is null
        or (c.changed_at, c.id) < (%(after_at)s, %(after_id)s::uuid)
    )
order by c.changed_at desc, c.id desc
limit %(rows)s;

-- name: case_standing
-- What decides what somebody may do with a case, beside its own row.
select k.is_checked, exists (select from case_report r where r.case_id = c.id and r.account = %(account)s) as is_reporter
from city_case c join case_class k on k.code = c.class where c.id = %(id)s;

-- name: case_entries
-- The history of a case, in order.
select e.id, e.at, coalesce(by.name, null) as actor, e.what, e.text
from case_entry e left join account by on by.id = e.actor
where e.case_id = %(id)s order by e.id;

-- name: case_reports
-- Everybody who reported a case, oldest first; not who.
select at, source, text, account is not null as by_account from case_report where case_id = %(id)s order by at, id;

-- name: case_attachments
-- Pictures and voice of a case.
select id, kind, media_type, size, taken_at, created_at,
    case when lon is not null and lat is not null then array[lon, lat] end as position
from attachment where case_id = %(id)s order by created_at, id;

-- name: case_duplicates
-- What may be the same case.
select o.id as case, o.number, o.stage, d.distance_m, o.created_at
from case_duplicate d join city_case o on o.id = case when d.case_id = %(id)s then d.other else d.case_id end
where (d.case_id = %(id)s or d.other = %(id)s) and o.stage not in ('merged', 'dismissed')
order by d.distance_m, o.id;

-- name: task_list
-- Tasks of a worker or of a case, open ones first, then the soonest due.
select
    t.id, t.case_id as case, c.number, c.class, t.kind, t.state, c.severity, array[c.lon, c.lat] as position,
    c.address, c.text, w.name as worker, t.must_accept, t.offered_at, coalesce(t.due_at, c.due_at) as due_at,
    t.answered_at, t.on_scene_at, t.done_at, t.check_in_at, t.answer, t.reason,
    coalesce(t.why->>'reason', '') as why,
    case when t.kind = 'check' then k.filing else k.closing end as condition,
    t.kind = 'handle' as is_on_case_clock, c.clock, c.suspended_at, c.closed_at, c.due_at as case_due_at
from case_task t
join city_case c on c.id = t.case_id
join case_class k on k.code = c.class
join account w on w.id = t.worker
where (%(task)s::uuid is null or t.id = %(task)s)
    and (%(case)s::uuid is null or t.case_id = %(case)s)
    and (%(worker)s::uuid is null or t.worker = %(worker)s)
    and (%(states)s::text[] is null or t.state = any(%(states)s::text[]))
order by t.state not in ('offered', 'accepted'), coalesce(t.due_at, c.due_at) nulls last, t.offered_at desc, t.id
limit 200;

-- name: class_list
-- Classes in use.
select code, kind, major, major_zh, name, name_zh, severity, clock, limit_s, owner, routing, filing, closing,
    skill, is_checked, is_public, event_kinds, keywords
from case_class where retired_at is null and (not %(public)s or is_public) order by code;

-- name: cell_list
-- Cells that touch a box, by code.
select g.code, array[g.west, g.south] as low, array[g.east, g.north] as high, g.responsibility, a.name as worker
from grid_cell g
left join responsibility_grid r on r.code = g.responsibility
left join account a on a.id = r.worker
where g.east > %(west)s and g.west < %(east)s and g.north > %(south)s and g.south < %(north)s
order by g.code limit 2000;

-- name: component_list
-- Components in a box, by code.
select code, class, name, owner, array[lon, lat] as position, cell from component
where lon between %(west)s and %(east)s and lat between %(south)s and %(north)s
order by code limit 2000;

-- name: case_followed
-- The case behind a follow link: nothing of a person.
select c.id, c.number, c.class, c.stage, c.created_at, c.changed_at, c.closed_at, c.rating, c.due_at, c.merged_into,
    k.name, k.name_zh, r.id as report, r.at as reported_at, now() as now,
    (select count(*) from attachment a where a.report = r.id) as photos
from case_report r
join city_case c on c.id = r.case_id
join case_class k on k.code = c.class
where r.follow_hash = %(hash)s;

-- name: case_notes
-- What one reporter was told, in order.
select at, what from case_note where report = %(report)s order by id;

-- name: case_nearby
-- Open cases of public classes by cell and class: where they lie is told as the cell only.
select coalesce(c.cell, '') as cell, c.class, k.name, k.name_zh, count(*) as number,
    min(date_trunc('day', c.created_at)) as since,
    coalesce((g.west + g.east) / 2, round(avg(c.lon)::numeric, 3)::double precision) as lon,
    coalesce((g.south + g.north) / 2, round(avg(c.lat)::numeric, 3)::double precision) as lat
from city_case c
join case_class k on k.code = c.class and k.is_public
left join grid_cell g on g.code = c.cell
where c.closed_at is null and c.stage not in ('dismissed', 'merged')
    and c.lon between %(west)s and %(east)s and c.lat between %(south)s and %(north)s
group by c.cell, c.class, k.name, k.name_zh, g.west, g.east, g.south, g.north,
    case when c.cell is null then round(c.lon::numeric, 3) end, case when c.cell is null then round(c.lat::numeric, 3) end
order by cell, c.class limit 500;

-- name: open311_requests
-- Service requests by their time, newest first.
select
    c.id, c.number, c.class, c.stage, c.text, c.lon, c.lat, c.address, c.department, c.created_at, c.changed_at,
    c.due_at, c.closed_at, k.name, o.number as merged_number, o.closed_at as merged_closed_at, o.stage as merged_stage
from city_case c
join case_class k on k.code = c.class and k.is_public
left join city_case o on o.id = c.merged_into
where (%(numbers)s::text[] is null or c.number = any(%(numbers)s::text[]))
    and (%(classes)s::text[] is null or c.class = any(%(classes)s::text[]))
    and (%(from)s::timestamptz is null or c.created_at >= %(from)s)
    and (%(to)s::timestamptz is null or c.created_at <= %(to)s)
    and (
        %(open)s::boolean is null
        or %(open)s = (coalesce(o.closed_at, c.closed_at) is null
            and coalesce(o.stage, c.stage) not in ('dismissed', 'merged', 'evaluate'))
    )
order by c.created_at desc, c.id
limit 1000;

-- name: open311_token
-- The number of the case behind a token.
select c.number, c.stage from case_report r join city_case c on c.id = r.case_id where r.follow_hash = %(hash)s;

-- name: league
-- What departments or grids did with cases that were filed in a time: score 0 to 100.
select
    who, count(*) as filed, count(*) filter (where is_closed) as closed,
    count(*) filter (where is_overdue) as overdue,
    count(*) filter (where is_overdue and not counts_overdue) as exempted,
    coalesce(sum(returns), 0)::bigint as returns, count(*) filter (where round > 1) as reopened,
    avg(rating)::double precision as rating,
    percentile_cont(0.5) within group (order by took_s) filter (where is_closed) as median_s,
    (40 * count(*) filter (where is_closed) / count(*)::double precision
        + 40 * (1 - count(*) filter (where counts_overdue) / count(*)::double precision)
        + 20 * coalesce((avg(rating) - 1) / 4, 0.5)
    )::double precision as score
from (
    select
        case when %(by)s = 'department' then coalesce(c.department, '') else coalesce(g.responsibility, '') end as who,
        c.stage = 'evaluate' as is_closed,
        c.overdue_at is not null as is_overdue,
        c.overdue_at is not null and c.appeal <> 'granted' as counts_overdue,
        c.returns, c.round, c.rating,
        extract(epoch from c.closed_at - c.filed_at)::double precision as took_s
    from city_case c left join grid_cell g on g.code = c.cell
    where c.filed_at >= %(from)s and c.filed_at < %(to)s
        and (%(districts)s::text[] is null or c.districts && %(districts)s::text[])
) as counted
where who <> '' group by who order by score desc, who;

-- name: handling_times
-- From filing to closing of the cases that were closed in a time.
select
    count(*) as closed, avg(took_s)::double precision as mean_s,
    percentile_cont(0.1) within group (order by took_s) as p10_s,
    percentile_cont(0.5) within group (order by took_s) as p50_s,
    percentile_cont(0.9) within group (order by took_s) as p90_s
from (
    select extract(epoch from c.closed_at - c.filed_at)::double precision as took_s from city_case c
    where c.stage = 'evaluate' and c.closed_at >= %(from)s and c.closed_at < %(to)s
        and (%(class)s::text is null or c.class = %(class)s)
        and (%(districts)s::text[] is null or c.districts && %(districts)s::text[])
) as t;

-- name: handling_histogram
-- How many of them took up to so many hours.
select b.upper_h, count(t.took_s) as number
from unnest(array[1, 4, 8, 24, 48, 72, 120, 240, 480, 100000]) with ordinality as b (upper_h, place)
left join lateral (
    select extract(epoch from c.closed_at - c.filed_at) as took_s from city_case c
    where c.stage = 'evaluate' and c.closed_at >= %(from)s and c.closed_at < %(to)s
        and (%(class)s::text is null or c.class = %(class)s)
        and (%(districts)s::text[] is null or c.districts && %(districts)s::text[])
) as t on t.took_s <= b.upper_h * 3600
    and t.took_s > coalesce((array[0, 1, 4, 8, 24, 48, 72, 120, 240, 480])[b.place], 0) * 3600
group by b.upper_h, b.place order by b.place;

-- name: inbox_list
-- Messages of one account, newest first, before a number.
select id, at, kind, case_id as case, task, roll_call, text, read_at from inbox_message
where account = %(account)s and (%(before)s::bigint is null or id < %(before)s)
    and (not %(unread)s or read_at is null)
order by id desc limit %(rows)s;

-- name: worker_list
-- Everybody who can be sent, with what is known of where they are.
select a.id, a.name, a.roles, a.districts, a.department, w.skills, w.on_duty, w.duty_since, w.rested_at,
    w.lon, w.lat, w.accuracy_m, w.position_at,
    (select count(*) from case_task t where t.worker = a.id and t.state in ('offered', 'accepted')) as tasks
from field_worker w join account a on a.id = w.account
where a.disabled_at is null
order by a.name;

-- name: roll_call_find
-- A roll-call and who answered.
select r.id, r.at, r.ends_at, r.text, r.by, a.name as worker, p.answered_at,
    case when p.lon is not null then array[p.lon, p.lat] end as position
from roll_call r
left join roll_call_presence p on p.roll_call = r.id
left join account a on a.id = p.account
where r.id = %(id)s order by a.name;

-- name: offers_unanswered
-- Tasks that nobody answered in time.
select id, case_id from case_task
where state = 'offered' and not must_accept and offered_at < now() - %(after)s::interval
order by offered_at limit 50;

-- name: cases_alone
-- Cases that wait for somebody to be sent, and nobody was asked.
select c.id, case c.stage when 'collect' then 'check' when 'handle' then 'handle' else 'verify' end as kind
from city_case c
join case_class k on k.code = c.class
where c.closed_at is null and not c.is_demonstration and c.changed_at < now() - %(again)s::interval
    and (
        (c.stage = 'collect' and k.is_checked and c.checked is null)
        or (c.stage = 'handle' and c.suspended_at is null)
        or c.stage = 'report_back'
    )
    and not exists (select from case_task t where t.case_id = c.id and t.state in ('offered', 'accepted'))
    and exists (select from field_worker w where w.on_duty and w.position_at > now() - %(again)s::interval)
order by c.changed_at limit 20;

-- name: waves_open
-- Green waves that last.
select * from green_wave where ended_at is null order by opened_at;

-- name: sensor_lately
-- What each device said of a datastream lately, where it has said it all the time.
select device, min(unit) as unit, min(value) as low, max(value) as high,
    (array_agg(lon order by at desc))[1] as lon, (array_agg(lat order by at desc))[1] as lat
from sensor_observation
where datastream = %(datastream)s and at > now() - %(within)s::interval and at <= now()
group by device
having count(*) >= 2 and max(at) - min(at) >= %(within)s::interval / 2
order by device;
