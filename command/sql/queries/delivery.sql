-- name: is_migrated
-- One row if the schema is there.
select level from storage;

-- name: delivery_balance
-- What became of each number that a device gave in its present boot.
select
    device, numbered, committed, duplicates, dead_lettered, given_up, spooled, open
from delivery_balance
order by device;

-- name: dead_letters
-- How many messages were refused since the table was made or purged.
select count(*) as refused from dead_letter;
