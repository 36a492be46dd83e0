-- name: receipts_open
-- Receipts that are not in the audit yet.
select id, at, kind, before, removed, parts from purge_receipt
where audit_seq is null order by id limit 100 for update skip locked;

-- name: receipt_filed
-- The receipt is in the audit, under this number.
update purge_receipt set audit_seq = %(seq)s where id = %(id)s;
