-- name: audit_lock_head
-- The last entry's number and hash and the time now; nobody else appends until this transaction ends.
select seq, hash, clock_timestamp() as at from audit_head for update;

-- name: audit_append
-- One entry.
insert into audit (seq, at, actor, actor_name, action, subject, details, previous, hash)
values (
    %(seq)s, %(at)s, %(actor)s, %(actor_name)s, %(action)s, %(subject)s, %(details)s, %(previous)s, %(hash)s
);

-- name: audit_move_head
-- The entry just appended is the last.
update audit_head set seq = %(seq)s, hash = %(hash)s;
