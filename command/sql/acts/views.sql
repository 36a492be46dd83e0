-- name: view_list
-- The views of an account.
select name, content from saved_view where account = %(account)s order by name;

-- name: view_save
-- Keep a view under its name, unless the account has too many others.
insert into saved_view (account, name, content)
select %(account)s, %(name)s, %(content)s::jsonb
where (select count(*) from saved_view where account = %(account)s and name <> %(name)s) < %(most)s
on conflict (account, name) do update set content = excluded.content, changed_at = now()
returning name;

-- name: view_remove
-- Forget a view.
delete from saved_view where account = %(account)s and name = %(name)s returning name;
