-- What a batch writes besides its COPYs.

-- name: dead_letter
-- One refused message.
insert into dead_letter (topic, reason, field, payload, is_settled, device, boot, seq)
values (%(topic)s, %(reason)s, %(field)s, %(payload)s, %(is_settled)s, %(device)s, %(boot)s, %(seq)s);

-- name: touch
-- Minutes that rollups must look at again.
insert into rollup_touched (record, bucket)
select * from unnest(%(records)s::text[], %(buckets)s::timestamptz[]);

-- name: lane_latest
-- From the temporary table of the newest rows; older ones than are known change nothing.
insert into lane_latest as t (
    lane, at, stored_at, device, boot, seq, intersection, period_s, vehicles, queued, queue_m, mean_speed_mps,
    occupancy, crossed, stops, delay_s, quality
)
select
    lane, at, stored_at, device, boot, seq, intersection, period_s, vehicles, queued, queue_m, mean_speed_mps,
    occupancy, crossed, stops, delay_s, quality
from newest_lane_measurement
order by lane
on conflict (lane) do update set
    at = excluded.at, stored_at = excluded.stored_at, device = excluded.device, boot = excluded.boot,
    seq = excluded.seq, intersection = excluded.intersection, period_s = excluded.period_s,
    vehicles = excluded.vehicles, queued = excluded.queued, queue_m = excluded.queue_m,
    mean_speed_mps = excluded.mean_speed_mps, occupancy = excluded.occupancy, crossed = excluded.crossed,
    stops = excluded.stops, delay_s = excluded.delay_s, quality = excluded.quality
where excluded.at >= t.at;

-- name: signal_latest
-- As `lane_latest`.
insert into signal_latest as t (
    intersection, at, stored_at, device, boot, seq, clock_s, indications, phase, next_phase, interval, elapsed_s,
    min_remaining_s, max_remaining_s, mode, command_seq
)
select
    intersection, at, stored_at, device, boot, seq, clock_s, indications, phase, next_phase, interval, elapsed_s,
    min_remaining_s, max_remaining_s, mode, command_seq
from newest_signal_state
order by intersection
on conflict (intersection) do update set
    at = excluded.at, stored_at = excluded.stored_at, device = excluded.device, boot = excluded.boot,
    seq = excluded.seq, clock_s = excluded.clock_s, indications = excluded.indications,
    phase = excluded.phase, next_phase = excluded.next_phase, interval = excluded.interval,
    elapsed_s = excluded.elapsed_s, min_remaining_s = excluded.min_remaining_s,
    max_remaining_s = excluded.max_remaining_s, mode = excluded.mode, command_seq = excluded.command_seq
where excluded.at >= t.at;

-- name: sensor_latest
-- As `lane_latest`.
insert into sensor_latest as t (
    device, datastream, at, stored_at, boot, seq, value, unit, lon, lat, quality
)
select device, datastream, at, stored_at, boot, seq, value, unit, lon, lat, quality
from newest_sensor_observation
order by device, datastream
on conflict (device, datastream) do update set
    at = excluded.at, stored_at = excluded.stored_at, boot = excluded.boot, seq = excluded.seq,
    value = excluded.value, unit = excluded.unit, lon = excluded.lon, lat = excluded.lat,
    quality = excluded.quality
where excluded.at >= t.at;

-- name: event
-- The newest message about an event says what it is; an end that was told stays.
insert into traffic_event as t (
    device, event, at, stored_at, boot, seq, kind, severity, start_at, end_at, intersection, camera, lane, lon,
    lat, detail, evidence, quality
)
values (
    %(device)s, %(event)s, %(at)s, clock_timestamp(), %(boot)s, %(seq)s, %(kind)s, %(severity)s, %(start_at)s,
    %(end_at)s, %(intersection)s, %(camera)s, %(lane)s, %(lon)s, %(lat)s, %(detail)s, %(evidence)s, %(quality)s
)
on conflict (device, event) do update set
    at = excluded.at, stored_at = excluded.stored_at, boot = excluded.boot, seq = excluded.seq,
    kind = excluded.kind, severity = excluded.severity, start_at = excluded.start_at,
    end_at = greatest(excluded.end_at, t.end_at), intersection = excluded.intersection,
    camera = excluded.camera, lane = excluded.lane, lon = excluded.lon, lat = excluded.lat,
    detail = excluded.detail, evidence = excluded.evidence, quality = excluded.quality
where excluded.at >= t.at;

