-- name: signal_raw
-- Signal states as they came, oldest first, one page after the cursor.
select
    at, intersection, indications, phase, next_phase, interval, elapsed_s, min_remaining_s,
    max_remaining_s, mode, command_seq, clock_s, device, stored_at, boot, seq
from signal_state
where at >= coalesce(%(after_at)s::timestamptz, %(from)s) and at < %(to)s
    and (%(intersections)s::text[] is null or intersection = any(%(intersections)s::text[]))
    and (
        %(after_at)s::timestamptz is null
        or (at, intersection, device, boot, seq) > (
            %(after_at)s, %(after_intersection)s::text, %(after_device)s::text, %(after_boot)s::bigint,
            %(after_seq)s::bigint
        )
    )
order by at, intersection, device, boot, seq
limit %(rows)s;

-- name: command_raw
-- Signal commands with the edge's answer, oldest first, one page after the cursor.
select
    at, intersection, phase, expires_at, reason, answered_at, answered_by, accepted, answer, device,
    stored_at, boot, seq
from command_with_answer
where at >= coalesce(%(after_at)s::timestamptz, %(from)s) and at < %(to)s
    and (%(intersections)s::text[] is null or intersection = any(%(intersections)s::text[]))
    and (
        %(after_at)s::timestamptz is null
        or (at, intersection, device, boot, seq) > (
            %(after_at)s, %(after_intersection)s::text, %(after_device)s::text, %(after_boot)s::bigint,
            %(after_seq)s::bigint
        )
    )
order by at, intersection, device, boot, seq
limit %(rows)s;
