-- name: case_hold
-- A case, held until the transaction ends.
select * from city_case where id = %(id)s for update;

-- name: case_add
-- A new case.
insert into city_case (
    id, is_demonstration, class, source, stage, severity, text, lon, lat, address, cell, districts, component, alarm,
    clock, limit_s
)
values (
    %(id)s, %(is_demonstration)s, %(class)s, %(source)s, 'collect', %(severity)s, %(text)s, %(lon)s, %(lat)s,
    %(address)s, %(cell)s, %(districts)s, %(component)s, %(alarm)s, %(clock)s, %(limit_s)s
)
returning *;

-- name: case_set
-- What a deed changed.
update city_case set
    stage = %(stage)s, checked = %(checked)s, acceptor = %(acceptor)s, department = %(department)s,
    handler = %(handler)s, handled_by = %(handled_by)s, feedback_by = %(feedback_by)s,
    verified_by = %(verified_by)s, closed_by = %(closed_by)s, returns = %(returns)s, round = %(round)s,
    merged_into = %(merged_into)s, filed_at = %(filed_at)s, dispatched_at = %(dispatched_at)s,
    handling_at = %(handling_at)s, feedback_at = %(feedback_at)s, verified_at = %(verified_at)s,
    closed_at = %(closed_at)s, due_at = %(due_at)s, suspended_at = %(suspended_at)s,
    suspensions = %(suspensions)s, extensions = %(extensions)s, overdue_at = %(overdue_at)s, appeal = %(appeal)s,
    reminded_at = %(reminded_at)s, level = %(level)s, escalated_at = %(escalated_at)s, rating = %(rating)s,
    rated_at = %(rated_at)s, changed_at = greatest(clock_timestamp(), changed_at + interval '1 microsecond')
where id = %(id)s
returning *;

-- name: case_touch
-- It changed beside its columns.
update city_case set changed_at = greatest(clock_timestamp(), changed_at + interval '1 microsecond') where id = %(id)s;

-- name: case_entry_add
-- One line of its history.
insert into case_entry (case_id, at, actor, what, text, digest)
values (%(case_id)s, %(at)s, %(actor)s, %(what)s, %(text)s, %(digest)s);

-- name: case_entries_all
-- All histories with what the audit says of each line.
select e.id, e.case_id, e.at, e.actor, e.what, e.text, e.digest from case_entry e order by e.case_id, e.id;

-- name: case_digests
-- What the audit says of the histories.
select subject, details from audit where subject like 'case/%%' order by seq;

-- name: report_find
-- A report by its sender's own id.
select r.*, c.number from case_report r join city_case c on c.id = r.case_id where r.id = %(id)s;

-- name: report_lock
-- Reports of one id wait for each other, and so do reports of one place and class.
select pg_advisory_xact_lock(hashtextextended(%(key)s, 50));

-- name: report_add
-- One report of a case.
insert into case_report (id, case_id, source, account, text, follow_hash, contact_sealed)
values (%(id)s, %(case_id)s, %(source)s, %(account)s, %(text)s, %(follow_hash)s, %(contact_sealed)s);

-- name: reports_move
-- All reports of one case are reports of another.
update case_report set case_id = %(into)s where case_id = %(id)s returning id, account;

-- name: attachments_move
-- Pictures too.
update attachment set case_id = %(into)s where case_id = %(id)s;

-- name: report_of_account
-- Whether this account reported it.
select id from case_report where case_id = %(case)s and account = %(account)s limit 1;

-- name: report_accounts
-- Accounts that reported it.
select distinct account from case_report where case_id = %(case)s and account is not null;

-- name: notes_add
-- Every reporter of a case is told.
insert into case_note (report, what) select id, %(what)s from case_report where case_id = %(case)s;

-- name: duplicates_find
-- Cases of the class within a box and a time, not ended.
select id, lon, lat, number from city_case
where class = %(class)s and id <> %(id)s and created_at > now() - %(within)s::interval
    and stage not in ('dismissed', 'merged', 'evaluate')
    and lon between %(west)s and %(east)s and lat between %(south)s and %(north)s
order by created_at limit 20;

-- name: duplicate_add
-- A proposal.
insert into case_duplicate (case_id, other, distance_m) values (%(id)s, %(other)s, %(distance_m)s)
on conflict do nothing;

-- name: class_find
-- A class in use.
select * from case_class where code = %(code)s and retired_at is null;

