-- name: orders_lasting
-- Orders that are in force or still to come, by intersection and start.
select o.id, o.intersection, o.kind, o.phase, o.starts_at, o.expires_at, o.reason, o.ordered_at, o.wave,
    by.name as ordered_by
from signal_order o join account by on by.id = o.ordered_by
where o.ended_at is null and o.expires_at > %(now)s
order by o.intersection, o.starts_at, o.id;

-- name: orders_to_tell
-- Orders that a region may still hold: also those that are over before their time, should it not have heard.
select o.id, o.intersection, o.kind, o.phase, o.starts_at, o.expires_at, o.ended_at
from signal_order o where o.expires_at > %(now)s order by o.starts_at, o.id;

-- name: manual_waves
-- Manual green waves that wait for a second person or still hold a signal, the latest first; or one of them.
select w.id, w.holds, w.reason, w.asked_at, w.lapses_at, w.confirmed_at, w.ended_at, w.end_reason,
    asked.name as asked_by, confirmed.name as confirmed_by, w.asked_by as asked_by_id
from manual_wave w
join account asked on asked.id = w.asked_by
left join account confirmed on confirmed.id = w.confirmed_by
where case
    when %(id)s::uuid is not null then w.id = %(id)s::uuid
    when w.ended_at is not null then false
    when w.confirmed_at is null then w.lapses_at > %(now)s
    else exists (
        select from signal_order o where o.wave = w.id and o.ended_at is null and o.expires_at > %(now)s
    )
end
order by w.asked_at desc, w.id
limit 100;
