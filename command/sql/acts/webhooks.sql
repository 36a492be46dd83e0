-- name: webhook_listening
-- Webhooks that want a topic and see one of these districts, or the whole city.
select id from webhook
where disabled_at is null and %(topic)s = any(topics)
    and (districts = array[]::text[] or districts && %(districts)s::text[]);

-- name: webhook_queue
-- One delivery, due at once.
insert into webhook_delivery (id, webhook, topic, body)
values (%(id)s, %(webhook)s, %(topic)s, %(body)s);

-- name: webhook_claim
-- Deliveries that are due; nobody else takes them until the lease is over.
update webhook_delivery d set due_at = now() + %(lease)s::interval
from webhook w
where w.id = d.webhook and w.disabled_at is null and d.id in (
    select id from webhook_delivery where due_at <= now() order by due_at limit %(rows)s for update skip locked
)
returning d.id, d.body, d.attempts, w.url, w.secret_sealed;

-- name: webhook_settle
-- What became of a try: done, or due again after a pause, or with none given up.
update webhook_delivery set
    attempts = attempts + 1, status = %(status)s, error = %(error)s,
    delivered_at = case when %(done)s then now() end,
    due_at = case when not %(done)s then now() + %(pause)s::interval end
where id = %(id)s;

-- name: webhook_add
-- A new webhook.
insert into webhook (id, url, topics, secret_sealed, districts, created_by)
values (%(id)s, %(url)s, %(topics)s, %(secret_sealed)s, %(districts)s, %(created_by)s)
returning *;

-- name: webhook_list
-- All webhooks, oldest first.
select * from webhook order by created_at, id;

-- name: webhook_remove
-- A webhook and its log are gone.
delete from webhook where id = %(id)s returning id;

-- name: webhook_log
-- The latest deliveries of a webhook.
select d.id, d.topic, d.queued_at, d.due_at, d.attempts, d.status, d.error, d.delivered_at
from webhook_delivery d where d.webhook = %(id)s order by d.queued_at desc, d.id limit 200;

-- name: webhook_find
-- One webhook.
select * from webhook where id = %(id)s;

-- name: webhook_purge
-- Deliveries that were queued before a time.
delete from webhook_delivery where queued_at < %(before)s returning 1 as gone;