-- name: class_of_event
-- The class that an event of this kind is a case of.
select * from case_class where %(kind)s = any(event_kinds) and retired_at is null order by code limit 1;

-- name: class_put
-- A class, new or changed.
insert into case_class (
    code, kind, major, major_zh, name, name_zh, severity, clock, limit_s, owner, routing, filing, closing, skill,
    is_checked, is_public, event_kinds, keywords
)
values (
    %(code)s, %(kind)s, %(major)s, %(major_zh)s, %(name)s, %(name_zh)s, %(severity)s, %(clock)s, %(limit_s)s,
    %(owner)s, %(routing)s, %(filing)s, %(closing)s, %(skill)s, %(is_checked)s, %(is_public)s, %(event_kinds)s,
    %(keywords)s
)
on conflict (code) do update set
    major = excluded.major, major_zh = excluded.major_zh, name = excluded.name, name_zh = excluded.name_zh,
    severity = excluded.severity, clock = excluded.clock, limit_s = excluded.limit_s, owner = excluded.owner,
    routing = excluded.routing, filing = excluded.filing, closing = excluded.closing, skill = excluded.skill,
    is_checked = excluded.is_checked, is_public = excluded.is_public, event_kinds = excluded.event_kinds,
    keywords = excluded.keywords, retired_at = null;

-- name: class_retire
-- Classes that are no longer in the spreadsheet.
update case_class set retired_at = now() where code <> all(%(codes)s) and retired_at is null returning code;

-- name: class_any
-- Whether there are classes; whoever asks holds the lock of the first start until its transaction ends.
select exists (select from case_class) as any, exists (select from grid_cell) as has_grid
from pg_advisory_xact_lock(5050);

-- name: cell_at
-- The cell of a place.
select g.code, r.worker from grid_cell g left join responsibility_grid r on r.code = g.responsibility
where g.west <= %(lon)s and %(lon)s < g.east and g.south <= %(lat)s and %(lat)s < g.north
order by g.code limit 1;

-- name: cell_put
-- A cell, new or moved.
insert into grid_cell (code, west, south, east, north)
values (%(code)s, %(west)s, %(south)s, %(east)s, %(north)s)
on conflict (code) do update set
    west = excluded.west, south = excluded.south, east = excluded.east, north = excluded.north;

-- name: cells_bind
-- Cells whose code begins so belong to a responsibility grid.
update grid_cell set responsibility = %(grid)s where code like %(prefix)s || '%%' returning code;

-- name: responsibility_put
-- A responsibility grid and its worker.
insert into responsibility_grid (code, name, worker) values (%(code)s, %(name)s, %(worker)s)
on conflict (code) do update set name = excluded.name, worker = excluded.worker;

-- name: territory_put
-- The department of all cells whose code begins so.
insert into territory (prefix, department) values (%(prefix)s, %(department)s)
on conflict (prefix) do update set department = excluded.department;

-- name: territory_at
-- The department of a cell.
select department from territory where starts_with(%(cell)s, prefix) order by length(prefix) desc limit 1;

-- name: component_find
-- A component.
select * from component where code = %(code)s;

-- name: component_put
-- A component, new or changed.
insert into component (code, class, name, owner, lon, lat, cell)
values (%(code)s, %(class)s, %(name)s, %(owner)s, %(lon)s, %(lat)s, (
    select code from grid_cell where west <= %(lon)s and %(lon)s < east and south <= %(lat)s and %(lat)s < north
    order by code limit 1
))
on conflict (code) do update set
    class = excluded.class, name = excluded.name, owner = excluded.owner, lon = excluded.lon, lat = excluded.lat,
    cell = excluded.cell;

-- name: component_count
-- The last sequence of a class in a county.
select coalesce(max(right(code, 5)::int), 0) as last from component where code like %(prefix)s || '%%';

-- name: worker_put
-- Somebody who can be sent.
insert into field_worker (account, skills) values (%(account)s, %(skills)s)
on conflict (account) do update set skills = excluded.skills;

-- name: worker_ensure
-- Somebody who goes on duty can be sent.
insert into field_worker (account) values (%(account)s) on conflict do nothing;

-- name: worker_find
-- One worker, held.
select * from field_worker where account = %(account)s for update;

