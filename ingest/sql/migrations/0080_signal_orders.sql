-- What people want of signals for some minutes, and green waves that take two of them.

create table manual_wave (
    id uuid primary key,
    holds jsonb not null,
    reason text not null check (reason <> ''),
    asked_by uuid not null references account,
    asked_at timestamptz not null,
    lapses_at timestamptz not null,
    confirmed_by uuid references account,
    confirmed_at timestamptz,
    ended_by uuid references account,
    ended_at timestamptz,
    end_reason text not null default '',
    check (confirmed_by <> asked_by),
    check ((confirmed_at is null) = (confirmed_by is null)),
    check ((ended_at is null) = (ended_by is null))
);
comment on column manual_wave.holds is 'Intersection, phase, start after the confirmation and length in s, in order.';
create index manual_wave_asked on manual_wave (asked_at desc);

create table signal_order (
    id uuid primary key,
    intersection text not null,
    kind text not null check (kind in ('hold', 'local')),
    phase integer check (phase >= 0),
    starts_at timestamptz not null,
    expires_at timestamptz not null check (expires_at > starts_at),
    reason text not null check (reason <> ''),
    ordered_by uuid not null references account,
    ordered_at timestamptz not null,
    wave uuid references manual_wave on delete cascade,
    ended_by uuid references account,
    ended_at timestamptz,
    end_reason text not null default '',
    check ((phase is not null) = (kind = 'hold')),
    check ((ended_at is null) = (ended_by is null))
);
create index signal_order_expires on signal_order (expires_at);
create index signal_order_wave on signal_order (wave) where wave is not null;
