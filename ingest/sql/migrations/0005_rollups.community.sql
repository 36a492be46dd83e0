-- Rollups as continuous aggregates (TimescaleDB community), each upon the finer one, real time included.

create materialized view lane_rollup_1min with (timescaledb.continuous, timescaledb.materialized_only = false) as
select
    time_bucket(interval '1 minute', at) as bucket, lane, device,
    max(intersection) as intersection,
    count(*) as samples,
    sum(greatest(period_s, 0.001)::float8) as weight_s,
    sum(vehicles * greatest(period_s, 0.001)::float8) as vehicle_s,
    sum(queued * greatest(period_s, 0.001)::float8) as queued_s,
    max(queued) as queued_max,
    sum(queue_m::float8 * greatest(period_s, 0.001)::float8) as queue_m_s,
    max(queue_m) as queue_m_max,
    sum(case when mean_speed_mps is null then 0
        else greatest(vehicles, 1) * greatest(period_s, 0.001)::float8 end) as speed_weight,
    sum(coalesce(mean_speed_mps::float8 * greatest(vehicles, 1) * greatest(period_s, 0.001)::float8, 0)) as speed_sum,
    sum(occupancy::float8 * greatest(period_s, 0.001)::float8) as occupancy_s,
    sum(crossed)::bigint as crossed,
    sum(stops)::bigint as stops,
    sum(delay_s::float8) as delay_s,
    sum(quality::float8 * greatest(period_s, 0.001)::float8) as quality_s
from lane_measurement
group by 1, 2, 3
with no data;

create materialized view turning_rollup_1min with (timescaledb.continuous, timescaledb.materialized_only = false) as
select
    time_bucket(interval '1 minute', at) as bucket, camera, movement, road_user,
    sum(count)::bigint as count, count(*) as samples, sum(quality::float8) as quality_sum
from turning_count
group by 1, 2, 3, 4
with no data;

do $$
declare
    step record;
begin
    for step in
        select * from (values
            ('1min', '15min', interval '15 minutes'), ('15min', '1h', interval '1 hour'),
            ('1h', '1day', interval '1 day')
        ) as s (finer, coarser, width)
    loop
        execute format($t$
            create materialized view %I with (timescaledb.continuous, timescaledb.materialized_only = false) as
            select
                time_bucket(%L::interval, bucket) as bucket, lane, device,
                max(intersection) as intersection, sum(samples)::bigint as samples, sum(weight_s) as weight_s,
                sum(vehicle_s) as vehicle_s, sum(queued_s) as queued_s, max(queued_max) as queued_max,
                sum(queue_m_s) as queue_m_s, max(queue_m_max) as queue_m_max,
                sum(speed_weight) as speed_weight, sum(speed_sum) as speed_sum,
                sum(occupancy_s) as occupancy_s, sum(crossed)::bigint as crossed, sum(stops)::bigint as stops,
                sum(delay_s) as delay_s, sum(quality_s) as quality_s
            from %I group by 1, 2, 3 with no data$t$,
            'lane_rollup_' || step.coarser, step.width::text, 'lane_rollup_' || step.finer);
        execute format($t$
            create materialized view %I with (timescaledb.continuous, timescaledb.materialized_only = false) as
            select
                time_bucket(%L::interval, bucket) as bucket, camera, movement, road_user,
                sum(count)::bigint as count, sum(samples)::bigint as samples, sum(quality_sum) as quality_sum
            from %I group by 1, 2, 3, 4 with no data$t$,
            'turning_rollup_' || step.coarser, step.width::text, 'turning_rollup_' || step.finer);
    end loop;
end
$$;

-- Data may come as late as a spool is old: seven days.
select add_continuous_aggregate_policy(
    view, start_offset => interval '8 days', end_offset => delay, schedule_interval => every
)
from (values
    ('lane_rollup_1min'::regclass, interval '1 minute', interval '1 minute'),
    ('turning_rollup_1min', interval '1 minute', interval '1 minute'),
    ('lane_rollup_15min', interval '15 minutes', interval '5 minutes'),
    ('turning_rollup_15min', interval '15 minutes', interval '5 minutes'),
    ('lane_rollup_1h', interval '1 hour', interval '15 minutes'),
    ('turning_rollup_1h', interval '1 hour', interval '15 minutes'),
    ('lane_rollup_1day', interval '1 day', interval '1 hour'),
    ('turning_rollup_1day', interval '1 day', interval '1 hour')
) as p (view, delay, every);

alter table lane_measurement set (
    timescaledb.enable_columnstore, timescaledb.segmentby = 'lane', timescaledb.orderby = 'at'
);
call add_columnstore_policy('lane_measurement', after => interval '8 days');
alter table signal_state set (
    timescaledb.enable_columnstore, timescaledb.segmentby = 'intersection', timescaledb.orderby = 'at'
);
call add_columnstore_policy('signal_state', after => interval '8 days');
