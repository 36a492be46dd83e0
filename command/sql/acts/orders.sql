-- name: orders_lock
-- One order after the other, to the end of the transaction.
select pg_advisory_xact_lock(hashtext('signal_order'));

-- name: order_blocking
-- Who has an order at one of these signals that is not over.
select o.intersection, by.name as ordered_by, o.expires_at
from signal_order o join account by on by.id = o.ordered_by
where o.intersection = any(%(intersections)s) and o.ended_at is null and o.expires_at > %(now)s
order by o.intersection limit 1;

-- name: order_add
-- What a person wants of a signal.
insert into signal_order
    (id, intersection, kind, phase, starts_at, expires_at, reason, ordered_by, ordered_at, wave)
values (%(id)s, %(intersection)s, %(kind)s, %(phase)s, %(starts_at)s, %(expires_at)s, %(reason)s,
    %(by)s, %(now)s, %(wave)s)
returning *;

-- name: order_end
-- The orders of a signal, or of a wave, are over before their time.
update signal_order set ended_at = %(now)s, ended_by = %(by)s, end_reason = %(reason)s
where ended_at is null and expires_at > %(now)s
    and (intersection = %(intersection)s::text or wave = %(wave)s::uuid)
returning *;

-- name: manual_wave_ask
-- A green wave that a second person has yet to confirm.
insert into manual_wave (id, holds, reason, asked_by, asked_at, lapses_at)
values (%(id)s, %(holds)s::jsonb, %(reason)s, %(by)s, %(now)s, %(lapses_at)s);

-- name: manual_wave_hold
-- A green wave, held to the end of the transaction.
select * from manual_wave where id = %(id)s for update;

-- name: manual_wave_confirm
-- A second person agrees.
update manual_wave set confirmed_by = %(by)s, confirmed_at = %(now)s where id = %(id)s;

-- name: manual_wave_end
-- It is wanted no more.
update manual_wave set ended_by = %(by)s, ended_at = %(now)s, end_reason = %(reason)s where id = %(id)s;

-- name: order_purge
-- Orders outside green waves that ended before a time.
delete from signal_order where wave is null and coalesce(ended_at, expires_at) < %(before)s returning 1 as gone;

-- name: manual_wave_purge
-- Green waves that were asked for before a time, with their orders.
delete from manual_wave where asked_at < %(before)s returning 1 as gone;
