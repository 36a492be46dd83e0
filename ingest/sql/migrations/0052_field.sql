-- What workers send and are sent: pictures and voice, batches from offline phones, messages, roll-calls; and
-- the green waves of dispatched emergency vehicles.

create table attachment (
    id uuid primary key,
    case_id uuid references city_case on delete cascade,
    report uuid references case_report on delete set null,
    account uuid references account,
    kind text not null check (kind in ('report', 'before', 'after', 'voice')),
    media_type text not null,
    content bytea not null,
    size integer not null,
    sha256 bytea not null,
    taken_at timestamptz,
    lon double precision,
    lat double precision,
    created_at timestamptz not null default now()
);
create index attachment_case on attachment (case_id, created_at);
comment on table attachment is 'Photos are encoded anew without metadata; time and place were read before.';

create table upload (
    id uuid primary key,
    account uuid not null references account,
    case_id uuid references city_case on delete cascade,
    kind text not null,
    media_type text not null,
    size integer not null,
    received integer not null default 0 check (received <= size),
    created_at timestamptz not null default now(),
    done_at timestamptz
);
create table upload_part (
    upload uuid not null references upload on delete cascade,
    at_byte integer not null,
    content bytea not null,
    primary key (upload, at_byte)
);

create table offline_item (
    account uuid not null references account,
    id uuid not null,
    at timestamptz not null default now(),
    answer text not null,
    primary key (account, id)
);

create table inbox_message (
    id bigint generated always as identity primary key,
    account uuid not null references account,
    at timestamptz not null default now(),
    kind text not null,
    case_id uuid references city_case on delete cascade,
    task uuid references case_task on delete cascade,
    roll_call uuid,
    text text not null default '',
    read_at timestamptz
);
create index inbox_message_account on inbox_message (account, id);

create table roll_call (
    id uuid primary key,
    by uuid not null references account,
    at timestamptz not null default now(),
    ends_at timestamptz not null,
    text text not null default ''
);
create table roll_call_presence (
    roll_call uuid not null references roll_call on delete cascade,
    account uuid not null references account,
    answered_at timestamptz,
    lon double precision,
    lat double precision,
    primary key (roll_call, account)
);
alter table inbox_message add foreign key (roll_call) references roll_call on delete cascade;

create table green_wave (
    id uuid primary key,
    call text not null unique,
    emergency text not null,
    opened_by uuid not null references account,
    opened_at timestamptz not null default now(),
    expires_at timestamptz not null,
    ended_at timestamptz,
    reason text not null default '',
    request text not null,
    path jsonb not null,
    way jsonb not null
);
comment on table green_wave is 'One call of the dispatch system; where its vehicle is, is not stored.';
