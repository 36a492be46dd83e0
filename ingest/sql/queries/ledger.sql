-- The ledger: what is settled, and up to where without a gap.

-- name: share
-- Batches share this lock; whoever prunes the ledger takes it alone. Without it a batch could miss a row that
-- was pruned after it had looked at the watermark, and store its message twice.
select pg_advisory_xact_lock_shared(%(lock)s);

-- name: alone
-- The other side of `share`.
select pg_advisory_xact_lock(%(lock)s);

-- name: introduce
-- Devices and boots that this worker has not met yet.
with known as (
    insert into device (device)
    select distinct d from unnest(%(devices)s::text[]) as d order by d
    on conflict do nothing
)
insert into ledger_mark (device, boot)
select distinct d, b from unnest(%(devices)s::text[], %(boots)s::bigint[]) as s (d, b) order by d, b
on conflict do nothing;

-- name: settle
-- Enter a batch; what comes back is new, everything else was settled before. Ordered, against deadlocks.
insert into ledger (device, boot, seq)
select s.device, s.boot, s.seq
from unnest(%(devices)s::text[], %(boots)s::bigint[], %(seqs)s::bigint[]) as s (device, boot, seq)
where not exists (
    select from ledger_mark as m where m.device = s.device and m.boot = s.boot and m.seq >= s.seq
)
order by 1, 2, 3
on conflict do nothing
returning device, boot, seq;

-- name: walk
-- Move the watermarks of some devices over everything that follows without a gap, or with one that its device
-- gave up; one index look-up a message.
with recursive walk as (
    select m.device, m.boot, m.seq
    from unnest(%(devices)s::text[], %(boots)s::bigint[]) as t (device, boot)
    join ledger_mark as m using (device, boot)
    union all
    select w.device, w.boot, n.seq
    from walk as w
    cross join lateral (
        select l.seq from ledger as l
        where l.device = w.device and l.boot = w.boot and l.seq = w.seq + 1
        union all
        select g.last_seq from ledger_gap as g
        where g.device = w.device and g.boot = w.boot and g.first_seq <= w.seq + 1 and g.last_seq > w.seq
        limit 1
    ) as n
),
reached as (select device, boot, max(seq) as seq from walk group by device, boot order by device, boot)
update ledger_mark as m set seq = r.seq, moved_at = now()
from reached as r
where m.device = r.device and m.boot = r.boot and m.seq < r.seq;

-- name: prune
-- What the watermark covers needs no row of its own.
delete from ledger as l
using unnest(%(devices)s::text[], %(boots)s::bigint[]) as t (device, boot)
join ledger_mark as m using (device, boot)
where l.device = m.device and l.boot = m.boot and l.seq <= m.seq;

-- name: marks
-- The watermarks of some devices.
select m.device, m.boot, m.seq
from unnest(%(devices)s::text[], %(boots)s::bigint[]) as t (device, boot)
join ledger_mark as m using (device, boot);

-- name: repeat
-- Count what came again; ordered, against deadlocks.
with counted as (
    select m.device, m.boot, s.number
    from unnest(%(devices)s::text[], %(boots)s::bigint[], %(numbers)s::bigint[]) as s (device, boot, number)
    join ledger_mark as m using (device, boot)
    order by 1, 2
    for update of m
)
update ledger_mark as m set duplicates = m.duplicates + c.number
from counted as c
where m.device = c.device and m.boot = c.boot;

-- name: give_up
-- A span that its device will never send. It may be told again, also when it has grown.
insert into ledger_gap as t (device, boot, first_seq, last_seq, missing, reason)
select
    m.device, m.boot, %(first)s, %(last)s,
    greatest(0, %(last)s - greatest(%(first)s - 1, m.seq)) - (
        select count(*) from ledger as l
        where l.device = m.device and l.boot = m.boot and l.seq between greatest(%(first)s, m.seq + 1) and %(last)s
    ),
    %(reason)s
from ledger_mark as m
where m.device = %(device)s and m.boot = %(boot)s
on conflict (device, boot, first_seq) do update set
    last_seq = greatest(t.last_seq, excluded.last_seq),
    missing = case
        when excluded.last_seq <= t.last_seq then t.missing
        when t.last_seq <= (
            select k.seq from ledger_mark as k where k.device = t.device and k.boot = t.boot
        ) then t.missing + excluded.missing
        else excluded.missing
    end,
    reason = excluded.reason;

-- name: close_gaps
-- A gap below a message that was stored longer ago than a spool keeps anything can never be filled.
with closed as (
    select device, boot, max(seq) as seq from ledger where stored_at < %(before)s group by device, boot
)
update ledger_mark as m set seq = c.seq, moved_at = now()
from closed as c
where m.device = c.device and m.boot = c.boot and m.seq < c.seq
returning m.device, m.boot;

-- name: forget
-- Boots that are long over: their messages would be refused for their age.
delete from ledger_mark as m
where m.moved_at < %(before)s
    and not exists (select from ledger as l where l.device = m.device and l.boot = m.boot);

-- name: forget_gaps
-- And what they gave up.
delete from ledger_gap as g
where g.told_at < %(before)s
    and not exists (select from ledger_mark as m where m.device = g.device and m.boot = g.boot);