-- name: worker_duty
-- On or off duty; off duty nobody knows where they are.
update field_worker set
    duty_since = case when %(on)s and not on_duty then now() when %(on)s then duty_since end,
    rested_at = case when not %(on)s then now() else rested_at end,
    lon = case when %(on)s then lon end, lat = case when %(on)s then lat end,
    accuracy_m = case when %(on)s then accuracy_m end, position_at = case when %(on)s then position_at end,
    on_duty = %(on)s
where account = %(account)s
returning on_duty, duty_since, skills, position_at;

-- name: worker_place
-- The latest position; an older one changes nothing.
update field_worker set lon = %(lon)s, lat = %(lat)s, accuracy_m = %(accuracy_m)s, position_at = %(at)s
where account = %(account)s and on_duty and (position_at is null or position_at < %(at)s)
returning account;

-- name: position_add
-- Where somebody was on duty.
insert into worker_position (account, at, lon, lat, accuracy_m)
values (%(account)s, %(at)s, %(lon)s, %(lat)s, %(accuracy_m)s)
on conflict do nothing;

-- name: units
-- Everybody who can be sent, for ranking.
select w.account as worker, a.name, a.roles, a.districts, a.department, w.on_duty, w.duty_since, w.rested_at, w.skills,
    w.lon, w.lat, w.position_at,
    (select count(*) from case_task t where t.worker = w.account and t.state in ('offered', 'accepted')) as tasks
from field_worker w join account a on a.id = w.account
where a.disabled_at is null and a.roles && %(roles)s::text[]
    and (%(department)s::text is null or a.department = %(department)s);

-- name: task_add
-- Somebody is asked.
insert into case_task (id, case_id, kind, worker, state, must_accept, due_at, why, check_in_at)
values (
    %(id)s, %(case_id)s, %(kind)s, %(worker)s, 'offered', %(must_accept)s, %(due_at)s, %(why)s,
    case when %(must_accept)s then now() + %(answer)s::interval end
);

-- name: task_hold
-- A task, held until the transaction ends.
select * from case_task where id = %(id)s for update;

-- name: task_of_case
-- The open task of a kind.
select * from case_task where case_id = %(case)s and kind = %(kind)s and state in ('offered', 'accepted') for update;

-- name: task_refusers
-- Who refused it before.
select worker from case_task where case_id = %(case)s and kind = %(kind)s and state = 'refused';

-- name: task_answer
-- Accepted or refused.
update case_task set state = %(state)s, answered_at = now(), reason = %(reason)s,
    check_in_at = case when %(state)s = 'accepted' then now() + %(check_in)s::interval end
where id = %(id)s;

-- name: task_check_in
-- Somebody says that all is well, and by when they will again.
update case_task set check_in_at = now() + %(check_in)s::interval, check_in_told_at = null,
    on_scene_at = case when %(on_scene)s then coalesce(on_scene_at, now()) else on_scene_at end
where id = %(id)s;

-- name: task_done
-- What came of it.
update case_task set state = 'done', done_at = now(), answer = %(answer)s, check_in_at = null where id = %(id)s;

-- name: tasks_withdraw
-- Nobody needs to do it any more.
update case_task set state = 'withdrawn', done_at = now(), reason = %(reason)s, check_in_at = null
where case_id = %(case)s and state in ('offered', 'accepted') and (%(kind)s::text is null or kind = %(kind)s)
returning id, worker;

-- name: check_ins_missed
-- Who did not check in; told once.
update case_task set check_in_told_at = now()
where state in ('offered', 'accepted') and check_in_at < now() and check_in_told_at is null
returning id, case_id, worker;

-- name: cases_due
-- Open cases whose clock runs.
select * from city_case
where closed_at is null and suspended_at is null and due_at is not null
    and stage not in ('dismissed', 'merged', 'evaluate')
    and (reminded_at is null or (due_at < now() and level < 3
        and (escalated_at is null or escalated_at < now() - %(again)s::interval)))
order by due_at limit 200 for update skip locked;

-- name: accounts_of_roles
-- Accounts with one of the roles that see one of the districts.
select id, name, districts from account
where disabled_at is null and roles && %(roles)s::text[]
    and (%(department)s::text is null or department = %(department)s)
    and (districts = array[]::text[] or districts && %(districts)s::text[]);

-- name: inbox_add
-- One message.
insert into inbox_message (account, kind, case_id, task, roll_call, text)
values (%(account)s, %(kind)s, %(case)s, %(task)s, %(roll_call)s, %(text)s)
returning id, at, kind, case_id as case, task, roll_call, text, read_at;

