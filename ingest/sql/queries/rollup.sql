-- Rollups where the server has no continuous aggregates: touched minutes are made anew from their records,
-- coarser buckets from finer ones.

-- name: take
-- Some touched minutes of one record, with all their notes; notes of open transactions stay for the next time.
with due as (
    select distinct bucket from rollup_touched where record = %(record)s order by bucket limit %(limit)s
),
taken as (
    delete from rollup_touched as r using due as d
    where r.record = %(record)s and r.bucket = d.bucket
)
select bucket from due order by bucket;

-- name: lane_minutes
-- One row a minute, lane and device, from the records.
insert into lane_rollup_1min as t
select
    b.bucket, m.lane, m.device, max(m.intersection), count(*),
    sum(w.s), sum(m.vehicles * w.s), sum(m.queued * w.s), max(m.queued), sum(m.queue_m * w.s), max(m.queue_m),
    sum(case when m.mean_speed_mps is null then 0 else greatest(m.vehicles, 1) * w.s end),
    sum(coalesce(m.mean_speed_mps * greatest(m.vehicles, 1) * w.s, 0)),
    sum(m.occupancy * w.s), sum(m.crossed), sum(m.stops), sum(m.delay_s::float8), sum(m.quality * w.s)
from unnest(%(buckets)s::timestamptz[]) as b (bucket)
join lane_measurement as m on m.at >= b.bucket and m.at < b.bucket + interval '1 minute'
cross join lateral (select greatest(m.period_s, 0.001)::float8 as s) as w
group by 1, 2, 3
on conflict (lane, bucket, device) do update set
    intersection = excluded.intersection, samples = excluded.samples, weight_s = excluded.weight_s,
    vehicle_s = excluded.vehicle_s, queued_s = excluded.queued_s, queued_max = excluded.queued_max,
    queue_m_s = excluded.queue_m_s, queue_m_max = excluded.queue_m_max, speed_weight = excluded.speed_weight,
    speed_sum = excluded.speed_sum, occupancy_s = excluded.occupancy_s, crossed = excluded.crossed,
    stops = excluded.stops, delay_s = excluded.delay_s, quality_s = excluded.quality_s;

-- name: lane_coarser
-- The same from the next finer table; {coarser} and {finer} are ours, never a caller's.
insert into {coarser} as t
select
    b.bucket, m.lane, m.device, max(m.intersection), sum(m.samples)::bigint,
    sum(m.weight_s), sum(m.vehicle_s), sum(m.queued_s), max(m.queued_max), sum(m.queue_m_s), max(m.queue_m_max),
    sum(m.speed_weight), sum(m.speed_sum), sum(m.occupancy_s), sum(m.crossed)::bigint, sum(m.stops)::bigint,
    sum(m.delay_s), sum(m.quality_s)
from unnest(%(buckets)s::timestamptz[]) as b (bucket)
join {finer} as m on m.bucket >= b.bucket and m.bucket < b.bucket + %(width)s::interval
group by 1, 2, 3
on conflict (lane, bucket, device) do update set
    intersection = excluded.intersection, samples = excluded.samples, weight_s = excluded.weight_s,
    vehicle_s = excluded.vehicle_s, queued_s = excluded.queued_s, queued_max = excluded.queued_max,
    queue_m_s = excluded.queue_m_s, queue_m_max = excluded.queue_m_max, speed_weight = excluded.speed_weight,
    speed_sum = excluded.speed_sum, occupancy_s = excluded.occupancy_s, crossed = excluded.crossed,
    stops = excluded.stops, delay_s = excluded.delay_s, quality_s = excluded.quality_s;

-- name: turning_minutes
-- One row a minute, camera, movement and class, from the records.
insert into turning_rollup_1min as t
select b.bucket, m.camera, m.movement, m.road_user, sum(m.count), count(*), sum(m.quality::float8)
from unnest(%(buckets)s::timestamptz[]) as b (bucket)
join turning_count as m on m.at >= b.bucket and m.at < b.bucket + interval '1 minute'
group by 1, 2, 3, 4
on conflict (camera, bucket, movement, road_user) do update set
    count = excluded.count, samples = excluded.samples, quality_sum = excluded.quality_sum;

-- name: turning_coarser
-- The same from the next finer table.
insert into {coarser} as t
select b.bucket, m.camera, m.movement, m.road_user, sum(m.count)::bigint, sum(m.samples)::bigint, sum(m.quality_sum)
from unnest(%(buckets)s::timestamptz[]) as b (bucket)
join {finer} as m on m.bucket >= b.bucket and m.bucket < b.bucket + %(width)s::interval
group by 1, 2, 3, 4
on conflict (camera, bucket, movement, road_user) do update set
    count = excluded.count, samples = excluded.samples, quality_sum = excluded.quality_sum;

-- name: sensor_minutes
-- One row a minute, device, datastream and unit, from the records.
insert into sensor_rollup_1min as t
select
    b.bucket, m.device, m.datastream, m.unit, count(*), sum(m.value), min(m.value), max(m.value),
    sum(m.quality::float8)
from unnest(%(buckets)s::timestamptz[]) as b (bucket)
join sensor_observation as m on m.at >= b.bucket and m.at < b.bucket + interval '1 minute'
group by 1, 2, 3, 4
on conflict (device, datastream, bucket, unit) do update set
    samples = excluded.samples, value_sum = excluded.value_sum, value_min = excluded.value_min,
    value_max = excluded.value_max, quality_sum = excluded.quality_sum;

-- name: sensor_coarser
-- The same from the next finer table.
insert into {coarser} as t
select
    b.bucket, m.device, m.datastream, m.unit, sum(m.samples)::bigint, sum(m.value_sum), min(m.value_min),
    max(m.value_max), sum(m.quality_sum)
from unnest(%(buckets)s::timestamptz[]) as b (bucket)
join {finer} as m on m.bucket >= b.bucket and m.bucket < b.bucket + %(width)s::interval
group by 1, 2, 3, 4
on conflict (device, datastream, bucket, unit) do update set
    samples = excluded.samples, value_sum = excluded.value_sum, value_min = excluded.value_min,
    value_max = excluded.value_max, quality_sum = excluded.quality_sum;
