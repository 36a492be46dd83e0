-- A device says every ten seconds how much it numbered; what was stored since then was numbered too. Without
-- that, the balance compared two moments, and `open` fell below 0 between them.

create or replace view delivery_balance as
select
    a.device, a.boot, a.at,
    n.numbered,
    s.settled - d.dead_lettered - s.given_up as committed,
    s.duplicates, d.dead_lettered, s.given_up,
    a.spooled::bigint as spooled,
    n.numbered - s.settled - greatest(0, least(a.spooled, n.numbered - s.settled)) as open
from agent_latest as a
cross join lateral (
    select coalesce(max(m.seq), 0) as seq, coalesce(max(m.duplicates), 0) as duplicates
    from ledger_mark as m where m.device = a.device and m.boot = a.boot
) as w
cross join lateral (
    select count(*) as settled, coalesce(max(l.seq), 0) as last_seq
    from ledger as l where l.device = a.device and l.boot = a.boot and l.seq > w.seq
) as l
cross join lateral (
    -- The watermark has passed the gaps below it; those above count with what is settled there.
    select
        w.duplicates,
        coalesce(sum(t.missing), 0)::bigint as given_up,
        w.seq + coalesce(sum(t.missing) filter (where t.last_seq > w.seq), 0)::bigint + l.settled as settled,
        coalesce(max(t.last_seq), 0) as last_seq
    from ledger_gap as t where t.device = a.device and t.boot = a.boot
) as s
cross join lateral (select greatest(a.sent, w.seq, l.last_seq, s.last_seq) as numbered) as n
cross join lateral (
    select count(*) as dead_lettered from dead_letter as t
    where t.device = a.device and t.boot = a.boot and t.is_settled
) as d
where a.sent > 0;
comment on view delivery_balance is
    'Of what each device numbered in its present boot: numbered = committed + dead_lettered + given_up + '
    'spooled + open. `numbered` is what the device said last, or the highest number that came since. `open` is '
    'on its way, or lost where it stays above 0; it is never below 0.';
