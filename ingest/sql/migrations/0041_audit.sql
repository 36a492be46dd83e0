-- The audit chain: each entry carries the hash of the one before. Nobody changes or removes an entry: not by a
-- right, and not by a statement of an account that has all rights.

create table audit (
    seq bigint primary key,
    at timestamptz not null,
    actor uuid not null,
    actor_name text not null,
    action text not null,
    subject text not null,
    details text not null,
    previous bytea not null check (octet_length(previous) = 32),
    hash bytea not null check (octet_length(hash) = 32)
);
create index audit_at on audit (at);
create index audit_action on audit (action, seq);

create table audit_head (
    only_one boolean primary key default true check (only_one),
    chain uuid not null default gen_random_uuid(),
    seq bigint not null,
    hash bytea not null
);
insert into audit_head (seq, hash) values (0, decode(repeat('00', 32), 'hex'));

create function audit_is_kept() returns trigger language plpgsql as $$
begin
    raise exception 'the audit is append-only: % is not possible', lower(tg_op)
        using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_rows_are_kept before update or delete on audit
    for each row execute function audit_is_kept();
create trigger audit_is_not_emptied before truncate on audit
    for each statement execute function audit_is_kept();
create trigger audit_head_stays before delete on audit_head
    for each row execute function audit_is_kept();
create trigger audit_head_is_not_emptied before truncate on audit_head
    for each statement execute function audit_is_kept();
revoke update, delete, truncate on audit from public;
do $$
begin
    execute format('revoke update, delete, truncate on audit from %I', current_user);
end
$$;

-- What ingest let go of by retention; the command centre writes each into the chain.
create table purge_receipt (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    kind text not null,
    before timestamptz not null,
    removed bigint not null,
    parts text[] not null default array[]::text[],
    audit_seq bigint
);
create index purge_receipt_open on purge_receipt (id) where audit_seq is null;
