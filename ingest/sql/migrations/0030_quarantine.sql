-- Devices whose messages are turned away until somebody has looked.

create table device_quarantine (
    id bigint primary key generated always as identity,
    device text not null,
    since timestamptz not null default now(),
    reason text not null,
    turned_away bigint not null default 0,
    released_at timestamptz,
    note text not null default ''
);
create unique index device_quarantine_active on device_quarantine (device) where released_at is null;
comment on table device_quarantine is
    'Devices that misbehaved: from when, why, how many messages were turned away, and when they were released.';
