-- name: is_migrated
-- One row if the schema is there.
select level from storage;

-- name: delivery_balance
-- What each device numbered in its present boot, and how much of it is settled: committed, known as a
-- duplicate, or dead-lettered.
select
    a.device, a.sent, a.spooled,
    coalesce(m.seq, 0) + (
        select count(*) from ledger as l
        where l.device = a.device and l.boot = a.boot and l.seq > coalesce(m.seq, 0)
    ) as settled
from agent_latest as a
left join ledger_mark as m on m.device = a.device and m.boot = a.boot
where a.sent > 0;

-- name: dead_letters
-- How many messages were refused since the table was made or purged.
select count(*) as refused from dead_letter;