-- name: inbox_read
-- Messages up to a number are read.
update inbox_message set read_at = now() where account = %(account)s and id <= %(up_to)s and read_at is null returning id;

-- name: roll_call_add
-- A roll-call.
insert into roll_call (id, by, ends_at, text) values (%(id)s, %(by)s, now() + %(lasts)s::interval, %(text)s);

-- name: roll_call_ask
-- Everybody on duty in these districts is asked.
insert into roll_call_presence (roll_call, account)
select %(id)s, w.account from field_worker w join account a on a.id = w.account
where w.on_duty and a.disabled_at is null
    and (%(districts)s::text[] is null or a.districts && %(districts)s::text[])
returning account;

-- name: roll_call_answer
-- Present.
update roll_call_presence p set answered_at = coalesce(p.answered_at, now()), lon = w.lon, lat = w.lat
from roll_call r, field_worker w
where r.id = p.roll_call and w.account = p.account and p.roll_call = %(id)s and p.account = %(account)s
    and r.ends_at > now()
returning p.answered_at;

-- name: offline_find
-- The answer to an item that came before.
select answer from offline_item where account = %(account)s and id = %(id)s;

-- name: offline_keep
-- The answer to an item, for when it comes again.
insert into offline_item (account, id, answer) values (%(account)s, %(id)s, %(answer)s) on conflict do nothing;

-- name: upload_add
-- Bytes are about to come.
insert into upload (id, account, case_id, kind, media_type, size)
values (%(id)s, %(account)s, %(case)s, %(kind)s, %(media_type)s, %(size)s)
on conflict (id) do nothing;

-- name: upload_hold
-- An upload, held until the transaction ends.
select * from upload where id = %(id)s and account = %(account)s for update;

-- name: upload_part_add
-- The next bytes.
insert into upload_part (upload, at_byte, content) values (%(id)s, %(at)s, %(content)s);

-- name: upload_received
-- So many are here.
update upload set received = %(received)s where id = %(id)s;

-- name: upload_parts
-- All bytes in order.
select content from upload_part where upload = %(id)s order by at_byte;

-- name: upload_done
-- It is an attachment now; its raw bytes go.
with gone as (delete from upload_part where upload = %(id)s)
update upload set done_at = now() where id = %(id)s;

-- name: attachment_add
-- A picture or voice note.
insert into attachment (
    id, case_id, report, account, kind, media_type, content, size, sha256, taken_at, lon, lat
)
values (
    %(id)s, %(case_id)s, %(report)s, %(account)s, %(kind)s, %(media_type)s, %(content)s, %(size)s, %(sha256)s,
    %(taken_at)s, %(lon)s, %(lat)s
)
on conflict (id) do nothing
returning id;

-- name: attachment_find
-- A picture or voice note.
select id, case_id, account, kind, media_type, content from attachment where id = %(id)s;

-- name: attachment_count
-- How many a case or report has.
select count(*) as number from attachment
where (%(case)s::uuid is not null and case_id = %(case)s) or (%(report)s::uuid is not null and report = %(report)s);

-- name: wave_add
-- A green wave for a call.
insert into green_wave (id, call, emergency, opened_by, expires_at, request, path, way)
values (%(id)s, %(call)s, %(emergency)s, %(opened_by)s, %(expires_at)s, %(request)s, %(path)s, %(way)s)
on conflict (call) do nothing
returning *;

-- name: wave_find
-- The green wave of a call, held.
select * from green_wave where call = %(call)s for update;

-- name: wave_end
-- It is over.
update green_wave set ended_at = now(), reason = %(reason)s where id = %(id)s;

-- name: case_purge
-- Cases that ended before a time, with all that belongs to them.
with gone as (select id from city_case where coalesce(closed_at, changed_at) < %(before)s
    and stage in ('evaluate', 'dismissed', 'merged')
    and not exists (select from city_case o where o.merged_into = city_case.id))
delete from city_case where id in (select id from gone) and closed_at is not null returning 1 as gone;

-- name: attachment_purge
-- Pictures and voice of cases that ended before a time.
delete from attachment a where a.created_at < %(before)s
    and not exists (select from city_case c where c.id = a.case_id and c.closed_at is null)
returning 1 as gone;

-- name: upload_purge
-- Uploads begun before a time.
delete from upload where created_at < %(before)s returning 1 as gone;

