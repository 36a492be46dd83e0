-- Rollups of observations as continuous aggregates, as those of lanes and counts.

create materialized view sensor_rollup_1min with (timescaledb.continuous, timescaledb.materialized_only = false) as
select
    time_bucket(interval '1 minute', at) as bucket, device, datastream, unit,
    count(*) as samples, sum(value) as value_sum, min(value) as value_min, max(value) as value_max,
    sum(quality::float8) as quality_sum
from sensor_observation
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
                time_bucket(%L::interval, bucket) as bucket, device, datastream, unit,
                sum(samples)::bigint as samples, sum(value_sum) as value_sum, min(value_min) as value_min,
                max(value_max) as value_max, sum(quality_sum) as quality_sum
            from %I group by 1, 2, 3, 4 with no data$t$,
            'sensor_rollup_' || step.coarser, step.width::text, 'sensor_rollup_' || step.finer);
    end loop;
end
$$;

select add_continuous_aggregate_policy(
    view, start_offset => interval '8 days', end_offset => delay, schedule_interval => every
)
from (values
    ('sensor_rollup_1min'::regclass, interval '1 minute', interval '1 minute'),
    ('sensor_rollup_15min', interval '15 minutes', interval '5 minutes'),
    ('sensor_rollup_1h', interval '1 hour', interval '15 minutes'),
    ('sensor_rollup_1day', interval '1 day', interval '1 hour')
) as p (view, delay, every);
