-- Cases: from the first report to the rating. What the stages allow is told in command/cases/stages.py; the
-- database keeps by itself that no case is closed without feedback and a verification by somebody else, and
-- that nothing in a history is changed.

create sequence case_number;

create table city_case (
    id uuid primary key,
    number text not null unique default to_char(now() at time zone 'UTC', 'YYYY')
        || lpad(nextval('case_number')::text, 7, '0'),
    is_demonstration boolean not null default false,
    class text not null references case_class,
    source text not null check (source in ('camera', 'worker', 'citizen', 'open311', 'sensor', 'operator')),
    stage text not null check (stage in (
        'collect', 'file', 'dispatch', 'handle', 'report_back', 'verify', 'evaluate', 'dismissed', 'merged'
    )),
    severity text not null check (severity in ('low', 'normal', 'high')),
    text text not null,
    lon double precision not null,
    lat double precision not null,
    address text not null default '',
    cell text references grid_cell,
    districts text[] not null default array[]::text[],
    component text references component,
    alarm uuid,
    merged_into uuid references city_case,
    created_at timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    checked boolean,
    filed_at timestamptz,
    dispatched_at timestamptz,
    handling_at timestamptz,
    feedback_at timestamptz,
    verified_at timestamptz,
    closed_at timestamptz,
    acceptor uuid references account,
    department text,
    handler uuid references account,
    handled_by uuid[] not null default array[]::uuid[],
    feedback_by uuid references account,
    verified_by uuid references account,
    closed_by uuid references account,
    returns integer not null default 0,
    round integer not null default 1,
    clock text not null check (clock in ('continuous', 'working_hours', 'working_days')),
    limit_s integer not null check (limit_s > 0),
    due_at timestamptz,
    suspended_at timestamptz,
    suspensions integer not null default 0 check (suspensions <= 1),
    extensions integer not null default 0 check (extensions <= 2),
    overdue_at timestamptz,
    appeal text not null default 'none' check (appeal in ('none', 'asked', 'granted', 'refused')),
    reminded_at timestamptz,
    level integer not null default 0,
    escalated_at timestamptz,
    rating integer check (rating between 1 and 5),
    rated_at timestamptz,
    check (stage <> 'evaluate' or (
        feedback_at is not null and verified_at is not null and closed_by is not null
        and verified_by <> all (handled_by) and closed_by <> all (handled_by)
    )),
    check ((stage = 'merged') = (merged_into is not null))
);
create index city_case_open on city_case (created_at) where closed_at is null;
create index city_case_place on city_case (lon, lat, created_at);
create index city_case_due on city_case (due_at) where closed_at is null and due_at is not null;
create index city_case_changed on city_case (changed_at desc, id);

create function case_goes_its_way() returns trigger language plpgsql as $$
begin
    if old.stage <> new.stage and (old.stage || '>' || new.stage) not in (
        'collect>file', 'collect>dismissed', 'collect>merged', 'file>dispatch', 'file>dismissed', 'file>merged',
        'dispatch>handle', 'dispatch>file', 'handle>report_back', 'handle>file', 'report_back>verify',
        'report_back>handle', 'verify>evaluate', 'verify>handle', 'evaluate>file'
    ) then
        raise exception 'a case does not go from % to %', old.stage, new.stage using errcode = 'check_violation';
    end if;
    if old.overdue_at is not null and new.overdue_at is distinct from old.overdue_at then
        raise exception 'that a case was overdue is kept' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
create trigger case_stages before update on city_case for each row execute function case_goes_its_way();

create function case_is_kept() returns trigger language plpgsql as $$
begin
    if old.closed_at is null or old.closed_at > now() - interval '30 days' then
        raise exception 'an open case, or one closed of late, is kept' using errcode = 'insufficient_privilege';
    end if;
    return old;
end
$$;
create trigger case_stays before delete on city_case for each row execute function case_is_kept();

create table case_entry (
    id bigint generated always as identity primary key,
    case_id uuid not null references city_case on delete cascade,
    at timestamptz not null,
    actor uuid references account,
    what text not null check (what <> ''),
    text text not null default '',
    digest bytea not null check (octet_length(digest) = 32)
);
create index case_entry_case on case_entry (case_id, id);
comment on column case_entry.digest is
    'SHA-256 of the entry, which stands in the audit chain too: `citybrain cases verify` compares them.';

create function case_history_is_kept() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and not exists (select from city_case where id = old.case_id) then
        return old; -- retention let go of the whole case
    end if;
    raise exception 'the history of a case is append-only: % is not possible', lower(tg_op)
        using errcode = 'insufficient_privilege';
end
$$;
create trigger case_entries_are_kept before update or delete on case_entry
    for each row execute function case_history_is_kept();
create trigger case_history_is_not_emptied before truncate on case_entry
    for each statement execute function case_history_is_kept();
revoke update, truncate on case_entry from public;
do $$
begin
    execute format('revoke update, truncate on case_entry from %I', current_user);
end
$$;

create table case_report (
    id uuid primary key,
    case_id uuid not null references city_case on delete cascade,
    at timestamptz not null default now(),
    source text not null,
    account uuid references account,
    text text not null default '',
    follow_hash bytea unique,
    contact_sealed bytea
);
create index case_report_case on case_report (case_id, at);
create index case_report_account on case_report (account) where account is not null;
comment on table case_report is
    'Everybody who reported it; `id` is the sender''s own, so that one report is one report.';

create table case_note (
    id bigint generated always as identity primary key,
    report uuid not null references case_report on delete cascade,
    at timestamptz not null default now(),
    what text not null
);
create index case_note_report on case_note (report, id);
comment on table case_note is 'What a reporter is told, by the follow link or the inbox.';

create table case_duplicate (
    case_id uuid not null references city_case on delete cascade,
    other uuid not null references city_case on delete cascade,
    distance_m double precision not null,
    primary key (case_id, other)
);

create table case_task (
    id uuid primary key,
    case_id uuid not null references city_case on delete cascade,
    kind text not null check (kind in ('check', 'verify', 'handle')),
    worker uuid not null references account,
    state text not null check (state in ('offered', 'accepted', 'refused', 'done', 'withdrawn')),
    must_accept boolean not null default false,
    offered_at timestamptz not null default now(),
    due_at timestamptz,
    answered_at timestamptz,
    on_scene_at timestamptz,
    done_at timestamptz,
    check_in_at timestamptz,
    check_in_told_at timestamptz,
    reason text not null default '',
    answer boolean,
    why jsonb not null default '{}'
);
create unique index case_task_open on case_task (case_id, kind) where state in ('offered', 'accepted');
create index case_task_worker on case_task (worker, state);
comment on column case_task.why is 'Why this worker: what was known of all who could be sent, at that moment.';
