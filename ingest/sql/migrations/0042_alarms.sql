-- Alarms: what the events of one kind at one place ask of an operator, and everything done about it.

create table alarm (
    id uuid primary key,
    key text not null,
    kind text not null,
    severity text not null check (severity in ('info', 'warning', 'critical')),
    state text not null check (state in ('open', 'acknowledged', 'closed')),
    raised_at timestamptz not null,
    last_at timestamptz not null,
    ended_at timestamptz,
    changed_at timestamptz not null default now(),
    events integer not null default 1 check (events > 0),
    districts text[] not null default array[]::text[],
    intersection text,
    camera text,
    device text not null,
    lon double precision,
    lat double precision,
    detail text not null default '',
    acknowledged_by uuid references account,
    acknowledged_at timestamptz,
    assigned_to uuid references account,
    snoozed_until timestamptz,
    level integer not null default 0 check (level >= 0),
    escalated_at timestamptz,
    check ((acknowledged_at is null) = (acknowledged_by is null))
);
create unique index alarm_open_key on alarm (key) where state <> 'closed';
create index alarm_raised on alarm (raised_at desc);

create table alarm_event (
    device text not null,
    event text not null,
    alarm uuid not null references alarm on delete cascade,
    severity text not null,
    start_at timestamptz not null,
    end_at timestamptz,
    primary key (device, event)
);
create index alarm_event_alarm on alarm_event (alarm);

create table alarm_entry (
    id bigint generated always as identity primary key,
    alarm uuid not null references alarm on delete cascade,
    at timestamptz not null default now(),
    actor uuid references account,
    what text not null,
    text text not null default ''
);
create index alarm_entry_alarm on alarm_entry (alarm, id);

create index traffic_event_stored on traffic_event (stored_at);