-- name: event_end
-- An end that is told by a message older than the newest.
update traffic_event set end_at = greatest(end_at, %(end_at)s)
where device = %(device)s and event = %(event)s and at > %(at)s and %(end_at)s::timestamptz is not null;

-- name: event_orphans
-- A device that started anew cannot end what it saw begin before; its start does.
update traffic_event set end_at = greatest(start_at, %(started_at)s)
where device = %(device)s and boot < %(boot)s and end_at is null;

-- name: intersection
-- The newest configuration of an intersection.
insert into intersection as t (intersection, at, stored_at, device, boot, seq, name, lon, lat, config)
values (
    %(intersection)s, %(at)s, clock_timestamp(), %(device)s, %(boot)s, %(seq)s, %(name)s, %(lon)s, %(lat)s,
    %(config)s
)
on conflict (intersection) do update set
    at = excluded.at, stored_at = excluded.stored_at, device = excluded.device, boot = excluded.boot,
    seq = excluded.seq, name = excluded.name, lon = excluded.lon, lat = excluded.lat, config = excluded.config
where excluded.at >= t.at;

-- name: network_part
-- One part of a version of a road network.
insert into road_network_part (device, version, part, at) values (%(device)s, %(version)s, %(part)s, %(at)s)
on conflict (device, version, part) do update set at = excluded.at, stored_at = excluded.stored_at;

-- name: network_segment
-- One lane of it.
insert into road_network_segment as t (
    device, version, lane, part, path, speed_limit_mps, width_m, name, to_intersection
)
values (
    %(device)s, %(version)s, %(lane)s, %(part)s, %(path)s, %(speed_limit_mps)s, %(width_m)s, %(name)s,
    %(to_intersection)s
)
on conflict (device, version, lane) do update set
    part = excluded.part, path = excluded.path, speed_limit_mps = excluded.speed_limit_mps,
    width_m = excluded.width_m, name = excluded.name, to_intersection = excluded.to_intersection;

-- name: network
-- A version counts from the moment that all its parts are here, unless a newer one is known.
insert into road_network as t (device, version, at, parts)
select %(device)s, %(version)s, %(at)s, %(parts)s
where (
    select count(*) from road_network_part where device = %(device)s and version = %(version)s
) >= %(parts)s
on conflict (device) do update set version = excluded.version, at = excluded.at, parts = excluded.parts
where excluded.at >= t.at;

-- name: network_old_segments
-- Segments of versions that were replaced; a version still coming in is newer and stays.
delete from road_network_segment as s using road_network as n
where s.device = %(device)s and n.device = s.device and s.version <> n.version
    and (
        select max(p.at) from road_network_part as p where p.device = s.device and p.version = s.version
    ) < n.at;

-- name: network_old_parts
-- And their parts.
delete from road_network_part as p using road_network as n
where p.device = %(device)s and n.device = p.device and p.version <> n.version and p.at < n.at;

-- name: status
-- The latest status of an agent, and a line of history where its health or boot changed. A last will was
-- written when the agent connected: it is true when it comes, whatever its time.
with before as (
    select boot, health from agent_latest where device = %(device)s
),
put as (
    insert into agent_latest as t (
        device, at, received_at, boot, health, version, started_at, detail, lon, lat, spooled, sent, figures
    )
    values (
        %(device)s, %(at)s, clock_timestamp(), %(boot)s, %(health)s, %(version)s, %(started_at)s, %(detail)s,
        %(lon)s, %(lat)s, %(spooled)s, %(sent)s, %(figures)s
    )
    on conflict (device) do update set
        at = greatest(excluded.at, case when t.boot = excluded.boot then t.at end),
        received_at = excluded.received_at, boot = excluded.boot, health = excluded.health,
        version = excluded.version, started_at = excluded.started_at, detail = excluded.detail,
        lon = excluded.lon, lat = excluded.lat, spooled = excluded.spooled,
        sent = greatest(excluded.sent, case when t.boot = excluded.boot then t.sent end),
        figures = excluded.figures
    where excluded.boot > t.boot
        or excluded.boot = t.boot and (excluded.at >= t.at or excluded.health = 'offline')
    returning device, at, boot, health, version, detail
)
insert into agent_status_history (at, device, boot, health, version, detail)
select p.at, p.device, p.boot, p.health, p.version, p.detail
from put as p left join before as b on true
where b.boot is distinct from p.boot or b.health is distinct from p.health;
