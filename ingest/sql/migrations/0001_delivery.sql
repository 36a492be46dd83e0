-- Who sends, what is settled, what was refused.

create table device (
    device text primary key,
    kind text not null generated always as (split_part(device, '/', 1)) stored,
    first_at timestamptz not null default now()
);
comment on table device is 'Every device that ever had a message stored; kind/id.';

create table ledger (
    device text not null,
    boot bigint not null check (boot >= 1),
    seq bigint not null check (seq >= 1),
    stored_at timestamptz not null default now(),
    primary key (device, boot, seq)
);
comment on table ledger is 'Settled messages above the contiguous watermark of their device and boot.';
-- Rows live for half a second as a rule: vacuum often, so that the table stays small.
alter table ledger set (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 20000);

create table ledger_mark (
    device text not null,
    boot bigint not null check (boot >= 1),
    seq bigint not null default 0 check (seq >= 0),
    moved_at timestamptz not null default now(),
    primary key (device, boot)
) with (fillfactor = 50);
comment on table ledger_mark is 'Contiguous watermark: every seq up to this one of the device and boot is settled.';

create table dead_letter (
    id bigint primary key generated always as identity,
    received_at timestamptz not null default now(),
    topic text not null,
    reason text not null,
    field text not null default '',
    payload bytea not null
);
create index dead_letter_received_at on dead_letter (received_at);
comment on table dead_letter is 'What could not be stored, as it came, with the reason and the field at fault.';