-- name: position_purge
-- Where workers were before a time.
delete from worker_position where at < %(before)s returning 1 as gone;

-- name: inbox_purge
-- Messages from before a time.
delete from inbox_message where at < %(before)s returning 1 as gone;

-- name: roll_call_purge
-- Roll-calls from before a time.
delete from roll_call where at < %(before)s returning 1 as gone;

-- name: offline_purge
-- Answers to phones from before a time.
delete from offline_item where at < %(before)s returning 1 as gone;

-- name: contact_purge
-- How to reach reporters of cases that ended before a time.
update case_report r set contact_sealed = null from city_case c
where c.id = r.case_id and c.closed_at < %(before)s and r.contact_sealed is not null
returning 1 as gone;

-- name: wave_purge
-- Green waves that ended before a time.
delete from green_wave where ended_at < %(before)s returning 1 as gone;

-- name: class_of_case
-- The class of a case, also one that is out of use.
select k.* from city_case c join case_class k on k.code = c.class where c.id = %(id)s;

-- name: task_see
-- The case of one's own task.
select case_id from case_task where id = %(id)s and worker = %(worker)s;

-- name: case_of_alarm
-- The case that an alarm became, unless it was dismissed.
select * from city_case where alarm = %(alarm)s and stage <> 'dismissed' order by created_at limit 1;

-- name: tasks_taken
-- What a worker has accepted and not done.
select id from case_task where worker = %(worker)s and state = 'accepted' limit 1;

-- name: worker_row
-- One worker as the list of workers tells them.
select a.id, a.name, a.department, w.skills, w.on_duty, w.duty_since, w.rested_at, w.lon, w.lat, w.position_at,
    (select count(*) from case_task t where t.worker = a.id and t.state in ('offered', 'accepted')) as tasks
from account a join field_worker w on w.account = a.id where a.id = %(account)s;

-- name: follow_taken
-- Whether a follow link has this secret already.
select id from case_report where follow_hash = %(hash)s;

-- name: wave_turn
-- Another way.
update green_wave set path = %(path)s, way = %(way)s where id = %(id)s returning *;

-- name: grid_summary
-- Communities with their cells, by responsibility grid.
select left(g.code, 12) as community, coalesce(g.responsibility, '') as grid, coalesce(a.name, '') as worker,
    count(*) as cells
from grid_cell g
left join responsibility_grid r on r.code = g.responsibility
left join account a on a.id = r.worker
group by 1, 2, 3 order by 1, 2;

-- name: class_all
-- Classes in use, for the command line.
select code, name, severity, clock, limit_s, owner, routing, skill, is_checked, is_public
from case_class where retired_at is null order by code;

-- name: worker_all
-- Who can be sent, for the command line: not where.
select a.name, a.department, w.skills, w.on_duty,
    (select count(*) from case_task t where t.worker = a.id and t.state in ('offered', 'accepted')) as tasks
from field_worker w join account a on a.id = w.account where a.disabled_at is null order by a.name;

-- name: demo_grid
-- The communities of the demonstration.
select distinct left(code, 12) as community from grid_cell where starts_with(code, %(prefix)s) order by 1;

-- name: demo_backdate
-- A demonstration's case was reported at a time that was.
with reports as (update case_report set at = %(at)s where case_id = %(id)s),
notes as (
    update case_note n set at = %(at)s from case_report r where r.id = n.report and r.case_id = %(id)s
)
update city_case set created_at = %(at)s where id = %(id)s and is_demonstration;

-- name: demo_players
-- Where the demonstration's workers are, and the task that each does next.
select distinct on (w.account) w.account, array[w.lon, w.lat] as position, t.id as task, t.state, t.offered_at,
    t.answered_at, case when t.id is not null then array[c.lon, c.lat] end as goal
from field_worker w
left join case_task t on t.worker = w.account and t.state in ('offered', 'accepted')
left join city_case c on c.id = t.case_id
where w.account = any(%(accounts)s) and w.on_duty and w.lon is not null
order by w.account, t.state, t.offered_at;

-- name: sensor_case_open
-- An open case that a sensor reported here.
select id from city_case
where source = 'sensor' and class = %(class)s and closed_at is null
    and lon between %(west)s and %(east)s and lat between %(south)s and %(north)s
limit 1;

-- name: uploads_lately
-- How many uploads an account announced in a day.
select count(*) as number from upload where account = %(account)s and created_at > now() - interval '1 day';
