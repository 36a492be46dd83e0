-- name: account_any
-- Whether there is an account at all; whoever asks holds the first start's lock until its transaction ends.
select exists (select from account) as any from pg_advisory_xact_lock(4040);

-- name: account_add
-- A new account.
insert into account (id, name, roles, districts, department, password_hash, password_changed_at, issuer, subject)
values (
    %(id)s, %(name)s, %(roles)s, %(districts)s, %(department)s, %(password_hash)s,
    case when %(password_hash)s::text is not null then now() end, %(issuer)s, %(subject)s
)
on conflict do nothing
returning *;

-- name: account_by_name
-- The account of this name, held until the transaction ends.
select * from account where lower(name) = lower(%(name)s) for update;

-- name: account_by_id
-- The account of this id, held until the transaction ends.
select * from account where id = %(id)s for update;

-- name: account_by_subject
-- The account that an identity provider knows, held until the transaction ends.
select * from account where issuer = %(issuer)s and subject = %(subject)s for update;

-- name: account_list
-- All accounts by name.
select * from account order by lower(name);

-- name: account_failed
-- One more failure; the account is locked until the time given.
update account set failures = failures + 1, locked_until = now() + %(lock)s::interval where id = %(id)s;

-- name: account_succeeded
-- Failures are forgiven; the TOTP step that was used is remembered.
update account
set failures = 0, locked_until = null, totp_step = coalesce(%(totp_step)s, totp_step)
where id = %(id)s;

-- name: account_password
-- A new password, which also unlocks.
update account
set password_hash = %(password_hash)s, password_changed_at = now(), failures = 0, locked_until = null
where id = %(id)s;

-- name: account_rehash
-- The same password under today's parameters.
update account set password_hash = %(password_hash)s where id = %(id)s;

-- name: account_totp_pending
-- A TOTP secret that waits for its first code.
update account set totp_pending = %(sealed)s where id = %(id)s;

-- name: account_totp_confirm
-- The waiting secret is in force.
update account set totp_sealed = totp_pending, totp_pending = null, totp_step = %(step)s where id = %(id)s;

-- name: account_totp_remove
-- No TOTP any more.
update account set totp_sealed = null, totp_pending = null, totp_step = null where id = %(id)s;

-- name: account_disable
-- Nobody signs in with it any more, or again.
update account set disabled_at = case when %(disabled)s then now() end where id = %(id)s;

-- name: account_change
-- Roles, districts and department as given.
update account set roles = %(roles)s, districts = %(districts)s, department = %(department)s
where id = %(id)s
returning *;

-- name: session_add
-- A new session.
insert into session (token_hash, account, ends_at)
values (%(token_hash)s, %(account)s, now() + %(lasts)s::interval)
returning ends_at;

-- name: session_find
-- The session and its account, if both are in force; `idle` is the longest pause between two uses.
select s.token_hash, s.used_at, s.ends_at, s.created_at as session_at, a.*
from session s join account a on a.id = s.account
where s.token_hash = %(token_hash)s and s.ends_at > now() and s.used_at > now() - %(idle)s::interval
    and a.disabled_at is null;

-- name: session_use
-- It was used now, if it was not over before.
update session set used_at = now()
where token_hash = %(token_hash)s and ends_at > now() and used_at > now() - %(idle)s::interval;

-- name: session_end
-- One session is over.
delete from session where token_hash = %(token_hash)s;

-- name: session_end_all
-- All sessions of an account are over, but the one given.
delete from session where account = %(account)s and token_hash is distinct from %(but)s
returning token_hash;

-- name: session_list
-- The sessions of an account in force, latest first.
select encode(token_hash, 'hex') as id, created_at, used_at, ends_at from session
where account = %(account)s and ends_at > now() order by created_at desc;

-- name: session_purge
-- Sessions that ended before a time.
delete from session where ends_at < %(before)s returning 1 as gone;

-- name: token_add
-- A new token.
insert into api_token (id, account, name, token_hash, scopes, ends_at)
values (
    %(id)s, %(account)s, %(name)s, %(token_hash)s, %(scopes)s, now() + %(lasts)s::interval
)
returning id, name, scopes, created_at, ends_at;

-- name: token_find
-- The token and its account, if both are in force.
select t.token_hash, t.scopes, t.ends_at, a.*
from api_token t join account a on a.id = t.account
where t.token_hash = %(token_hash)s and t.revoked_at is null and (t.ends_at is null or t.ends_at > now())
    and a.disabled_at is null;

-- name: token_list
-- The tokens of an account, latest first.
select id, name, scopes, created_at, ends_at, revoked_at from api_token
where account = %(account)s order by created_at desc;

-- name: token_revoke
-- A token of this account is worth nothing any more.
update api_token set revoked_at = now()
where id = %(id)s and account = %(account)s and revoked_at is null
returning id;

-- name: token_revoke_all
-- All tokens of an account are worth nothing any more.
update api_token set revoked_at = now() where account = %(account)s and revoked_at is null;

-- name: token_purge
-- Tokens that ended or were revoked before a time.
delete from api_token where coalesce(revoked_at, ends_at) < %(before)s returning 1 as gone;

-- name: link_add
-- A new link.
insert into sign_in_link (token_hash, account, ends_at)
values (%(token_hash)s, %(account)s, now() + %(lasts)s::interval);

-- name: link_take
-- The account of a link, which is used up by this.
delete from sign_in_link where token_hash = %(token_hash)s returning account, ends_at > now() as in_force;

-- name: link_purge
-- Links that ended before a time.
delete from sign_in_link where ends_at < %(before)s returning 1 as gone;
