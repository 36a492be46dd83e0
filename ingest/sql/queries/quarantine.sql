-- Quarantine: who is in it, in and out.

-- name: active
-- Whose messages are turned away now.
select device, reason from device_quarantine where released_at is null;

-- name: enter
-- Once, however many workers notice.
insert into device_quarantine (device, reason, note) values (%(device)s, %(reason)s, %(note)s)
on conflict (device) where released_at is null do nothing;

-- name: count
-- What was turned away since the last time, in the device's newest stay, which may be over by now.
update device_quarantine set turned_away = turned_away + %(number)s
where id = (select max(id) from device_quarantine where device = %(device)s);

-- name: release
-- Let a device in again.
update device_quarantine set released_at = now(), note = concat_ws('; ', nullif(note, ''), nullif(%(note)s, ''))
where device = %(device)s and released_at is null
returning device;

-- name: entries
-- All of the quarantine, the active ones first.
select id, device, since, reason, turned_away, released_at, note from device_quarantine
where released_at is null or %(every)s
order by released_at is not null, since desc;
