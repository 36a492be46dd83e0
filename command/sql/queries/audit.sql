-- name: audit_page
-- Entries of the audit, newest first, before a number.
select seq, at, actor, actor_name, action, subject, details
from audit
where (%(before)s::bigint is null or seq < %(before)s)
    and (%(action)s::text is null or action = %(action)s or action like %(action)s || '.%%')
    and (%(actor)s::text is null or lower(actor_name) = lower(%(actor)s))
    and (%(subject)s::text is null or subject = %(subject)s)
order by seq desc
limit %(rows)s;

-- name: audit_head
-- The last entry of the chain, and which chain it is.
select chain::text as chain, seq, hash from audit_head;
