-- What became of each message of each device: given-up gaps, whose dead letters, duplicates, and the balance.

create table ledger_gap (
    device text not null,
    boot bigint not null check (boot >= 1),
    first_seq bigint not null check (first_seq >= 1),
    last_seq bigint not null check (last_seq >= first_seq),
    missing bigint not null check (missing >= 0),
    reason text not null,
    told_at timestamptz not null default now(),
    primary key (device, boot, first_seq)
);
comment on table ledger_gap is
    'Messages that their device gave up (its disk was full, or they grew too old): the watermark passes them.';
comment on column ledger_gap.missing is 'Messages of the span that were not settled when it was told.';

-- Adding a column without a default that must be computed rewrites nothing.
alter table dead_letter add column device text, add column boot bigint, add column seq bigint;
create index dead_letter_device on dead_letter (device, boot) where device is not null;
comment on column dead_letter.device is 'Who numbered it, where that could be read and its sender was honest.';

alter table ledger_mark add column duplicates bigint not null default 0;
comment on column ledger_mark.duplicates is 'Messages that came again after they were settled.';

create view delivery_balance as
select
    a.device, a.boot, a.at,
    a.sent as numbered,
    s.settled - d.dead_lettered - s.given_up as committed,
    s.duplicates, d.dead_lettered, s.given_up,
    a.spooled::bigint as spooled,
    a.sent - s.settled - greatest(0, least(a.spooled, a.sent - s.settled)) as open
from agent_latest as a
cross join lateral (
    select coalesce(max(m.seq), 0) as seq, coalesce(max(m.duplicates), 0) as duplicates
    from ledger_mark as m where m.device = a.device and m.boot = a.boot
) as w
cross join lateral (
    -- The watermark has passed the gaps below it; those above count with what is settled there.
    select
        w.duplicates,
        coalesce(sum(t.missing), 0)::bigint as given_up,
        w.seq + coalesce(sum(t.missing) filter (where t.last_seq > w.seq), 0)::bigint + (
            select count(*) from ledger as l where l.device = a.device and l.boot = a.boot and l.seq > w.seq
        ) as settled
    from ledger_gap as t where t.device = a.device and t.boot = a.boot
) as s
cross join lateral (
    select count(*) as dead_lettered from dead_letter as t
    where t.device = a.device and t.boot = a.boot and t.is_settled
) as d
where a.sent > 0;
comment on view delivery_balance is
    'Of what each device numbered in its present boot: numbered = committed + dead_lettered + given_up + '
    'spooled + open. `open` is on its way, or lost where it stays above 0; it is below 0 where messages were '
    'numbered since the device last said how many.';
